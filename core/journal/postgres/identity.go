package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"github.com/jalurhq/jalur/core/journal/postgres/internal/db"
)

// The words of journal_identity for what nobody had to decide.
const (
	byNobody    = "gateway"
	whyFirst    = "the journal was made"
	whyPromoted = "a standby was promoted"
)

// meetReader looks at a connection that is to read. A server that has started after a crash, came back as an old primary, or was promoted shows what nobody was told of
// and a failover would lose; once its standbys have that, it shows only what they have.
func (s *Store) meetReader(ctx context.Context, conn *pgx.Conn) error {
	f, err := look(ctx, conn)
	if err != nil {
		return err
	}
	s.standsAlone(f)
	if s.hold.Load() != nil || s.isProven(f) {
		return nil
	}
	if err := s.prove(ctx, conn); err != nil {
		return fmt.Errorf("whether a standby has what the server shows: %w", err)
	}
	s.proven.Store(&f.run)
	return nil
}

// run is one time that a server runs as the primary.
type run struct {
	started  int64 // microseconds since 1970
	timeline int64
}

// isProven reports whether the standbys are known to have what the server showed when it began to run.
func (s *Store) isProven(f facts) bool {
	known := s.proven.Load()
	return known != nil && *known == f.run
}

// standsAlone remembers a server that has to have no standbys: there is nothing to prove, also where it gets some later.
func (s *Store) standsAlone(f facts) {
	if f.standbys == "" {
		s.proven.Store(&f.run)
	}
}

// prove makes a commit: one that a standby acknowledges proves all before it.
func (s *Store) prove(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.CommitWait)
	defer cancel()
	if err := standbysAnswer(ctx, conn); err != nil {
		return err
	}
	notes := notesOf(conn.PgConn())
	notes.unreplicated = ""
	if err := db.New(conn).Beat(ctx, s.config.Now().UnixMicro()); err != nil {
		return err
	}
	return notes.doubt()
}

// meetWriter looks whether a connection leads to the database that the journal was written on, with all that was acknowledged.
func (s *Store) meetWriter(ctx context.Context, conn *pgx.Conn) error {
	f, err := look(ctx, conn)
	if err != nil {
		return err
	}
	if s.hold.Load() != nil {
		return nil
	}
	s.standsAlone(f)
	why, err := recognise(ctx, conn, f, s.config.Now().UnixMicro())
	if err != nil {
		return err
	}
	if why == "" {
		why, err = s.missing(ctx, conn)
	}
	if why != "" {
		s.keep(ctx, why)
	}
	return err
}

// missing says what the database lacks of what this process has told its callers.
func (s *Store) missing(ctx context.Context, conn *pgx.Conn) (string, error) {
	seen := s.seen.Load()
	if seen == 0 {
		return "", nil
	}
	there, err := db.New(conn).HasEvent(ctx, seen)
	if err != nil || there {
		return "", err
	}
	return fmt.Sprintf("event %d was acknowledged and is not there: a failover or a restore has lost the newest changes", seen), nil
}

// keep makes the store read-only.
func (s *Store) keep(ctx context.Context, why string) {
	if s.hold.CompareAndSwap(nil, &why) {
		s.config.Logger.ErrorContext(ctx, "the journal is read-only from now on", slog.String("why", why))
	}
}

// recognise compares a database with the one that the journal was last written on, and says what is wrong. A promoted standby is the same
// database on a later timeline, and is recorded as that.
func recognise(ctx context.Context, conn *pgx.Conn, f facts, now int64) (why string, err error) {
	last, err := db.New(conn).LatestIdentity(ctx)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", record(ctx, conn, f, word{byNobody, whyFirst, now})
	case err != nil:
		return "", fmt.Errorf("the journal's identity: %w", err)
	case last.SystemID == "":
		return fmt.Sprintf("%s has held it: %s", last.ByWhom, last.Why), nil
	case last.SystemID != f.systemID || last.Database != f.database:
		return fmt.Sprintf("it was written on the server %s as database %d, and this is %s, %d: a restored or moved copy",
			last.SystemID, last.Database, f.systemID, f.database), nil
	case last.Timeline > f.run.timeline:
		return fmt.Sprintf("it was written on timeline %d, and this is %d: an old primary that has come back", last.Timeline, f.run.timeline), nil
	case last.Timeline < f.run.timeline:
		return "", record(ctx, conn, f, word{byNobody, whyPromoted, now})
	default:
		return "", nil
	}
}

// word is who says something about the journal's database, why and when.
type word struct {
	by, why string
	at      int64 // microseconds since 1970
}

func record(ctx context.Context, conn *pgx.Conn, f facts, w word) error {
	err := db.New(conn).InsertIdentity(ctx, db.InsertIdentityParams{
		SystemID: f.systemID, Database: f.database, Timeline: f.run.timeline, ByWhom: w.by, Why: w.why, At: w.at,
	})
	if err != nil {
		return fmt.Errorf("the journal's identity: %w", err)
	}
	return nil
}

// Accept is an operator's word that the database is the journal from now on, although it is a copy of another one or lacks its newest changes: what the
// providers have executed since then has been compared. Gateways write to it once they are started anew.
func Accept(ctx context.Context, config Config, by, why string) error {
	return decide(ctx, config, func(ctx context.Context, conn *pgx.Conn, f facts) error {
		return record(ctx, conn, f, word{text(by), text(why), config.withDefaults().Now().UnixMicro()})
	})
}

// Hold makes a journal read-only for gateways that are started after it, until [Accept]. It is for a database that was restored as a whole: that
// one can't be told from a promoted standby.
func Hold(ctx context.Context, config Config, by, why string) error {
	return decide(ctx, config, func(ctx context.Context, conn *pgx.Conn, _ facts) error {
		return record(ctx, conn, facts{}, word{text(by), text(why), config.withDefaults().Now().UnixMicro()})
	})
}

func decide(ctx context.Context, config Config, say func(context.Context, *pgx.Conn, facts) error) (err error) {
	if config.DSN == "" {
		return errors.New("the journal has no address")
	}
	address, err := pgx.ParseConfig(config.DSN)
	if err != nil {
		return fmt.Errorf("the journal's address: %w", err)
	}
	conn, err := pgx.ConnectConfig(ctx, prepared(address, nil))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	f, err := look(ctx, conn)
	if err != nil {
		return err
	}
	return say(ctx, conn, f)
}
