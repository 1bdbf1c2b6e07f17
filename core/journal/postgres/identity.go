package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/postgres/internal/db"
)

var (
	_ journal.Holder     = (*Store)(nil)
	_ journal.Timekeeper = (*Store)(nil)
)

// The words of journal_identity for what nobody had to decide.
const (
	byNobody    = "gateway"
	whyFirst    = "the journal was made"
	whyPromoted = "a standby was promoted"
)

// lookEvery is how often a store reads what operators, and other gateways, have said of the journal since.
const lookEvery = time.Second

// errOldPrimary refuses a connection, not the journal: the next one may lead to the right server.
var errOldPrimary = errors.New("the server is an old primary that has come back")

// memory is what this process has seen of the journal's database. It only grows, until an operator accepts a database that lacks some of it.
type memory struct {
	mu       sync.Mutex
	home     facts // of the connection that wrote last
	timeline int64 // the latest, of home's server
	epoch    int64 // the newest
	there    int64 // the newest in the database as it was last read
	held     string
	heldAt   int64 // what was there when it was held
}

// meetWriter looks whether a connection leads to the database that the journal was written on, with all that was acknowledged.
func (s *Store) meetWriter(ctx context.Context, conn *pgx.Conn) error {
	f, err := look(ctx, conn)
	if err != nil {
		return err
	}
	if err := s.memory.outlived(f); err != nil {
		return err
	}
	s.standsAlone(f)
	return s.welcome(ctx, db.New(conn), f)
}

// outlived refuses a server that this process has seen succeeded by another: what would be written to it is lost once it is rewound.
func (m *memory) outlived(f facts) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f.systemID == m.home.systemID && f.timeline < m.timeline {
		return fmt.Errorf("%w: it is on timeline %d, and the journal has gone on to %d", errOldPrimary, f.timeline, m.timeline)
	}
	return nil
}

// missing says what the database lacks of what this process has seen, or told its callers. The epoch is what it had seen before it read the database's last one:
// a newer one that others have seen since says nothing about what was read before.
func (s *Store) missing(ctx context.Context, q *db.Queries, last db.JournalIdentity, epoch int64) (string, error) {
	seen := s.seen.Load()
	epoch = min(epoch, s.memory.newest()) // less where an acceptance was just heard of
	there, err := q.HasEvent(ctx, seen)
	switch {
	case err != nil:
		return "", fmt.Errorf("the journal's newest event: %w", err)
	case seen > 0 && !there:
		return fmt.Sprintf("event %d was acknowledged and is not there: a failover or a restore has lost the newest changes", seen), nil
	case last.Epoch < epoch:
		return fmt.Sprintf("its epoch %d was seen and is not there: a failover or a restore has lost the newest changes", epoch), nil
	default:
		return "", nil
	}
}

// keep holds the journal. A reason that stands already stays.
func (s *Store) keep(ctx context.Context, why string) {
	s.memory.mu.Lock()
	fresh := s.memory.held == "" && why != ""
	if fresh {
		s.memory.held, s.memory.heldAt = why, s.memory.there
	}
	s.memory.mu.Unlock()
	if fresh {
		s.config.Logger.ErrorContext(ctx, "the journal is held: nothing is sent from now on", slog.String("why", why))
	}
}

// welcome judges a database that is to be written to, and writes down what is new of it: that it is the first, that a standby was promoted, or that changes are
// missing. A loss becomes a hold in the database itself: gateways that start later, and have seen nothing, must know of it too.
func (s *Store) welcome(ctx context.Context, q *db.Queries, f facts) error {
	last, lost, err := s.judge(ctx, q, f)
	switch {
	case err != nil:
		return err
	case lost != "":
		return record(ctx, q, facts{}, s.word(byNobody, lost))
	case s.Held() != "":
		return nil
	case last == (db.JournalIdentity{}):
		return record(ctx, q, f, s.word(byNobody, whyFirst))
	case last.Timeline < f.timeline:
		return record(ctx, q, f, s.word(byNobody, whyPromoted))
	default:
		return nil
	}
}

// judge compares a database with the one that the journal was last written on, and with what this process has seen of it. What is wrong holds the journal;
// lost says what is missing from a database that is otherwise the right one.
func (s *Store) judge(ctx context.Context, q *db.Queries, f facts) (last db.JournalIdentity, lost string, err error) {
	s.memory.meet(f)
	seen := s.memory.newest()
	last, err = q.LatestIdentity(ctx)
	none := errors.Is(err, pgx.ErrNoRows)
	if err != nil && !none {
		return last, "", fmt.Errorf("the journal's identity: %w", err)
	}
	newest, err := q.NewestEvent(ctx)
	if err != nil {
		return last, "", fmt.Errorf("the journal's newest event: %w", err)
	}
	if !s.isProven(f) { // what no standby has is not held against the next server
		newest, last.Epoch = s.seen.Load(), min(last.Epoch, seen)
	}
	s.heed(ctx, last, newest)
	why, err := outgrown(ctx, q)
	if why == "" && !none {
		why = stranger(last, f)
	}
	if why != "" || err != nil {
		s.keep(ctx, why)
		return last, "", err
	}
	if lost, err = s.missing(ctx, q, last, seen); lost != "" {
		s.keep(ctx, lost)
	} else if err == nil {
		s.remember(newest)
	}
	return last, lost, err
}

// meet remembers a database.
func (m *memory) meet(f facts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f.systemID != m.home.systemID {
		m.timeline = 0
	}
	m.home, m.timeline = f, max(m.timeline, f.timeline)
}

func (m *memory) newest() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.epoch
}

// heed takes notice of the newest epoch of a database. An operator's acceptance ends a hold, and what the database lacks is forgotten.
func (s *Store) heed(ctx context.Context, last db.JournalIdentity, newest int64) {
	m := &s.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	m.there = last.Epoch
	since := m.epoch
	if m.held != "" {
		since = m.heldAt
	}
	if last.Epoch > since && last.ByWhom != byNobody && stranger(last, m.home) == "" {
		if m.held != "" {
			s.config.Logger.WarnContext(ctx, "the journal was accepted: payments are sent again",
				slog.String("by", last.ByWhom), slog.String("why", last.Why))
		}
		m.held, m.epoch = "", last.Epoch
		s.seen.Store(newest)
	}
	m.epoch = max(m.epoch, last.Epoch)
}

// stranger says why a database is not to be sent from, by the newest word about it.
func stranger(last db.JournalIdentity, f facts) string {
	switch {
	case last.SystemID == "" && last.ByWhom == byNobody:
		return last.Why
	case last.SystemID == "":
		return fmt.Sprintf("%s has held it: %s", last.ByWhom, last.Why)
	case last.SystemID != f.systemID || last.Database != f.database:
		return fmt.Sprintf("it was written on the server %s as database %d, and this is %s, %d: a restored or moved copy",
			last.SystemID, last.Database, f.systemID, f.database)
	case last.Timeline > f.timeline:
		return fmt.Sprintf("it was written on timeline %d, and this is %d: an old primary that has come back", last.Timeline, f.timeline)
	default:
		return ""
	}
}

// Held implements [journal.Holder].
func (s *Store) Held() string {
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	return s.memory.held
}

// watch reads again and again what was said of the journal, until the context ends.
func (s *Store) watch(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			_ = s.reconsider(ctx) // a journal that can't be read is told of by those who need it
		}
	}
}

// reconsider looks at the journal as a new connection does: at a hold, at an operator's acceptance, at what was lost.
func (s *Store) reconsider(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.StatementWait)
	defer cancel()
	return s.readers.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		f, err := look(ctx, c.Conn())
		if err == nil {
			err = s.memory.outlived(f)
		}
		if err != nil {
			return err
		}
		_, _, err = s.judge(ctx, db.New(c), f) // what is new of it a writer's connection writes down
		return err
	})
}

func (s *Store) home() facts {
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	return s.memory.home
}

// Time implements [journal.Timekeeper]: the server's clock, as it was last read, and the time since.
func (s *Store) Time() time.Time {
	f := s.home()
	return f.clock.Add(time.Since(f.askedBefore))
}

// Standing implements [journal.Holder].
func (s *Store) Standing(ctx context.Context) (journal.Standing, error) {
	rows, err := db.New(s.readers).Identities(ctx)
	if err != nil {
		return journal.Standing{}, fmt.Errorf("the journal's identity: %w", err)
	}
	standing := journal.Standing{Held: s.Held(), Epochs: make([]journal.Epoch, len(rows))}
	for i, r := range rows {
		home := ""
		if r.SystemID != "" {
			home = fmt.Sprintf("server %s, database %d, timeline %d", r.SystemID, r.Database, r.Timeline)
		}
		standing.Epochs[i] = journal.Epoch{Number: r.Epoch, Home: home, By: r.ByWhom, Why: r.Why, At: time.UnixMicro(r.At).UTC()}
	}
	return standing, nil
}

// Hold implements [journal.Holder].
func (s *Store) Hold(ctx context.Context, by, why string) error {
	return s.decide(ctx, facts{}, s.word(by, why))
}

// Accept implements [journal.Holder].
func (s *Store) Accept(ctx context.Context, by, why string) error {
	return s.decide(ctx, s.home(), s.word(by, why))
}

func (s *Store) decide(ctx context.Context, f facts, w word) error {
	if w.by == "" || w.by == byNobody || w.why == "" {
		return fmt.Errorf("who says so, and why, must be told: %w", journal.ErrIllegal)
	}
	if err := s.alone(ctx, func(ctx context.Context, q *db.Queries) error { return record(ctx, q, f, w) }); err != nil {
		return err
	}
	return s.reconsider(ctx)
}

// word is who says something about the journal's database, why and when.
type word struct {
	by, why string
	at      int64 // microseconds since 1970
}

func (s *Store) word(by, why string) word {
	return word{text(by), text(why), s.config.Now().UnixMicro()}
}

func record(ctx context.Context, q *db.Queries, f facts, w word) error {
	err := q.InsertIdentity(ctx, db.InsertIdentityParams{
		SystemID: f.systemID, Database: f.database, Timeline: f.timeline, ByWhom: w.by, Why: w.why, At: w.at,
	})
	if err != nil {
		return fmt.Errorf("the journal's identity: %w", err)
	}
	return nil
}
