// Package transport is the HTTP client of every provider. What moves money it sends at most once, and of what went wrong it
// says only what the socket proves.
//
// The two ways to call differ in what a repetition would do:
//
//   - [Client.Ask] is for what moves no money. Its connections are kept and shared.
//   - [Client.Send] is for Pay. Each call has one connection of its own, which nothing can re-send on.
//
// Both speak HTTP/1.1, use no proxy from the environment and follow no redirect: a 3xx is a reply like any other. A reply is not judged
// here, whatever its status; not getting one is a core.Error.
package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/internal/faultpoint"
)

// Defaults of a [Config].
const (
	defaultMaxBody        = 1 << 20
	defaultConnectTimeout = 3 * time.Second
	defaultCallTimeout    = 60 * time.Second
	defaultMaxConns       = 64
	idleTimeout           = 30 * time.Second // below what servers commonly keep, so that few calls meet a closed one
	maxHeaderBytes        = 64 << 10

	idempotencyKey = "Idempotency-Key"

	mostSends = 3 // of one request, where the provider honours its key
)

// What can be wrong beside what the network itself reports.
var (
	// ErrTooLate is in the chain of a NotSent error: the time to send had passed when the first byte was to leave.
	ErrTooLate = errors.New("the time to send has passed")
	// ErrTooLarge is in the chain of an Unknown error: the reply is longer than Config.MaxBody.
	ErrTooLarge = errors.New("the reply is too large")
	// ErrNotHTTP is in the chain of an Unknown error: what came back is no HTTP reply. Its text is not shown, since it may repeat the request.
	ErrNotHTTP = errors.New("the reply is not readable HTTP")
)

// Config is what a [Client] is made of. Its zero value is good for production.
type Config struct {
	// MaxBody is the largest reply body, in bytes after decompression. Default: 1 MiB.
	MaxBody int64
	// ConnectTimeout bounds name look-up, TCP and TLS together. Default: 3 s.
	ConnectTimeout time.Duration
	// CallTimeout bounds a call whose context has no deadline. Default: 60 s.
	CallTimeout time.Duration
	// MaxConns is the number of idle connections that Ask keeps to one host. Default: 64.
	MaxConns int
	// TLS is the configuration of https. Default: the system's roots, TLS 1.2 and later. Sessions are resumed, without early data, also on connections that
	// are used once.
	TLS *tls.Config
	// TracerProvider makes the client spans. Default: the process's own.
	TracerProvider trace.TracerProvider
	// BootTime is the clock that Send reads. Default: [BootTime].
	BootTime func() time.Duration
	// KeyHonoured lets Send send a request again where its connection was lost without a reply: at most twice more, on connections of their own, and no byte
	// after sendBefore; without a sendBefore it sends once. Set it only for
	// a provider that documents, and in its sandbox shows, that the same request with the same key executes nothing more and is answered as the first
	// was: one whose Descriptor says core.RefReplay. Default: Send sends once.
	KeyHonoured bool
}

func (c Config) withDefaults() Config {
	if c.MaxBody <= 0 {
		c.MaxBody = defaultMaxBody
	}
	if c.ConnectTimeout <= 0 {
		c.ConnectTimeout = defaultConnectTimeout
	}
	if c.CallTimeout <= 0 {
		c.CallTimeout = defaultCallTimeout
	}
	if c.MaxConns <= 0 {
		c.MaxConns = defaultMaxConns
	}
	if c.TLS == nil {
		c.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if c.TLS.ClientSessionCache == nil {
		c.TLS = c.TLS.Clone() // it is the caller's
		c.TLS.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	if c.BootTime == nil {
		c.BootTime = BootTime
	}
	return c
}

// Reply is what a provider answered, whatever its status.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte // whole, at most Config.MaxBody bytes
}

// Client calls one provider. It is safe for use by many goroutines at once.
type Client struct {
	cfg    Config
	pooled *http.Transport
}

// New makes a client.
func New(cfg Config) *Client {
	cfg = cfg.withDefaults()
	client := &Client{cfg: cfg}
	client.pooled = client.transport(dialer{timeout: cfg.ConnectTimeout, tls: cfg.TLS})
	return client
}

// Ask sends a request that moves no money. Connections are kept for the next call; where a kept one turns out to be closed, the request is
// repeated on another.
//
// Errors are [*core.Error]: NotSent (transport_not_sent) if no connection was ever handed to the request, else Unknown
// (transport_after_send).
func (c *Client) Ask(ctx context.Context, req *http.Request) (Reply, error) {
	req = clone(ctx, req)
	if len(req.Header.Values(idempotencyKey)) == 0 {
		req.Header[idempotencyKey] = nil // tells net/http that it may repeat; an empty list is not sent
	}
	return c.exchange(ctx, c.pooled, req, nil)
}

// Send sends a request that moves money, once: on a fresh connection, the only one it can ever get. Whatever happens to it, nothing is
// sent again, also where the request has an Idempotency-Key, unless Config.KeyHonoured says otherwise.
//
// A sendBefore other than 0 is a reading of [BootTime]. Where the clock has passed it when the first byte of the request
// is about to be written (the name is resolved, the connection made and TLS agreed), the call ends as NotSent with [ErrTooLate].
//
// Errors are those of Ask.
func (c *Client) Send(ctx context.Context, req *http.Request, sendBefore time.Duration) (Reply, error) {
	reply, err := c.sendOnce(ctx, req, sendBefore)
	for sends := 1; sends < mostSends && sendBefore != 0 && c.maySendAgain(ctx, req, err); sends++ {
		again, problem := c.sendAgain(ctx, req, sendBefore)
		if problem != nil && core.OutcomeOf(problem) == core.NotSent {
			return reply, err // that this one didn't leave says nothing of the one before
		}
		reply, err = again, problem
	}
	return reply, err
}

// maySendAgain reports whether a connection was lost under a request that may be repeated.
func (c *Client) maySendAgain(ctx context.Context, req *http.Request, err error) bool {
	return c.cfg.KeyHonoured && req.GetBody != nil && ctx.Err() == nil && connectionLost(err)
}

func (c *Client) sendAgain(ctx context.Context, req *http.Request, sendBefore time.Duration) (Reply, error) {
	body, err := req.GetBody()
	if err != nil {
		return Reply{}, notSent(err)
	}
	req = req.Clone(ctx)
	req.Body = body
	return c.sendOnce(ctx, req, sendBefore)
}

// sendOnce makes one call on a connection of its own.
func (c *Client) sendOnce(ctx context.Context, req *http.Request, sendBefore time.Duration) (Reply, error) {
	gate := &gate{limit: sendBefore, now: c.cfg.BootTime}
	once := c.transport(dialer{timeout: c.cfg.ConnectTimeout, tls: c.cfg.TLS, gate: gate})
	once.DisableKeepAlives = true
	defer once.CloseIdleConnections()
	req = clone(ctx, req)
	req.GetBody = nil // without it net/http can't send a body twice
	reply, err := c.exchange(ctx, once, req, gate)
	faultpoint.At("reply-read")
	return reply, err
}

func clone(ctx context.Context, req *http.Request) *http.Request {
	req = req.Clone(ctx)
	if req.Header == nil {
		req.Header = http.Header{}
	}
	return req
}

func (c *Client) transport(d dialer) *http.Transport {
	var onlyHTTP1 http.Protocols
	onlyHTTP1.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  nil, // the environment's is not asked for
		DialContext:            d.plain,
		DialTLSContext:         d.secure,
		Protocols:              &onlyHTTP1,
		MaxIdleConns:           c.cfg.MaxConns,
		MaxIdleConnsPerHost:    c.cfg.MaxConns,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}

// exchange makes one call inside its client span. It may change the request's header: it is the caller's clone.
func (c *Client) exchange(ctx context.Context, via http.RoundTripper, req *http.Request, gate *gate) (Reply, error) {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	ctx, span := c.tracer().Start(ctx, req.Method, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes(req)...))
	defer span.End()
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(req.Header))
	reply, err := c.roundTrip(ctx, via, req, gate)
	conclude(span, reply, err)
	return reply, err
}

// roundTrip goes to the transport directly: an http.Client would follow redirects and put the URL, which may hold credentials, into its
// errors.
func (c *Client) roundTrip(ctx context.Context, via http.RoundTripper, req *http.Request, gate *gate) (Reply, error) {
	var handed atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { handed.Store(true) },
	})
	resp, err := via.RoundTrip(req.WithContext(ctx)) //nolint:bodyclose // read closes it
	switch {
	case err == nil:
		return c.read(resp)
	case gate.refused():
		return Reply{}, notSent(ErrTooLate)
	case !handed.Load():
		return Reply{}, notSent(err)
	default:
		return Reply{}, afterSend(err)
	}
}

func (c *Client) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, has := ctx.Deadline(); has {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, c.cfg.CallTimeout)
}

func (c *Client) read(resp *http.Response) (reply Reply, err error) {
	defer func() { _ = resp.Body.Close() }() // all of it that counts has been read
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return Reply{}, afterSend(ErrNotHTTP) // from here on the body is the raw connection, on which no deadline holds
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.cfg.MaxBody+1))
	if err != nil {
		return Reply{}, afterSend(err)
	}
	if int64(len(body)) > c.cfg.MaxBody {
		return Reply{}, afterSend(fmt.Errorf("more than %d bytes: %w", c.cfg.MaxBody, ErrTooLarge))
	}
	return Reply{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}
