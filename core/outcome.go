package core

import "fmt"

// Outcome is what is known of one call to a provider that could move money. The list is closed and its order is
// part of the plugin protocol: append, never reorder.
type Outcome uint8

// The outcomes. Unknown is the zero value on purpose.
const (
	Unknown   Outcome = iota // it may or may not have happened
	NotSent                  // it provably never reached the provider
	Declined                 // the provider refused; nothing moved
	Pending                  // the provider took it and answers later
	Succeeded                // the provider says done
	Refunded                 // done, then given back
)

var outcomeNames = [...]string{
	Unknown: "unknown", NotSent: "not_sent", Declined: "declined",
	Pending: "pending", Succeeded: "succeeded", Refunded: "refunded",
}

// String gives the outcome's name as every API shows it ("not_sent"). A number outside the list is "unknown".
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return outcomeNames[Unknown]
}

// ParseOutcome is the reverse of String. A name outside the list is an error, and Unknown.
func ParseOutcome(name string) (Outcome, error) {
	for o, n := range outcomeNames {
		if n == name {
			return Outcome(o), nil
		}
	}
	return Unknown, fmt.Errorf("outcome %q is not one of %v", name, outcomeNames)
}

// MarshalText lets an Outcome stand in JSON as its name.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads a name as ParseOutcome does.
func (o *Outcome) UnmarshalText(text []byte) error {
	parsed, err := ParseOutcome(string(text))
	*o = parsed
	return err
}

// NothingMoved reports whether the outcome is proof that no money moved. Only then may another attempt be made.
func (o Outcome) NothingMoved() bool { return o == NotSent || o == Declined }

// IsAnswer reports whether the outcome is a provider's own word, as a [Result] carries it. The others are carried by an [Error].
func (o Outcome) IsAnswer() bool {
	return o == Declined || o == Pending || o == Succeeded || o == Refunded
}
