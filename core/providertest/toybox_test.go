package providertest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jalurhq/jalur/core"
)

const (
	toyKey    = "s3cr3t-of-the-toy"
	toySecret = "callback-s3cr3t"
)

// toybox is the sandbox of the toy: a provider over HTTP that keeps a ledger and plays faults. broken names the one thing that it does wrong.
type toybox struct {
	traits
	broken string

	mu       sync.Mutex
	executed []map[string]any
	byRef    map[string]map[string]any
	byNumber map[string]map[string]any
	quotes   map[string]bool
	fault    string
	times    int
}

func newToybox(tb testing.TB, t traits, broken string) *httptest.Server {
	tb.Helper()
	box := &toybox{
		traits: t, broken: broken, byRef: map[string]map[string]any{}, byNumber: map[string]map[string]any{}, quotes: map[string]bool{},
	}
	server := httptest.NewServer(box)
	tb.Cleanup(server.Close)
	return server
}

// ServeHTTP implements [http.Handler].
func (b *toybox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	query := r.URL.Query()
	var body map[string]any
	_ = json.NewDecoder(r.Body).Decode(&body)
	switch route := r.Method + " " + r.URL.Path; {
	case route == "GET /_ledger":
		say(w, 200, map[string]any{"executed": append([]map[string]any{}, b.executed...)})
	case route == "POST /_fault":
		b.fault = query.Get("name")
		_, _ = fmt.Sscan(query.Get("times"), &b.times)
		say(w, 200, map[string]any{})
	case r.Header.Get("Authorization") != "Bearer "+toyKey:
		say(w, 401, map[string]any{"status": "refused", "code": "auth"})
	case route == "POST /orders":
		b.order(w, body)
	case route == "GET /orders":
		b.find(w, query.Get("ref"), query.Get("invoice"))
	case route == "POST /quotes":
		b.quote(w, body)
	case route == "DELETE /quotes":
		delete(b.quotes, query.Get("token"))
		say(w, 200, map[string]any{})
	case route == "GET /products":
		b.list(w, query.Get("cursor"))
	case route == "GET /balance":
		say(w, 200, map[string]any{"available": "1000000"})
	default:
		http.NotFound(w, r)
	}
}

func say(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		panic(http.ErrAbortHandler)
	}
}

func (b *toybox) list(w http.ResponseWriter, cursor string) {
	pages := map[string]map[string]any{
		"":  {"codes": []string{"PULSA"}, "next": "2"},
		"2": {"codes": []string{"GAME"}},
	}
	say(w, 200, pages[cursor])
}

func (b *toybox) quote(w http.ResponseWriter, body map[string]any) {
	token := fmt.Sprintf("Q%d", len(b.quotes)+len(b.byNumber)+len(b.executed)+1)
	for b.quotes[token] {
		token += "x"
	}
	b.quotes[token] = true
	if body["amount"] == "" && b.broken != "bill-of-nothing" {
		body["amount"] = "75000"
	}
	body["token"] = token
	say(w, 200, body)
}

// refuse gives the code of a refusal, or "".
func (b *toybox) refuse(body map[string]any) string {
	account, _ := body["account"].(string)
	token, _ := body["quote"].(string)
	amount, _ := body["amount"].(string)
	_, negative := strings.CutPrefix(amount, "-")
	switch {
	case strings.HasSuffix(account, "13"):
		return "deposit_empty"
	case strings.HasSuffix(account, "14"):
		return "account_invalid"
	case (negative || amount == "0" || amount == "99") && b.broken != "bounds":
		return "amount_invalid"
	case (b.quoted || token != "") && !b.quotes[token]:
		return "quote_expired"
	case body["max_cost"] != nil && b.broken != "max-cost":
		return "price_above_limit"
	default:
		return ""
	}
}

func (b *toybox) order(w http.ResponseWriter, body map[string]any) {
	ref, _ := body["ref"].(string)
	if first := b.byRef[ref]; first != nil && b.mode == core.RefReplay && b.broken != "replay" {
		b.answer(w, first)
		return
	}
	if b.byRef[ref] != nil && b.mode == core.RefRejectDuplicate {
		say(w, 200, map[string]any{"status": "refused", "code": "duplicate_ref"})
		return
	}
	if code := b.refuse(body); code != "" {
		say(w, 200, map[string]any{"status": "refused", "code": code})
		return
	}
	if token, _ := body["quote"].(string); b.broken != "quote-twice" {
		delete(b.quotes, token)
	}
	o := maps.Clone(body)
	o["invoice"] = fmt.Sprintf("I%d", len(b.executed)+1)
	if b.broken == "one-invoice" {
		o["invoice"] = "I1"
	}
	o["reference"], o["status"], o["merchant"] = "SN-"+fmt.Sprint(len(b.executed)+1), "done", body["product"]
	switch account, _ := o["account"].(string); {
	case strings.HasSuffix(account, "11"):
		o["status"] = "running"
	case strings.HasSuffix(account, "15"):
		o["status"] = "returned"
	}
	b.executed = append(b.executed, o)
	b.byRef[ref], b.byNumber[o["invoice"].(string)] = o, o
	b.answer(w, o)
}

func (b *toybox) answer(w http.ResponseWriter, o map[string]any) {
	if b.times == 0 {
		say(w, 200, o)
		return
	}
	b.times--
	o = maps.Clone(o)
	switch b.fault {
	case "odd-word":
		o["status"] = "MYSTERY"
	case "other-account":
		o["account"] = "089999999999"
	case "other-amount":
		o["amount"] = "777"
	case "other-product":
		o["product"] = "GAME"
	case "lost":
		panic(http.ErrAbortHandler)
	}
	say(w, 200, o)
}

func (b *toybox) find(w http.ResponseWriter, ref, invoice string) {
	o := b.byNumber[invoice]
	if o == nil {
		o = b.byRef[ref]
	}
	if o == nil {
		say(w, 404, map[string]any{"status": "absent"})
		return
	}
	say(w, 200, o)
}

func signature(body []byte) string {
	mac := hmac.New(sha256.New, []byte(toySecret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

func toyFaults() map[string][]string {
	return map[string][]string{
		UnknownStatus: {"odd-word"}, WrongAccount: {"other-account"}, WrongAmount: {"other-amount"}, WrongProduct: {"other-product"},
		LostAfter: {"lost"},
	}
}

func toySamples() map[string]Sample {
	sample := func(tail string) Sample {
		return Sample{Product: "PULSA", Account: core.AccountNumber("0812345678" + tail), Amount: core.IDR(10_000)}
	}
	refused := sample("13")
	refused.Code = core.CodeDepositEmpty
	bill := sample("16")
	bill.Amount = core.Money{}
	return map[string]Sample{Bill: bill, Succeeds: sample("00"), Pending: sample("11"), Refused: refused, UnknownAccount: sample("14"), Refunded: sample("15")}
}

// toyHarness gives the harness of a toy that does one thing wrong, or none.
func toyHarness(tb testing.TB, t traits, broken string) Harness {
	tb.Helper()
	server := newToybox(tb, t, broken)
	factory := toyFactory(tb, t, broken)
	body := []byte(`{"ref":"REF-1","invoice":"I1"}`)
	settings, err := json.Marshal(map[string]string{"base_url": server.URL, "key": toyKey, "callback_secret": toySecret})
	if err != nil {
		tb.Fatal(err)
	}
	return Harness{
		New: InProcess(factory), Schema: factory.Schema, Settings: settings, Sandbox: server.URL,
		Required: []string{"base_url", "key"}, Secrets: []string{toyKey, toySecret},
		Samples: toySamples(), Faults: toyFaults(), Parallel: 16,
		Callback: &CallbackSample{
			Request: core.CallbackRequest{
				Method: "POST", Body: body, Header: map[string][]string{"X-Signature": {signature(body)}, "Content-Type": {"application/json"}},
			},
			Order: core.CallbackOrder{Ref: "REF-1", Invoice: "I1"},
		},
	}
}

func verdicts(r Report) (broken []string) {
	for _, rule := range r.Rules {
		if rule.Verdict == Broken || rule.Verdict == NotAsked {
			broken = append(broken, fmt.Sprintf("%s %s: %s", rule.Rule, rule.Verdict, slices.Concat(rule.Findings)))
		}
	}
	return broken
}
