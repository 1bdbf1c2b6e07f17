package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/jalurhq/jalur/core/internal/faultpoint"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/internal/group"
	"github.com/jalurhq/jalur/core/journal/sqlite/internal/db"
)

// change is one caller's write. An error undoes all of it and nothing of the others in the batch.
type change func(ctx context.Context, q *db.Queries) error

// request is a change in a batch.
type request = *group.Entry[change]

// writer is the one goroutine that writes. It makes each change of a batch in a savepoint of one transaction,
// commits, and only then answers.
type writer struct {
	pool    *sql.DB // of one connection
	here    *standing
	log     *slog.Logger
	commits atomic.Int64
	commit  func(ctx context.Context, s *session) error

	// What only the goroutine touches.
	session *session
	broken  error
}

func newWriter(pool *sql.DB, log *slog.Logger, here *standing) *writer {
	return &writer{pool: pool, log: log, here: here, commit: commit}
}

// Close implements [group.Writer].
func (w *writer) Close() { w.drop() }

// Write implements [group.Writer]. It uses a context of its own: no caller's leaving may interrupt a transaction that others share.
func (w *writer) Write(batch []request) {
	answers, err := w.transact(context.Background(), batch)
	for i, r := range batch {
		if err != nil {
			r.Answer(err)
		} else {
			r.Answer(answers[i])
		}
	}
}

// transact makes the changes of a batch in one transaction. An error is everybody's answer: after a failed commit even a refusal
// may rest on a change that isn't there.
func (w *writer) transact(ctx context.Context, batch []request) ([]error, error) {
	s, err := w.connected(ctx)
	if err != nil {
		return nil, group.NotWritten(err)
	}
	answers, err := s.changes(ctx, batch)
	if err != nil {
		w.log.WarnContext(ctx, "the journal took none of a batch", "changes", len(batch), "error", err)
		w.drop()
		return nil, group.NotWritten(err)
	}
	faultpoint.At("in-transaction")
	err = w.commit(ctx, s)
	if poisoned := diskFailed(err) || faultpoint.Fails("disk"); err != nil || poisoned {
		w.log.ErrorContext(ctx, "a commit of the journal failed", "changes", len(batch), "error", err)
		w.drop()
		if poisoned {
			w.broken = journal.ErrPoisoned
			err = errors.Join(journal.ErrPoisoned, err)
		}
		return nil, fmt.Errorf("%w: %w", journal.ErrAmbiguous, err)
	}
	faultpoint.At("committed")
	w.commits.Add(1)
	if err := w.here.reach(ctx, s.queries); err != nil { // it stays behind: that is no harm
		w.log.WarnContext(ctx, "the journal's mark", "error", err)
	}
	return answers, nil
}

// connected opens the connection anew where the last one was dropped.
func (w *writer) connected(ctx context.Context) (*session, error) {
	if w.broken != nil {
		return nil, w.broken
	}
	if w.session != nil {
		return w.session, nil
	}
	s, err := newSession(ctx, w.pool)
	if err != nil {
		return nil, err
	}
	w.session = s
	return s, nil
}

// drop closes the connection, which undoes what isn't committed.
func (w *writer) drop() {
	if w.session == nil {
		return
	}
	if err := w.session.close(); err != nil {
		w.log.Warn("closing the journal's connection", "error", err)
	}
	w.session = nil
}

// session is a connection with its prepared statements.
type session struct {
	conn    *sql.Conn
	queries *db.Queries
	control map[string]*sql.Stmt
}

// The statements around the changes.
const (
	sqlBegin   = "BEGIN IMMEDIATE"
	sqlCommit  = "COMMIT"
	sqlSave    = "SAVEPOINT one"
	sqlUndo    = "ROLLBACK TO one"
	sqlRelease = "RELEASE one"
)

func newSession(ctx context.Context, pool *sql.DB) (*session, error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn, control: map[string]*sql.Stmt{}}
	s.queries, err = db.Prepare(ctx, conn)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	for _, text := range []string{sqlBegin, sqlCommit, sqlSave, sqlUndo, sqlRelease} {
		s.control[text], err = conn.PrepareContext(ctx, text) //nolint:sqlclosecheck // close does it
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

// close ends the connection itself, so that the next session starts on a new one.
func (s *session) close() error {
	errs := []error{s.queries.Close()}
	for _, statement := range s.control {
		if statement != nil {
			errs = append(errs, statement.Close())
		}
	}
	if err := s.conn.Raw(func(any) error { return driver.ErrBadConn }); !errors.Is(err, driver.ErrBadConn) {
		errs = append(errs, err)
	}
	if err := s.conn.Close(); !errors.Is(err, sql.ErrConnDone) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (s *session) run(ctx context.Context, texts ...string) error {
	for _, text := range texts {
		if _, err := s.control[text].ExecContext(ctx); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	return nil
}

func commit(ctx context.Context, s *session) error { return s.run(ctx, sqlCommit) }

// changes begins a transaction and makes every change. The error is of the transaction: then none was made.
func (s *session) changes(ctx context.Context, batch []request) ([]error, error) {
	if err := s.run(ctx, sqlBegin); err != nil {
		return nil, err
	}
	answers := make([]error, len(batch))
	for i, r := range batch {
		var err error
		answers[i], err = s.change(ctx, r)
		if err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// change makes one change in a savepoint. Where SQLite gave up the whole transaction by itself (a full disk, say), the savepoint is gone
// as well: that is an error of the transaction.
func (s *session) change(ctx context.Context, r request) (answer, err error) {
	if err := r.Gone(); err != nil {
		return group.NotWritten(err), nil
	}
	if err := s.run(ctx, sqlSave); err != nil {
		return nil, err
	}
	answer = r.Change(ctx, s.queries)
	if answer == nil {
		return nil, s.run(ctx, sqlRelease)
	}
	if err := s.run(ctx, sqlUndo, sqlRelease); err != nil {
		return nil, errors.Join(answer, err)
	}
	return group.Refusal(answer), nil
}
