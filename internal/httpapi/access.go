package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/internal/view"
)

// traced gives each call a span that is named by its pattern. Neither query nor path stand in it: an account number may be there.
func traced(next http.Handler) http.Handler {
	return otelhttp.NewHandler(next, "http", otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string {
		return routeOf(r)
	}))
}

// routeOf names a call by its pattern, never by what stands in its place.
func routeOf(r *http.Request) string {
	if r.Pattern == "" {
		return "no such path"
	}
	return r.Pattern
}

type noteKey struct{}

// note is what is learned of a call for its line in the log.
type note struct {
	began  time.Time
	client string
}

func noteClient(ctx context.Context, id string) {
	if n, ok := ctx.Value(noteKey{}).(*note); ok {
		n.client = id
	}
}

// logged writes one line a call.
func (s *server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		learned := &note{began: s.Now()}
		inner := r.WithContext(context.WithValue(r.Context(), noteKey{}, learned))
		seen := &watched{ResponseWriter: w}
		seen.Header().Set("X-Content-Type-Options", "nosniff")
		seen.Header().Set("Cache-Control", "no-store")
		defer s.noteDown(seen, inner, learned)
		defer func() { r.Pattern = inner.Pattern }() // for the span's name
		next.ServeHTTP(seen, inner)
	})
}

// noteDown writes the line: no path, no query, no header and no body, since those may hold account numbers and secrets.
func (s *server) noteDown(seen *watched, r *http.Request, learned *note) {
	ctx := r.Context()
	trace.SpanFromContext(ctx).SetAttributes(attribute.String("url.path", pathOf(routeOf(r))))
	s.Log.LogAttrs(ctx, slog.LevelInfo, "call",
		slog.String("method", r.Method), slog.String("route", routeOf(r)), slog.Int("status", seen.status),
		slog.Duration("took", s.Now().Sub(learned.began)), slog.String("client", learned.client))
}

func pathOf(pattern string) string {
	if _, path, ok := strings.Cut(pattern, " "); ok && strings.HasPrefix(path, "/") {
		return path
	}
	return pattern
}

// watched remembers the status.
type watched struct {
	http.ResponseWriter

	status int
}

func (w *watched) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *watched) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b) //nolint:wrapcheck // a writer as it stands
}

// Unwrap is for http.ResponseController.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// recovered turns a panic into a problem, or ends the connection where an answer has begun.
func (s *server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.catch(w, r)
		next.ServeHTTP(w, r)
	})
}

// catch is to be deferred.
func (s *server) catch(w http.ResponseWriter, r *http.Request) {
	value := recover()
	if value == nil {
		return
	}
	if err, ok := value.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(value)
	}
	s.Log.ErrorContext(r.Context(), "a handler panicked", "route", routeOf(r), "panic", fmt.Sprint(value), "stack", string(debug.Stack()))
	answerPanic(w, r)
}

func answerPanic(w http.ResponseWriter, r *http.Request) {
	if seen, ok := w.(*watched); ok && seen.status != 0 {
		panic(http.ErrAbortHandler)
	}
	problem := view.NewProblem(view.CodeInternal, "", "the gateway failed; its log says why")
	if r.Pattern == "POST /v1/payments" {
		problem.Outcome = core.Unknown.String()
	}
	writeProblem(w, problem)
}
