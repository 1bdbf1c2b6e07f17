package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/providers/sandbox"
)

func catalogue() sandbox.Catalogue {
	made := sandbox.Catalogue{Calls: []string{"pay", "ask"}}
	for _, f := range sandbox.LineFaults() {
		made.Faults = append(made.Faults, f.Fault)
	}
	return made
}

func TestControl(t *testing.T) {
	t.Parallel()
	faults, err := sandbox.NewFaults(catalogue(), sandbox.Setting{Name: "502-html", Times: sandbox.Always, Call: "ask"})
	if err != nil {
		t.Fatal(err)
	}
	executed := sandbox.NewLedger(
		sandbox.Entry{Invoice: "1", Account: "0812", Amount: "10.50"}, sandbox.Entry{Invoice: "2", Account: "0813", Amount: "7"})
	control := sandbox.Control{
		Faults: faults, About: "A toy.\n", Options: catalogue().Options(),
		Ledger: func(account string) any {
			if account != "" {
				return executed.Of(account)
			}
			return executed
		},
		EmptyLedger: func() error { executed = sandbox.NewLedger(); return nil },
		Reset:       func() error { return http.ErrServerClosed },
	}
	for _, step := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/", 200, "* 502-html"},
		{"GET", "/_ledger", 200, `"amount": 10.50`},
		{"GET", "/_ledger?account=0813", 200, `"by_account": {` + "\n    \"0813\": 1"},
		{"POST", "/_fault?name=cut-after&times=2", 200, `"call": "pay"`},
		{"POST", "/_fault?name=rain", 400, "unknown fault"},
		{"GET", "/_fault", 200, `"faults": [`},
		{"DELETE", "/_ledger", 200, `"executed": []`},
		{"POST", "/_reset", 500, "error"},
		{"GET", "/pay", 404, "not found"},
	} {
		w := httptest.NewRecorder()
		control.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), step.method, step.path, nil))
		if w.Code != step.status || !strings.Contains(w.Body.String(), step.body) {
			t.Errorf("%s %s: %d %s", step.method, step.path, w.Code, w.Body)
		}
	}
	for _, want := range []string{"cut-after", "cut-after", ""} {
		if got := faults.Take("pay", "0812"); got != want {
			t.Errorf("took %q, want %q", got, want)
		}
	}
}

func TestEveryLineFaultHasItsOwnName(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, f := range sandbox.LineFaults() {
		if seen[f.Name] || f.Deliver == nil || f.Executes == strings.HasSuffix(f.Text, "nothing is executed") {
			t.Errorf("%+v", f.Fault)
		}
		seen[f.Name] = true
	}
}

func TestFileKeepsWhatWasAppended(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	for i := range 3 {
		file, records, err := sandbox.OpenFile[int](path)
		if err != nil || len(records) != i {
			t.Fatalf("%v, %v", records, err)
		}
		if err := file.Append(i); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	none, records, err := sandbox.OpenFile[int]("")
	if err != nil || records != nil || none.Append(1) != nil || none.Empty() != nil || none.Close() != nil {
		t.Errorf("a file of none: %v, %v", records, err)
	}
}
