package cli

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/jalurhq/jalur/config"
	"github.com/jalurhq/jalur/core/journal/sqlite"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/internal/apiclient"
	"github.com/jalurhq/jalur/internal/view"
)

// verdict gives the exit status for what a command ended with, and what to tell the user.
func verdict(err error) (status int, message string) {
	switch {
	case err == nil:
		return ExitDone, ""
	case errors.Is(err, errNotFinal):
		return ExitUnresolved, "not resolved: do not pay again under another key; `jalur status` tells what becomes of it"
	case errors.Is(err, errNothingMoved):
		return ExitFailed, ""
	case errors.Is(err, errViolations), errors.Is(err, errJournalFailed), errors.Is(err, errHeld), errors.Is(err, errRules):
		return ExitFailed, err.Error()
	}
	status = statusOf(err)
	if unclear, ok := errors.AsType[unclearError](err); ok && !unclear.refused() {
		return ExitUnresolved, err.Error() + "; nobody can say what this key stands for: do not pay again under another one"
	}
	return status, err.Error()
}

// unclearError is the end of a command about one payment. Unless it is a refusal of the order itself, an earlier call may have moved money under the same
// key: that this call did nothing is no answer.
type unclearError struct{ err error }

func (e unclearError) Error() string { return e.err.Error() }
func (e unclearError) Unwrap() error { return e.err }

// refused reports whether somebody who can read the journal said no.
func (e unclearError) refused() bool {
	if isUsage(e.err) {
		return true
	}
	code := payments.Code("")
	if problem, ok := errors.AsType[*view.Problem](e.err); ok {
		code = problem.Code
	}
	if refusal, ok := errors.AsType[*payments.Refusal](e.err); ok {
		code = refusal.Code
	}
	switch code {
	case "", payments.CodeJournalUnavailable, payments.CodeStopping, payments.CodeHalted, view.CodeInternal:
		return false
	default:
		return true
	}
}

func unclear(err error) error {
	if err == nil {
		return nil
	}
	return unclearError{err}
}

func statusOf(err error) int {
	if isUsage(err) {
		return ExitUsage
	}
	if problem, ok := errors.AsType[*view.Problem](err); ok {
		return problemStatus(problem)
	}
	_, refused := errors.AsType[*payments.Refusal](err)
	if refused || errors.Is(err, apiclient.ErrNotSent) || errors.Is(err, apiclient.ErrUnresolved) || errors.Is(err, context.Canceled) {
		return ExitFailed
	}
	return ExitUsage
}

// isUsage also knows cobra's own complaints, which have no type.
func isUsage(err error) bool {
	if _, ok := errors.AsType[usageError](err); ok {
		return true
	}
	if _, ok := errors.AsType[config.Errors](err); ok {
		return true
	}
	if _, ok := errors.AsType[*sqlite.HeldError](err); ok {
		return true
	}
	return strings.HasPrefix(err.Error(), "unknown command")
}

// problemStatus tells a gateway's refusal of an order from one of the call itself.
func problemStatus(p *view.Problem) int {
	switch p.Status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		return ExitUsage
	default:
		return ExitFailed
	}
}
