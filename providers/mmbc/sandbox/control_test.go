package sandbox_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jalurhq/jalur/providers/mmbc/sandbox"
)

func (r *rig) control(method, path string) answer {
	r.t.Helper()
	got, err := r.do(method, path, "", "")
	if err != nil {
		r.t.Fatal(err)
	}
	return got
}

func TestLedgerOverHTTP(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *sandbox.Config) { c.Deposit = 1_000_000 })
	if got := r.control(http.MethodGet, "/_ledger").body; squeeze(t, got) != `{"executed":[],"by_account":{},"deposit":1000000}` {
		t.Errorf("empty: %s", got)
	}
	r.reload(phone)
	r.reload("0812999002", "direct", "1")
	const first = `{"invoice":"123456789","ref":"101837139231331","merchant":"GOPAY","account":"0812345678",` +
		`"amount":100000,"state":"CONFIRM","at":"2017-12-31T17:01:10Z"}`
	const second = `{"invoice":"123456790","ref":"","merchant":"GOPAY","account":"0812999002",` +
		`"amount":100000,"state":"PENDING","at":"2017-12-31T17:01:10Z"}`
	for path, want := range map[string]string{
		"/_ledger":                    `{"executed":[` + first + `,` + second + `],"by_account":{"0812345678":1,"0812999002":1},"deposit":796000}`,
		"/_ledger?account=0812345678": `{"executed":[` + first + `],"by_account":{"0812345678":1},"deposit":796000}`,
		"/_ledger?account=0800000000": `{"executed":[],"by_account":{},"deposit":796000}`,
	} {
		if got := squeeze(t, r.control(http.MethodGet, path).body); got != want {
			t.Errorf("%s\n got %s\nwant %s", path, got, want)
		}
	}
}

// squeeze takes the white space out of JSON.
func squeeze(t *testing.T, text string) string {
	t.Helper()
	var raw json.RawMessage
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		t.Fatal(err)
	}
	compact, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	return string(compact)
}

func TestFaultsOverHTTP(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	steps := []struct{ query, active string }{
		{"name=cut-after", `[{"name":"cut-after","times":1,"call":"reload_merchant"}]`},
		{"name=500-html&times=3", `[{"name":"500-html","times":3,"call":"reload_merchant"}]`},
		{"name=cut-after&queue=1", `[{"name":"500-html","times":3,"call":"reload_merchant"},{"name":"cut-after","times":1,"call":"reload_merchant"}]`},
		{"name=500-html&times=0", `[]`},
		{
			"name=200-html&times=-1&call=status_reload&account=0812",
			`[{"name":"200-html","times":-1,"call":"status_reload","account":"0812"}]`,
		},
		{"name=none", `[]`},
		{"name=late&call=*", `[{"name":"late","times":1,"call":"*"}]`},
		{"name=none&call=*", `[]`},
	}
	for _, step := range steps {
		got := r.control(http.MethodPost, "/_fault?"+step.query)
		if squeeze(t, got.body) != `{"active":`+step.active+`}` || got.status != http.StatusOK {
			t.Errorf("%s: %d %.300s", step.query, got.status, squeeze(t, got.body))
		}
	}
	for _, query := range []string{
		"", "name=cut", "name=cut-after&times=x", "name=cut-after&times=-2", "name=cut-after&call=pay", "name=late&times=0&queue=1",
	} {
		got := r.control(http.MethodPost, "/_fault?"+query)
		if got.status != http.StatusBadRequest || !strings.Contains(got.body, `"no-answer-after"`) || !strings.Contains(got.body, `"error"`) {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
}

func TestFaultIsForTheNextCalls(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	got, err := r.do(http.MethodPost, "/_fault", "application/x-www-form-urlencoded", "name=decline-balance&times=2")
	if err != nil || got.status != http.StatusOK {
		t.Fatalf("%v: %+v", err, got)
	}
	wantFields(t, r.must("inquiry_merchant", topUp("GOPAY", phone, "100000")), "result", "ok")
	for _, want := range []string{"no", "no", "ok"} {
		wantFields(t, r.reload(phone), "result", want)
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	for path, faults := range map[string]int{"DELETE /_ledger": 1, "POST /_reset": 0} {
		r := newRig(t, func(c *sandbox.Config) { c.Deposit = 500_000 })
		first := r.reload(phone)
		if err := r.sandbox.SetFault(sandbox.Setting{Name: "cut-after", Times: 1}); err != nil {
			t.Fatal(err)
		}
		method, where, _ := strings.Cut(path, " ")
		if got := squeeze(t, r.control(method, where).body); got != `{"executed":[],"by_account":{},"deposit":500000}` {
			t.Errorf("%s: %s", path, got)
		}
		if n := r.faultsLeft(); n != faults {
			t.Errorf("%s left %d faults, want %d", path, n, faults)
		}
		if err := r.sandbox.Reset(); err != nil {
			t.Fatal(err)
		}
		wantFields(t, r.statusOf(first), "result", "no")
		wantFields(t, r.reload(phone), "invoice", "123456790")
	}
}

func TestAbout(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	got := r.control(http.MethodGet, "/")
	for _, part := range []string{"sandbox", "/_ledger", "/_fault", "* no-answer-after", "  cut-before", "999001", "999210", "mercant", "dotted"} {
		if !strings.Contains(got.body, part) {
			t.Errorf("%q is missing in %s", part, got.body)
		}
	}
	if got := r.control(http.MethodGet, "/nothing"); got.status != http.StatusNotFound {
		t.Errorf("status %d", got.status)
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for range 2 {
		if err := r.sandbox.Close(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := r.post("reload_merchant", topUp("GOPAY", phone, "100000"))
	if err != nil || got.status != http.StatusServiceUnavailable || r.count(phone) != 0 {
		t.Errorf("%v: %+v", err, got)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*sandbox.Config){
		"password":      func(c *sandbox.Config) { c.Password = "" },
		"direct":        func(c *sandbox.Config) { c.DirectDefault = 2 },
		"HTTP status":   func(c *sandbox.Config) { c.FailureStatus = 99 },
		"deposit":       func(c *sandbox.Config) { c.Deposit = -1 },
		"duration":      func(c *sandbox.Config) { c.Delay = -1 },
		"spelling":      func(c *sandbox.Config) { c.Spelling = "welsh" },
		"values":        func(c *sandbox.Config) { c.Values = "roman" },
		"unknown fault": func(c *sandbox.Config) { c.Faults = []sandbox.Setting{{Name: "rain", Times: 1}} },
		"times":         func(c *sandbox.Config) { c.Faults = []sandbox.Setting{{Name: "cut-after"}} },
		"ledger file":   func(c *sandbox.Config) { c.LedgerFile = "/nowhere/at/all" },
	} {
		cfg := testConfig(newClock())
		change(&cfg)
		if _, err := sandbox.New(cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLedgerFileSurvivesARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	withFile := func(c *sandbox.Config) { c.LedgerFile, c.Deposit = path, 500_000 }
	before := newRig(t, withFile)
	first, second := before.reload(phone), before.reload("0812999003")
	if err := before.sandbox.Close(); err != nil {
		t.Fatal(err)
	}
	tear(t, path)

	after := newRig(t, withFile)
	wantFields(t, after.statusOf(first), "result", "ok", "reference", "101837139231331", "debet", "102000")
	wantFields(t, after.reload(phone), "invoice", "123456791")
	if l := after.sandbox.Ledger(); l.ByAccount[phone] != 2 || l.Deposit != 500_000-3*102_000 {
		t.Errorf("ledger: %+v", l)
	}
	after.clock.advance(time.Minute)
	wantFields(t, after.statusOf(second), "status", "REFUND")
	if l := after.sandbox.Ledger(); l.Deposit != 500_000-2*102_000 {
		t.Errorf("deposit: %d", l.Deposit)
	}
	if again := newRig(t, withFile); len(again.sandbox.Ledger().Executed) != 3 {
		t.Errorf("after a torn line: %+v", again.sandbox.Ledger())
	}
	if err := after.sandbox.Reset(); err != nil {
		t.Fatal(err)
	}
	after.reload("0877777777")
	if again := newRig(t, withFile); len(again.sandbox.Ledger().Executed) != 1 {
		t.Errorf("after a reset: %+v", again.sandbox.Ledger())
	}
}

// tear leaves half a line at the end of the file, as a process that dies does.
func tear(t *testing.T, path string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(`{"invoice":1234`); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedLedgerFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	if err := os.WriteFile(path, []byte("{}\nnonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := testConfig(newClock())
	cfg.LedgerFile = path
	if _, err := sandbox.New(cfg); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("got %v", err)
	}
}

func TestInvoicesFollowTheClock(t *testing.T) {
	t.Parallel()
	earlier := newRig(t, func(c *sandbox.Config) { c.FirstInvoice = 0 })
	wantFields(t, earlier.reload(phone), "invoice", "1514739670000")
}
