package sqlite_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/checker"
	"github.com/jalurhq/jalur/core/journal/sqlite"
)

func TestOpenTwice(t *testing.T) {
	t.Parallel()
	where := path(t)
	store := open(t, gateway(where))
	p := submit(t, store, newPayment(1))
	var versions []int
	for range 3 {
		closeStore(t, store)
		store = open(t, gateway(where))
		var n int
		if err := raw(t, where).QueryRow("SELECT count(*) FROM goose_db_version").Scan(&n); err != nil {
			t.Fatal(err)
		}
		versions = append(versions, n)
		if _, err := store.Payment(t.Context(), p.ID); err != nil {
			t.Error(err)
		}
	}
	if versions[0] < 2 || versions[0] != versions[2] {
		t.Errorf("versions recorded at each opening: %v", versions)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	write := func(name, text string) string {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return at(name)
	}
	newer := at("newer.db")
	closeStore(t, open(t, gateway(newer)))
	exec(t, raw(t, newer), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)", "UPDATE schema_compat SET oldest = 99")
	other := at("other.db")
	exec(t, raw(t, other), "CREATE TABLE recipe (name TEXT)")
	damaged := write("damaged.db", "SQLite format 3\x00"+strings.Repeat("\xff", 4096))

	for name, test := range map[string]struct {
		config sqlite.Config
		says   string
	}{
		"no path":          {command(""), "no path"},
		"no role":          {sqlite.Config{Path: at("x.db")}, "role"},
		"a folder":         {command(folder), "is a folder"},
		"no folder":        {command(at("nowhere/x.db")), "no such file or directory"},
		"a device":         {command("/dev/null"), "not a regular file"},
		"read-only folder": {command("/proc/x.db"), "locking the journal"},
		"text":             {command(write("text.db", "dear diary, today I paid")), "not an SQLite database"},
		"short text":       {command(write("short.db", "x")), "not an SQLite database"},
		"damaged":          {command(damaged), "opening the journal " + damaged},
		"another's":        {command(other), "not a journal"},
		"newer":            {command(newer), "version 99"},
	} {
		store, err := sqlite.Open(t.Context(), test.config)
		if err == nil {
			closeStore(t, store)
		}
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
		t.Log(name, "→", err)
	}
	left, err := filepath.Glob(at("*.lock"))
	if err != nil || len(left) != 0 {
		t.Errorf("locks left behind: %v, error %v", left, err)
	}
	var tables int
	if err := raw(t, other).QueryRow("SELECT count(*) FROM sqlite_master").Scan(&tables); err != nil || tables != 1 {
		t.Errorf("the other database has %d tables now, error %v", tables, err)
	}
}

// A program may be older than the tables, where those of the newer one only add to what it knows: an upgrade can be taken back.
func TestOlderProgramOnNewerTables(t *testing.T) {
	t.Parallel()
	where := path(t)
	before := open(t, gateway(where))
	p := submit(t, before, newPayment(1))
	closeStore(t, before)
	exec(t, raw(t, where), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)",
		"ALTER TABLE attempt ADD COLUMN later TEXT NOT NULL DEFAULT 'x'", "CREATE TABLE later (id INTEGER PRIMARY KEY)")
	store := open(t, gateway(where))
	if err := store.Apply(t.Context(), confirmed(p)); err != nil {
		t.Error(err)
	}
	p = newPayment(2)
	p.Fingerprint = "f"
	submit(t, store, p)
	closeStore(t, store)

	pool := raw(t, where) // a newer program knows one state more, and uses it
	pool.SetMaxOpenConns(1)
	exec(t, pool, "PRAGMA writable_schema = ON", `UPDATE sqlite_schema SET sql = replace(sql, '''FAILED''', '''FAILED'', ''SLEEPING''') WHERE name = 'attempt'`,
		"PRAGMA writable_schema = RESET", "UPDATE attempt SET state = 'SLEEPING', next_at = 1 WHERE payment_id = '"+string(p.ID)+"'")
	store = open(t, gateway(where))
	if got, err := store.Payment(t.Context(), p.ID); err != nil || got.State() != journal.StateUnknown {
		t.Errorf("read as %+v, %v", got, err)
	}
	due, err := store.ClaimDue(t.Context(), journal.Claim{Now: time.Now(), Until: time.Now(), Limit: 10})
	if err != nil || len(due) != 0 {
		t.Errorf("%d are claimed, %v", len(due), err)
	}
	report, err := checker.Check(t.Context(), store, checker.Options{})
	unchecked := strings.Join(report.Unchecked, "")
	if !strings.Contains(unchecked, string(p.ID)) || err != nil ||
		slices.ContainsFunc(report.Violations, func(v checker.Violation) bool { return v.Payment == p.ID || v.Payment == "" }) {
		t.Errorf("the check: %+v, %v", report, err)
	}
}

func TestOpenStrangePath(t *testing.T) {
	t.Parallel()
	where := filepath.Join(t.TempDir(), "toko A?mode=memory&x%20y#1 é.db")
	store := open(t, gateway(where))
	p := submit(t, store, newPayment(1))
	if _, err := store.Payment(t.Context(), p.ID); err != nil {
		t.Error(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm", ".lock", ".mark"} {
		info, err := os.Stat(where + suffix)
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != 0o600 {
			t.Errorf("%q is open to others: %s", suffix, info.Mode())
		}
	}
}

func TestOpenBySymlink(t *testing.T) {
	t.Parallel()
	where := path(t)
	open(t, gateway(where))
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(where, link); err != nil {
		t.Fatal(err)
	}
	var held *sqlite.HeldError
	if _, err := sqlite.Open(t.Context(), command(link)); !errors.As(err, &held) {
		t.Errorf("the same file by another name: %v", err)
	}
}

func TestKeeps(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		version, mode string
		sync, keys    int
		fine          bool
	}{
		{"3.51.3", "wal", 2, 1, true},
		{"3.54.1", "wal", 2, 1, true},
		{"4.0.0", "wal", 2, 1, true},
		{"3.51.2", "wal", 2, 1, false},
		{"3.9.99", "wal", 2, 1, false},
		{"2.99.99", "wal", 2, 1, false},
		{"3.51", "wal", 2, 1, false},
		{"three", "wal", 2, 1, false},
		{"3.51.3", "delete", 2, 1, false},
		{"3.51.3", "wal", 1, 1, false},
		{"3.51.3", "wal", 2, 0, false},
	} {
		if err := sqlite.Keeps(test.version, test.mode, test.sync, test.keys); test.fine != (err == nil) {
			t.Errorf("%+v: %v", test, err)
		}
	}
}

// A time of the next look that is hours away was written by a clock that was ahead.
func TestWhatAClockAheadHasPutOffIsDueAtTheNextStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		next time.Duration
		due  int
	}{
		"hours away": {3 * time.Hour, 1},
		"soon":       {5 * time.Minute, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			where := path(t)
			store := open(t, gateway(where))
			submit(t, store, newPayment(1))
			next := time.Now().Add(c.next)
			exec(t, raw(t, where), fmt.Sprintf("UPDATE attempt SET state = 'UNKNOWN', next_at = %d", next.UnixMicro()))
			closeStore(t, store)
			store = open(t, gateway(where))
			now := time.Now()
			due, err := store.ClaimDue(t.Context(), journal.Claim{Owner: "me", Now: now, Until: now.Add(time.Minute), Limit: 5})
			if err != nil || len(due) != c.due {
				t.Errorf("%d are due (%v)", len(due), err)
			}
		})
	}
}
