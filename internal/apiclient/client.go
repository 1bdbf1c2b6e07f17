// Package apiclient calls a running gateway: what the command line does with --server. It answers in the shapes of package view.
//
// Who calls is told by the environment, so that no secret stands in a command line: JALUR_CLIENT="ID:SECRET". Without it, calls go out
// without credentials.
package apiclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jalurhq/jalur/internal/view"
)

// CredentialsVariable names the environment variable that holds "ID:SECRET".
const CredentialsVariable = "JALUR_CLIENT" //nolint:gosec // a name

// What a call that brought no answer can mean. An answer that is a problem is a [*view.Problem].
var (
	// ErrNotSent: nothing of the call left this machine.
	ErrNotSent = errors.New("the gateway could not be reached; nothing was sent")
	// ErrUnresolved: the call may have arrived, and nobody can say what came of it. For a pay: ask by the same key, never pay under another.
	ErrUnresolved = errors.New("the gateway's answer was lost; nobody can say what came of the call")
)

const (
	maxReply = 16 << 20
	// callTime bounds a call that waits for providers.
	callTime = 2 * time.Minute
	// connectTime bounds the way to the gateway.
	connectTime = 10 * time.Second
)

// Config is what a Client is made from.
type Config struct {
	Server      string // the gateway's URL: http or https, a host, and nothing that names a user
	Credentials string // "ID:SECRET", as [CredentialsVariable] holds it; empty: none
}

// Client calls one gateway. It is safe for many callers at once.
type Client struct {
	base        *url.URL
	credentials string
	http        *http.Client
}

// New gives a client. Errors: a server or credentials that can't be used.
func New(cfg Config) (*Client, error) {
	base, err := url.Parse(cfg.Server)
	switch {
	case err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https":
		return nil, errors.New("the server must be a URL as http://127.0.0.1:8080") // the text isn't shown: it may hold a secret
	case base.User != nil:
		return nil, fmt.Errorf("the server's URL holds a user: put the credentials into %s", CredentialsVariable)
	case base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("the server's URL has a query or a fragment")
	case cfg.Credentials != "" && !strings.Contains(cfg.Credentials, ":"):
		return nil, fmt.Errorf("%s is not ID:SECRET", CredentialsVariable)
	}
	return &Client{base: base, credentials: cfg.Credentials, http: &http.Client{
		Transport:     transport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// transport opens a connection a call. On one that is kept alive, a lost connection before the first byte could not be told from one
// after it, and net/http would send the call again by itself: a POST with an Idempotency-Key counts as repeatable there.
func transport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DisableKeepAlives:   true,
		TLSHandshakeTimeout: connectTime,
	}
}

// call is one request.
type call struct {
	method, path string
	query        url.Values
	header       map[string]string
	body         any           // nil: none
	within       time.Duration // 0: callTime
}

// do makes the call and reads the answer into result. Errors: [*view.Problem], ErrNotSent, ErrUnresolved.
func (c *Client) do(ctx context.Context, what call, result any) (http.Header, error) {
	if what.within == 0 {
		what.within = callTime
	}
	ctx, cancel := context.WithTimeout(ctx, what.within)
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	request, err := c.request(ctx, what)
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, lost(err, connected.Load())
	}
	defer func() { _ = response.Body.Close() }() // it was read to its end, or is of no use
	return response.Header, answer(response, result)
}

func (c *Client) request(ctx context.Context, what call) (*http.Request, error) {
	var body io.Reader
	if what.body != nil {
		text, err := json.Marshal(what.body)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
		}
		body = bytes.NewReader(text)
	}
	target := c.base.JoinPath(what.path)
	target.RawQuery = what.query.Encode()
	r, err := http.NewRequestWithContext(ctx, what.method, target.String(), body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotSent, withoutURL(err))
	}
	r.GetBody = nil // nothing below here sends it twice
	r.Header.Set("Accept", "application/json")
	if what.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.credentials != "" {
		r.Header.Set("Authorization", "Bearer "+c.credentials)
	}
	for name, value := range what.header {
		r.Header.Set(name, value)
	}
	return r, nil
}

// lost words a call without an answer. Before there was a connection, nothing can have been sent.
func lost(err error, connected bool) error {
	if connected {
		return fmt.Errorf("%w: %w", ErrUnresolved, withoutURL(err))
	}
	return fmt.Errorf("%w: %w", ErrNotSent, withoutURL(err))
}

// withoutURL drops the URL from an error: an account number may stand in it.
func withoutURL(err error) error {
	if said, ok := errors.AsType[*url.Error](err); ok {
		return said.Err
	}
	return err
}

func answer(r *http.Response, result any) error {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxReply))
	if err != nil {
		return fmt.Errorf("%w: status %d: %w", ErrUnresolved, r.StatusCode, err)
	}
	if r.StatusCode < http.StatusOK || r.StatusCode >= http.StatusMultipleChoices {
		return problem(r, text)
	}
	if err := json.Unmarshal(text, result); err != nil {
		return fmt.Errorf("%w: status %d with an answer that can't be read: %w", ErrUnresolved, r.StatusCode, err)
	}
	return nil
}

// problem reads a refusal. What isn't the gateway's own word, a proxy's page for one, says nothing about the call.
func problem(r *http.Response, text []byte) error {
	var said view.Problem
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != view.ProblemType || json.Unmarshal(text, &said) != nil || said.Code == "" {
		return fmt.Errorf("%w: status %d, which is not the gateway's own word", ErrUnresolved, r.StatusCode)
	}
	if said.Outcome == "unknown" {
		return fmt.Errorf("%w: %w", ErrUnresolved, &said)
	}
	return &said
}
