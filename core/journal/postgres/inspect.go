package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal/checker"
)

var _ checker.Inspector = (*Store)(nil)

// Each of these gives an invariant, a payment's id, an attempt's, and what is wrong. They rely on no constraint, and on no index: a damaged one would hide
// what it lacks.
const (
	inspectOrphans = `SELECT 4, a.payment_id, a.id, 'belongs to no payment' FROM attempt AS a
		WHERE NOT EXISTS (SELECT 1 FROM payment AS p WHERE p.id = a.payment_id) LIMIT 100`
	inspectEvents = `SELECT 4, '', e.attempt_id, 'the event ' || e.id || ' belongs to no attempt' FROM attempt_event AS e
		WHERE NOT EXISTS (SELECT 1 FROM attempt AS a WHERE a.id = e.attempt_id) LIMIT 100`
	inspectEmpty = `SELECT 4, p.id, '', 'has no attempt' FROM payment AS p
		WHERE NOT EXISTS (SELECT 1 FROM attempt AS a WHERE a.payment_id = p.id) LIMIT 100`
	inspectKeys = `SELECT 10, min(id), '', 'its key is that of ' || count(*) || ' payments' FROM payment
		GROUP BY client, key HAVING count(*) > 1 LIMIT 100`
	inspectInvoices = `SELECT 2, min(payment_id), min(id), 'its invoice ' || invoice || ' at ' || provider || ' is that of ' || count(*) || ' attempts'
		FROM attempt WHERE invoice IS NOT NULL GROUP BY provider, invoice HAVING count(*) > 1 LIMIT 100`
)

// patient lets an inspection read all of a large table, and only the table.
const patient = `SET LOCAL statement_timeout = 0; SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_bitmapscan = off`

// Inspect implements [checker.Inspector]: rows without those that they belong to, keys and invoices that stand twice, and, where the extension amcheck is there
// and may be used, damage to tables and indexes.
func (s *Store) Inspect(ctx context.Context) (found checker.Inspection, err error) {
	for _, query := range []string{inspectOrphans, inspectEvents, inspectEmpty, inspectKeys, inspectInvoices} {
		more, err := s.violations(ctx, query)
		found.Violations = append(found.Violations, more...)
		if err != nil {
			return found, fmt.Errorf("inspecting the journal: %w", err)
		}
	}
	if found.Newer, err = s.newer(ctx); err != nil {
		return found, err
	}
	schema, why, err := s.amcheck(ctx)
	if err != nil {
		return found, fmt.Errorf("looking for amcheck: %w", err)
	}
	if why != "" {
		found.Unchecked = append(found.Unchecked, "damage to the database (invariant 16): "+why)
		return found, nil
	}
	damage, err := s.damage(ctx, schema)
	found.Violations = append(found.Violations, damage...)
	if err != nil {
		return found, fmt.Errorf("looking for damage: %w", err)
	}
	return found, nil
}

// violations runs one look. What the server itself finds damaged is a violation.
func (s *Store) violations(ctx context.Context, query string, args ...any) (found []checker.Violation, err error) {
	err = pgx.BeginTxFunc(ctx, s.readers, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, patient); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, query, args...)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, violation)
		return err
	})
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && damaged(refused) {
		return append(found, checker.Violation{Invariant: checker.Undamaged, What: "the database is damaged: " + refused.Message}), nil
	}
	return found, err
}

func violation(row pgx.CollectableRow) (v checker.Violation, err error) {
	var invariant int
	var payment string
	err = row.Scan(&invariant, &payment, &v.Attempt, &v.What)
	v.Invariant, v.Payment = checker.Invariant(invariant), core.PaymentID(payment)
	return v, err
}

// damaged reports the server's own classes for a disk that failed and for data or an index that is corrupted.
func damaged(refused *pgconn.PgError) bool {
	return strings.HasPrefix(refused.Code, "XX") || refused.Code == "58030"
}

// amcheck gives the schema of the extension, or why it can't be used.
func (s *Store) amcheck(ctx context.Context) (schema, why string, err error) {
	const query = `SELECT quote_ident(n.nspname), bool_and(has_function_privilege(p.oid, 'EXECUTE')) FROM pg_extension AS e
		JOIN pg_namespace AS n ON n.oid = e.extnamespace
		JOIN pg_depend AS d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.classid = 'pg_proc'::regclass
		JOIN pg_proc AS p ON p.oid = d.objid AND p.proname IN ('bt_index_check', 'verify_heapam')
		WHERE e.extname = 'amcheck' GROUP BY 1`
	var mayUse bool
	err = s.readers.QueryRow(ctx, query).Scan(&schema, &mayUse)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", "the extension amcheck isn't installed in it (CREATE EXTENSION amcheck, as a superuser)", nil
	case err == nil && !mayUse:
		return "", "its user may not use the extension amcheck (GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA " + schema + ")", nil
	default:
		return schema, "", err
	}
}

// What there is to look through: tables since version 14, and the indexes with all that they should have.
const (
	ours = `IN ('payment', 'attempt', 'attempt_event', 'inquiry', 'journal_identity') AND t.relnamespace = to_regnamespace(current_schema())`

	ourTables  = `SELECT t.oid::regclass::text FROM pg_class AS t WHERE current_setting('server_version_num')::int >= 140000 AND t.relname ` + ours
	ourIndexes = `SELECT i.indexrelid::regclass::text FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid WHERE t.relname ` + ours
)

// damage looks through tables and indexes. An index that is damaged is told as an error of the look.
func (s *Store) damage(ctx context.Context, schema string) (found []checker.Violation, err error) {
	for _, part := range [][2]string{
		{ourTables, `SELECT 16, '', '', $1::text || ' is damaged: ' || msg FROM ` + schema + `.verify_heapam($1::text::regclass) LIMIT 100`},
		{ourIndexes, `SELECT 16, '', '', '' WHERE ` + schema + `.bt_index_check($1::text::regclass, true)::text <> ''`},
	} {
		rows, err := s.readers.Query(ctx, part[0])
		if err != nil {
			return found, err
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return found, err
		}
		for _, name := range names {
			more, err := s.violations(ctx, part[1], name)
			found = append(found, more...)
			if err != nil {
				return found, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return found, nil
}
