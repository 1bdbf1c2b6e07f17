package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"syscall"

	"github.com/jalurhq/jalur/core"
)

// notSent is for what the socket proves: no connection was ever handed to the request, or its first byte was held back.
func notSent(err error) error {
	return &core.Error{Outcome: core.NotSent, Code: core.CodeTransportNotSent, Err: withoutURL(err)}
}

func afterSend(err error) error {
	err = withoutURL(err)
	if !fromNetwork(err) {
		err = ErrNotHTTP // net/http quotes what it could not read
	}
	return &core.Error{Outcome: core.Unknown, Code: core.CodeTransportAfterSend, Err: err}
}

// withoutURL drops what net/url adds: the URL, with its user and query.
func withoutURL(err error) error {
	for {
		withURL, ok := errors.AsType[*url.Error](err)
		if !ok {
			return err
		}
		err = withURL.Err
	}
}

// connectionLost reports that the other side ended a connection on which a request had left, before its whole reply was there.
func connectionLost(err error) bool {
	if err == nil || core.OutcomeOf(err) != core.Unknown {
		return false
	}
	return slices.ContainsFunc([]error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE}, func(known error) bool { return errors.Is(err, known) })
}

func fromNetwork(err error) bool {
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	for _, known := range []error{
		io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, context.Canceled, context.DeadlineExceeded, ErrTooLarge,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
