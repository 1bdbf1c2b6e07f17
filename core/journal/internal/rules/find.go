package rules

import (
	"errors"
	"fmt"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
)

// Lookups are a database's questions for an attempt by each of its names. Each gives the payment's id, or None where there is no such row.
type Lookups struct {
	ByRef, ByQuote, ByInvoice func() (id string, err error)
	None                      error
}

// Find asks by the names that are given, in order, until one is known. Errors: [journal.ErrNotFound].
func Find(n journal.Named, by Lookups) (core.PaymentID, error) {
	for _, name := range []struct {
		given bool
		ask   func() (string, error)
	}{{n.Ref != "", by.ByRef}, {n.Quote != "", by.ByQuote}, {n.Invoice != "", by.ByInvoice}} {
		if !name.given {
			continue
		}
		id, err := name.ask()
		if err == nil {
			return core.PaymentID(id), nil
		}
		if !errors.Is(err, by.None) {
			return "", fmt.Errorf("attempt as its provider names it: %w", err)
		}
	}
	return "", fmt.Errorf("attempt as its provider names it: %w", journal.ErrNotFound)
}
