package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/core/journal"
)

// recorded makes a closed journal of one payment.
func recorded(t *testing.T) (where string, p journal.Payment) {
	t.Helper()
	where = path(t)
	store := open(t, gateway(where))
	p = submit(t, store, newPayment(1))
	closeStore(t, store)
	return where, p
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}

func TestFilesThatAreNotTheJournalAreHeld(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(where string) (opened string)
		why   string // "": it is not held
	}{
		"nothing happened": {func(where string) string { return where }, ""},
		"moved with its mark": {func(where string) string {
			there := path(t)
			copyFile(t, where, there)
			copyFile(t, where+".mark", there+".mark")
			return there
		}, ""},
		"moved without its mark": {func(where string) string {
			there := path(t)
			copyFile(t, where, there)
			return there
		}, "its mark is not beside it"},
		"a backup put back": {func(where string) string {
			copyFile(t, where, where+"-backup")
			store := open(t, gateway(where))
			submit(t, store, newPayment(2))
			closeStore(t, store)
			copyFile(t, where+"-backup", where)
			return where
		}, "event 4 was written here before"},
		"made anew": {func(where string) string {
			remove(t, where)
			return where
		}, "made anew"},
		"another journal": {func(where string) string {
			another, _ := recorded(t)
			copyFile(t, another, where)
			return where
		}, "another journal's"},
		"a mark that can't be read": {func(where string) string {
			if err := os.WriteFile(where+".mark", []byte("?"), 0o600); err != nil {
				t.Fatal(err)
			}
			return where
		}, "another journal's"},
		"of a program without marks": {func(where string) string {
			remove(t, where+".mark")
			exec(t, raw(t, where), "DROP TRIGGER epoch_stays", "DELETE FROM journal_identity")
			return where
		}, ""},
		"emptied, and no mark": {func(where string) string {
			remove(t, where)
			remove(t, where+".mark")
			return where
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			where, _ := recorded(t)
			where = c.spoil(where)
			for range 2 { // the second look says what the first said
				store := open(t, gateway(where))
				if held := store.Held(); (c.why == "") != (held == "") || !strings.Contains(held, c.why) {
					t.Errorf("held since %q, not since %q", held, c.why)
				}
				closeStore(t, store)
			}
		})
	}
}

func TestHeldUntilAccepted(t *testing.T) {
	t.Parallel()
	where, p := recorded(t)
	backup := filepath.Join(t.TempDir(), "backup.db")
	copyFile(t, where, backup)
	store := open(t, gateway(where))
	submit(t, store, newPayment(2))
	closeStore(t, store)
	copyFile(t, backup, where)

	store = open(t, gateway(where))
	if _, _, err := store.Submit(t.Context(), newPayment(3), because()); !errors.Is(err, journal.ErrHeld) || !errors.Is(err, journal.ErrNotWritten) {
		t.Errorf("an order: %v", err)
	}
	another := confirmed(p)
	next := newPayment(3).Attempts[0]
	next.PaymentID, next.N = p.ID, 2
	another.Attempt.State, another.Next = journal.Failed, &next
	if err := store.Apply(t.Context(), another); !errors.Is(err, journal.ErrHeld) {
		t.Errorf("a fail-over: %v", err)
	}
	if err := store.Apply(t.Context(), confirmed(p)); err != nil {
		t.Errorf("an outcome: %v", err)
	}
	closeStore(t, store)
	store = open(t, gateway(where))
	if store.Held() == "" {
		t.Error("an outcome that was written down ended the hold")
	}
	if err := store.Accept(t.Context(), "ops:siti", "statements compared"); err != nil {
		t.Fatal(err)
	}
	submit(t, store, newPayment(3))
	closeStore(t, store)
	store = open(t, gateway(where))
	submit(t, store, newPayment(4))
	closeStore(t, store)

	copyFile(t, backup, where) // the file that it was: by now another journal
	if held := open(t, gateway(where)).Held(); held == "" {
		t.Error("the old file again")
	}
}

func TestOperatorHolds(t *testing.T) {
	t.Parallel()
	where, _ := recorded(t)
	store := open(t, gateway(where))
	for _, words := range [][2]string{{"", "why"}, {"ops:siti", ""}, {"gateway", "why"}} {
		if err := store.Hold(t.Context(), words[0], words[1]); !errors.Is(err, journal.ErrIllegal) {
			t.Errorf("by %q, since %q: %v", words[0], words[1], err)
		}
	}
	if err := store.Hold(t.Context(), "ops:siti", "the folder was restored"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Submit(t.Context(), newPayment(2), because()); !errors.Is(err, journal.ErrHeld) {
		t.Errorf("an order: %v", err)
	}
	closeStore(t, store)
	store = open(t, gateway(where))
	standing, err := store.Standing(t.Context())
	if err != nil || standing.Held != "ops:siti has held it: the folder was restored" || len(standing.Epochs) != 2 || standing.Epochs[1].By != "ops:siti" {
		t.Errorf("its standing: %+v, %v", standing, err)
	}
	if err := store.Accept(t.Context(), "ops:siti", "compared"); err != nil || store.Held() != "" {
		t.Errorf("accepted: %v, held since %q", err, store.Held())
	}
}

// What the mark says never goes beyond what is durable, also where a commit fails.
func TestTheMarkStaysBehind(t *testing.T) {
	t.Parallel()
	where, _ := recorded(t)
	store := open(t, gateway(where))
	store.FailCommit(errors.New("a test"))
	if _, _, err := store.Submit(t.Context(), newPayment(2), because()); !errors.Is(err, journal.ErrAmbiguous) {
		t.Fatal(err)
	}
	closeStore(t, store)
	if held := open(t, gateway(where)).Held(); held != "" {
		t.Error(held)
	}
}
