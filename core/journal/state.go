package journal

import (
	"fmt"
	"slices"
)

// State is where an attempt stands. docs/states.md draws the changes between them.
type State string

// The states of an attempt.
const (
	Created   State = "CREATED"   // recorded; nothing was sent
	Sending   State = "SENDING"   // claimed by a sender: a byte may have left
	Accepted  State = "ACCEPTED"  // the provider took it and can be asked
	Unknown   State = "UNKNOWN"   // it may or may not have happened
	Parked    State = "PARKED"    // as Unknown, and waiting for a person
	Confirmed State = "CONFIRMED" // done
	Refunded  State = "REFUNDED"  // done, then given back
	Failed    State = "FAILED"    // nothing moved
)

// States lists them all.
func States() []State {
	return []State{Created, Sending, Accepted, Unknown, Parked, Confirmed, Refunded, Failed}
}

// PaymentState is what callers see of a payment.
type PaymentState string

// The states of a payment. StateFailed always means that no money moved.
const (
	StateAccepted  PaymentState = "accepted"
	StatePending   PaymentState = "pending"
	StateUnknown   PaymentState = "unknown"
	StateSucceeded PaymentState = "succeeded"
	StateRefunded  PaymentState = "refunded"
	StateFailed    PaymentState = "failed"
)

// PaymentStates lists them all.
func PaymentStates() []PaymentState {
	return []PaymentState{StateAccepted, StatePending, StateUnknown, StateSucceeded, StateFailed, StateRefunded}
}

// Final reports whether nothing more is expected to happen by itself. A succeeded payment may still be refunded.
func (s PaymentState) Final() bool {
	return s == StateSucceeded || s == StateRefunded || s == StateFailed
}

// Valid reports whether the state is on the list.
func (s PaymentState) Valid() bool { return slices.Contains(PaymentStates(), s) }

// Payment gives the state of a payment whose last attempt is in this one. A state that this program doesn't know, written by a newer one, is unknown.
func (s State) Payment() PaymentState {
	switch s {
	case Created:
		return StateAccepted
	case Sending, Accepted:
		return StatePending
	case Confirmed:
		return StateSucceeded
	case Refunded:
		return StateRefunded
	case Failed:
		return StateFailed
	case Unknown, Parked:
		return StateUnknown
	default:
		return StateUnknown
	}
}

// Attempts gives the attempt states that show as this payment state.
func (s PaymentState) Attempts() []State {
	var states []State
	for _, a := range States() {
		if a.Payment() == s {
			states = append(states, a)
		}
	}
	return states
}

// Live reports whether an attempt in this state has moved money or may have. A payment has at most one such attempt.
func (s State) Live() bool { return s != Created && s != Failed }

// next lists the legal changes. Who may make which is the caller's affair (docs/states.md); what is not here, nobody may.
func (s State) next() []State {
	switch s {
	case "":
		return []State{Created}
	case Created:
		return []State{Sending, Failed}
	case Sending:
		return []State{Accepted, Unknown, Confirmed, Refunded, Failed}
	case Accepted:
		return []State{Confirmed, Refunded, Failed, Parked}
	case Unknown:
		return []State{Accepted, Confirmed, Refunded, Failed, Parked}
	case Parked:
		return []State{Confirmed, Refunded, Failed}
	case Confirmed:
		return []State{Refunded}
	case Refunded, Failed:
		return nil
	default:
		return nil
	}
}

// CheckStep reports whether an attempt may go from one state to another. Staying in a state is no step and is allowed where the
// attempt isn't at its end: asking again writes its count and its next time.
func CheckStep(from, to State) error {
	if slices.Contains(from.next(), to) || from == to && from != "" && len(from.next()) > 0 {
		return nil
	}
	return fmt.Errorf("from %q to %q: %w", from, to, ErrIllegal)
}

// Check holds a change against the rules that need no database.
func (c Change) Check() error {
	if err := c.checkCase(); err != nil || c.OnlyCase() {
		return err
	}
	if err := CheckStep(c.From, c.Attempt.State); err != nil {
		return err
	}
	if c.Attempt.Fence < c.FromFence {
		return fmt.Errorf("fence %d after %d: %w", c.Attempt.Fence, c.FromFence, ErrIllegal)
	}
	if c.Next != nil && (c.Attempt.State != Failed || c.Next.N != c.Attempt.N+1) {
		return fmt.Errorf("a further attempt after %s: %w", c.Attempt.State, ErrIllegal)
	}
	return nil
}
