package dtone_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/providers/dtone/sandbox"
)

// gateway keeps what is called back.
func gateway(t *testing.T, replies ...int) (url string, calls chan core.CallbackRequest) {
	t.Helper()
	calls = make(chan core.CallbackRequest, 16)
	seen := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said, _ := io.ReadAll(r.Body)
		if seen++; seen <= len(replies) {
			w.WriteHeader(replies[seen-1])
		}
		calls <- core.CallbackRequest{Method: r.Method, Path: strings.TrimPrefix(r.URL.Path, "/callbacks/dtone"), Header: r.Header, Body: said}
	}))
	t.Cleanup(server.Close)
	return server.URL + "/callbacks/dtone", calls
}

func TestCallbacks(t *testing.T) {
	t.Parallel()
	for fault, times := range map[string]int{"": 1, "callback-twice": 2, "callback-lies": 1, "callback-late": 1} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			r := playing(t, sandbox.Config{CompleteAfter: time.Minute, LateBy: time.Hour})
			if fault != "" {
				r.fault(fault, "")
			}
			url, calls := gateway(t)
			req := order(t)
			req.CallbackURL = url
			if _, err := r.pay(req); err != nil {
				t.Fatal(err)
			}
			r.clock.advance(2 * time.Hour)
			for range times {
				told, err := r.ReadCallback(t.Context(), <-calls)
				if err != nil || len(told.Orders) != 1 || told.Orders[0] != (core.CallbackOrder{Ref: ref}) || told.Status != http.StatusOK {
					t.Errorf("%+v, %v", told, err)
				}
			}
			res, err := r.ask(req, "") // whatever the callback says, only this is believed
			want{core.Succeeded, ""}.check(t, res, err)
		})
	}
}

// A callback that isn't taken is sent again; one that is given back later is told of twice.
func TestCallbacksAreRepeated(t *testing.T) {
	t.Parallel()
	r := playing(t, sandbox.Config{CompleteAfter: time.Minute, RetryAfter: time.Nanosecond})
	r.fault("reversed", "")
	url, calls := gateway(t, http.StatusInternalServerError, http.StatusOK)
	req := order(t)
	req.CallbackURL = url
	if _, err := r.pay(req); err != nil {
		t.Fatal(err)
	}
	r.clock.advance(time.Minute)
	first := <-calls
	r.clock.advance(time.Second)
	second := <-calls
	r.clock.advance(time.Minute)
	third := <-calls
	if first.Path != second.Path || second.Path != third.Path || !strings.Contains(string(third.Body), "REVERSED") {
		t.Errorf("%s, %s, %s: %s", first.Path, second.Path, third.Path, third.Body)
	}
}

// Only the address proves who calls; the body may say what it likes.
func TestCallbacksOfStrangers(t *testing.T) {
	t.Parallel()
	r := playing(t, sandbox.Config{CompleteAfter: time.Minute})
	r.fault("callback-wrong", "")
	url, calls := gateway(t)
	req := order(t)
	req.CallbackURL = url
	if _, err := r.pay(req); err != nil {
		t.Fatal(err)
	}
	r.clock.advance(time.Hour)
	forged := <-calls
	if _, err := r.ReadCallback(t.Context(), forged); core.CodeOf(err) != core.CodeAuth {
		t.Errorf("%v", err)
	}
	right := strings.TrimSuffix(forged.Path, "x")
	for _, body := range []string{"", "{}", `{"external_id":"SOMEBODYELSES","id":5}`, "\xff"} {
		told, err := r.ReadCallback(t.Context(), core.CallbackRequest{Method: http.MethodPost, Path: right, Body: []byte(body)})
		if err != nil || told.Orders[0] != (core.CallbackOrder{Ref: ref}) {
			t.Errorf("%q: %+v, %v", body, told, err)
		}
	}
	_, mac, _ := strings.Cut(right, ".")
	for name, path := range map[string]string{
		"none": "", "a slash": "/", "the reference alone": "/" + ref, "no proof": "/" + ref + ".", "a proof of another": "/SOMEBODYELSES." + mac,
		"a shorter proof": right[:len(right)-1], "more behind it": right + "/x", "only the proof": "/." + mac,
	} {
		_, err := r.ReadCallback(t.Context(), core.CallbackRequest{Method: http.MethodPost, Path: path, Body: []byte(`{"external_id":"` + ref + `"}`)})
		if core.CodeOf(err) != core.CodeAuth || strings.Contains(err.Error(), mac) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.ReadCallback(t.Context(), core.CallbackRequest{Method: http.MethodGet, Path: right}); core.CodeOf(err) != core.CodeBadRequest {
		t.Errorf("GET: %v", err)
	}
}

// A quote that is paid is told of under the number of its transaction, since its payment has a reference of its own.
func TestCallbacksOfFirmQuotes(t *testing.T) {
	t.Parallel()
	r := playing(t, sandbox.Config{CompleteAfter: time.Minute}, firm)
	url, calls := gateway(t)
	ask := inquiry(order(t))
	ask.CallbackURL = url
	quote, err := r.Inquire(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	req := order(t)
	req.Quote = quote.Token
	paid, err := r.pay(req)
	want{core.Pending, ""}.check(t, paid, err)
	r.clock.advance(time.Hour)
	call := <-calls
	told, err := r.ReadCallback(t.Context(), call)
	if err != nil || len(told.Orders) != 1 || told.Orders[0] != (core.CallbackOrder{Invoice: paid.Invoice}) {
		t.Errorf("%+v, %v", told, err)
	}
	for name, change := range map[string]func(*core.CallbackRequest){
		"GET":                 func(c *core.CallbackRequest) { c.Method = http.MethodGet },
		"no body":             func(c *core.CallbackRequest) { c.Body = nil },
		"another transaction": func(c *core.CallbackRequest) { c.Body = []byte(`{"id":5,"external_id":"SOMEBODYELSES"}`) },
		"no number":           func(c *core.CallbackRequest) { c.Body = []byte(`{"external_id":"` + quoteRef + `"}`) },
	} {
		bad := call
		change(&bad)
		if told, err := r.ReadCallback(t.Context(), bad); core.CodeOf(err) != core.CodeBadRequest || len(told.Orders) != 0 {
			t.Errorf("%s: %+v, %v", name, told, err)
		}
	}
	call.Path += "x"
	if _, err := r.ReadCallback(t.Context(), call); core.CodeOf(err) != core.CodeAuth {
		t.Errorf("another address: %v", err)
	}
}
