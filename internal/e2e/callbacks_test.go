package e2e_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// office stands between the providers and the gateway's public URL: it hands on what is sent, and keeps it.
type office struct {
	t       *testing.T
	url     string
	gateway string

	mu      sync.Mutex
	letters []letter
}

// letter is a callback, and how the gateway has answered it.
type letter struct {
	path   string
	header http.Header
	body   []byte
	status int
}

func newOffice(t *testing.T, gateway string) *office {
	t.Helper()
	o := &office{t: t, gateway: gateway}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got := letter{path: r.URL.Path, header: r.Header, body: body}
		got.status = o.send(got)
		o.mu.Lock()
		o.letters = append(o.letters, got)
		o.mu.Unlock()
		w.WriteHeader(got.status)
	}))
	t.Cleanup(server.Close)
	o.url = server.URL
	return o
}

// send posts a callback to the gateway, and gives its answer's status.
func (o *office) send(l letter) int {
	req, err := http.NewRequest(http.MethodPost, "http://"+o.gateway+l.path, bytes.NewReader(l.body))
	if err != nil {
		o.t.Error(err)
		return http.StatusBadGateway
	}
	req.Header, req.Close = l.header, true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return http.StatusBadGateway
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// received waits until a callback came whose body holds all of the words.
func (o *office) received(words ...string) (found letter) {
	o.t.Helper()
	within(o.t, patience, fmt.Sprintf("a callback with %q", words), func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
	next:
		for _, l := range o.letters {
			for _, word := range words {
				if !bytes.Contains(l.body, []byte(word)) {
					continue next
				}
			}
			found = l
			return true
		}
		return false
	})
	return found
}

// refused counts the callbacks that were not taken.
func (o *office) refused() (statuses []int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, l := range o.letters {
		if l.status != http.StatusOK {
			statuses = append(statuses, l.status)
		}
	}
	return statuses
}

// patience is for what a provider lets nobody ask for sooner than after a minute.
const patience = 4 * time.Minute

// orderAt makes a payment at the gateway and doesn't wait for its end.
func (w *world) orderAt(key, body string) answer {
	w.t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://"+w.listen+"/v1/payments", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", key)
	_, a, err := w.do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// becomes waits until a payment is in a state, and gives it.
func (w *world) becomes(id, state string) (a answer) {
	w.t.Helper()
	within(w.t, patience, "the payment's becoming "+state, func() bool {
		a = w.mustGet("/v1/payments/" + id)
		return a.at("state") == state
	})
	return a
}

// calledBack gives how many callbacks the gateway has given a verdict on.
func (w *world) calledBack(provider, verdict string) string {
	w.t.Helper()
	resp, err := http.Get("http://" + w.listen + "/metrics")
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "jalur_callbacks_total{") && strings.Contains(line, `provider="`+provider+`",verdict="`+verdict+`"`) {
			return strings.TrimSpace(line[strings.LastIndex(line, " "):])
		}
	}
	return "0"
}

// callbackWorld is a gateway over one sandbox that calls it back through an office. The settings have %s where the sandbox's URL stands.
func callbackWorld(t *testing.T, provider, settings, route string, sandboxArgs ...string) (*world, *office) {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), listen: freeAddress(t)}
	args := append([]string{"sandbox", provider, "--listen", "127.0.0.1:0", "--credentials", user + ":" + secret}, sandboxArgs...)
	box := start(t, w.dir, nil, args...)
	said := box.printed(map[string]string{"digiflazz": "Digiflazz", "dtone": "DT One"}[provider] + " sandbox on ")
	url, _, _ := strings.Cut(said, "/v1,")
	w.sandbox = url
	o := newOffice(t, w.listen)
	w.config = filepath.Join(w.dir, "jalur.yaml")
	text := fmt.Sprintf(`journal: sqlite://jalur.db
providers:
  %s: {plugin: %[1]s, settings: {base_url: %s/v1, %s}}
routes:
  - %s
server: {listen: "%s", public_url: "%s"}
`, provider, url, settings, route, w.listen, o.url)
	if err := os.WriteFile(w.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w.gateway()
	return w, o
}

const webhookSecret = "only-the-provider-knows"

// signed is a callback of Digiflazz's with its signature.
func signed(body string) letter {
	mac := hmac.New(sha1.New, []byte(webhookSecret))
	mac.Write([]byte(body))
	return letter{path: "/callbacks/digiflazz", body: []byte(body), header: http.Header{"X-Hub-Signature": {"sha1=" + hex.EncodeToString(mac.Sum(nil))}}}
}

// TestDigiflazzCallsBack lets pending orders be called back that can't be asked for before a minute is over. Whatever comes meanwhile, they end as the provider says when it
// is asked, and each is executed once at most.
func TestDigiflazzCallsBack(t *testing.T) {
	t.Parallel()
	w, o := callbackWorld(t, "digiflazz", `username: `+user+`, api_key: "${TEST_PASSWORD}", webhook_secret: `+webhookSecret,
		`{merchant: XL10, via: [{provider: digiflazz, product: xld10}]}`, "--pending-for", "2s", "--webhook-secret", webhookSecret)
	order := func(account string) string {
		return fmt.Sprintf(`{"merchant":"XL10","account":%q,"amount":10000}`, account)
	}
	const good, bad, early, twice, forged = "087800001233", "087800001234", "087812340001", "087812340002", "087812340003"
	ends := map[string]answer{}
	for _, account := range []string{good, bad} {
		ends[account] = w.orderAt(account, order(account))
		ends[account].wants(t, "state", "pending")
	}
	for account, fault := range map[string]string{early: "callback-first", twice: "callback-twice", forged: "callback-forged"} {
		w.fault(fault, account)
		w.becomes(w.orderAt(account, order(account)).at("id"), "succeeded")
	}
	if l := o.received(forged); l.status != http.StatusUnauthorized || w.calledBack("digiflazz", "unverified") != "1" {
		t.Errorf("wrongly signed: %d, %s", l.status, w.calledBack("digiflazz", "unverified"))
	}
	told := o.received(good, "Sukses")
	lie := strings.Replace(string(told.body), "Sukses", "Gagal", 1)
	for name, c := range map[string]struct {
		letter letter
		status int
	}{
		"the same again":      {told, http.StatusOK},
		"a lie, signed":       {signed(lie), http.StatusOK},
		"of a stranger":       {signed(`{"data":{"ref_id":"NOBODYKNOWSTHISONE","status":"Sukses"}}`), http.StatusOK},
		"another body":        {letter{path: told.path, header: told.header, body: []byte(lie)}, http.StatusUnauthorized},
		"unsigned":            {letter{path: told.path, body: told.body}, http.StatusUnauthorized},
		"signed and no order": {signed(`{"data":{}}`), http.StatusUnprocessableEntity},
	} {
		if got := o.send(c.letter); got != c.status {
			t.Errorf("%s: %d, want %d", name, got, c.status)
		}
	}
	if got := o.received(bad, "Gagal"); got.status != http.StatusOK {
		t.Errorf("the end of %s: %d", bad, got.status)
	}
	w.becomes(ends[good].at("id"), "succeeded").wants(t, "attempts.0.outcome", "succeeded", "attempts.1", "")
	w.becomes(ends[bad].at("id"), "failed").wants(t, "attempts.0.outcome", "declined", "attempts.1", "", "cost", "")
	for account, want := range map[string]int{good: 1, bad: 0, early: 1, twice: 1, forged: 1} {
		if got := w.ledger()[account]; got != want {
			t.Errorf("%s was executed %d times, want %d", account, got, want)
		}
	}
}

// TestDTOneCallsBack follows orders by their callbacks to where nobody asks any more without one: they are given back after they have succeeded. One of them began as a
// firm quote, so that the address was given to the provider before there was a payment.
func TestDTOneCallsBack(t *testing.T) {
	t.Parallel()
	w, o := callbackWorld(t, "dtone", `key: `+user+`, secret: "${TEST_PASSWORD}", calling_code: "62", firm_quotes: true`,
		`{merchant: TELKOMSEL, via: [{provider: dtone, product: "5002"}]}`)
	const plain, quoted = "081234567108", "081234568108" // done after 3 s, given back after 6 s
	order := func(account, more string) string {
		return fmt.Sprintf(`{"merchant":"TELKOMSEL","account":%q,"amount":150000%s}`, account, more)
	}
	first := w.orderAt("plain", order(plain, ""))
	first.wants(t, "state", "pending")
	quote := w.cli("--server", "http://"+w.listen, "inquire", "TELKOMSEL", quoted, "150000").want(t, 0)
	quote.wants(t, "reserves", "true")
	second := w.orderAt("quoted", order(quoted, `,"inquiry":"`+quote.at("id")+`"`))
	second.wants(t, "state", "pending")

	told, ofQuote := o.received("+62"+plain[1:], "COMPLETED"), o.received("+62"+quoted[1:], "COMPLETED")
	root := "/callbacks/dtone"
	ref, _, _ := strings.Cut(told.path, ".")
	lie := bytes.ReplaceAll(told.body, []byte("COMPLETED"), []byte("DECLINED"))
	for name, c := range map[string]struct {
		path   string
		body   []byte
		status int
	}{
		"the same again":            {told.path, told.body, http.StatusOK},
		"a lie at the right place":  {told.path, lie, http.StatusOK},
		"no address of ours":        {root, told.body, http.StatusUnauthorized},
		"no proof":                  {ref, told.body, http.StatusUnauthorized},
		"another proof":             {told.path + "x", told.body, http.StatusUnauthorized},
		"another's proof":           {ref + ofQuote.path[strings.LastIndex(ofQuote.path, "."):], told.body, http.StatusUnauthorized},
		"of a quote, again":         {ofQuote.path, ofQuote.body, http.StatusOK},
		"of a quote, about another": {ofQuote.path, told.body, http.StatusUnprocessableEntity},
	} {
		if got := o.send(letter{path: c.path, body: c.body}); got != c.status {
			t.Errorf("%s: %d, want %d", name, got, c.status)
		}
	}
	w.becomes(first.at("id"), "refunded").wants(t, "attempts.1", "")
	w.becomes(second.at("id"), "refunded").wants(t, "attempts.1", "")
	if got := o.refused(); len(got) != 0 {
		t.Errorf("callbacks of the provider's own were refused: %v", got)
	}
	if got := w.ledger(); got["+62"+plain[1:]] != 1 || got["+62"+quoted[1:]] != 1 {
		t.Errorf("the ledger: %v", got)
	}
}
