package sqlite_test

import (
	"testing"

	"github.com/jalurhq/jalur/core/journal"
)

// park is what a program does that knows nothing of cases.
func park() []string {
	return []string{
		"UPDATE attempt SET state = 'PARKED', next_at = NULL",
		"INSERT INTO attempt_event (attempt_id, from_state, to_state, fence, actor, why, at) SELECT id, 'UNKNOWN', 'PARKED', fence, 'reconciler', 'a day', 7 FROM attempt",
	}
}

func wantTask(t *testing.T, store journal.Store, why string) {
	t.Helper()
	page, err := store.Cases(t.Context(), journal.CaseFilter{Open: true})
	if err != nil || len(page.Cases) != 1 || page.Cases[0].Kind != journal.CaseParked || page.Cases[0].Why != why {
		t.Errorf("cases %+v, error %v", page.Cases, err)
	}
}

func TestAnUpgradeOpensTheTasksOfWhatIsParked(t *testing.T) {
	t.Parallel()
	where := path(t)
	store := open(t, gateway(where))
	submit(t, store, newPayment(1))
	closeStore(t, store)
	exec(t, raw(t, where), "DROP TRIGGER parked_opens_case", "DROP TRIGGER resolved_closes_case", "DROP TABLE operator_case",
		"DROP INDEX attempt_quote", "ALTER TABLE inquiry DROP COLUMN reserves", "DROP TABLE schema_compat", "DROP TABLE journal_identity", "DELETE FROM goose_db_version WHERE version_id > 2")
	exec(t, raw(t, where), park()...)
	wantTask(t, open(t, gateway(where)), "parked before there were cases")
}

func TestCasesDefendThemselves(t *testing.T) {
	t.Parallel()
	where := path(t)
	store := open(t, gateway(where))
	submit(t, store, newPayment(1))
	pool := raw(t, where)
	exec(t, pool, park()...)
	wantTask(t, store, "a day")
	for name, statement := range map[string]string{
		"reword a case":         "UPDATE operator_case SET why = 'another'",
		"move a case":           "UPDATE operator_case SET attempt_id = 'another'",
		"delete a case":         "DELETE FROM operator_case",
		"note without closing":  "UPDATE operator_case SET resolution = 'looked'",
		"open a second task":    "INSERT INTO operator_case SELECT 99, payment_id, attempt_id, kind, why, NULL, 1, NULL, '', '' FROM operator_case",
		"open one of no kind":   "INSERT INTO operator_case SELECT 99, payment_id, attempt_id, '', why, NULL, 1, NULL, '', '' FROM operator_case",
		"open one of nobody":    "INSERT INTO operator_case VALUES (99, 'PAY', 'ATT', 'contradiction', '', NULL, 'soon', NULL, '', '')",
		"park it a second time": park()[1],
	} {
		if _, err := pool.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("the tables allow to %s", name)
		}
	}
	exec(t, pool, "UPDATE operator_case SET closed_at = 8, closed_by = 'ani', resolution = 'looked'")
	for name, statement := range map[string]string{
		"open it again":      "UPDATE operator_case SET closed_at = NULL",
		"reword its closing": "UPDATE operator_case SET resolution = 'another'",
	} {
		if _, err := pool.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("the tables allow to %s", name)
		}
	}
}
