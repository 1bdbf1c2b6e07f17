package postgres_test

import (
	"testing"

	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/postgres"
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
	name := server.Database(t)
	config := postgres.Config{DSN: server.DSN(name)}
	store := open(t, config)
	submit(t, store, newPayment(1))
	store.Close()
	server.Exec(t, name, "DROP FUNCTION journal_keeps_task() CASCADE", "DROP TABLE operator_case", "DROP FUNCTION journal_keeps_case() CASCADE",
		"DROP INDEX attempt_quote", "ALTER TABLE inquiry DROP COLUMN reserves",
		"DELETE FROM journal_version WHERE version_id > 2")
	server.Exec(t, name, park()...)
	wantTask(t, open(t, config), "parked before there were cases")
}

// An older program beside this one knows nothing of cases: what it parks has its task all the same, and what it takes out has none left.
func TestAnOlderProgramParksWithATask(t *testing.T) {
	t.Parallel()
	name := server.Database(t)
	store := open(t, postgres.Config{DSN: server.DSN(name)})
	submit(t, store, newPayment(1))
	server.Exec(t, name, park()...)
	wantTask(t, store, "a day")
	server.Exec(t, name, "UPDATE attempt SET state = 'FAILED'",
		"INSERT INTO attempt_event (attempt_id, from_state, to_state, fence, actor, why, at) SELECT id, 'PARKED', 'FAILED', fence, 'operator:ani', 'none', 8 FROM attempt")
	page, err := store.Cases(t.Context(), journal.CaseFilter{})
	if err != nil || len(page.Cases) != 1 || page.Cases[0].ClosedBy != "operator:ani" || page.Cases[0].Resolution != "none" {
		t.Errorf("cases %+v, error %v", page.Cases, err)
	}
}

func TestCasesDefendThemselves(t *testing.T) {
	t.Parallel()
	name := server.Database(t)
	store := open(t, postgres.Config{DSN: server.DSN(name)})
	submit(t, store, newPayment(1))
	server.Exec(t, name, park()...)
	conn := server.Connect(t, name)
	const again = "INSERT INTO operator_case (payment_id, attempt_id, kind, why, opened_at) SELECT payment_id, attempt_id, "
	for what, statement := range map[string]string{
		"reword a case":         "UPDATE operator_case SET why = 'another'",
		"move a case":           "UPDATE operator_case SET attempt_id = 'another'",
		"delete a case":         "DELETE FROM operator_case",
		"empty the cases":       "TRUNCATE operator_case",
		"note without closing":  "UPDATE operator_case SET resolution = 'looked'",
		"open a second task":    again + "kind, why, 1 FROM operator_case",
		"open one of no kind":   again + "'', why, 1 FROM operator_case",
		"park it a second time": park()[1],
	} {
		if _, err := conn.Exec(t.Context(), statement); err == nil {
			t.Errorf("the tables allow to %s", what)
		}
	}
	server.Exec(t, name, "UPDATE operator_case SET closed_at = 8, closed_by = 'ani', resolution = 'looked'")
	for what, statement := range map[string]string{
		"open it again":      "UPDATE operator_case SET closed_at = NULL",
		"reword its closing": "UPDATE operator_case SET resolution = 'another'",
	} {
		if _, err := conn.Exec(t.Context(), statement); err == nil {
			t.Errorf("the tables allow to %s", what)
		}
	}
}
