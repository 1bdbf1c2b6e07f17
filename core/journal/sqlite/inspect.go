package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal/checker"
)

var _ checker.Inspector = (*Store)(nil)

// Each of these gives an invariant, a payment's id, an attempt's, and what is wrong. They rely on no constraint or index of the tables.
const (
	inspectDamage = `SELECT 16, '', '', 'the database is damaged: ' || quick_check FROM pragma_quick_check WHERE quick_check <> 'ok' LIMIT 100`
	inspectKeys   = `SELECT 4, '', '', 'a row ' || rowid || ' of ' || "table" || ' belongs to no ' || parent FROM pragma_foreign_key_check LIMIT 100`
	inspectEmpty  = `SELECT 4, p.id, '', 'has no attempt' FROM payment AS p
		WHERE NOT EXISTS (SELECT 1 FROM attempt AS a WHERE a.payment_id = p.id) LIMIT 100`
	inspectInvoices = `SELECT 2, min(payment_id), min(id), 'its invoice ' || invoice || ' at ' || provider || ' is that of ' || count(*) || ' attempts'
		FROM attempt WHERE invoice IS NOT NULL GROUP BY provider, invoice HAVING count(*) > 1 LIMIT 100`
)

// Inspect implements [checker.Inspector]: SQLite's own look for damage, which reads the whole file, rows without those that they belong to, and
// invoices that stand twice.
func (s *Store) Inspect(ctx context.Context) (found checker.Inspection, err error) {
	for _, query := range []string{inspectDamage, inspectKeys, inspectEmpty, inspectInvoices} {
		more, err := s.violations(ctx, query)
		found.Violations = append(found.Violations, more...)
		if corrupt(err) {
			found.Violations = append(found.Violations, checker.Violation{Invariant: checker.Undamaged, What: "the database is damaged: " + err.Error()})
			return found, nil
		}
		if err != nil {
			return found, fmt.Errorf("inspecting the journal: %w", err)
		}
	}
	current, ours, err := versions(ctx, s.readers)
	found.Newer = current > ours
	return found, err
}

func (s *Store) violations(ctx context.Context, query string) (found []checker.Violation, err error) {
	rows, err := s.readers.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what there is to tell
	for rows.Next() {
		var v checker.Violation
		var payment sql.NullString
		if err := rows.Scan(&v.Invariant, &payment, &v.Attempt, &v.What); err != nil {
			return found, err
		}
		v.Payment = core.PaymentID(payment.String)
		found = append(found, v)
	}
	return found, rows.Err()
}
