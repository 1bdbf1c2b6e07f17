package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Standby starts a server that follows this one under a name, from a base backup. It ends with the test.
func (s *Server) Standby(t testing.TB, name string) *Server {
	t.Helper()
	standby, err := newServer()
	if err == nil {
		standby, err = standby.first(func() error { return standby.copy(s, name) })
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standby.Close(); err != nil {
			t.Error(err)
		}
	})
	return standby
}

// copy makes the data folder from a base backup of a primary.
func (s *Server) copy(primary *Server, name string) error {
	out, err := s.command("pg_basebackup", "--checkpoint=fast", "--no-sync", "-D", s.data(), "-d", primary.DSN("postgres")).CombinedOutput()
	if err != nil {
		return fmt.Errorf("pg_basebackup: %w: %s", err, out)
	}
	return s.follow(primary, name)
}

// follow makes the data folder one of a standby.
func (s *Server) follow(primary *Server, name string) error {
	file := filepath.Join(s.data(), "standby.signal")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		return err
	}
	if s.owner != nil {
		if err := os.Chown(file, int(s.owner.Uid), int(s.owner.Gid)); err != nil {
			return err
		}
	}
	return s.Configure(fmt.Sprintf("primary_conninfo = 'host=127.0.0.1 port=%d user=%s application_name=%s'", primary.port, userName, name))
}

// Rejoin makes a server that was stopped or killed a standby of another, from a new base backup, on its own port.
func (s *Server) Rejoin(primary *Server, name string) error {
	if err := errors.Join(s.Stop(), os.RemoveAll(s.data())); err != nil {
		return err
	}
	if err := s.copy(primary, name); err != nil {
		return err
	}
	return s.Up()
}

// Follow points a running standby at another primary.
func (s *Server) Follow(primary *Server, name string) error {
	if err := s.follow(primary, name); err != nil {
		return err
	}
	return syscall.Kill(s.pid(), syscall.SIGHUP)
}

// Promote makes a standby the primary, and waits until it is.
func (s *Server) Promote() error {
	var promoted bool
	if err := s.ask("SELECT pg_promote(true, 60)", &promoted); err != nil {
		return err
	}
	if !promoted {
		return errors.New("the standby was not promoted in time")
	}
	return nil
}

// Received gives how far a standby has the log of a primary that is gone, in bytes. It waits until what is on its way has come.
func (s *Server) Received() (position int64, err error) {
	const question = `SELECT EXISTS (SELECT 1 FROM pg_stat_wal_receiver WHERE status = 'streaming'),
		(coalesce(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), '0/0') - '0/0')::bigint`
	for began := time.Now(); time.Since(began) < startWait; pause() {
		var streaming bool
		if err := s.ask(question, &streaming, &position); err != nil || !streaming {
			return position, err
		}
	}
	return 0, errors.New("the standby's primary is not gone")
}

// Followers gives the names of the standbys that stream from this server now.
func (s *Server) Followers() (names []string, err error) {
	var list string
	err = s.ask("SELECT coalesce(string_agg(application_name, ' ' ORDER BY 1), '') FROM pg_stat_replication WHERE state = 'streaming'", &list)
	return strings.Fields(list), err
}

// ask asks one question as the superuser.
func (s *Server) ask(question string, into ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), startWait)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		return err
	}
	return errors.Join(conn.QueryRow(ctx, question).Scan(into...), conn.Close(ctx))
}

// Move gives a server that is down another port for its next start: the one that is given, or, where that is 0, any.
func (s *Server) Move(port int) (err error) {
	if port == 0 {
		port, err = freePort()
	}
	s.port = port
	return err
}
