package sandbox_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/jalurhq/jalur/providers/mmbc/sandbox"
)

const (
	user   = "toko"
	secret = "rahasia"
	phone  = "0812345678"
)

// TestMain finds goroutines that a closed sandbox leaves behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a time that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock {
	return &clock{now: time.Date(2017, time.December, 31, 17, 1, 10, 0, time.UTC)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// rig is a sandbox behind a real HTTP server.
type rig struct {
	t       *testing.T
	clock   *clock
	sandbox *sandbox.Sandbox
	url     string
	client  *http.Client
}

func testConfig(c *clock) sandbox.Config {
	return sandbox.Config{Username: user, Password: secret, FirstInvoice: 123456789, Now: c.Now}
}

func newRig(t *testing.T, change func(*sandbox.Config)) *rig {
	t.Helper()
	now := newClock()
	cfg := testConfig(now)
	if change != nil {
		change(&cfg)
	}
	s, err := sandbox.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &rig{t: t, clock: now, sandbox: s, url: server.URL, client: &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// form is a call's parameters: the credentials, then pairs.
func form(pairs ...string) url.Values {
	values := url.Values{"username": {user}, "password": {secret}}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values
}

func topUp(merchant, account, amount string, more ...string) url.Values {
	return form(append([]string{
		"merchant_code", merchant, "merchant_accountnumber", account, "amount", amount,
	}, more...)...)
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (r *rig) do(method, path, contentType, body string) (answer, error) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	return r.roundTrip(req)
}

func (r *rig) roundTrip(req *http.Request) (answer, error) {
	resp, err := r.client.Do(req)
	if err != nil {
		return answer{}, fmt.Errorf("do: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		err = fmt.Errorf("body: %w", err)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: string(body)}, err
}

func (r *rig) post(call string, values url.Values) (answer, error) {
	r.t.Helper()
	return r.do(http.MethodPost, "/json/multipayment/"+call, "application/x-www-form-urlencoded", values.Encode())
}

// must posts and reads the object of the answer, numbers as they stand.
func (r *rig) must(call string, values url.Values) map[string]any {
	r.t.Helper()
	got, err := r.post(call, values)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.object(got.body)
}

func (r *rig) object(body string) map[string]any {
	r.t.Helper()
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		r.t.Fatalf("%v in %q", err, body)
	}
	return object
}

func (r *rig) reload(account string, more ...string) map[string]any {
	r.t.Helper()
	return r.must("reload_merchant", topUp("GOPAY", account, "100000", more...))
}

func (r *rig) statusOf(reloaded map[string]any) map[string]any {
	r.t.Helper()
	return r.must("status_reload", form("invoice", fmt.Sprint(reloaded["invoice"])))
}

func (r *rig) count(account string) int {
	r.t.Helper()
	return r.sandbox.Ledger().ByAccount[account]
}

// wantFields compares some fields, as they print; "-" is one that isn't there.
func wantFields(t *testing.T, got map[string]any, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		text := "-"
		if value, ok := got[pairs[i]]; ok {
			text = fmt.Sprint(value)
		}
		if text != pairs[i+1] {
			t.Errorf("%s is %q, want %q in %v", pairs[i], text, pairs[i+1], got)
		}
	}
}
