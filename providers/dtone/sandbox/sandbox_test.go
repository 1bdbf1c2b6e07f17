package sandbox_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/jalurhq/jalur/providers/dtone/sandbox"
)

// TestMain finds goroutines that a closed sandbox leaves behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a time that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
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
	t      *testing.T
	clock  *clock
	box    *sandbox.Sandbox
	url    string
	secret string
}

func start(t *testing.T, cfg sandbox.Config) *rig {
	t.Helper()
	r := &rig{t: t, clock: &clock{now: time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)}, secret: "fake_apisecret"}
	cfg.Key, cfg.Secret, cfg.Now = "fake_apikey", "fake_apisecret", r.clock.Now
	box, err := sandbox.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box)
	t.Cleanup(server.Close)
	t.Cleanup(func() { _ = box.Close() })
	r.box, r.url = box, server.URL
	return r
}

// reply is an answer, decoded.
type reply struct {
	status int
	header http.Header
	text   string
	json   any
}

func (r *rig) call(method, path, body string) reply {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.SetBasicAuth("fake_apikey", r.secret)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return reply{}
	}
	said, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	read := reply{status: resp.StatusCode, header: resp.Header, text: string(said)}
	_ = json.Unmarshal(said, &read.json)
	return read
}

// at gives what stands at a path of names and numbers, as text.
func (r reply) at(path string) string {
	value := r.json
	for name := range strings.SplitSeq(path, ".") {
		switch inner := value.(type) {
		case map[string]any:
			value = inner[name]
		case []any:
			var at int
			if _, err := fmt.Sscan(name, &at); err != nil || at >= len(inner) {
				return "none"
			}
			value = inner[at]
		default:
			return "none"
		}
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return strings.Trim(string(encoded), `"`)
}

func order(external string, more string) string {
	return `{"external_id":"` + external + `","product_id":5003,"credit_party_identifier":{"mobile_number":"+6595123999"}` + more + `}`
}

const confirm = `,"auto_confirm":true`

func (r *rig) want(got reply, status int, values ...string) {
	r.t.Helper()
	if got.status != status {
		r.t.Errorf("status %d, want %d: %s", got.status, status, got.text)
	}
	for i := 0; i < len(values); i += 2 {
		if said := got.at(values[i]); said != values[i+1] {
			r.t.Errorf("%s is %s, want %s", values[i], said, values[i+1])
		}
	}
}

func TestATransaction(t *testing.T) {
	t.Parallel()
	r := start(t, sandbox.Config{Deposit: 100, FirstID: 2237512891})
	made := r.call("POST", "/v1/async/transactions", order("A", confirm))
	r.want(made, http.StatusCreated, "id", "2237512891", "external_id", "A", "status.message", "CONFIRMED", "status.class.id", "2", "product.id", "5003",
		"prices.wholesale.amount", "7.8", "creation_date", "2026-03-01T12:00:00.000000000Z", "operator_reference", "null", "pin", "null")
	r.want(r.call("GET", "/v1/balances", ""), 200, "0.available", "92.2", "0.holding", "7.8", "0.unit", "USD")
	r.want(r.call("GET", "/v1/transactions/2237512891", ""), 200, "status.message", "SUBMITTED")
	r.clock.advance(time.Second)
	r.want(r.call("GET", "/v1/transactions?external_id=A", ""), 200, "0.status.class.id", "7", "0.operator_reference", "OP2237512891")
	r.want(r.call("GET", "/v1/balances", ""), 200, "0.available", "92.2", "0.holding", "0")
	r.want(r.call("GET", "/_ledger", ""), 200, "executed.0.invoice", "2237512891", "executed.0.ref", "A", "executed.0.merchant", "5003",
		"executed.0.account", "+6595123999", "executed.0.amount", "10", "executed.0.state", "COMPLETED", "by_account.+6595123999", "1")
	r.want(r.call("GET", "/_ledger?account=1", ""), 200, "executed", "[]")
	r.want(r.call("GET", "/v1/transactions/1", ""), 404, "errors.0.code", "1008004")
	r.want(r.call("GET", "/v1/transactions?external_id=B", ""), 200, "", "none")
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	r := start(t, sandbox.Config{Deposit: 10})
	r.want(r.call("POST", "/v1/async/transactions", order("A", confirm)), http.StatusCreated)
	ranged := `{"external_id":"C","auto_confirm":true,"product_id":5002,"credit_party_identifier":{"mobile_number":"+6281234567890"}`
	for name, tc := range map[string]struct {
		body string
		code string
	}{
		"twice":              {order("A", confirm), "1007001"},
		"the balance":        {order("B", confirm), "1006001"},
		"no external id":     {order(" ", confirm), "1000400"},
		"a long external id": {order(strings.Repeat("A", 41), confirm), "1000400"},
		"no JSON":            {"{", "1000400"},
		"a product":          {strings.Replace(order("C", confirm), "5003", "1", 1), "1003001"},
		"no credit party":    {`{"external_id":"C","product_id":5003}`, "1000400"},
		"a number":           {strings.Replace(order("C", confirm), "+65", "+62", 1), "1005003"},
		"no mode":            {ranged + `}`, "1000400"},
		"too little":         {ranged + `,"calculation_mode":"DESTINATION_AMOUNT","destination":{"unit_type":"CURRENCY","unit":"IDR","amount":4000}}`, "1003002"},
		"too much":           {ranged + `,"calculation_mode":"DESTINATION_AMOUNT","destination":{"unit_type":"CURRENCY","unit":"IDR","amount":1001000}}`, "1003002"},
		"between the steps":  {ranged + `,"calculation_mode":"DESTINATION_AMOUNT","destination":{"unit_type":"CURRENCY","unit":"IDR","amount":5500}}`, "1003002"},
		"another unit":       {ranged + `,"calculation_mode":"DESTINATION_AMOUNT","destination":{"unit_type":"CURRENCY","unit":"EUR","amount":5000}}`, "1003003"},
		"a voucher's party":  {`{"external_id":"C","product_id":7001,"credit_party_identifier":{"mobile_number":"+6595123100"}}`, "1000400"},
	} {
		got := r.call("POST", "/v1/async/transactions", tc.body)
		if got.at("errors.0.code") != tc.code || got.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
	}
	r.secret = "wrong"
	r.want(r.call("GET", "/v1/balances", ""), 401, "errors.0.code", "1000401")
	if n := len(r.box.Ledger().Executed); n != 1 {
		t.Errorf("%d were executed", n)
	}
}

func TestConfirmingAndCancelling(t *testing.T) {
	t.Parallel()
	r := start(t, sandbox.Config{Deposit: 100, FirstID: 1})
	for _, external := range []string{"A", "B", "C"} {
		r.want(r.call("POST", "/v1/async/transactions", order(external, "")), http.StatusCreated, "status.class.id", "1", "confirmation_date", "null",
			"confirmation_expiration_date", "2026-03-01T13:00:00.000000000Z")
	}
	r.want(r.call("GET", "/v1/balances", ""), 200, "0.available", "76.6", "0.holding", "23.4")
	r.want(r.call("POST", "/v1/async/transactions/1/confirm", ""), http.StatusAccepted, "status.class.id", "2")
	r.want(r.call("POST", "/v1/async/transactions/1/confirm", ""), 400, "errors.0.code", "1007002")
	r.want(r.call("POST", "/v1/transactions/1/cancel", ""), 400, "errors.0.code", "1007007")
	r.want(r.call("POST", "/v1/transactions/2/cancel", ""), http.StatusAccepted, "status.class.id", "4")
	r.want(r.call("POST", "/v1/transactions/2/cancel", ""), 400, "errors.0.code", "1007005")
	r.want(r.call("POST", "/v1/async/transactions/2/confirm", ""), 400, "errors.0.code", "1007005")
	r.clock.advance(time.Hour)
	r.want(r.call("POST", "/v1/async/transactions/3/confirm", ""), 400, "errors.0.code", "1007004")
	r.want(r.call("GET", "/v1/transactions/3", ""), 200, "status.message", "CANCELLED")
	r.want(r.call("POST", "/v1/async/transactions/9/confirm", ""), 404, "errors.0.code", "1008004")
	r.want(r.call("GET", "/v1/balances", ""), 200, "0.available", "92.2", "0.holding", "0")
	if l := r.box.Ledger(); len(l.Executed) != 1 || l.Executed[0].Ref != "A" {
		t.Errorf("%+v", l)
	}
}

func TestPagesAndFilters(t *testing.T) {
	t.Parallel()
	r := start(t, sandbox.Config{MoreProducts: 110})
	first := r.call("GET", "/v1/products?per_page=500", "")
	for name, want := range map[string]string{"X-Total": "119", "X-Total-Pages": "2", "X-Per-Page": "100", "X-Page": "1", "X-Next-Page": "2", "X-Prev-Page": ""} {
		if got := first.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	last := r.call("GET", "/v1/products?page=3", "")
	if rows, _ := last.json.([]any); len(rows) != 19 || last.header.Get("X-Next-Page") != "" || last.header.Get("X-Prev-Page") != "2" {
		t.Errorf("%d rows, %v", len(rows), last.header)
	}
	for query, want := range map[string]int{"type=RANGED_VALUE_PAYMENT": 2, "service_id=13": 1, "operator_id=405": 1, "country_iso_code=ECU": 1, "page=99": 0} {
		if rows, ok := r.call("GET", "/v1/products?"+query, "").json.([]any); len(rows) != want || !ok {
			t.Errorf("%s: %d rows", query, len(rows))
		}
	}
	r.want(r.call("GET", "/v1/products/6035", ""), 200, "type", "FIXED_VALUE_RECHARGE", "destination.amount", "3", "prices.wholesale.amount", "3.6", "rates.wholesale", "0.8333",
		"required_credit_party_identifier_fields.0.0", "mobile_number")
	r.want(r.call("GET", "/v1/products/1", ""), 400, "errors.0.code", "1003001")
	r.want(r.call("GET", "/v1/nothing", ""), 404, "errors.0.code", "1000404")
	r.want(r.call("POST", "/v1/lookup/mobile-number", `{"mobile_number":"+6595123100"}`), 200, "0.id", "405", "0.identified", "true")
	r.want(r.call("POST", "/v1/lookup/mobile-number", `{"mobile_number":"95123100"}`), 400, "errors.0.code", "1005003")
	r.want(r.call("POST", "/v1/lookup/statement-inquiry", `{"product_id":5003,"account_number":"1"}`), 400, "errors.0.code", "1000400")
	r.want(r.call("POST", "/v1/lookup/statement-inquiry", `{"product_id":8001,"account_number":"1"}`), 200, "1.balance.amount", "185500")
}

func TestAListHasTwentyFourHours(t *testing.T) {
	t.Parallel()
	r := start(t, sandbox.Config{})
	r.want(r.call("POST", "/v1/async/transactions", order("A", confirm)), http.StatusCreated)
	r.clock.advance(25 * time.Hour)
	for query, want := range map[string]string{
		"external_id=A": "none", "external_id=A&from_date=2026-03-01T00:00:00Z&to_date=2026-03-02T00:00:00Z": "A",
		"from_date=2026-03-01T11:00:00Z&to_date=2026-03-01T11:59:00Z":                                          "none",
		"credit_party_mobile_number=1&from_date=2026-03-01T00:00:00Z&to_date=2026-03-02T00:00:00Z":             "none",
		"credit_party_mobile_number=%2B6595123999&from_date=2026-03-01T00:00:00Z&to_date=2026-03-02T00:00:00Z": "A",
	} {
		r.want(r.call("GET", "/v1/transactions?"+query, ""), 200, "0.external_id", want)
	}
	for _, query := range []string{"from_date=2026-03-01T00:00:00Z", "from_date=2026-03-01T00:00:00Z&to_date=2026-03-03T00:00:00Z", "from_date=2026-03-02T00:00:00Z&to_date=2026-03-01T00:00:00Z"} {
		r.want(r.call("GET", "/v1/transactions?"+query, ""), 400)
	}
}

func TestTheLedgerFileOutlivesTheSandbox(t *testing.T) {
	t.Parallel()
	cfg := sandbox.Config{Deposit: 100, FirstID: 1, LedgerFile: filepath.Join(t.TempDir(), "ledger.jsonl")}
	first := start(t, cfg)
	first.want(first.call("POST", "/v1/async/transactions", order("A", "")), http.StatusCreated)
	first.want(first.call("POST", "/v1/async/transactions", order("B", "")), http.StatusCreated)
	first.want(first.call("POST", "/v1/async/transactions/2/confirm", ""), http.StatusAccepted)
	if err := first.box.Close(); err != nil {
		t.Fatal(err)
	}
	if got := first.call("GET", "/v1/balances", ""); got.status != http.StatusServiceUnavailable {
		t.Errorf("closed, it answers %d", got.status)
	}
	second := start(t, cfg)
	second.want(second.call("GET", "/v1/balances", ""), 200, "0.available", "84.4", "0.holding", "15.6")
	second.want(second.call("POST", "/v1/async/transactions", order("A", confirm)), 400, "errors.0.code", "1007001")
	second.want(second.call("POST", "/v1/async/transactions", order("C", confirm)), http.StatusCreated, "id", "3")
	second.want(second.call("POST", "/_reset", ""), 200, "executed", "[]", "available", "100")
	second.want(second.call("POST", "/v1/async/transactions", order("A", confirm)), http.StatusCreated, "id", "4")
}

func TestControls(t *testing.T) {
	t.Parallel()
	r := start(t, sandbox.Config{Faults: []sandbox.Setting{{Name: "error-1006001", Times: 1}}})
	r.want(r.call("POST", "/v1/async/transactions", order("A", confirm)), 400, "errors.0.code", "1006001")
	r.want(r.call("POST", "/_fault?name=cut-after&account=%2B6595123999", ""), 200, "active.0.call", "create")
	if got := r.call("POST", "/v1/async/transactions", order("A", confirm)); got.status != 0 {
		t.Errorf("%+v", got)
	}
	r.want(r.call("POST", "/_fault?name=rain", ""), 400)
	r.want(r.call("POST", "/_fault?name=error-1009503&call=get", ""), 200)
	r.want(r.call("GET", "/v1/transactions/1", ""), 503, "errors.0.code", "1009503")
	if l := r.box.Ledger(); len(l.Executed) != 1 {
		t.Errorf("%+v", l)
	}
	about := r.call("GET", "/", "")
	for _, word := range []string{"end-DECLINED-EXCEPTION", "x07", "6035", "_ledger"} {
		if !strings.Contains(about.text, word) {
			t.Errorf("%q is not explained", word)
		}
	}
}

func TestSyncWaitsForTheEnd(t *testing.T) {
	t.Parallel()
	box, err := sandbox.New(sandbox.Config{Key: "fake_apikey", Secret: "fake_apisecret", CompleteAfter: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box)
	t.Cleanup(server.Close)
	t.Cleanup(func() { _ = box.Close() })
	r := &rig{t: t, url: server.URL, secret: "fake_apisecret", box: box}
	r.want(r.call("POST", "/v1/sync/transactions", order("A", confirm)), http.StatusCreated, "status.class.id", "7")
}

func TestAmountsOfEveryKind(t *testing.T) {
	t.Parallel()
	r := start(t, sandbox.Config{Deposit: 1000, CompleteAfter: -1})
	mobile := `,"auto_confirm":true,"credit_party_identifier":{"mobile_number":"+6281234567890"}`
	r.want(r.call("POST", "/v1/async/transactions", `{"external_id":"A","product_id":5002`+mobile+
		`,"calculation_mode":"DESTINATION_AMOUNT","destination":{"unit_type":"CURRENCY","unit":"IDR","amount":150000}}`), 201,
		"prices.wholesale.amount", "10", "prices.wholesale.fee", "0.05", "requested_values.destination.amount", "150000", "requested_values.source", "null")
	r.want(r.call("POST", "/v1/async/transactions", `{"external_id":"B","product_id":5002`+mobile+
		`,"calculation_mode":"SOURCE_AMOUNT","source":{"unit_type":"CURRENCY","unit":"USD","amount":2.5}}`), 201,
		"prices.wholesale.amount", "2.5", "requested_values.source.amount", "2.5", "requested_values.destination.amount", "37500")
	r.want(r.call("POST", "/v1/async/transactions", `{"external_id":"C","product_id":7001,"auto_confirm":true}`), 201,
		"prices.wholesale.amount", "6.4", "requested_values", "null", "credit_party_identifier", "null", "status.class.id", "7")
	r.want(r.call("POST", "/v1/async/transactions", `{"external_id":"D","product_id":9001,"auto_confirm":true}`), 201, "pin", "null", "metadata.activation_code",
		"LPA:1$example.com$"+r.box.Ledger().Executed[3].Invoice)
	r.want(r.call("GET", "/v1/balances", ""), 200, "0.available", "971.1")
	if err := r.box.SetFault(sandbox.Setting{Name: "price-drift", Times: 1}); err != nil {
		t.Fatal(err)
	}
	r.want(r.call("POST", "/v1/async/transactions", `{"external_id":"E","product_id":7001,"auto_confirm":true}`), 201, "prices.wholesale.amount", "7.04")
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]sandbox.Config{
		"no key": {Secret: "x"}, "no secret": {Key: "x"}, "a negative deposit": {Key: "x", Secret: "y", Deposit: -1},
		"a negative delay": {Key: "x", Secret: "y", Delays: -1}, "an unknown fault": {Key: "x", Secret: "y", Faults: []sandbox.Setting{{Name: "rain", Times: 1}}},
		"no file": {Key: "x", Secret: "y", LedgerFile: "/nowhere/at/all"},
	} {
		if box, err := sandbox.New(cfg); err == nil {
			_ = box.Close()
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := sandbox.ParseFault("late:x"); err == nil {
		t.Error("late:x was taken")
	}
}

func TestEveryFaultHasItsOwnName(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, fault := range sandbox.Faults() {
		if seen[fault.Name] || fault.Text == "" {
			t.Errorf("%+v", fault)
		}
		seen[fault.Name] = true
	}
}
