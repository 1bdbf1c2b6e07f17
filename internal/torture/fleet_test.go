package torture_test

import (
	"slices"
	"syscall"
	"testing"
	"time"
)

// TestAGatewayStandsStill stops two of three gateways for longer than their lease: one between its claim and the call, one between the answer and its record. The
// third takes their attempts over. When they wake, nothing is sent, nothing is overwritten, and the late answer counts.
func TestAGatewayStandsStill(t *testing.T) {
	t.Parallel()
	l := newLane(t, setup{database: fresh(t), seats: 3, timeout: "1s", delay: "20ms", seed: *seed, pace: steady()})
	l.book.sound = true // a late refusal resolves nothing
	gateways := []*process{
		l.seats[0].answering("JALUR_FAULTPOINT=before-pay:20:stop"), l.seats[1].answering("JALUR_FAULTPOINT=after-pay:20:stop"), l.seats[2].answering(),
	}
	running := l.load()
	for _, g := range gateways[:2] {
		l.pauses(g, func(gateway int) []int { return []int{gateway} })
	}
	held := l.inState("SENDING")
	eventually(t, "the third takes over what the others hold", func() bool {
		sending := l.inState("SENDING")
		return !slices.ContainsFunc(held, func(key string) bool { return slices.Contains(sending, key) })
	})
	before := l.ledger()
	for _, g := range gateways[:2] {
		g.signal(syscall.SIGCONT)
	}
	l.progress(50)
	running.end()
	seen := l.closes(gateways, "seed %d: two gateways stood still past their lease with %d attempts", *seed, len(held))
	unsent, late := 0, 0
	for key, p := range seen.payments {
		a := p.attempts[len(p.attempts)-1]
		if !slices.ContainsFunc(a.events, func(e event) bool { return e.from == "SENDING" && e.actor == "reconciler" }) {
			continue
		}
		switch {
		case before[p.account] != seen.ledger[p.account]:
			t.Errorf("%s was sent after it had been taken over", key)
		case seen.ledger[p.account] == 0:
			unsent++
		case a.events[len(a.events)-1].actor == "sender":
			late++
		}
	}
	if unsent == 0 || late == 0 {
		t.Errorf("%d taken over and not sent, %d resolved by a late answer: there must be some of both", unsent, late)
	}
}

// inState gives the keys of the payments that have an attempt in a state.
func (l *lane) inState(state string) (keys []string) {
	l.t.Helper()
	tables, err := l.journal.open()
	if err != nil {
		l.t.Fatal(err)
	}
	defer tables.Close()
	rows, err := tables.Query("SELECT p.key FROM payment AS p JOIN attempt AS a ON a.payment_id = p.id WHERE a.state = $1", state)
	if err != nil {
		l.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			l.t.Fatal(err)
		}
		keys = append(keys, key)
	}
	if err := rows.Err(); err != nil {
		l.t.Fatal(err)
	}
	return keys
}

// farthest is how far a clock jumps. Twice as much is less than the day after which what can't be resolved is left to a person.
const farthest = 6 * time.Hour

// TestClocksJump sets the wall clocks of three gateways forth and back under load, each by itself, and kills one now and then.
func TestClocksJump(t *testing.T) {
	t.Parallel()
	l := newLane(t, setup{database: fresh(t), seats: 3, direct: 1, timeout: "2s", seed: *seed, pace: steady()})
	gateways := l.fleet()
	running := l.load()
	for n := range *jumps {
		i := l.rng.IntN(len(l.seats))
		l.seats[i].sets(between(l.rng, -farthest, farthest))
		within(nil, between(l.rng, 0, anyMoment))
		if n%20 == 19 {
			gateways[i].kill()
			gateways[i] = l.seats[i].answering()
		}
		if n%200 == 199 {
			t.Logf("%d jumps, %d payments acknowledged", n+1, l.book.acknowledged())
		}
	}
	l.progress(50)
	running.end()
	l.seats[0].sets(-farthest) // the last one's clock is behind all that ran before
	l.closes(gateways, "seed %d: clocks jumped %d times", *seed, *jumps)
}
