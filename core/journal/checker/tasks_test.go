package checker_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal/checker"
)

func TestTasks(t *testing.T) {
	t.Parallel()
	const opens = "INSERT INTO operator_case (payment_id, attempt_id, kind, why, opened_at) VALUES "
	for name, f := range map[string]struct {
		text    string
		payment core.PaymentID
		says    string
	}{
		"nobody's task":          {"DELETE FROM operator_case", "P4", "has 0 open tasks"},
		"a task that was closed": {"UPDATE operator_case SET closed_at = 1", "P4", "has 0 open tasks"},
		"two tasks":              {opens + "('P4', 'A1P4', 'parked', 'x', 1)", "P4", "has 2 open tasks"},
		"the task of an unknown": {opens + "('P3', 'A1P3', 'parked', 'x', 1)", "P3", "it is not parked"},
		"the task of nothing":    {opens + "('P9', 'A1P9', 'parked', 'x', 1)", "P9", "it is not parked"},
		"another kind":           {opens + "('P3', 'A1P3', 'contradiction', 'x', 1)", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "jalur.db")
			s := open(t, path)
			fill(t, s)
			pool := loose(t, path)
			forge(t, pool, "DROP TRIGGER case_stays; DROP INDEX one_open_case; PRAGMA foreign_keys = OFF")
			forge(t, pool, f.text)
			report := run(t, s)
			var found []checker.Violation
			for _, v := range report.Violations {
				if v.Invariant == checker.Tasked {
					found = append(found, v)
				}
			}
			if f.says == "" && len(found) == 0 {
				return
			}
			if len(found) != 1 || found[0].Payment != f.payment || !strings.Contains(found[0].What, f.says) || found[0].StopsSending() {
				t.Errorf("found %v, want %s: %s", found, f.payment, f.says)
			}
		})
	}
}
