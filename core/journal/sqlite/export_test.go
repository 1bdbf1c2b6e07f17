package sqlite

import (
	"context"

	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/sqlite/internal/db"
)

// Commits counts the transactions that were committed.
func (s *Store) Commits() int64 { return s.writer.commits.Load() }

// Write makes a change of the test's own in the writer. SQL runs on the writer's connection.
func (s *Store) Write(ctx context.Context, change func(run func(sql string) error) error) error {
	return s.do(ctx, func(ctx context.Context, _ *db.Queries) error {
		return change(func(sql string) error {
			_, err := s.writer.session.conn.ExecContext(ctx, sql)
			return err
		})
	})
}

// FailCommit makes the next commit fail with an error; the transaction is undone.
func (s *Store) FailCommit(err error) {
	s.writer.commit = func(context.Context, *session) error {
		s.writer.commit = commit
		return err
	}
}

// Keeps is the check of what the connection says of itself.
func Keeps(version, mode string, sync, keys int) error { return keeps(version, mode, sync, keys) }

// TryLock locks a journal's path and gives what unlocks it, or nil where somebody else has it.
func TryLock(path string) (release func() error, err error) {
	file, _, err := tryLock(path + lockSuffix)
	if file == nil || err != nil {
		return nil, err
	}
	return (&lock{file: file}).release, nil
}

// ReadRow reads a payment of one attempt from its columns.
func ReadRow(state, outcome, money, details string) (journal.Payment, error) {
	return onePayment([]joined{{
		Payment: db.Payment{ID: "P", Amount: money, Extra: details},
		Attempt: db.Attempt{ID: "A", State: state, Outcome: outcome, Cost: money, Details: details},
	}})
}
