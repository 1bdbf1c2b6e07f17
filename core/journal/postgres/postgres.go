// Package postgres keeps the journal in PostgreSQL, for any number of gateways at once: what only one of them may do, the rows'
// compare-and-set and the database's own indexes decide.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/internal/group"
	"github.com/jalurhq/jalur/core/journal/postgres/internal/db"
)

//go:generate sqlc generate -f sqlc.yaml

// Errors of a store that writes nothing. They come together with [journal.ErrNotWritten].
var (
	ErrClosed = group.ErrClosed
	// ErrNoStandby: commits wait for a standby that doesn't answer; no further one is begun.
	ErrNoStandby = errors.New("commits wait for a synchronous standby that does not answer")
)

// The values that stand where a Config says nothing.
const (
	defaultWriters       = 2
	defaultReaders       = 8
	defaultQueueWait     = 5 * time.Second
	defaultStatementWait = 10 * time.Second
	defaultCommitWait    = 10 * time.Second
	defaultSkew          = 5 * time.Second
)

// Config is what a [Store] is opened with.
type Config struct {
	DSN     string // postgres://user@host/db, with libpq's parameters; a password may come from PGPASSWORD or a passfile
	Writers int    // connections that write, each the changes of many callers; default 2
	Readers int    // connections that read; default 8

	QueueWait     time.Duration // how long a change waits for a writer before it is refused; default 5 s
	StatementWait time.Duration // how long everything before a commit may take, and a question; default 10 s
	CommitWait    time.Duration // how long a commit may take before nobody can say whether it happened; default 10 s
	Skew          time.Duration // how far this machine's clock may be from the database's; default 5 s

	Logger *slog.Logger     // default: none
	Now    func() time.Time // default: time.Now
}

func (c Config) withDefaults() Config {
	fill(&c.Writers, defaultWriters)
	fill(&c.Readers, defaultReaders)
	fill(&c.QueueWait, defaultQueueWait)
	fill(&c.StatementWait, defaultStatementWait)
	fill(&c.CommitWait, defaultCommitWait)
	fill(&c.Skew, defaultSkew)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func fill[T int | time.Duration](value *T, standard T) {
	if *value <= 0 {
		*value = standard
	}
}

// Store is a [journal.Store] in a PostgreSQL database.
type Store struct {
	config   Config
	listener *pgx.ConnConfig
	readers  *pgxpool.Pool
	writers  *pgxpool.Pool
	writing  *group.Group[*change]

	unsure atomic.Bool         // a commit brought an error, and none has succeeded since
	seen   atomic.Int64        // the newest event that was seen, or that a caller was told of
	proven atomic.Pointer[run] // the last one whose standbys have all that it shows
	memory memory

	closing  sync.Once
	watching sync.WaitGroup
	unwatch  context.CancelFunc
}

var (
	_ journal.Store    = (*Store)(nil)
	_ journal.Notifier = (*Store)(nil)
)

// Open connects, makes or updates the tables and starts the writers. The context bounds the opening only.
//
// It refuses a server that wouldn't keep what it acknowledges, a standby, a clock that is far from ours, and tables of a newer program
// that say this one can't write to them. A database that is a copy of the one that the journal was written on, or lacks what was acknowledged, is opened and
// held, see [journal.Holder].
//
// Attempts of other gateways are left alone: their leases decide.
func Open(ctx context.Context, config Config) (*Store, error) {
	config = config.withDefaults()
	address, err := pgx.ParseConfig(config.DSN)
	if err != nil {
		return nil, fmt.Errorf("the journal's address: %w", err)
	}
	s := &Store{config: config}
	if err := s.start(ctx, address); err != nil {
		return nil, fmt.Errorf("opening the journal %s: %w", name(address), err)
	}
	return s, nil
}

// name tells where a database is, without its password.
func name(c *pgx.ConnConfig) string {
	return (&url.URL{
		Scheme: "postgres", User: url.User(c.User), Host: net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port))), Path: c.Database,
	}).String()
}

func (s *Store) start(ctx context.Context, address *pgx.ConnConfig) error {
	if err := s.prepare(ctx, address); err != nil {
		return err
	}
	s.listener = prepared(address, nil)
	var err error
	s.readers, err = s.pool(ctx, address, s.config.Readers, s.meetReader)
	if err != nil {
		return err
	}
	s.writers, err = s.pool(ctx, address, s.config.Writers, s.meetWriter)
	if err != nil {
		s.readers.Close()
		return err
	}
	all := make([]group.Writer[*change], s.config.Writers)
	for i := range all {
		all[i] = writer{s}
	}
	s.writing = group.New(s.config.QueueWait, all...)
	watching, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	s.unwatch = unwatch
	s.watching.Go(func() { s.watch(watching) })
	return nil
}

// Ping writes one small row, and looks whether the clocks agree: the leases of several gateways rest on that.
func (s *Store) Ping(ctx context.Context) error {
	err := s.alone(ctx, func(ctx context.Context, q *db.Queries) error { return q.Beat(ctx, s.config.Now().UnixMicro()) })
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.StatementWait)
	defer cancel()
	var theirs time.Time
	before := time.Now()
	if err := s.readers.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&theirs); err != nil {
		return fmt.Errorf("the database's clock: %w", err)
	}
	return s.checkClock(before, theirs)
}

// checkClock compares a time that was read from the database between before and now.
func (s *Store) checkClock(before, theirs time.Time) error {
	early, late := before.Sub(theirs), time.Until(theirs)
	if off := max(early, late); off > s.config.Skew {
		return fmt.Errorf("this machine's clock and the database's are %s apart: the times of payments need both within %s", off.Round(time.Millisecond), s.config.Skew)
	}
	return nil
}

// mayNotSend gives the error of a change by which an attempt would be sent while the journal is held.
func (s *Store) mayNotSend(changes ...*change) error {
	if !slices.ContainsFunc(changes, func(c *change) bool { return c.sends }) {
		return nil
	}
	if why := s.Held(); why != "" {
		return group.NotWritten(fmt.Errorf("%w: %s", journal.ErrHeld, why))
	}
	return nil
}

// Close lets the writers finish what they have begun and ends the connections. Calls after the first do nothing.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.unwatch()
		s.watching.Wait()
		s.writing.Close()
		s.writers.Close()
		s.readers.Close()
	})
	return nil
}
