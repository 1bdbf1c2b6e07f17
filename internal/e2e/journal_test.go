package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file that was put back from a backup lacks what was paid since: nothing is sent from it until an operator has compared.
func TestARestoredFileIsHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{direct: 0})
	w.cli("pay", "GOPAY", pageAccount, pageAmount, "--key", "kept").want(t, 0)
	w.cli("journal", "status").want(t, 0).wants(t, "held", "", "epochs.0.by", "gateway")
	file := filepath.Join(w.dir, "jalur.db")
	backup, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w.cli("pay", "GOPAY", "081200000002", pageAmount, "--key", "lost").want(t, 0)
	if err := os.WriteFile(file, backup, 0o600); err != nil {
		t.Fatal(err)
	}

	held := w.cli("journal", "status")
	held.want(t, 1)
	if !strings.Contains(held.stderr, "journal accept") || !strings.Contains(held.stdout, "put back from a backup") {
		t.Errorf("its standing: %+v", held)
	}
	w.cli("pay", "GOPAY", "081200000002", pageAmount, "--key", "lost").want(t, 3)
	w.cli("pay", "GOPAY", pageAccount, pageAmount, "--key", "kept").want(t, 0)
	w.cli("journal", "accept").want(t, 2)
	w.cli("journal", "accept", "--reason", "statements compared").want(t, 0).wants(t, "held", "", "epochs.1.why", "statements compared")
	w.cli("pay", "GOPAY", "081200000003", pageAmount, "--key", "after").want(t, 0)
	ledger := w.ledger()
	for _, account := range []string{pageAccount, "081200000002", "081200000003"} {
		if ledger[account] != 1 {
			t.Errorf("%s has %d top-ups", account, ledger[account])
		}
	}
	if seen := w.cli("-o", "table", "journal", "hold", "--reason", "a test"); seen.status != 0 || !strings.Contains(seen.stdout, "nothing is sent: operator") {
		t.Errorf("as a table: %+v", seen)
	}
	w.cli("journal", "hold", "everything").want(t, 2)
	w.gateway()
	beside := w.cli("journal", "accept", "--reason", "x")
	beside.want(t, 2)
	if !strings.Contains(beside.stderr, "stop it first") {
		t.Errorf("beside a gateway: %s", beside.stderr)
	}
	status, refused, err := w.post("new", pageAccount, 100000)
	if err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("%d, %v", status, err)
	}
	refused.wants(t, "code", "halted", "outcome", "not_sent")
	status, ready, err := w.get("/readyz")
	if err != nil || status != http.StatusServiceUnavailable || !strings.Contains(ready.at("journal"), "has held it: a test") {
		t.Errorf("readiness: %d, %v, %v", status, ready, err)
	}
}

// On PostgreSQL the commands work beside gateways, which heed them.
func TestGatewaysHeedAHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{direct: 0})
	_, at := onPostgres(t, w, 2)
	at[0].mustPost("before", pageAccount)
	w.cli("journal", "hold", "--reason", "a restore").want(t, 0)
	for _, gateway := range at {
		eventually(t, "it is held", func() bool {
			status, _, err := gateway.get("/readyz")
			return err == nil && status == http.StatusServiceUnavailable
		})
		status, refused, err := gateway.post("new", "081200000002", 100000)
		if err != nil || status != http.StatusServiceUnavailable {
			t.Errorf("%d, %v", status, err)
		}
		refused.wants(t, "code", "halted", "outcome", "not_sent")
		gateway.mustGet("/v1/payments?key=before").wants(t, "payments.0.state", "succeeded")
	}
	w.cli("journal", "accept", "--reason", "compared").want(t, 0).wants(t, "held", "")
	for _, gateway := range at {
		eventually(t, "it sends again", func() bool {
			status, _, err := gateway.get("/readyz")
			return err == nil && status == http.StatusOK
		})
		gateway.mustPost("after", "081200000003")
	}
	w.cli("doctor", "--journal").want(t, 0).wants(t, "payments", "2", "violations.0", "")
	if got := w.ledger()["081200000003"]; got != 1 {
		t.Errorf("the ledger has %d top-ups, want 1", got)
	}
}
