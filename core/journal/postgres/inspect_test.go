package postgres_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/core/journal/checker"
	"github.com/jalurhq/jalur/core/journal/postgres"
)

func TestDoctorFindsWhatIsForged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		forge     []string
		invariant checker.Invariant
		says      string
	}{
		"nothing":        {nil, 0, ""},
		"no attempt":     {[]string{"DELETE FROM attempt_event", "DELETE FROM attempt"}, checker.Recorded, "has no attempt"},
		"no payment":     {[]string{"DELETE FROM payment WHERE id LIKE '%1'"}, checker.Recorded, "belongs to no payment"},
		"an event alone": {[]string{"DELETE FROM attempt WHERE id LIKE '%1'"}, checker.Recorded, "belongs to no attempt"},
		"an invoice twice": {[]string{"DROP INDEX attempt_invoice", "UPDATE attempt SET invoice = 'I1', state = 'CONFIRMED'"},
			checker.Evidenced, "is that of 2 attempts"},
		"a key twice":         {[]string{"DROP INDEX payment_key", "UPDATE payment SET key = 'k'"}, checker.OneKey, "is that of 2 payments"},
		"an event too few":    {[]string{"DELETE FROM attempt_event WHERE to_state = 'SENDING'"}, checker.Legal, "its events end at"},
		"an end that is left": {[]string{"UPDATE attempt SET state = 'FAILED', outcome = 'unknown'"}, checker.NotMoved, "no proof"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := server.Database(t)
			store := open(t, postgres.Config{DSN: server.DSN(database)})
			for n := range int64(2) {
				p := newPayment(n)
				p.Fingerprint = "f"
				submit(t, store, p)
			}
			server.Exec(t, database, append([]string{"SET session_replication_role = replica"}, c.forge...)...) // past the triggers
			report, err := checker.Check(t.Context(), store, checker.Options{})
			if err != nil && name != "no attempt" && name != "no payment" { // such a payment can't be read
				t.Fatal(err)
			}
			if c.says == "" {
				if len(report.Violations) > 0 {
					t.Errorf("a clean journal: %v", report.Violations)
				}
				return
			}
			for _, v := range report.Violations {
				if v.Invariant == c.invariant && strings.Contains(v.What, c.says) {
					return
				}
			}
			t.Errorf("not found: %v", report.Violations)
		})
	}
}

// Without the extension, or the right to use it, the report says what was not looked at.
func TestDoctorSaysWhatItCannotSee(t *testing.T) {
	t.Parallel()
	name := server.Database(t)
	role := "looker_" + name
	server.Exec(t, name, "CREATE ROLE "+role+" LOGIN", "ALTER DATABASE "+name+" OWNER TO "+role)
	store := open(t, postgres.Config{DSN: strings.Replace(server.DSN(name), "jalur@", role+"@", 1)})
	unchecked := func() string {
		report, err := checker.Check(t.Context(), store, checker.Options{})
		if err != nil || len(report.Violations) > 0 {
			t.Errorf("%v, %v", report.Violations, err)
		}
		return strings.Join(report.Unchecked, "; ")
	}
	if says := unchecked(); !strings.Contains(says, "isn't installed") {
		t.Errorf("without the extension: %q", says)
	}
	server.Exec(t, name, "CREATE SCHEMA tools", "CREATE EXTENSION amcheck SCHEMA tools")
	if says := unchecked(); !strings.Contains(says, "may not use") {
		t.Errorf("without the right: %q", says)
	}
	server.Exec(t, name, "GRANT USAGE ON SCHEMA tools TO "+role, "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tools TO "+role)
	if says := unchecked(); says != "" {
		t.Errorf("with all of it: %q", says)
	}
}

func TestDoctorFindsDamage(t *testing.T) {
	t.Parallel()
	for _, relation := range []string{"payment_key", "payment_newest", "attempt_event", "inquiry"} {
		t.Run(relation, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			name := m.Database(t)
			m.Exec(t, name, "CREATE EXTENSION amcheck")
			store := open(t, postgres.Config{DSN: m.DSN(name)})
			for n := range int64(20) {
				submit(t, store, newPayment(n))
			}
			store.Close()
			m.Exec(t, name, "INSERT INTO inquiry SELECT 'I' || n, '', '', '', '', '', '', '', '', '', '', '', n, n FROM generate_series(1, 20) AS n")
			var file string
			if err := m.Connect(t, name).QueryRow(t.Context(), "SELECT pg_relation_filepath($1)", relation).Scan(&file); err != nil {
				t.Fatal(err)
			}
			m.stopped(func() { scribble(t, filepath.Join(m.data, file)) })
			store = open(t, postgres.Config{DSN: m.DSN(name)})
			found, err := store.Inspect(t.Context()) // the rest of a check may bring the server down
			told := slices.ContainsFunc(found.Violations, func(v checker.Violation) bool { return v.Invariant == checker.Undamaged })
			if err != nil || !told || len(found.Unchecked) > 0 {
				t.Errorf("found %+v, %v", found, err)
			}
		})
	}
}

// scribble spoils the last page of a file: the pointers to its rows.
func scribble(t *testing.T, file string) {
	t.Helper()
	const page, header = 8192, 24
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	garbage := make([]byte, 60)
	for i := range garbage {
		garbage[i] = byte(7 * i)
	}
	if _, err := f.WriteAt(garbage, info.Size()-page+header); err != nil {
		t.Fatal(err)
	}
}
