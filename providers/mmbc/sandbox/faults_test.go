package sandbox_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jalurhq/jalur/providers/mmbc/sandbox"
)

// seen is what a client sees of a fault, in the words of the table below.
type seen struct {
	err    string   // part of the client's error; empty: there is none
	status int      // HTTP; 0: not looked at
	body   string   // part of the body
	fields []string // pairs, "-" for an absent one
}

func faultsSeen() map[string]seen {
	whole := []string{"result", "ok", "invoice", "123456790", "receiver_accountnumber", phone, "amount", "100000", "status", "CONFIRM"}
	but := func(key, value string) []string {
		fields := slices.Clone(whole)
		if at := slices.Index(fields, key); at >= 0 {
			fields[at+1] = value
			return fields
		}
		return append(fields, key, value)
	}
	refused := func(reason string) seen {
		return seen{status: http.StatusOK, fields: []string{"result", "no", "reason", reason}}
	}
	return map[string]seen{
		"cut-before":               {err: "reset"},
		"cut-after":                {err: "EOF"},
		"reset-after":              {err: "reset"},
		"cut-headers":              {err: "body: unexpected EOF", status: http.StatusOK},
		"cut-body":                 {err: "body: unexpected EOF", body: `{"result":"ok",`},
		"slow-bytes":               {status: http.StatusOK, fields: whole},
		"500-html":                 {status: http.StatusInternalServerError, body: "<html>"},
		"500-html-after":           {status: http.StatusInternalServerError, body: "<html>"},
		"500-html-before":          {status: http.StatusInternalServerError, body: "<html>"},
		"502-html":                 {status: http.StatusBadGateway, body: "<html>"},
		"503-html-before":          {status: http.StatusServiceUnavailable, body: "<html>"},
		"429-html-before":          {status: http.StatusTooManyRequests, body: "<html>"},
		"200-html":                 {status: http.StatusOK, body: "<html>"},
		"500-no":                   {status: http.StatusInternalServerError, fields: []string{"result", "no"}},
		"500-ok":                   {status: http.StatusInternalServerError, fields: whole},
		"empty-body":               {status: http.StatusOK},
		"truncated-json":           {status: http.StatusOK, body: `{"result":"ok",`},
		"array-body":               {status: http.StatusOK, body: `[{"result":"ok",`},
		"two-objects":              {status: http.StatusOK, body: `"status":"CONFIRM"}{"result":"no"`, fields: whole},
		"huge-body":                {status: http.StatusOK, body: strings.Repeat(" ", 200_000), fields: whole},
		"gzip-garbage":             {err: "gzip"},
		"redirect":                 {status: http.StatusTemporaryRedirect},
		"redirect-before":          {status: http.StatusTemporaryRedirect},
		"wrong-amount":             {fields: but("amount", "101000")},
		"wrong-account":            {fields: but("receiver_accountnumber", "0812345670")},
		"wrong-merchant":           {fields: but("merchant_code", "GRABPAY")},
		"duplicate-invoice":        {fields: but("invoice", "123456789")},
		"no-invoice":               {fields: but("invoice", "-")},
		"no-account":               {fields: but("receiver_accountnumber", "-")},
		"no-amount":                {fields: but("amount", "-")},
		"no-reference":             {fields: but("reference", "-")},
		"missing-status":           {fields: but("status", "-")},
		"missing-result":           {fields: but("result", "-")},
		"unknown-status":           {fields: but("status", "PROSES")},
		"unknown-result":           {fields: but("result", "maybe")},
		"double":                   {fields: but("invoice", "123456791")},
		"decline-balance":          refused("Saldo tidak cukup"),
		"decline-number":           refused("Nomor tujuan salah"),
		"decline-account":          refused("Akun tidak terdaftar"),
		"decline-merchant":         refused("Merchant tidak dikenal"),
		"decline-merchant-english": refused("Merchant not available"),
		"decline-minimum":          refused("Minimal amount Rp. 50.000 / transaksi"),
		"decline-credentials":      refused("Username / password salah"),
		"decline-dummy":            refused("Please, request with your user! No dummy!"),
		"decline-balance-low":      refused("Saldo anda kurang, silakan deposit"),
		"decline-other":            refused("Transaksi gagal"),
		"decline-not-found":        refused("Invoice tidak ditemukan"),
	}
}

// Every fault on the list: what the client sees, and whether the money was taken. Those that hold a connection, and late, have tests of their own.
func TestFaults(t *testing.T) {
	t.Parallel()
	table := faultsSeen()
	ownTests := []string{"no-answer-before", "no-answer-after", "late"}
	for _, f := range sandbox.Faults() {
		want, ok := table[f.Name]
		if !ok {
			if !slices.Contains(ownTests, f.Name) {
				t.Errorf("%s has no test", f.Name)
			}
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			checkFault(t, f, want)
		})
	}
}

func (want seen) check(r *rig, got answer, err error) {
	r.t.Helper()
	if (err == nil) != (want.err == "") || err != nil && !strings.Contains(err.Error(), want.err) {
		r.t.Errorf("the client's error is %v, want %q", err, want.err)
	}
	if want.status != 0 && got.status != want.status || !strings.Contains(got.body, want.body) {
		r.t.Errorf("the client got %d and %.200q, want %d and %.200q", got.status, got.body, want.status, want.body)
	}
	if want.fields != nil {
		wantFields(r.t, r.object(got.body), want.fields...)
	}
}

func checkFault(t *testing.T, f sandbox.Fault, want seen) {
	t.Helper()
	r := newRig(t, func(c *sandbox.Config) { c.SlowInterval, c.HugeBytes = time.Nanosecond, 200_000 })
	r.reload("0899999999")
	if err := r.sandbox.SetFault(sandbox.Setting{Name: f.Name, Times: 1}); err != nil {
		t.Fatal(err)
	}
	got, err := r.post("reload_merchant", topUp("GOPAY", phone, "100000"))
	want.check(r, got, err)
	times := map[bool]int{true: 1}[f.Executes]
	if f.Name == "double" {
		times = 2
	}
	if n := r.count(phone); n != times {
		t.Errorf("executed %d times, want %d", n, times)
	}
	wantFields(t, r.reload("0877777777"), "result", "ok", "reason", "-")
}

func TestDuplicateInvoiceOfTheFirstOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *sandbox.Config) { c.Faults = []sandbox.Setting{{Name: "duplicate-invoice", Times: 1}} })
	first := r.reload(phone)
	wantFields(t, first, "invoice", "123456788")
	wantFields(t, r.statusOf(first), "result", "no", "reason", "Invoice tidak ditemukan")
}

func TestRedirectThatIsFollowedPaysTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *sandbox.Config) { c.Faults = []sandbox.Setting{{Name: "redirect", Times: 1}} })
	r.client.CheckRedirect = nil
	wantFields(t, r.reload(phone), "result", "ok")
	if n := r.count(phone); n != 2 {
		t.Errorf("executed %d times, want 2", n)
	}
}

func TestLate(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *sandbox.Config) { c.Faults = []sandbox.Setting{{Name: "late", Times: 1}} })
	if _, err := r.post("reload_merchant", topUp("GOPAY", phone, "100000")); err == nil {
		t.Error("the client got an answer")
	}
	r.clock.advance(5*time.Second - 1)
	wantFields(t, r.must("status_reload", form("invoice", "123456789")), "result", "no")
	if n := r.count(phone); n != 0 {
		t.Errorf("executed %d times too early", n)
	}
	r.clock.advance(1)
	wantFields(t, r.must("status_reload", form("invoice", "123456789")), "result", "ok", "reference", "101837139231331")
	if n := r.count(phone); n != 1 {
		t.Errorf("executed %d times, want 1", n)
	}
}

// begin posts a reload that is to be held, and gives what ends the client's wait and what it then saw.
func (r *rig) begin(account string) (giveUp context.CancelFunc, result <-chan error) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	body := strings.NewReader(topUp("GOPAY", account, "100000").Encode())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+"/reload_merchant", body)
	if err != nil {
		r.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := r.roundTrip(req)
		done <- err
	}()
	return cancel, done
}

// until asks the sandbox again and again. The limit only keeps a broken sandbox from holding the tests for ever.
func until(t *testing.T, ready func() bool) {
	t.Helper()
	const limit = 30 * time.Second
	for start := time.Now(); !ready(); runtime.Gosched() {
		if time.Since(start) > limit {
			t.Fatal("it never came")
		}
	}
}

func (r *rig) faultsLeft() int {
	r.t.Helper()
	got, err := r.do(http.MethodGet, "/_fault", "", "")
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.Count(got.body, `"times"`)
}

func TestHeldConnections(t *testing.T) {
	t.Parallel()
	for name, executed := range map[string]int{"no-answer-before": 0, "no-answer-after": 1, "slow-bytes": 1} {
		for _, who := range []string{"client", "sandbox"} {
			t.Run(name+" ended by the "+who, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, func(c *sandbox.Config) {
					c.SlowInterval = time.Hour
					c.Faults = []sandbox.Setting{{Name: name, Times: 1}}
				})
				giveUp, result := r.begin(phone)
				defer giveUp()
				until(t, func() bool { return r.faultsLeft() == 0 && r.count(phone) == executed })
				select {
				case err := <-result:
					t.Fatalf("it was answered: %v", err)
				default:
				}
				end := giveUp
				if who == "sandbox" {
					end = func() { _ = r.sandbox.Close() }
				}
				end()
				if err := <-result; err == nil || errors.Is(err, context.Canceled) != (who == "client") {
					t.Errorf("the client saw %v", err)
				}
				if n := r.count(phone); n != executed {
					t.Errorf("executed %d times, want %d", n, executed)
				}
			})
		}
	}
}

func TestDelayIsAfterTheExecution(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *sandbox.Config) { c.Delay = time.Hour })
	giveUp, result := r.begin(phone)
	until(t, func() bool { return r.count(phone) == 1 })
	giveUp()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("the client saw %v", err)
	}
}

func TestFaultsOnOtherCalls(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	first := r.reload(phone)
	set := func(setting sandbox.Setting) {
		t.Helper()
		if err := r.sandbox.SetFault(setting); err != nil {
			t.Fatal(err)
		}
	}
	set(sandbox.Setting{Name: "wrong-account", Times: 1, Call: "status_reload", Account: phone})
	wantFields(t, r.reload(phone), "receiver_accountnumber", phone)
	wantFields(t, r.statusOf(first), "receiver_accountnumber", "0812345670")
	wantFields(t, r.statusOf(first), "receiver_accountnumber", phone)

	set(sandbox.Setting{Name: "decline-other", Times: sandbox.Always, Call: sandbox.AnyCall})
	set(sandbox.Setting{Name: "decline-not-found", Times: 1, Call: "status_reload"})
	wantFields(t, r.statusOf(first), "reason", "Invoice tidak ditemukan")
	wantFields(t, r.statusOf(first), "reason", "Transaksi gagal")
	wantFields(t, r.must("list_merchant", form()), "reason", "Transaksi gagal")
	set(sandbox.Setting{Name: sandbox.NoFault, Call: sandbox.AnyCall})
	wantFields(t, r.statusOf(first), "result", "ok")
}

func TestFaultForOneAccount(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *sandbox.Config) {
		c.Faults = []sandbox.Setting{
			{Name: "decline-number", Times: 1}, {Name: "decline-account", Times: 1}, {Name: "no-invoice", Times: 1, Account: phone},
		}
	})
	wantFields(t, r.reload(phone), "result", "ok", "invoice", "-")
	wantFields(t, r.reload(phone), "reason", "Nomor tujuan salah")
	wantFields(t, r.reload(phone), "reason", "Akun tidak terdaftar")
	wantFields(t, r.reload(phone), "result", "ok", "invoice", "123456790")
}

func TestFaultsDoNotAlterRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *sandbox.Config) { c.Faults = []sandbox.Setting{{Name: "missing-result", Times: 1}} })
	wantFields(t, r.reload("0812999101"), "result", "no", "reason", "Saldo tidak cukup")
}

func TestParseFault(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text, name string
		times      int
		err        string
	}{
		{"cut-after", "cut-after", 1, ""},
		{"cut-after:3", "cut-after", 3, ""},
		{"cut-after:-1", "cut-after", sandbox.Always, ""},
		{"cut-after:0", "", 0, "positive"},
		{"cut-after:x", "", 0, "not a number"},
		{"cut", "", 0, "cut-after"},
		{"", "", 0, "unknown fault"},
	} {
		got, err := sandbox.ParseFault(test.text)
		if (err == nil) != (test.err == "") || err == nil && (got.Name != test.name || got.Times != test.times) {
			t.Errorf("%q: %+v, %v", test.text, got, err)
		}
		if err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%q: %v lacks %q", test.text, err, test.err)
		}
	}
}

func TestWithoutAServerACutIsAnAbort(t *testing.T) {
	t.Parallel()
	cfg := testConfig(newClock())
	cfg.Faults = []sandbox.Setting{{Name: "cut-before", Times: 1}}
	s, err := sandbox.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if caught := recover(); caught != http.ErrAbortHandler {
			t.Errorf("recovered %v", caught)
		}
		_ = s.Close()
	}()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/reload_merchant", nil)
	s.ServeHTTP(httptest.NewRecorder(), req)
}
