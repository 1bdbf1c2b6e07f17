package e2e_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// metric reads the lines of a gateway's metrics that have a name.
func (w *world) metric(name string) string {
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
	var found []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, name+"{") {
			found = append(found, line)
		}
	}
	return strings.Join(found, "")
}

// openCases gives the value of the metric of one kind, or "".
func (w *world) openCases(kind string) string {
	w.t.Helper()
	for line := range strings.Lines(w.metric("jalur_cases_open")) {
		if strings.Contains(line, `kind="`+kind+`"`) {
			return strings.Fields(line)[len(strings.Fields(line))-1]
		}
	}
	return ""
}

func TestWhatNobodyCanBeAskedForIsAPersonsTask(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{direct: 0})
	g := w.gateway()
	if got := w.openCases("parked") + w.openCases("contradiction") + w.openCases("invoice_taken"); got != "000" {
		t.Errorf("at first the metric says %q", w.metric("jalur_cases_open"))
	}
	w.fault("cut-before", pageAccount)
	unknown := w.beside("pay", "GOPAY", pageAccount, pageAmount, "--key", "k", "--wait", "0").want(t, 3)
	id := unknown.at("id")
	for deadline := time.Now().Add(30 * time.Second); w.openCases("parked") != "1" && time.Now().Before(deadline); {
		w.beside("cases", "--payment", id).want(t, 0)
	}
	listed := w.beside("cases").want(t, 0)
	listed.wants(t, "cases.0.kind", "parked", "cases.0.payment", id, "cases.0.evidence.outcome", "unknown", "cases.0.closed_by", "")
	w.beside("status", id).want(t, 3).wants(t, "state", "unknown")
	if !strings.Contains(g.output(), "a case for a person") {
		t.Errorf("the log: %s", g.output())
	}
	task := listed.at("cases.0.id")
	w.beside("cases", "close", task, "--resolution", "looked").want(t, 1)
	w.beside("cases", "close", task).want(t, 2)
	w.beside("cases", "close", "999", "--resolution", "looked").want(t, 1)
	w.beside("resolve", id, "--not-executed", "--reason", "not in the report").want(t, 0).wants(t, "state", "failed")
	w.beside("cases").want(t, 0).wants(t, "cases.0", "")
	if got := w.openCases("parked"); got != "0" {
		t.Errorf("after it is resolved the metric says %q", got)
	}
	g.interrupt()

	// The same on the journal itself.
	w.forge("INSERT INTO operator_case (payment_id, attempt_id, kind, why, opened_at) SELECT payment_id, id, 'contradiction', 'it says done', 1 FROM attempt")
	w.cli("cases", "--all").want(t, 0).wants(t, "cases.0.kind", "contradiction", "cases.1.kind", "parked", "cases.1.resolution", "not executed: not in the report")
	other := w.cli("cases", "--payment", id).want(t, 0).at("cases.0.id")
	if seen := w.cli("-o", "table", "cases"); !strings.Contains(seen.stdout, "it says done") || seen.status != 0 {
		t.Errorf("as a table: %+v", seen)
	}
	w.cli("cases", "close", other, "--resolution", "asked the provider").want(t, 0).wants(t, "id", other)
	w.cli("cases", "close", other, "--resolution", "again").want(t, 1)
	w.cli("cases", "--limit", "0").want(t, 2)
	w.cli("doctor", "--journal").want(t, 0)
}

// beside runs a command that talks to the running gateway.
func (w *world) beside(args ...string) ran {
	w.t.Helper()
	return w.cli(append([]string{"--server", "http://" + w.listen}, args...)...)
}
