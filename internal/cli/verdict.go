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
	case errors.Is(err, apiclient.ErrUnresolved):
		return ExitUnresolved, err.Error() + "; do not pay again under another key"
	}
	return statusOf(err), err.Error()
}

func statusOf(err error) int {
	if isUsage(err) {
		return ExitUsage
	}
	if problem, ok := errors.AsType[*view.Problem](err); ok {
		return problemStatus(problem)
	}
	if _, ok := errors.AsType[*payments.Refusal](err); ok {
		return ExitFailed
	}
	if errors.Is(err, apiclient.ErrNotSent) || errors.Is(err, context.Canceled) {
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
	case http.StatusInternalServerError:
		return ExitUnresolved
	default:
		return ExitFailed
	}
}
