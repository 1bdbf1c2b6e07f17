package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/sqlite/internal/db"
	sqlite3 "modernc.org/sqlite/lib"
)

// primaryCode gives SQLite's result code without its details. ok is false for other errors.
func primaryCode(err error) (code int, ok bool) {
	const detailBits = 0xff
	var coded interface{ Code() int }
	if !errors.As(err, &coded) {
		return 0, false
	}
	return coded.Code() & detailBits, true
}

// diskFailed reports an error after which nobody knows what the disk holds. A full disk is none.
func diskFailed(err error) bool {
	code, ok := primaryCode(err)
	return ok && (code == sqlite3.SQLITE_IOERR || code == sqlite3.SQLITE_CORRUPT)
}

// corrupt reports that SQLite itself found the file damaged.
func corrupt(err error) bool {
	code, ok := primaryCode(err)
	return ok && (code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB)
}

// conflict tells which rule of the tables an attempt has broken. Asking afterwards can't go wrong: nobody else writes meanwhile.
func conflict(ctx context.Context, q *db.Queries, a db.Attempt, err error) error {
	if code, ok := primaryCode(err); !ok || code != sqlite3.SQLITE_CONSTRAINT {
		return err
	}
	if a.Invoice.Valid {
		holder, lookup := q.InvoiceHolder(ctx, db.InvoiceHolderParams{Provider: a.Provider, Invoice: a.Invoice})
		if lookup == nil && holder != a.ID {
			return fmt.Errorf("attempt %s: %w", a.ID, journal.ErrInvoiceTaken)
		}
	}
	if a.State != string(journal.Failed) {
		holder, lookup := q.QuoteHolder(ctx, db.QuoteHolderParams{Provider: a.Provider, Instance: a.Instance, Quote: a.Quote})
		if lookup == nil && holder != a.ID {
			return fmt.Errorf("attempt %s: %w", a.ID, journal.ErrQuoteUsed)
		}
	}
	return fmt.Errorf("attempt %s: %w: %w", a.ID, journal.ErrIllegal, err)
}
