package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/internal/pgtest"
)

// TestTheDatabaseDiesUnderACall kills the database between claim and outcome, and then the gateway that alone knows the outcome.
func TestTheDatabaseDiesUnderACall(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	w := newWorld(t, settings{direct: 0}, "--delay", "3s")
	w.rewrite("journal: sqlite://jalur.db", `journal: "`+server.DSN(server.Database(t))+`"`)
	g := w.gateway()
	go func() { _, _, _ = w.post("k", pageAccount, 100000) }() // it gets no answer
	eventually(t, "a payment under way", func() bool { return pendingCount(w) == 1 })
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "an outcome in the spill", func() bool { return strings.Contains(g.output(), "an outcome is kept in the spill") })
	g.kill()
	if err := server.Up(); err != nil {
		t.Fatal(err)
	}
	w.gateway()
	eventually(t, "what the dead gateway knew", func() bool { return pendingCount(w) == 0 })
	status := w.cli("status", "--key", "k").want(t, 0)
	status.wants(t, "state", "succeeded")
	status.wants(t, "invoice", w.invoiceOf(pageAccount))
	if got := w.ledger()[pageAccount]; got != 1 {
		t.Errorf("the ledger has %d top-ups, want 1", got)
	}
}

func TestNothingStartsWithoutRoomForOutcomes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	if err := os.WriteFile(filepath.Join(w.dir, "jalur.db.spill"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got := command(t, w.dir, w.env(), "serve")
	if got.status != 2 || !strings.Contains(got.stderr, "jalur.db.spill") || !strings.Contains(got.stderr, "not a directory") {
		t.Errorf("it ended with %d: %s", got.status, got.stderr)
	}
}
