package torture_test

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
)

// snapshot is all that can be seen once nothing is under way: what the callers were told, what the provider did, and what stands in the journal.
type snapshot struct {
	orders    []order
	acks      map[string]ack
	shown     map[string]ack // by the gateway's list
	broken    []string
	ledger    map[string]int // by account
	payments  map[string]payment
	integrity string
}

// payment is one row with its attempts in their order, by its key.
type payment struct {
	id, account string
	attempts    []attempt
}

// last gives the state of the last attempt, or "".
func (p payment) last() string {
	if len(p.attempts) == 0 {
		return ""
	}
	return p.attempts[len(p.attempts)-1].state
}

type attempt struct {
	id, state string
	fence     int64
	due       bool // somebody will look at it
	askable   bool // its invoice is known
	tasks     int  // open ones
	events    []event
}

type event struct {
	from, to, actor string
	fence           int64
}

// step is a change of state.
type step struct{ from, to string }

// legal tells who may make which change, as the specification says: it is not the code's own table.
func legal() map[step][]string {
	by := func(names ...string) []string { return names }
	return map[step][]string{
		{"", "CREATED"}:           by("submit", "sender"),
		{"CREATED", "SENDING"}:    by("submit", "sender"),
		{"CREATED", "FAILED"}:     by("submit", "reconciler"),
		{"SENDING", "CONFIRMED"}:  by("sender", "reconciler"),
		{"SENDING", "REFUNDED"}:   by("sender", "reconciler"),
		{"SENDING", "ACCEPTED"}:   by("sender"),
		{"SENDING", "FAILED"}:     by("sender"), // nobody else has proof
		{"SENDING", "UNKNOWN"}:    by("sender", "reconciler"),
		{"ACCEPTED", "CONFIRMED"}: by("sender", "reconciler"),
		{"ACCEPTED", "REFUNDED"}:  by("sender", "reconciler"),
		{"ACCEPTED", "FAILED"}:    by("reconciler"),
		{"UNKNOWN", "CONFIRMED"}:  by("sender", "reconciler"),
		{"UNKNOWN", "REFUNDED"}:   by("sender", "reconciler"),
		{"UNKNOWN", "ACCEPTED"}:   by("sender", "reconciler"), // and never FAILED: this provider can't be asked by our reference
		{"UNKNOWN", "PARKED"}:     by("reconciler"),
		{"PARKED", "CONFIRMED"}:   by("sender"),
		{"PARKED", "REFUNDED"}:    by("sender"),
		{"CONFIRMED", "REFUNDED"}: by("reconciler"),
	}
}

func live(state string) bool { return state != "CREATED" && state != "FAILED" }

// violations gives what must never be, one line each.
func (s snapshot) violations() []string {
	found := slices.Clone(s.broken)
	if s.integrity != "ok" {
		found = append(found, "the journal's file: "+s.integrity)
	}
	recorded := map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(s.payments)) {
		p := s.payments[key]
		recorded[p.account] = true
		found = append(found, p.violations(key, s.ledger[p.account])...)
	}
	for account, n := range s.ledger {
		if !recorded[account] {
			found = append(found, fmt.Sprintf("%d executed for %s, and no payment is recorded", n, account))
		}
	}
	for key, told := range s.acks {
		found = append(found, s.forgotten(key, told)...)
	}
	return found
}

// forgotten holds what a caller was told against the journal and the list.
func (s snapshot) forgotten(key string, told ack) []string {
	p, ok := s.payments[key]
	if !ok {
		return []string{fmt.Sprintf("%s was acknowledged as %s, and is not in the journal", key, told.state)}
	}
	var found []string
	now := s.shown[key]
	if p.id != told.id || now.id != told.id {
		found = append(found, fmt.Sprintf("%s was payment %s, and is %s, shown as %q", key, told.id, p.id, now.id))
	}
	if told.final() && now.state != told.state && (told.state != "succeeded" || now.state != "refunded") {
		found = append(found, fmt.Sprintf("%s was told to be %s, and is shown as %s", key, told.state, now.state))
	}
	return found
}

// unknown gives how many payments nobody can say of whether they were made.
func (s snapshot) unknown() (n int) {
	for _, p := range s.payments {
		if state := p.last(); state == "UNKNOWN" || state == "PARKED" {
			n++
		}
	}
	return n
}

func (p payment) violations(key string, executed int) []string {
	var found []string
	wrong := func(format string, args ...any) {
		found = append(found, key+": "+fmt.Sprintf(format, args...)+fmt.Sprintf(" %v", p.attempts))
	}
	if executed > 1 {
		wrong("executed %d times", executed)
	}
	if len(p.attempts) == 0 {
		wrong("has no attempt")
		return found
	}
	standing := 0
	for i, a := range p.attempts {
		if live(a.state) {
			standing++
		}
		if i > 0 && p.attempts[i-1].state != "FAILED" {
			wrong("another attempt after one that is %s", p.attempts[i-1].state)
		}
		for _, text := range a.violations() {
			wrong("%s", text)
		}
	}
	if standing > 1 {
		wrong("%d live attempts", standing)
	}
	last := p.last()
	switch {
	case (last == "CONFIRMED" || last == "REFUNDED") && executed != 1, last == "FAILED" && executed != 0:
		wrong("%s, and executed %d times", last, executed)
	case last == "CREATED" || last == "SENDING" || last == "ACCEPTED":
		wrong("still %s when all was quiet", last)
	}
	return found
}

func (a attempt) violations() []string {
	var found []string
	was := event{}
	allowed := legal()
	for _, e := range a.events {
		if e.from != was.to {
			found = append(found, fmt.Sprintf("a step from %q, where it was %q", e.from, was.to))
		}
		if !slices.Contains(allowed[step{e.from, e.to}], e.actor) {
			found = append(found, fmt.Sprintf("%s made it from %q to %q", e.actor, e.from, e.to))
		}
		if e.fence < was.fence {
			found = append(found, fmt.Sprintf("fence %d after %d", e.fence, was.fence))
		}
		was = e
	}
	if was.to != a.state || was.fence > a.fence {
		found = append(found, fmt.Sprintf("the last step is to %q under fence %d, the row is %q under %d", was.to, was.fence, a.state, a.fence))
	}
	switch {
	case a.state == "UNKNOWN" && a.askable:
		found = append(found, "unknown, and still asked for when all was quiet")
	case a.state == "UNKNOWN" && !a.due: // what nobody can be asked for is parked, one more lease after its sender's
		found = append(found, "unknown, and nobody will ever look at it")
	case a.state == "PARKED" && a.tasks != 1, a.state != "PARKED" && a.tasks != 0:
		found = append(found, fmt.Sprintf("it is %s and has %d open tasks", a.state, a.tasks))
	}
	return found
}

// read reads the tables themselves, past the code that wrote them.
func (l *lane) read(s *snapshot) {
	t := l.t
	t.Helper()
	tables, err := l.journal.open()
	if err != nil {
		t.Fatal(err)
	}
	defer tables.Close()
	if s.integrity, err = l.journal.integrity(tables); err != nil {
		t.Fatal(err)
	}
	rows, err := tables.Query(`SELECT p.key, p.id, p.account, a.id, a.state, a.fence, a.next_at IS NOT NULL, a.invoice IS NOT NULL,
		(SELECT count(*) FROM operator_case AS c WHERE c.attempt_id = a.id AND c.kind = 'parked' AND c.closed_at IS NULL),
		e.from_state, e.to_state, e.actor, e.fence
		FROM payment AS p LEFT JOIN attempt AS a ON a.payment_id = p.id LEFT JOIN attempt_event AS e ON e.attempt_id = a.id ORDER BY p.id, a.n, e.id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	s.payments = map[string]payment{}
	for rows.Next() {
		var key string
		var p payment
		var id, state, from, to, actor sql.NullString
		var fence, eventFence sql.NullInt64
		var due, askable bool
		var tasks int
		if err := rows.Scan(&key, &p.id, &p.account, &id, &state, &fence, &due, &askable, &tasks, &from, &to, &actor, &eventFence); err != nil {
			t.Fatal(err)
		}
		if known, ok := s.payments[key]; ok {
			p.attempts = known.attempts
		}
		if n := len(p.attempts); id.Valid && (n == 0 || p.attempts[n-1].id != id.String) {
			p.attempts = append(p.attempts, attempt{
				id: id.String, state: state.String, fence: fence.Int64, due: due, askable: askable, tasks: tasks,
			})
		}
		if to.Valid {
			last := &p.attempts[len(p.attempts)-1]
			last.events = append(last.events, event{from.String, to.String, actor.String, eventFence.Int64})
		}
		s.payments[key] = p
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
