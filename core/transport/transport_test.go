package transport_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
)

// call is Ask or Send without a limit, for tests that hold for both.
type call func(context.Context, *http.Request) (transport.Reply, error)

func calls(c *transport.Client) map[string]call {
	return map[string]call{
		"ask": c.Ask,
		"send": func(ctx context.Context, req *http.Request) (transport.Reply, error) {
			return c.Send(ctx, req, 0)
		},
	}
}

func post(t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("amount=100000"))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func wantError(t *testing.T, err error, outcome core.Outcome, code core.Code) {
	t.Helper()
	var e *core.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v is no *core.Error", err)
	}
	if e.Outcome != outcome || e.Code != code {
		t.Fatalf("error is %s/%s, want %s/%s: %v", e.Outcome, e.Code, outcome, code, err)
	}
}

func wantNotSent(t *testing.T, err error) {
	t.Helper()
	wantError(t, err, core.NotSent, core.CodeTransportNotSent)
}

func wantUnknown(t *testing.T, err error) {
	t.Helper()
	wantError(t, err, core.Unknown, core.CodeTransportAfterSend)
}

// disburser is a provider that is warm on a kept connection, reads a POST, counts it and closes without an answer.
func disburser(t *testing.T) (*httptest.Server, *atomic.Int32) {
	t.Helper()
	var processed atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		processed.Add(1)
		hangUp(w)
	}))
	t.Cleanup(server.Close)
	return server, &processed
}

func hangUp(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

func warm(t *testing.T, do func(*http.Request) error, url string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if err := do(req); err != nil {
		t.Fatal(err)
	}
}

func TestSendIsNeverSentAgain(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"", "Idempotency-Key", "X-Idempotency-Key"} {
		t.Run("header "+header, func(t *testing.T) {
			t.Parallel()
			server, processed := disburser(t)
			client := transport.New(transport.Config{})
			warm(t, func(r *http.Request) error { _, err := client.Ask(t.Context(), r); return err }, server.URL)

			req := post(t, server.URL)
			if header != "" {
				req.Header.Set(header, "K1")
			}
			_, err := client.Send(t.Context(), req, 0)
			wantUnknown(t, err)
			if n := processed.Load(); n != 1 {
				t.Fatalf("processed %d times", n)
			}
		})
	}
}

// The control: the same server makes a plain client pay twice, so the test above tests something.
func TestPlainClientSendsTwice(t *testing.T) {
	t.Parallel()
	server, processed := disburser(t)
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	do := func(req *http.Request) error {
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		return resp.Body.Close()
	}
	warm(t, do, server.URL)
	req := post(t, server.URL)
	req.Header.Set("Idempotency-Key", "K1")
	if err := do(req); err == nil {
		t.Fatal("the server never answers, and yet there was an answer")
	}
	if n := processed.Load(); n != 2 {
		t.Fatalf("processed %d times: net/http no longer sends again", n)
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	listener := listen(t)
	addr := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return addr
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

// serveRaw answers each connection by the given function and returns the address.
func serveRaw(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener := listen(t)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				serve(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

// answer reads one request and writes the given bytes.
func answer(reply string) func(net.Conn) {
	return func(conn net.Conn) {
		readRequest(conn)
		_, _ = io.WriteString(conn, reply)
	}
}

func readRequest(conn net.Conn) {
	buf := make([]byte, 4096)
	var seen []byte
	for !bytes.Contains(seen, []byte("amount=100000")) {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		seen = append(seen, buf[:n]...)
	}
}

func TestNothingWasSent(t *testing.T) {
	t.Parallel()
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(untrusted.Close)
	untrusted.Config.ErrorLog = nil
	mute := serveRaw(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	plainText := serveRaw(t, func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n") })

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	short, cancelShort := context.WithTimeout(t.Context(), 30*time.Millisecond)
	t.Cleanup(cancelShort)

	cases := map[string]struct {
		ctx context.Context
		url string
	}{
		"connection refused":       {t.Context(), "http://" + closedPort(t)},
		"no such name":             {t.Context(), "http://localhost.invalid:1"},
		"untrusted certificate":    {t.Context(), untrusted.URL},
		"no TLS on the other side": {t.Context(), "https://" + plainText},
		"TLS never answers":        {t.Context(), "https://" + mute},
		"deadline during TLS":      {short, "https://" + mute},
		"cancelled before":         {ended, "http://" + mute},
		"scheme":                   {t.Context(), "ftp://" + mute},
	}
	client := transport.New(transport.Config{ConnectTimeout: 300 * time.Millisecond})
	for name, tc := range cases {
		for way, do := range calls(client) {
			t.Run(name+"/"+way, func(t *testing.T) {
				t.Parallel()
				_, err := do(tc.ctx, post(t, tc.url+"/pay?password=geheim"))
				wantNotSent(t, err)
				wantNoSecret(t, err)
			})
		}
	}
}

func wantNoSecret(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{"geheim", "password", "/pay", "amount="} {
		if strings.Contains(err.Error(), secret) {
			t.Fatalf("the error shows %q: %v", secret, err)
		}
	}
}

func TestNobodyKnows(t *testing.T) {
	t.Parallel()
	servers := map[string]func(net.Conn){
		"closed before reading": func(net.Conn) {},
		"closed after reading":  answer(""),
		"truncated head":        answer("HTTP/1.1 200 OK\r\nContent-Le"),
		"truncated body":        answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
		"truncated chunks":      answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
		"not HTTP":              answer("your password=geheim is wrong\r\n\r\n"),
		"bad header line":       answer("HTTP/1.1 200 OK\r\npassword=geheim\r\n\r\n"),
		"huge body":             answer("HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 2000)),
		"huge header":           answer("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 100_000) + "\r\n\r\n"),
		"another protocol":      answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
	}
	for name, serve := range servers {
		for _, way := range []string{"ask", "send"} {
			t.Run(name+"/"+way, func(t *testing.T) {
				t.Parallel()
				var conns atomic.Int32
				addr := serveRaw(t, func(conn net.Conn) { conns.Add(1); serve(conn) })
				client := transport.New(transport.Config{MaxBody: 1000})
				_, err := calls(client)[way](t.Context(), post(t, "http://"+addr+"/pay?password=geheim"))
				wantUnknown(t, err)
				wantNoSecret(t, err)
				if n := conns.Load(); n != 1 {
					t.Fatalf("%d connections", n)
				}
			})
		}
	}
}

func TestTheCallerStopsWaiting(t *testing.T) {
	t.Parallel()
	replies := map[string]string{
		"no answer":     "",
		"half a header": "HTTP/1.1 200 OK\r\nContent-",
		"half a body":   "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
	}
	for name, reply := range replies {
		for _, way := range []string{"ask", "send"} {
			t.Run(name+"/"+way, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancel(t.Context())
				addr := serveRaw(t, func(conn net.Conn) {
					answer(reply)(conn)
					cancel()
					<-ctx.Done()
					_, _ = io.Copy(io.Discard, conn)
				})
				_, err := calls(transport.New(transport.Config{}))[way](ctx, post(t, "http://"+addr))
				wantUnknown(t, err)
				if !errors.Is(err, context.Canceled) {
					t.Fatalf("the cause is lost: %v", err)
				}
			})
		}
	}
}

func TestCallTimeout(t *testing.T) {
	t.Parallel()
	addr := serveRaw(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	client := transport.New(transport.Config{CallTimeout: 30 * time.Millisecond})
	_, err := client.Send(context.WithoutCancel(t.Context()), post(t, "http://"+addr), 0)
	wantUnknown(t, err)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the cause is lost: %v", err)
	}
}

func TestAnyStatusIsAReply(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 204, 301, 307, 308, 400, 429, 500, 502} {
		var seen atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			seen.Add(1)
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		}))
		t.Cleanup(server.Close)
		for way, do := range calls(transport.New(transport.Config{})) {
			seen.Store(0)
			reply, err := do(t.Context(), post(t, server.URL))
			if err != nil || reply.Status != status || reply.Header.Get("Location") != "/elsewhere" || seen.Load() != 1 {
				t.Fatalf("%s, %d: got %d, %v, %d requests", way, status, reply.Status, err, seen.Load())
			}
		}
	}
}

func TestReply(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	t.Cleanup(server.Close)
	// A body of exactly the limit is not too large.
	for way, do := range calls(transport.New(transport.Config{MaxBody: int64(len("amount=100000"))})) {
		reply, err := do(t.Context(), post(t, server.URL))
		if err != nil || string(reply.Body) != "amount=100000" {
			t.Fatalf("%s: got %q, %v", way, reply.Body, err)
		}
	}
}

func TestConnections(t *testing.T) {
	t.Parallel()
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	want := map[string]int32{"ask": 1, "send": 3}
	for way, do := range calls(transport.New(transport.Config{})) {
		opened.Store(0)
		for range 3 {
			if _, err := do(t.Context(), post(t, server.URL)); err != nil {
				t.Fatal(err)
			}
		}
		if got := opened.Load(); got != want[way] {
			t.Errorf("%s opened %d connections, want %d", way, got, want[way])
		}
	}
}

// clockAt is a boot-time clock that passes the limit once the server has the connection: after dialling, before the first byte.
type clockAt struct{ accepted atomic.Bool }

const limit = time.Hour

func (c *clockAt) now() time.Duration {
	if c.accepted.Load() {
		return limit + 1
	}
	return limit
}

func TestSendBefore(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*httptest.Server){"http": (*httptest.Server).Start, "https": (*httptest.Server).StartTLS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var clock clockAt
			var requests atomic.Int32
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
			accepted := make(chan struct{}, 8)
			server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					accepted <- struct{}{}
				}
			}
			start(server)
			t.Cleanup(server.Close)
			client := transport.New(transport.Config{TLS: trust(server), BootTime: func() time.Duration {
				<-accepted // the clock is read only once there is a connection
				return clock.now()
			}})

			if _, err := client.Send(t.Context(), post(t, server.URL), limit); err != nil {
				t.Fatalf("in time: %v", err)
			}
			clock.accepted.Store(true)
			_, err := client.Send(t.Context(), post(t, server.URL), limit)
			wantNotSent(t, err)
			if !errors.Is(err, transport.ErrTooLate) {
				t.Fatalf("the cause is lost: %v", err)
			}
			if _, err := client.Send(t.Context(), post(t, server.URL), 0); err != nil {
				t.Fatalf("without a limit: %v", err)
			}
			if n := requests.Load(); n != 2 {
				t.Fatalf("the server saw %d requests, want the two that were allowed", n)
			}
		})
	}
}

// Not a byte leaves after the limit, not even of the header.
func TestTooLateSendsNoByte(t *testing.T) {
	t.Parallel()
	got := make(chan []byte, 1)
	addr := serveRaw(t, func(conn net.Conn) {
		all, _ := io.ReadAll(conn)
		got <- all
	})
	client := transport.New(transport.Config{BootTime: func() time.Duration { return limit + 1 }})
	_, err := client.Send(t.Context(), post(t, "http://"+addr), limit)
	wantNotSent(t, err)
	if all := <-got; len(all) != 0 {
		t.Fatalf("the server read %q", all)
	}
}

func trust(server *httptest.Server) *tls.Config {
	pool := x509.NewCertPool()
	if cert := server.Certificate(); cert != nil {
		pool.AddCert(cert)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

func TestBootTime(t *testing.T) {
	t.Parallel()
	first := transport.BootTime()
	if second := transport.BootTime(); first <= 0 || second < first {
		t.Fatalf("read %s, then %s", first, second)
	}
}
