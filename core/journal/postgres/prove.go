package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/jalurhq/jalur/core/journal/postgres/internal/db"
)

// run is one time that a server runs as the primary.
type run struct {
	started  int64 // microseconds since 1970
	timeline int64
}

// meetReader looks at a connection that is to read. A server that has started after a crash, came back as an old primary, or was promoted shows what nobody was told of
// and a failover would lose; once its standbys have that, it shows only what they have.
func (s *Store) meetReader(ctx context.Context, conn *pgx.Conn) error {
	f, err := look(ctx, conn)
	if err != nil {
		return err
	}
	if err := s.memory.outlived(f); err != nil {
		return err
	}
	s.standsAlone(f)
	if s.Held() != "" || s.isProven(f) {
		return nil
	}
	if err := s.prove(ctx, conn); err != nil {
		return fmt.Errorf("whether a standby has what the server shows: %w", err)
	}
	s.proven.Store(&f.run)
	return nil
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
