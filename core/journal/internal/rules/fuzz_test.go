package rules //nolint:testpackage // a cursor is read where no other package can

import (
	"errors"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
)

// A cursor is read as what it was made from, or refused as none.
func FuzzCursor(f *testing.F) {
	f.Add(cursor(journal.Payment{ID: "01J", CreatedAt: time.UnixMicro(1767225600000000)}))
	f.Add("")
	f.Add("MTIz")
	f.Fuzz(func(t *testing.T, text string) {
		at, id, err := readCursor(text)
		if err != nil {
			if !errors.Is(err, journal.ErrCursor) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		again, same, err := readCursor(cursor(journal.Payment{ID: core.PaymentID(id), CreatedAt: time.UnixMicro(at)}))
		if err != nil || again != at || same != id {
			t.Errorf("%q is %d, %q and then %d, %q, %v", text, at, id, again, same, err)
		}
	})
}
