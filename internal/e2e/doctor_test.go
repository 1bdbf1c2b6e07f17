package e2e_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver by which a test forges a journal
)

func TestDoctorTellsACleanJournalFromABrokenOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{direct: 0})
	w.cli("doctor").want(t, 0).wants(t, "ok", "true")
	w.cli("pay", "GOPAY", pageAccount, pageAmount, "--key", "k").want(t, 0)
	w.cli("doctor", "--journal").want(t, 0).wants(t, "payments", "1", "attempts", "1", "events", "3", "violations.0", "")

	w.forge("DROP TRIGGER event_stays", "DELETE FROM attempt_event WHERE to_state = 'SENDING'")
	broken := w.cli("doctor", "--journal")
	broken.want(t, 1).wants(t, "payments", "1", "violations.0.invariant", "6")
	if !strings.Contains(broken.stderr, "breaks its own rules") {
		t.Errorf("standard error: %s", broken.stderr)
	}
	if seen := w.cli("-o", "table", "doctor", "--journal"); seen.status != 1 || !strings.Contains(seen.stdout, "INVARIANT") {
		t.Errorf("as a table: %+v", seen)
	}
}

func TestDoctorIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{direct: 0})
	w.cli("doctor", "--jurnal").want(t, 2)
	w.cli("doctor", "everything").want(t, 2)
	w.gateway()
	held := w.cli("doctor", "--journal")
	held.want(t, 2)
	if !strings.Contains(held.stderr, "which checks it every hour") {
		t.Errorf("beside a gateway: %s", held.stderr)
	}
	w.rewrite("timeout:", "timeot:")
	w.cli("doctor").want(t, 2)
}

// forge changes the journal behind its back.
func (w *world) forge(statements ...string) {
	w.t.Helper()
	pool, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "jalur.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer pool.Close()
	for _, text := range statements {
		if _, err := pool.Exec(text); err != nil {
			w.t.Fatalf("%s: %v", text, err)
		}
	}
}
