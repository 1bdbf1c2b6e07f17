package transport_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
)

// forgetful is a provider that honours keys: it executes a request once, loses its first replies, and answers what it has executed from then on.
func forgetful(t *testing.T, lost int32) (url string, requests, executed *atomic.Int32) {
	t.Helper()
	requests, executed = new(atomic.Int32), new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) != "amount=100000" || r.Header.Get("Idempotency-Key") != "K1" {
			t.Errorf("request with the key %q: %q", r.Header.Get("Idempotency-Key"), body)
		}
		executed.CompareAndSwap(0, 1)
		if requests.Add(1) <= lost {
			hangUp(w)
			return
		}
		_, _ = io.WriteString(w, "done")
	}))
	t.Cleanup(server.Close)
	return server.URL, requests, executed
}

func keyed(t *testing.T, url string) *http.Request {
	t.Helper()
	req := post(t, url)
	req.Header.Set("Idempotency-Key", "K1")
	return req
}

func TestAnHonouredKeyIsSentAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		honoured bool
		limit    time.Duration
		lost     int32
		requests int32
		outcome  core.Outcome // Unknown where no reply comes
	}{
		"not told that it is":      {false, time.Hour, 1, 1, core.Unknown},
		"no reply at first":        {true, time.Hour, 1, 2, core.Succeeded},
		"two replies lost":         {true, time.Hour, 2, 3, core.Succeeded},
		"no reply ever":            {true, time.Hour, 9, 3, core.Unknown},
		"without a limit in time":  {true, 0, 1, 1, core.Unknown},
		"the first reply is there": {true, time.Hour, 0, 1, core.Succeeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, requests, _ := forgetful(t, c.lost)
			client := transport.New(transport.Config{KeyHonoured: c.honoured, BootTime: func() time.Duration { return time.Minute }})
			reply, err := client.Send(t.Context(), keyed(t, url), c.limit)
			if c.outcome == core.Unknown {
				wantUnknown(t, err)
			} else if err != nil || string(reply.Body) != "done" {
				t.Errorf("%q, %v", reply.Body, err)
			}
			if n := requests.Load(); n != c.requests {
				t.Errorf("sent %d times, want %d", n, c.requests)
			}
		})
	}
}

// Each sending has the same limit, and one that comes too late says nothing of the one before.
func TestNothingIsSentAgainTooLate(t *testing.T) {
	t.Parallel()
	url, requests, executed := forgetful(t, 1)
	client := transport.New(transport.Config{KeyHonoured: true, BootTime: func() time.Duration {
		return limit + time.Duration(executed.Load()) // the limit passes while the first is on its way
	}})
	_, err := client.Send(t.Context(), keyed(t, url), limit)
	wantUnknown(t, err)
	if n := requests.Load(); n != 1 {
		t.Errorf("sent %d times", n)
	}
}

// A server that is gone for the second sending has perhaps executed the first.
func TestARefusedSecondSendingIsUnknown(t *testing.T) {
	t.Parallel()
	listener := listen(t)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		readRequest(conn)
		_ = listener.Close()
		_ = conn.(*net.TCPConn).Close()
	}()
	client := transport.New(transport.Config{KeyHonoured: true, BootTime: func() time.Duration { return time.Minute }})
	_, err := client.Send(t.Context(), keyed(t, "http://"+listener.Addr().String()), time.Hour)
	wantUnknown(t, err)
}

// What is no lost connection is not repeated: a reply that can't be read, and a caller that waits no longer.
func TestOnlyALostConnectionIsSentAgain(t *testing.T) {
	t.Parallel()
	var conns atomic.Int32
	addr := serveRaw(t, func(conn net.Conn) {
		conns.Add(1)
		answer("nonsense\r\n\r\n")(conn)
	})
	client := transport.New(transport.Config{KeyHonoured: true, BootTime: func() time.Duration { return time.Minute }})
	_, err := client.Send(t.Context(), keyed(t, "http://"+addr), time.Hour)
	wantUnknown(t, err)
	if n := conns.Load(); n != 1 {
		t.Errorf("sent %d times", n)
	}
}
