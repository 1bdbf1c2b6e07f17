// Package sqlite keeps the journal in one SQLite file, held by one process at a time and written by one goroutine that commits the
// changes of all waiting callers together.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/internal/group"
	"github.com/jalurhq/jalur/core/journal/sqlite/internal/db"
)

//go:generate sqlc generate -f sqlc.yaml

// ErrClosed is the error of a store that writes no more. It comes together with [journal.ErrNotWritten].
var ErrClosed = group.ErrClosed

// Config is what a [Store] is opened with.
type Config struct {
	Path string // of the database file; made where there is none, in a folder that exists
	Role Role   // gateway or command
	URL  string // where this gateway is reached; told to the commands that find the journal held

	Logger *slog.Logger     // default: none
	Now    func() time.Time // default: time.Now
}

// Store is a [journal.Store] in an SQLite file.
type Store struct {
	now     func() time.Time
	opened  time.Time // by the wall clock
	since   time.Time // the same moment, by the clock that nobody sets
	lock    *lock
	writer  *writer
	writing *group.Group[change]
	readers *sql.DB
	reads   *db.Queries

	standing *standing

	closing sync.Once
	closed  error
}

var _ journal.Store = (*Store)(nil)

// Open locks the journal, makes or updates its tables and starts the writer. The context bounds the opening only.
//
// A file that was moved, restored or made anew is told by the mark beside it, and is held: see [journal.Holder].
//
// It waits while a command holds the journal and gives a [*HeldError] where a gateway does. It refuses a file that isn't a journal, one
// that a newer program has written, and an SQLite that wouldn't keep what it acknowledges. The file isn't searched for damage:
// that takes as long as reading all of it.
//
// Whoever opens the journal is its only holder, so whoever was sending an attempt is gone. Attempts found in [journal.Sending] are
// therefore due at once; what became of them is for the claimer to say.
func Open(ctx context.Context, config Config) (*Store, error) {
	config, err := checked(config)
	if err != nil {
		return nil, err
	}
	path, err := resolve(config.Path)
	if err != nil {
		return nil, err
	}
	me := holder{PID: os.Getpid(), Role: config.Role, URL: config.URL}
	lock, err := acquire(ctx, path, me, config.Logger)
	if err != nil {
		return nil, err
	}
	store, err := start(ctx, path, config)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the journal %s: %w", path, err), lock.release())
	}
	store.lock = lock
	return store, nil
}

func checked(c Config) (Config, error) {
	if c.Path == "" {
		return c, errors.New("the journal has no path")
	}
	if c.Role != RoleGateway && c.Role != RoleCommand {
		return c, fmt.Errorf("role %q of the journal's holder is neither %s nor %s", c.Role, RoleGateway, RoleCommand)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}

// start does what follows the lock.
func start(ctx context.Context, path string, config Config) (*Store, error) {
	if err := prepareFile(path); err != nil {
		return nil, err
	}
	pool, err := openWriter(ctx, path)
	if err != nil {
		return nil, err
	}
	readers, err := openReaders(ctx, path)
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	reads, err := db.Prepare(ctx, readers)
	if err != nil {
		return nil, errors.Join(err, readers.Close(), pool.Close())
	}
	here := &standing{path: path, log: config.Logger}
	w := newWriter(pool, config.Logger, here)
	store := &Store{now: config.Now, opened: config.Now(), since: time.Now(), readers: readers, reads: reads, writer: w, writing: group.New[change](0, w), standing: here}
	if err := errors.Join(here.stand(ctx, db.New(pool), config.Now()), store.wake(ctx)); err != nil {
		return nil, errors.Join(err, store.stop())
	}
	return store, nil
}

// far is a time of the next look that nobody sets: a clock that was ahead then has.
const far = time.Hour

// wake makes the attempts of dead senders due, and those that would have to wait for a clock that was set back.
func (s *Store) wake(ctx context.Context) error {
	return s.do(ctx, func(ctx context.Context, q *db.Queries) error {
		now := s.now()
		_, err := q.Wake(ctx, db.WakeParams{Now: nullMicros(now), Far: nullMicros(now.Add(far))})
		return err
	})
}

// Time implements [journal.Timekeeper]: one process alone has the file, so its own clocks serve.
func (s *Store) Time() time.Time { return s.opened.Add(time.Since(s.since)) }

// Ping writes one small row.
func (s *Store) Ping(ctx context.Context) error {
	return s.do(ctx, func(ctx context.Context, q *db.Queries) error {
		return q.Beat(ctx, s.now().UnixMicro())
	})
}

// Close lets the writer finish what it has begun, closes the file and gives the lock back. Calls after the first give the same answer.
func (s *Store) Close() error {
	s.closing.Do(func() { s.closed = errors.Join(s.stop(), s.lock.release()) })
	return s.closed
}

func (s *Store) stop() error {
	readers := errors.Join(s.reads.Close(), s.readers.Close())
	s.writing.Close() // after the readers: the last connection tidies the file's log away, and a reader can't
	return errors.Join(readers, s.writer.pool.Close(), s.standing.close())
}

func (s *Store) do(ctx context.Context, c change) error { return s.writing.Do(ctx, c) }
