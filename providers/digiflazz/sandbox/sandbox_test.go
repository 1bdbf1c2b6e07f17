package sandbox_test

import (
	"crypto/md5"
	"encoding/hex"
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

	"github.com/jalurhq/jalur/providers/digiflazz/sandbox"
	shared "github.com/jalurhq/jalur/providers/sandbox"
)

// TestMain finds goroutines that a closed sandbox leaves behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	user  = "username"
	key   = "apiKey"
	phone = "081234567890"
)

// rig is a sandbox, at a time that stands still until it is moved: 10:00 in Jakarta.
type rig struct {
	t   *testing.T
	now time.Time
	box *sandbox.Sandbox
}

func newRig(t *testing.T, change func(*sandbox.Config)) *rig {
	t.Helper()
	r := &rig{t: t, now: time.Date(2026, time.November, 23, 3, 0, 0, 0, time.UTC)}
	cfg := sandbox.Config{Username: user, APIKey: key, Deposit: 1_000_000, Now: func() time.Time { return r.now }}
	if change != nil {
		change(&cfg)
	}
	box, err := sandbox.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	r.box = box
	return r
}

type object = map[string]any

func sign(suffix string) string {
	sum := md5.Sum([]byte(user + key + suffix))
	return hex.EncodeToString(sum[:])
}

// body posts and gives the answer as it stands.
func (r *rig) body(path string, params object) string {
	r.t.Helper()
	encoded, err := json.Marshal(params)
	if err != nil {
		r.t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r.box.ServeHTTP(w, httptest.NewRequestWithContext(r.t.Context(), http.MethodPost, path, strings.NewReader(string(encoded))))
	return w.Body.String()
}

// post gives the object in the data of an answer.
func (r *rig) post(path string, params object) object {
	r.t.Helper()
	var answer struct {
		Data object `json:"data"`
	}
	decoder := json.NewDecoder(strings.NewReader(r.body(path, params)))
	decoder.UseNumber()
	if err := decoder.Decode(&answer); err != nil {
		r.t.Fatal(err)
	}
	return answer.Data
}

func order(ref, account string, more ...any) object {
	o := object{"username": user, "buyer_sku_code": "xld10", "customer_no": account, "ref_id": ref, "sign": sign(ref)}
	for i := 0; i < len(more); i += 2 {
		o[more[i].(string)] = more[i+1]
	}
	return o
}

func (r *rig) pay(ref, account string, more ...any) object {
	r.t.Helper()
	return r.post("/v1/transaction", order(ref, account, more...))
}

func wantFields(t *testing.T, got object, pairs ...any) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if value := got[pairs[i].(string)]; fmt.Sprint(value) != fmt.Sprint(pairs[i+1]) {
			t.Errorf("%s is %v, want %v in %v", pairs[i], value, pairs[i+1], got)
		}
	}
}

func (r *rig) wantCount(account string, count int) {
	r.t.Helper()
	if got := r.box.Ledger().ByAccount[account]; got != count {
		r.t.Errorf("%d executed for %s, want %d", got, account, count)
	}
}

// The vendor's own example of an answer.
func TestTheVendorsExample(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	got := r.pay("test1", "087800001230", "testing", true)
	wantFields(t, got, "ref_id", "test1", "customer_no", "087800001230", "buyer_sku_code", "xld10", "status", "Sukses", "rc", "00",
		"sn", "1234567890", "buyer_last_saldo", 990000, "price", 10000)
	wantFields(t, r.pay("test2", "087800001232", "testing", true), "status", "Gagal", "rc", "02", "buyer_last_saldo", 1000000)
	wantFields(t, r.pay("test3", "087800001233", "testing", true), "status", "Pending", "rc", "03", "sn", "", "price", 10000)
}

func TestTheSameReferenceAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	first := r.pay("A", phone)
	wantFields(t, r.pay("A", phone), "rc", "00", "sn", first["sn"])
	wantFields(t, r.pay("A", "0899999999"), "status", "Gagal", "rc", "49")
	wantFields(t, r.pay("A", phone, "buyer_sku_code", "tsel5"), "rc", "49")
	r.wantCount(phone, 1)
	r.now = r.now.Add(90*24*time.Hour - time.Second)
	wantFields(t, r.pay("A", phone), "rc", "00", "sn", first["sn"])
	r.wantCount(phone, 1)
	r.now = r.now.Add(time.Second)
	wantFields(t, r.pay("A", phone), "rc", "00")
	r.wantCount(phone, 2) // a new sale
}

func TestRepetitionsThatAreTooSoon(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *sandbox.Config) { c.RepeatWithin = time.Minute })
	r.pay("A", phone)
	r.now = r.now.Add(59 * time.Second)
	wantFields(t, r.pay("A", phone), "status", "Gagal", "rc", "85")
	wantFields(t, r.pay("B", phone), "rc", "00") // another one
	r.now = r.now.Add(time.Minute)
	wantFields(t, r.pay("A", phone), "rc", "00")

	r = newRig(t, func(c *sandbox.Config) { c.Faults = []shared.Setting{{Name: "repeat-double", Times: 2}} })
	r.pay("A", phone)
	wantFields(t, r.pay("A", phone), "rc", "00")
	r.wantCount(phone, 2)
}

func TestCallersThatAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	wantFields(t, r.pay("A", phone, "sign", sign("B")), "status", "Gagal", "rc", "41", "ref_id", "A")
	wantFields(t, r.pay("A", phone, "username", "x"), "rc", "42")
	wantFields(t, r.pay("A", ""), "rc", "40")
	wantFields(t, r.post("/cek-saldo", object{"username": user, "cmd": "deposit", "sign": sign("deposit")}), "rc", "41")
	wantFields(t, r.post("/v1/cek-saldo", object{"username": user, "cmd": "deposit", "sign": sign("depo")}), "deposit", 1_000_000)
	r.wantCount(phone, 0)
}

// Clients often misspell commands: what has none is a prepaid order.
func TestABillWithoutACommandIsAPrepaidOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	wantFields(t, r.pay("A", "530000000001", "buyer_sku_code", "pln", "command", "inq-pasca"), "rc", "43")
}

func TestBills(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	bill := func(ref, command string) object {
		return r.pay(ref, "530000000001", "buyer_sku_code", "pln", "commands", command)
	}
	wantFields(t, bill("A", "pay-pasca"), "rc", "50")
	wantFields(t, bill("A", "status-pasca"), "rc", "50", "message", "Data belum ada")
	wantFields(t, bill("A", "inq-pasca"), "rc", "00", "price", 10000, "selling_price", 11000, "admin", 2500, "sn", nil)
	r.wantCount("530000000001", 0)
	wantFields(t, r.pay("A", "530000000002", "buyer_sku_code", "pln", "commands", "pay-pasca"), "rc", "49")
	wantFields(t, bill("A", "pay-pasca"), "rc", "00", "price", 10000, "selling_price", 11000, "sn", "1234567890")
	wantFields(t, bill("A", "pay-pasca"), "rc", "00")
	wantFields(t, bill("A", "status-pasca"), "rc", "00")
	wantFields(t, bill("A", "inq-pasca"), "rc", "49")
	r.wantCount("530000000001", 1)
	if l := r.box.Ledger(); l.Deposit != 990_000 || l.Executed[0].Amount != "11000" {
		t.Errorf("%+v", l)
	}
	bill("B", "inq-pasca")
	r.now = r.now.Add(14 * time.Hour) // midnight
	wantFields(t, bill("B", "pay-pasca"), "rc", "50")
	r.now = r.now.Add(90 * 24 * time.Hour)
	wantFields(t, bill("A", "status-pasca"), "rc", "50", "message", "Data belum ada")
}

func TestEMoneyIsInThousands(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	ask := func(amount any) object {
		return r.pay("A", "082100000001", "buyer_sku_code", "emoney", "commands", "inq-pasca", "amount", amount)
	}
	wantFields(t, ask(1500), "rc", "87")
	wantFields(t, ask(nil), "rc", "87")
	wantFields(t, ask("20000"), "rc", "00", "price", 20500, "selling_price", 21500)
}

func TestPriceListLimits(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	ask := func(code string) string {
		return r.body("/v1/price-list", object{"username": user, "cmd": "prepaid", "code": code, "sign": sign("pricelist")})
	}
	for _, step := range []struct {
		after time.Duration
		code  string
		want  string
	}{
		{0, "", `"xld10"`},
		{5*time.Minute - time.Second, "", `"83"`},
		{time.Second, "", `"night10"`},
		{0, "xld10", `"xld10"`},
		{999 * time.Millisecond, "xld10", `"83"`},
		{time.Millisecond, "xld10", `"start_cut_off":"00:00"`},
		{0, "nothing", `{"data":[]}`},
	} {
		r.now = r.now.Add(step.after)
		if got := ask(step.code); !strings.Contains(got, step.want) {
			t.Errorf("%q after %s: %.200s", step.code, step.after, got)
		}
	}
}

func TestCutOffsWrapMidnight(t *testing.T) {
	t.Parallel()
	for clock, rc := range map[string]string{"23:44": "00", "23:45": "58", "00:00": "58", "00:14": "58", "00:15": "00", "12:00": "00"} {
		r := newRig(t, nil)
		at, err := time.Parse("15:04", clock)
		if err != nil {
			t.Fatal(err)
		}
		r.now = time.Date(2026, time.November, 23, at.Hour(), at.Minute(), 0, 0, time.FixedZone("WIB", 7*3600))
		wantFields(t, r.pay("A", phone, "buyer_sku_code", "night10"), "rc", rc)
	}
}

func TestOnceADay(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	buy := func(ref string) object { return r.pay(ref, phone, "buyer_sku_code", "once10") }
	wantFields(t, buy("A"), "rc", "00")
	wantFields(t, buy("B"), "rc", "63")
	r.now = r.now.Add(14 * time.Hour) // midnight
	wantFields(t, buy("C"), "rc", "00")
}

func TestTheDepositIsDebitedAtOnceAndRestored(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *sandbox.Config) { c.Deposit = 20_000 })
	r.pay("A", "087800001234")
	if got := r.box.Ledger(); got.Deposit != 10_000 || len(got.Executed) != 0 {
		t.Errorf("while it is pending: %+v", got)
	}
	wantFields(t, r.pay("B", phone), "rc", "00")
	wantFields(t, r.pay("C", phone), "rc", "44")
	r.now = r.now.Add(time.Minute)
	wantFields(t, r.pay("A", "087800001234"), "rc", "02", "buyer_last_saldo", 10_000)
	wantFields(t, r.pay("C", phone), "rc", "00")
	wantFields(t, r.pay("D", phone), "rc", "44")
}

func TestLateOrders(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *sandbox.Config) { c.Faults = []shared.Setting{{Name: "late", Times: 2}} })
	for _, ref := range []string{"A", "B"} {
		func() {
			defer func() {
				if caught := recover(); caught != http.ErrAbortHandler {
					t.Errorf("recovered %v", caught)
				}
			}()
			r.pay(ref, phone)
		}()
	}
	r.wantCount(phone, 0)
	wantFields(t, r.pay("A", phone), "rc", "00") // it is made now, and the late one finds it there
	r.wantCount(phone, 1)
	r.now = r.now.Add(5 * time.Second)
	r.wantCount(phone, 2)
}

func TestLedger(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.pay("A", phone)
	r.pay("B", "087800001233")
	get := func(method, path string) string {
		w := httptest.NewRecorder()
		r.box.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
		return strings.Join(strings.Fields(w.Body.String()), "")
	}
	const first = `{"invoice":"A","ref":"A","merchant":"xld10","account":"081234567890","amount":10000,"state":"Sukses","at":"2026-11-23T03:00:00Z"}`
	const second = `{"invoice":"B","ref":"B","merchant":"xld10","account":"087800001233","amount":10000,"state":"Pending","at":"2026-11-23T03:00:00Z"}`
	for path, want := range map[string]string{
		"/_ledger":                      `{"executed":[` + first + `,` + second + `],"by_account":{"081234567890":1,"087800001233":1},"deposit":980000}`,
		"/v1/_ledger?account=" + phone:  `{"executed":[` + first + `],"by_account":{"081234567890":1},"deposit":980000}`,
		"/_ledger?account=080000000000": `{"executed":[],"by_account":{},"deposit":980000}`,
	} {
		if got := get(http.MethodGet, path); got != want {
			t.Errorf("%s\n got %s\nwant %s", path, got, want)
		}
	}
	if got := get(http.MethodPost, "/_reset"); got != `{"executed":[],"by_account":{},"deposit":1000000}` {
		t.Errorf("reset: %s", got)
	}
	if got := get(http.MethodGet, "/"); !strings.Contains(got, "087800001234") || !strings.Contains(got, "decline-02") {
		t.Errorf("about: %s", got)
	}
}

func TestLedgerFileSurvivesARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	withFile := func(c *sandbox.Config) { c.LedgerFile = path }
	before := newRig(t, withFile)
	before.pay("A", phone)
	before.pay("B", "087800001234")
	if err := before.box.Close(); err != nil {
		t.Fatal(err)
	}
	after := newRig(t, withFile)
	after.wantCount(phone, 1)
	wantFields(t, after.pay("A", phone), "rc", "00")
	after.wantCount(phone, 1)
	after.now = after.now.Add(time.Minute)
	wantFields(t, after.pay("B", "087800001234"), "rc", "02", "buyer_last_saldo", 990_000)
	if w := httptest.NewRecorder(); true {
		before.box.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("closed, and yet %d", w.Code)
		}
	}
}

func TestNumbersAsStrings(t *testing.T) {
	t.Parallel()
	for values, want := range map[sandbox.Values]string{
		sandbox.ValuesNumber: `"price":10000,`, sandbox.ValuesString: `"price":"10000",`, sandbox.ValuesFloat: `"price":10000.0,`,
	} {
		r := newRig(t, func(c *sandbox.Config) { c.Values = values })
		if got := r.body("/v1/transaction", order("A", phone)); !strings.Contains(got, want) {
			t.Errorf("%s: %s", values, got)
		}
	}
}

func TestRunSendsCallbacksAsTheyComeDue(t *testing.T) {
	t.Parallel()
	got := make(chan string, 2)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- r.Header.Get("X-Digiflazz-Event") + " " + r.Header.Get("X-Hub-Signature") + " " + string(body)
	}))
	defer server.Close()
	r := newRig(t, func(c *sandbox.Config) { c.CallbackURL = "http://127.0.0.1:1/nowhere" })
	done := make(chan struct{})
	go func() { r.box.Run(t.Context()); close(done) }()
	r.pay("A", phone, "cb_url", server.URL)
	if sent := <-got; !strings.HasPrefix(sent, "create  {") || !strings.Contains(sent, `"ref_id":"A"`) {
		t.Errorf("%s", sent)
	}
	if err := r.box.Close(); err != nil {
		t.Fatal(err)
	}
	<-done
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*sandbox.Config){
		"API key":       func(c *sandbox.Config) { c.APIKey = "" },
		"deposit":       func(c *sandbox.Config) { c.Deposit = -1 },
		"duration":      func(c *sandbox.Config) { c.PendingFor = -1 },
		"values":        func(c *sandbox.Config) { c.Values = "roman" },
		"unknown fault": func(c *sandbox.Config) { c.Faults = []shared.Setting{{Name: "rain", Times: 1}} },
		"ledger file":   func(c *sandbox.Config) { c.LedgerFile = "/nowhere/at/all" },
	} {
		cfg := sandbox.Config{Username: user, APIKey: key}
		change(&cfg)
		if _, err := sandbox.New(cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *sandbox.Config) { c.Deposit = 20 * 10_000 })
	var callers sync.WaitGroup
	for n := range 100 {
		callers.Go(func() { r.pay(fmt.Sprintf("REF%d", n%25), phone) }) // each of 25 four times
	}
	callers.Wait()
	if l := r.box.Ledger(); l.ByAccount[phone] != 20 || l.Deposit != 0 {
		t.Errorf("%d executed, %d left", l.ByAccount[phone], l.Deposit)
	}
}
