package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/internal/view"
)

const (
	maxCallback = 256 << 10 // of a provider's request
	maxReply    = 64 << 10  // of what its code wants to answer

	leastStatus, mostStatus = 200, 599
)

// verdict is what was made of a callback, as the metrics name it.
type verdict string

const (
	verdictTaken      verdict = "taken"
	verdictUnverified verdict = "unverified"
	verdictUnreadable verdict = "unreadable"
	verdictNobody     verdict = "nobody" // no such provider, or it sends none
	verdictBusy       verdict = "busy"
)

const callbackRoot = "/callbacks/"

// split keeps callbacks apart from everything else. A provider reaches the gateway by its public name, and what it says moves nothing.
func split(callbacks, rest http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, callbackRoot) {
			callbacks.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}

// callbacks serves what providers send by themselves. They are no clients: their own code tells whether it was them.
func (s *server) callbacks() (http.Handler, error) {
	mux := http.NewServeMux()
	counter, err := s.Meter.Meter("github.com/jalurhq/jalur").Int64Counter("jalur.callbacks",
		metric.WithDescription("requests to /callbacks, by provider and by what was made of them"))
	if err != nil {
		return nil, err
	}
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
		for _, path := range []string{callbackRoot + "{provider}", callbackRoot + "{provider}/{rest...}"} {
			mux.HandleFunc(method+" "+path, func(w http.ResponseWriter, r *http.Request) {
				name, seen := s.callback(w, r)
				counter.Add(r.Context(), 1, metric.WithAttributes(attribute.String("provider", name), attribute.String("verdict", string(seen))))
			})
		}
	}
	return worded(mux), nil
}

// callback answers one request. It gives the provider's name where there is such a provider: what strangers make up is no name of a series.
func (s *server) callback(w http.ResponseWriter, r *http.Request) (string, verdict) {
	name := r.PathValue("provider")
	body, problem := readUpTo(w, r, maxCallback)
	if problem != nil {
		w.Header().Set("Connection", "close")
		writeProblem(w, problem)
		return "", verdictUnreadable
	}
	said, err := s.Service.Callback(r.Context(), name, core.CallbackRequest{
		Method: r.Method, Path: strings.TrimPrefix(r.URL.Path, callbackRoot+name), Query: r.URL.RawQuery, Header: r.Header, Body: body, Remote: remote(r),
	})
	if err != nil {
		return s.refuseCallback(r.Context(), w, name, err)
	}
	answerCallback(w, said)
	return name, verdictTaken
}

// remote gives the address without the port.
func remote(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// refuseCallback says no more than a stranger may know. What the provider's code says of it stands in the log where it is a fault; a stranger's request leaves only its count and the line of the call.
func (s *server) refuseCallback(ctx context.Context, w http.ResponseWriter, name string, err error) (string, verdict) {
	switch {
	case errors.Is(err, payments.ErrNoCallbacks):
		writeProblem(w, view.NewProblem(payments.CodeNotFound, "", payments.ErrNoCallbacks.Error()))
		return "", verdictNobody
	case errors.Is(err, payments.ErrUnverified):
		writeProblem(w, view.NewProblem(view.CodeUnauthorized, "", payments.ErrUnverified.Error()))
		return name, verdictUnverified
	case errors.Is(err, payments.ErrUnreadable):
		writeProblem(w, view.NewProblem(payments.CodeInvalidRequest, "", payments.ErrUnreadable.Error()))
		return name, verdictUnreadable
	default:
		s.Log.LogAttrs(ctx, slog.LevelWarn, "a callback could not be dealt with", slog.String("provider", name), slog.String("err", err.Error()))
		w.Header().Set("Retry-After", "5")
		writeProblem(w, view.NewProblem(payments.CodeProviderUnavailable, "", payments.ErrCallbackBusy.Error()))
		return name, verdictBusy
	}
}

// answerCallback says what the provider wants to hear, within bounds: a browser that is led here runs nothing of it.
func answerCallback(w http.ResponseWriter, said core.Callback) {
	status := said.Status
	if status < leastStatus || status > mostStatus {
		status = http.StatusOK
	}
	kind := said.ContentType
	if kind == "" {
		kind = "text/plain; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	w.WriteHeader(status)
	if len(said.Body) <= maxReply {
		_, _ = w.Write(said.Body) // the provider may be gone
	}
}
