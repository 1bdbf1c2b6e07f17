package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jalurhq/jalur/core/internal/faultpoint"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/internal/group"
	"github.com/jalurhq/jalur/core/journal/postgres/internal/db"
)

// change is one caller's write: a submit, a compare-and-set, or something that has a transaction to itself.
type change struct {
	submit *db.SubmitParams
	apply  *db.ApplyParams
	alone  func(ctx context.Context, q *db.Queries) (event int64, err error)
	sends  bool // an attempt is sent on account of it

	// What became of it, once its transaction is committed.
	event int64 // the newest one that it made; 0: none, and of a submit, that its key was taken
	stale bool
}

// inOrder orders changes: who locks rows of several callers locks them in one order everywhere, so that two batches never wait for each other.
func inOrder(a, b *entry) int {
	name := func(c *change) (kind int, first, second string) {
		switch {
		case c.submit != nil:
			return 0, c.submit.Key, c.submit.Client
		case c.apply != nil:
			return 1, c.apply.ID, ""
		default:
			return 2, "", ""
		}
	}
	kindA, firstA, secondA := name(a.Change)
	kindB, firstB, secondB := name(b.Change)
	return cmp.Or(cmp.Compare(kindA, kindB), cmp.Compare(firstA, firstB), cmp.Compare(secondA, secondB))
}

type entry = group.Entry[*change]

// writer makes batches of changes on one connection at a time.
type writer struct{ store *Store }

// Close implements [group.Writer].
func (writer) Close() {}

// Write implements [group.Writer]. It uses a context of its own: no caller's leaving may interrupt a transaction that others share.
func (w writer) Write(batch []*entry) {
	ctx := context.Background()
	batch = slices.DeleteFunc(batch, func(e *entry) bool {
		err := e.Gone()
		if err != nil {
			e.Answer(group.NotWritten(err))
		}
		return err != nil
	})
	slices.SortStableFunc(batch, inOrder)
	single := slices.IndexFunc(batch, func(e *entry) bool { return e.Change.alone != nil })
	if single < 0 {
		single = len(batch)
	}
	w.together(ctx, batch[:single])
	for _, e := range batch[single:] {
		w.one(ctx, e)
	}
}

// together makes changes in one transaction. Where the server refuses one of them, none is made, and each gets a transaction of its own: that
// is rarer than a savepoint for each would be dear.
func (w writer) together(ctx context.Context, batch []*entry) {
	switch len(batch) {
	case 0:
		return
	case 1:
		w.one(ctx, batch[0])
		return
	}
	changes := make([]*change, len(batch))
	for i, e := range batch {
		changes[i] = e.Change
	}
	err := w.store.transact(ctx, changes...)
	if refusedByServer(err) {
		for _, e := range batch {
			w.one(ctx, e)
		}
		return
	}
	for _, e := range batch {
		e.Answer(answer(e.Change, err))
	}
}

func (w writer) one(ctx context.Context, e *entry) {
	if err := e.Gone(); err != nil {
		e.Answer(group.NotWritten(err))
		return
	}
	err := w.store.transact(ctx, e.Change)
	if hasCode(err, codeDeadlock) && !errors.Is(err, journal.ErrAmbiguous) {
		err = w.store.transact(ctx, e.Change)
	}
	e.Answer(answer(e.Change, err))
}

func answer(c *change, err error) error {
	if err == nil && c.stale {
		return journal.ErrStale
	}
	return err
}

// refusedByServer reports an error that the server gave to a statement, before the commit: then another division of the batch may do better.
func refusedByServer(err error) bool {
	_, ok := errors.AsType[*pgconn.PgError](err)
	return ok && !errors.Is(err, journal.ErrAmbiguous)
}

func hasCode(err error, code string) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && refused.Code == code
}

// transact makes changes in one transaction. Until COMMIT is sent every error means that nothing was written; from then on, that nobody can say.
func (s *Store) transact(ctx context.Context, changes ...*change) error {
	unsure := s.unsure.Load()
	work, cancel := context.WithTimeout(ctx, s.config.StatementWait)
	defer cancel()
	conn, err := s.writers.Acquire(work)
	if err != nil {
		return group.NotWritten(err)
	}
	defer conn.Release()
	if err := s.mayNotSend(changes...); err != nil { // a new connection may have shown another database
		return err
	}
	if unsure {
		if err := standbysAnswer(work, conn.Conn()); err != nil {
			return group.NotWritten(err)
		}
	}
	tx, err := conn.BeginTx(work, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	if err != nil {
		return group.NotWritten(err)
	}
	if err := carryOut(work, db.New(tx), changes); err != nil {
		abandon(work, conn, tx)
		return refusal(err)
	}
	if unsure {
		// A commit that waits for the standbys proves what was committed before it, too, even where a change of this batch has nothing to write.
		if err := db.New(tx).Beat(work, s.config.Now().UnixMicro()); err != nil {
			abandon(work, conn, tx)
			return group.NotWritten(err)
		}
	}
	faultpoint.At("in-transaction")
	if err := s.commit(ctx, conn, tx); err != nil {
		return err
	}
	faultpoint.At("committed")
	if unsure {
		s.unsure.Store(false)
	}
	s.acknowledge(changes)
	return nil
}

// sqlStuck counts commits of ours, and of other gateways, that wait for a standby for longer than standbys take.
const sqlStuck = `SELECT count(*) FROM pg_stat_activity
	WHERE wait_event = 'SyncRep' AND datname = current_database() AND query_start < clock_timestamp() - interval '2 seconds'`

// standbysAnswer refuses to begin what would only wait beside a commit that waits already: each would hold a connection of the server until the standby
// is back.
func standbysAnswer(ctx context.Context, conn *pgx.Conn) error {
	var stuck int
	if err := conn.QueryRow(ctx, sqlStuck).Scan(&stuck); err != nil {
		return fmt.Errorf("what commits wait for: %w", err)
	}
	if stuck > 0 {
		return ErrNoStandby
	}
	return nil
}

// abandon undoes a transaction, by ending the connection where the server doesn't answer.
func abandon(ctx context.Context, conn *pgxpool.Conn, tx pgx.Tx) {
	if err := tx.Rollback(ctx); err != nil {
		_ = conn.Conn().Close(ctx) // its transaction ends with it
	}
}

func carryOut(ctx context.Context, q *db.Queries, changes []*change) error {
	applies := slices.IndexFunc(changes, func(c *change) bool { return c.submit == nil })
	if applies < 0 {
		applies = len(changes)
	}
	if err := submitAll(ctx, q, changes[:applies]); err != nil {
		return err
	}
	changes = changes[applies:]
	if len(changes) == 1 && changes[0].alone != nil {
		var err error
		changes[0].event, err = changes[0].alone(ctx, q)
		return err
	}
	return applyAll(ctx, q, changes)
}

func submitAll(ctx context.Context, q *db.Queries, changes []*change) error {
	if len(changes) == 0 {
		return nil
	}
	rows := make([]db.SubmitParams, len(changes))
	for i, c := range changes {
		rows[i] = *c.submit
	}
	var first error
	results := q.Submit(ctx, rows)
	results.QueryRow(func(i int, event int64, err error) {
		changes[i].event = event
		first = cmp.Or(first, err)
	})
	return cmp.Or(first, results.Close())
}

func applyAll(ctx context.Context, q *db.Queries, changes []*change) error {
	if len(changes) == 0 {
		return nil
	}
	rows := make([]db.ApplyParams, len(changes))
	for i, c := range changes {
		rows[i] = *c.apply
	}
	var first error
	results := q.Apply(ctx, rows)
	results.QueryRow(func(i int, row db.ApplyRow, err error) {
		changes[i].event, changes[i].stale = row.Event, row.Changes == 0
		first = cmp.Or(first, err)
	})
	return cmp.Or(first, results.Close())
}

// commit commits. The wait for a standby is bounded by closing the connection, which leaves the server waiting: it must not be asked to cancel, or it would
// make visible what is on no standby.
func (s *Store) commit(ctx context.Context, conn *pgxpool.Conn, tx pgx.Tx) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.CommitWait)
	defer cancel()
	notes := notesOf(conn.Conn().PgConn())
	notes.unreplicated = ""
	err := tx.Commit(ctx)
	if errors.Is(err, pgx.ErrTxCommitRollback) {
		return group.NotWritten(err)
	}
	if err == nil {
		err = notes.doubt()
	}
	if err == nil {
		return nil
	}
	s.unsure.Store(true)
	s.config.Logger.ErrorContext(ctx, "a commit of the journal brought an error", slog.String("error", err.Error()))
	return fmt.Errorf("%w: %w", journal.ErrAmbiguous, err)
}

// acknowledge remembers the newest event that callers are told of.
func (s *Store) acknowledge(changes []*change) {
	for _, c := range changes {
		s.remember(c.event)
	}
}

func (s *Store) remember(event int64) {
	for seen := s.seen.Load(); event > seen && !s.seen.CompareAndSwap(seen, event); seen = s.seen.Load() {
		continue
	}
}
