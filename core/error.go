package core

import (
	"errors"
	"strings"
)

// Error is a call that brought no answer, or none that can be believed. It is the same on both sides of the plugin
// boundary. Its message is lower case, without a full stop, a secret or a whole account number.
type Error struct {
	Op       string  // the call: "pay", "status", "inquire", "list_products", "describe"
	Provider string  // set once, where the call leaves the host
	Outcome  Outcome // Unknown unless somebody who held the socket knows better
	Code     Code
	Err      error // the cause; its text is shown
}

// Error gives "mmbc: pay: unknown: transport_after_send: unexpected EOF"; parts that are not set are left out.
func (e *Error) Error() string {
	var parts []string
	for _, part := range []string{e.Provider, e.Op, e.Outcome.String(), string(e.Code)} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return strings.Join(parts, ": ")
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Err }

// OutcomeOf tells what an error from a [Provider] says about the money: the outcome of the [Error] in its chain,
// and Unknown for every other error. An [Error] can only claim NotSent; anything else that it says is Unknown, since an answer is no error.
func OutcomeOf(err error) Outcome {
	var e *Error
	if errors.As(err, &e) && e.Outcome == NotSent {
		return NotSent
	}
	return Unknown
}

// CodeOf gives the code of the [Error] in the chain, or CodeInternal.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) && e.Code.Valid() {
		return e.Code
	}
	return CodeInternal
}
