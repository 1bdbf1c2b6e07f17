package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/postgres/internal/db"
)

// CheckClock compares the database's clock, as it was read since before, with this machine's.
func (s *Store) CheckClock(before, theirs time.Time) error { return s.checkClock(before, theirs) }

// Facts is what a server says of itself.
type Facts struct {
	Version                               int
	Recovering                            bool
	ReadOnly, SyncCommit, Standbys, Fsync string
}

// Check is the check of what a server says of itself.
func (f Facts) Check() error {
	return facts{
		version: f.Version, recovering: f.Recovering, readOnly: f.ReadOnly, syncCommit: f.SyncCommit, standbys: f.Standbys, fsync: f.Fsync,
	}.check()
}

// Guarded connects as the store does.
func Guarded(ctx context.Context, dsn string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	guard(config)
	return pgx.ConnectConfig(ctx, config)
}

// ReconsiderWhile is what a store does each second to see whether something is missing, with something done once it has read the newest epoch.
func (s *Store) ReconsiderWhile(ctx context.Context, meanwhile func()) error {
	return s.readers.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		f, err := look(ctx, c.Conn())
		if err != nil {
			return err
		}
		_, _, err = s.judge(ctx, db.New(&interrupted{DBTX: c, meanwhile: meanwhile}), f)
		return err
	})
}

// interrupted does something before the query that follows the one for the newest epoch.
type interrupted struct {
	db.DBTX

	asked     int
	meanwhile func()
}

func (i *interrupted) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if i.asked++; i.asked == 2 { // the first asks for the epoch
		i.meanwhile()
	}
	return i.DBTX.QueryRow(ctx, sql, args...)
}

// ReadRow reads a payment of one attempt from its columns.
func ReadRow(state, outcome, money, details string) (journal.Payment, error) {
	return onePayment([]joined{{
		Payment: db.Payment{ID: "P", Amount: money, Extra: details},
		Attempt: db.Attempt{ID: "A", State: state, Outcome: outcome, Cost: money, Details: details},
	}})
}
