package providertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// line stands between the provider and its sandbox. It passes everything on, and plays one accident at a time.
type line struct {
	address string // what the provider takes for the sandbox's

	sandbox sandbox
	client  *http.Transport
	server  *http.Server
	served  chan error

	mu       sync.Mutex
	accident *accident
	orders   map[string]bool // the requests that have executed an order, by method and path
	traces   []string        // the traceparent of each request
}

// accident is what happens to the request that executes an order.
type accident struct {
	before  bool // it is not passed on at all
	deliver func(w http.ResponseWriter, r *http.Request, reply reply)

	once     sync.Once
	happened chan struct{} // closed when it does
}

func newAccident(deliver func(http.ResponseWriter, *http.Request, reply)) *accident {
	return &accident{deliver: deliver, happened: make(chan struct{})}
}

// has reports whether it has happened.
func (a *accident) has() bool {
	select {
	case <-a.happened:
		return true
	default:
		return false
	}
}

// reply is what the sandbox answered.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func newLine(ctx context.Context, s sandbox) (*line, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the line to the sandbox: %w", err)
	}
	const headerTime = 10 * time.Second
	l := &line{
		address: "http://" + listener.Addr().String(), sandbox: s, served: make(chan error, 1), orders: map[string]bool{},
		client: &http.Transport{DisableCompression: true, DisableKeepAlives: true},
	}
	l.server = &http.Server{Handler: l, ReadHeaderTimeout: headerTime}
	go func() { l.served <- l.server.Serve(listener) }()
	return l, nil
}

func (l *line) close() error {
	err := l.server.Close()
	if end := <-l.served; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	l.client.CloseIdleConnections()
	return err
}

// set arms an accident; nil takes it back.
func (l *line) set(a *accident) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accident = a
}

// seen gives the traces of the requests since the last time.
func (l *line) seen() (traces []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	traces, l.traces = l.traces, nil
	return traces
}

// ServeHTTP implements [http.Handler].
func (l *line) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := nameOf(r)
	l.mu.Lock()
	l.traces = append(l.traces, r.Header.Get("Traceparent"))
	accident, orders := l.accident, l.orders[name]
	l.mu.Unlock()
	if accident != nil && accident.before && orders && !accident.has() {
		_, _ = io.Copy(io.Discard, r.Body) // it has arrived, as far as anybody can tell
		accident.once.Do(func() { close(accident.happened) })
		cut(w, r, reply{})
		return
	}
	if accident == nil || accident.before {
		l.pass(w, r)
		return
	}
	l.watch(w, r, accident)
}

func (l *line) pass(w http.ResponseWriter, r *http.Request) {
	got, err := l.forward(r)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	deliver(w, r, got)
}

// watch passes a request on and looks whether it executed an order.
func (l *line) watch(w http.ResponseWriter, r *http.Request, a *accident) {
	ctx := context.WithoutCancel(r.Context())
	before, err := l.sandbox.ledger(ctx)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	got, err := l.forward(r)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	after, err := l.sandbox.ledger(ctx)
	if err != nil || len(after.Executed) <= len(before.Executed) {
		deliver(w, r, got)
		return
	}
	l.mu.Lock()
	l.orders[nameOf(r)] = true
	l.mu.Unlock()
	play := deliver
	a.once.Do(func() {
		play = a.deliver
		close(a.happened)
	})
	play(w, r, got)
}

// identifier finds a part of a path that belongs to one order.
var identifier = regexp.MustCompile(`[^/]*[0-9][^/]*`)

func nameOf(r *http.Request) string {
	return r.Method + " " + identifier.ReplaceAllString(r.URL.Path, "*")
}

// forward makes the request at the sandbox, and goes on with it although the provider has gone away.
func (l *line) forward(r *http.Request) (reply, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return reply{}, err
	}
	onward := r.Clone(context.WithoutCancel(r.Context()))
	target, err := onward.URL.Parse(l.sandbox.origin + r.URL.RequestURI())
	if err != nil {
		return reply{}, err
	}
	onward.URL, onward.Host, onward.RequestURI = target, target.Host, ""
	onward.Body, onward.ContentLength, onward.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	resp, err := l.client.RoundTrip(onward)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }() // read whole
	said, err := io.ReadAll(resp.Body)
	return reply{status: resp.StatusCode, header: resp.Header, body: said}, err
}

// deliver hands the sandbox's reply on as it is.
func deliver(w http.ResponseWriter, _ *http.Request, got reply) {
	for name, values := range got.header {
		if !strings.EqualFold(name, "Connection") && !strings.EqualFold(name, "Content-Length") {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(got.status)
	_, _ = w.Write(got.body) // whoever was to read it may have gone
}

// cut closes the connection without a byte.
func cut(http.ResponseWriter, *http.Request, reply) { panic(http.ErrAbortHandler) }

// silence never answers.
func silence(_ http.ResponseWriter, r *http.Request, _ reply) {
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

// half sends the first half of the body as if it were all.
func half(w http.ResponseWriter, r *http.Request, got reply) {
	got.body = got.body[:len(got.body)/2]
	deliver(w, r, got)
}

// broken announces the whole body, sends half of it and closes the connection.
func broken(w http.ResponseWriter, _ *http.Request, got reply) {
	w.Header().Set("Content-Type", got.header.Get("Content-Type"))
	w.Header().Set("Content-Length", strconv.Itoa(len(got.body)+1))
	w.WriteHeader(got.status)
	_, _ = w.Write(got.body[:len(got.body)/2])
	panic(http.ErrAbortHandler)
}

// empty sends the status and no body.
func empty(w http.ResponseWriter, r *http.Request, got reply) {
	got.body = nil
	deliver(w, r, got)
}

// instead sends other JSON, with the answer's status.
func instead(body string) func(http.ResponseWriter, *http.Request, reply) {
	return func(w http.ResponseWriter, r *http.Request, got reply) {
		got.body = []byte(body)
		deliver(w, r, got)
	}
}

// under sends the answer with another status.
func under(status int) func(http.ResponseWriter, *http.Request, reply) {
	return func(w http.ResponseWriter, r *http.Request, got reply) {
		got.status = status
		deliver(w, r, got)
	}
}

// richer adds a field to each object of an answer in JSON, and leaves numbers as they are written.
func richer(w http.ResponseWriter, r *http.Request, got reply) {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(got.body))
	decoder.UseNumber()
	if decoder.Decode(&value) == nil {
		if packed, err := json.Marshal(enriched(value)); err == nil {
			got.body = packed
		}
	}
	deliver(w, r, got)
}

func enriched(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, one := range v {
			v[key] = enriched(one)
		}
		v["newly_told"] = "7"
	case []any:
		for i, one := range v {
			v[i] = enriched(one)
		}
	}
	return value
}

// page answers as a proxy does that has lost the one behind it.
func page(status int) func(http.ResponseWriter, *http.Request, reply) {
	return func(w http.ResponseWriter, _ *http.Request, _ reply) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<html><head><title>%s</title></head><body>%s</body></html>\n", http.StatusText(status), http.StatusText(status))
	}
}

// again sends the caller to the same place: who follows orders twice.
func again(w http.ResponseWriter, r *http.Request, _ reply) {
	w.Header().Set("Location", r.URL.RequestURI())
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// held keeps an answer back until it is let go.
type held struct {
	accident *accident
	letGo    chan struct{}
}

func hold() *held {
	h := &held{letGo: make(chan struct{})}
	h.accident = newAccident(func(w http.ResponseWriter, r *http.Request, got reply) {
		select {
		case <-h.letGo:
			deliver(w, r, got)
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	})
	return h
}

// Hold keeps the answer to the next executed order back. executed is closed once it was executed, letGo lets the answer pass; call it once.
func (b *Bench) Hold() (executed <-chan struct{}, letGo func()) {
	h := hold()
	b.line.set(h.accident)
	return h.accident.happened, func() { close(h.letGo) }
}
