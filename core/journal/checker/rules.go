package checker

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
)

// legal is the specification's table of changes, typed from it.
func legal() map[string][]string {
	return map[string][]string{
		"":          {"CREATED"},
		"CREATED":   {"SENDING", "FAILED"},
		"SENDING":   {"CONFIRMED", "REFUNDED", "ACCEPTED", "FAILED", "UNKNOWN"},
		"ACCEPTED":  {"CONFIRMED", "REFUNDED", "FAILED", "PARKED"},
		"UNKNOWN":   {"CONFIRMED", "REFUNDED", "ACCEPTED", "FAILED", "PARKED"},
		"PARKED":    {"CONFIRMED", "REFUNDED", "FAILED"},
		"CONFIRMED": {"REFUNDED"},
		"REFUNDED":  {},
		"FAILED":    {},
	}
}

func isTerminal(state string) bool {
	return state == "CONFIRMED" || state == "REFUNDED" || state == "FAILED"
}

// isLive reports a state in which money may have moved.
func isLive(state string) bool {
	return slices.Contains([]string{"SENDING", "ACCEPTED", "UNKNOWN", "PARKED", "CONFIRMED", "REFUNDED"}, state)
}

// judge holds one payment and its events against the invariants.
func (c *check) judge(p journal.Payment, events []journal.Event) []Violation {
	var found []Violation
	if p.Fingerprint == "" {
		found = append(found, Violation{OneKey, p.ID, "", "has no fingerprint of what was asked for"})
	}
	found = append(found, order(p)...)
	byAttempt := map[string][]journal.Event{}
	for _, e := range events {
		byAttempt[e.AttemptID] = append(byAttempt[e.AttemptID], e)
	}
	for i, a := range p.Attempts {
		j := judgement{attempt: a, events: byAttempt[a.ID]}
		j.chain()
		j.fences()
		j.proof()
		j.attended(c.Now(), c.Watched)
		if i > 0 {
			j.follows(byAttempt[p.Attempts[i-1].ID])
		}
		found = append(found, j.found...)
	}
	return found
}

// ofNewerProgram reports states that this program doesn't know.
func ofNewerProgram(p journal.Payment, events []journal.Event) bool {
	known := legal()
	strange := func(state journal.State) bool { return known[string(state)] == nil }
	return slices.ContainsFunc(p.Attempts, func(a journal.Attempt) bool { return strange(a.State) }) ||
		slices.ContainsFunc(events, func(e journal.Event) bool { return strange(e.To) })
}

// order looks at a payment's attempts side by side.
func order(p journal.Payment) []Violation {
	var found []Violation
	if len(p.Attempts) == 0 {
		return []Violation{{Recorded, p.ID, "", "has no attempt"}}
	}
	live := 0
	for i, a := range p.Attempts {
		if a.N != i+1 {
			found = append(found, Violation{Recorded, p.ID, a.ID, fmt.Sprintf("is number %d in place %d", a.N, i+1)})
		}
		if isLive(string(a.State)) {
			live++
		}
		if i < len(p.Attempts)-1 && a.State != journal.Failed {
			found = append(found, Violation{OneLive, p.ID, a.ID, fmt.Sprintf("is %s, and another attempt was made after it", a.State)})
		}
	}
	if live > 1 {
		found = append(found, Violation{OneLive, p.ID, "", fmt.Sprintf("%d of its attempts may have moved money", live)})
	}
	return found
}

// judgement is of one attempt and its events, oldest first.
type judgement struct {
	attempt journal.Attempt
	events  []journal.Event
	found   []Violation
}

func (j *judgement) sayf(invariant Invariant, format string, args ...any) {
	j.found = append(j.found, Violation{invariant, j.attempt.PaymentID, j.attempt.ID, fmt.Sprintf(format, args...)})
}

// chain wants the events to lead from nothing to the attempt's state, step by legal step.
func (j *judgement) chain() {
	steps := legal()
	at := ""
	for _, e := range j.events {
		from, to := string(e.From), string(e.To)
		if from != at {
			j.sayf(Legal, "the event %d goes on from %q where the one before ended at %q", e.ID, from, at)
		}
		switch {
		case slices.Contains(steps[from], to):
		case isTerminal(from):
			j.sayf(Terminal, "the event %d leaves %s for %s", e.ID, from, to)
		default:
			j.sayf(Legal, "the event %d is no legal step: from %q to %q", e.ID, from, to)
		}
		at = to
	}
	state := string(j.attempt.State)
	if _, known := steps[state]; !known || state == "" {
		j.sayf(Legal, "its state %q is none that is known", state)
	}
	if at == state {
		return
	}
	if isTerminal(at) {
		j.sayf(Terminal, "its events end at %s, and it is %s", at, state)
	} else {
		j.sayf(Legal, "its events end at %q, and it is %q", at, state)
	}
}

// fences never fall.
func (j *judgement) fences() {
	highest := int64(0)
	for _, e := range j.events {
		if e.Fence < highest {
			j.sayf(Fenced, "the event %d was written under fence %d after %d", e.ID, e.Fence, highest)
		}
		highest = max(highest, e.Fence)
	}
	if j.attempt.Fence < highest {
		j.sayf(Fenced, "its fence is %d, and an event has %d", j.attempt.Fence, highest)
	}
}

// proof wants an end to rest on something.
func (j *judgement) proof() {
	a := j.attempt
	switch a.State {
	case journal.Failed:
		if !a.Outcome.NothingMoved() && !j.operatorSaid() {
			j.sayf(NotMoved, "it is FAILED, and its outcome %s is no proof that nothing moved", a.Outcome)
		}
	case journal.Confirmed:
		if a.Invoice == "" && a.Reference == "" && !j.providerSaid(core.Succeeded) {
			j.sayf(Evidenced, "it is CONFIRMED without invoice, reference or the provider's word")
		}
	default: // no end, or one that its own step shows
	}
}

func (j *judgement) operatorSaid() bool {
	return len(j.events) > 0 && strings.HasPrefix(j.events[len(j.events)-1].Actor, "operator")
}

// providerSaid looks for an answer with the outcome among the evidence: a provider that is asked by our own number needs no invoice.
func (j *judgement) providerSaid(outcome core.Outcome) bool {
	return slices.ContainsFunc(j.events, func(e journal.Event) bool {
		var said struct {
			Outcome string `json:"outcome"`
		}
		return len(e.Evidence) > 0 && json.Unmarshal(e.Evidence, &said) == nil && said.Outcome == outcome.String()
	})
}

// attended wants somebody to look at what is due, while a gateway runs whose work that is.
func (j *judgement) attended(now, watched time.Time) {
	a := j.attempt
	open := a.State == journal.Created || a.State == journal.Sending || a.State == journal.Accepted || a.State == journal.Unknown
	switch {
	case watched.IsZero() || !open:
	case a.NextAt.IsZero():
		j.sayf(Attended, "it is %s, and nobody will ever look at it", a.State)
	default:
		due := a.NextAt
		if due.Before(watched) {
			due = watched
		}
		if late := now.Sub(due); late > lateAfter {
			j.sayf(Attended, "it is %s and should have been looked at %s ago", a.State, late.Round(time.Second))
		}
	}
}

// follows wants the attempt to be made after the one before had failed.
func (j *judgement) follows(before []journal.Event) {
	if len(j.events) == 0 {
		return // chain has said so
	}
	failed := slices.ContainsFunc(before, func(e journal.Event) bool { return e.To == journal.Failed && e.ID < j.events[0].ID })
	if !failed {
		j.sayf(OneLive, "it was made before the attempt before it had failed")
	}
}
