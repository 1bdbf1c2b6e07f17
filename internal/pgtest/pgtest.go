// Package pgtest starts PostgreSQL servers for a test, and hurts them: real ones, on this machine, each with a data folder of its own.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// errMissing says what to install. A test without a server fails: it isn't skipped.
var errMissing = errors.New("no PostgreSQL server is installed: apt-get install postgresql (make test does it as root)")

const (
	startWait = 60 * time.Second
	bootWait  = 10 * time.Second // until there is a process
	tries     = 5                // for a port that somebody else took meanwhile
	userName  = "jalur"
)

// Server is a running server. Its superuser is "jalur", without a password.
type Server struct {
	bin   string
	dir   string
	port  int
	owner *syscall.Credential // root may not run a server

	databases atomic.Int64
	memory    []string // shared memory that a kill has left behind, until the server starts again

	mu    sync.Mutex
	cmd   *exec.Cmd
	alive io.Closer // the server ends with it, so that none outlives a test that is killed
	log   *text
}

// text is what a process has said so far.
type text struct {
	mu   sync.Mutex
	said strings.Builder
}

func (t *text) Write(data []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.said.Write(data)
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.said.String()
}

// Start starts a server that ends with the test. Settings are lines of postgresql.conf.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	s, err := New(settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// New is Start where there is no test yet: in TestMain.
func New(settings ...string) (*Server, error) {
	s, err := newServer()
	if err != nil {
		return nil, err
	}
	return s.first(func() error { return s.create(settings) })
}

// newServer gives a server without data.
func newServer() (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("/tmp", "jalur-pg-") // short: the path of a socket has at most 107 bytes
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, dir: dir}
	if os.Geteuid() != 0 {
		return s, nil
	}
	if s.owner, err = unprivileged(); err == nil {
		err = os.Chown(dir, int(s.owner.Uid), int(s.owner.Gid))
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

// first fills the data folder and starts the server on a port that is free.
func (s *Server) first(fill func() error) (*Server, error) {
	err := fill()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	for range tries {
		if s.port, err = freePort(); err == nil {
			err = s.Up()
		}
		if err == nil {
			return s, nil
		}
	}
	return nil, errors.Join(err, s.Close())
}

// binaries gives the folder of the newest server that is installed.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	version := func(file string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(file)))) // a folder of another name comes last
		return n
	}
	slices.SortFunc(found, func(a, b string) int { return version(a) - version(b) })
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	if file, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(file), nil
	}
	return "", errMissing
}

// create makes the data folder.
func (s *Server) create(settings []string) error {
	if out, err := s.command("initdb", "--no-sync", "-A", "trust", "-U", userName, "-E", "UTF8", "--locale=C.UTF-8", "-D", s.data()).CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return s.Configure(settings...)
}

func unprivileged() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(account.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(account.Gid, 10, 32)
		if uidErr == nil && gidErr == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("a PostgreSQL server doesn't run as root, and there is neither a user postgres nor nobody")
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner}
	return cmd
}

// Configure adds lines to postgresql.conf. They count from the next start.
func (s *Server) Configure(settings ...string) error {
	file, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = io.WriteString(file, "\n"+strings.Join(settings, "\n")+"\n")
	return errors.Join(err, file.Close())
}

// Up starts the server, again where it was stopped or killed, on the same port.
func (s *Server) Up() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for began := time.Now(); time.Since(began) < startWait; pause() {
		if err = s.begin(); err == nil {
			return nil
		}
		if !strings.Contains(err.Error(), "still in use") && !strings.Contains(err.Error(), "postmaster.pid") {
			return err // else what a kill has left behind is just ending
		}
	}
	return err
}

// begin starts the server once and waits until it answers. A shell stands between: it ends the server when our end of its input is closed, by whatever.
func (s *Server) begin() error {
	const script = `"$@" & server=$!; read -r _; kill -INT $server; wait $server`
	server := []string{
		"-c", script, "sh", filepath.Join(s.bin, "postgres"), "-D", s.data(), "-k", s.dir, "-p", strconv.Itoa(s.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200", "-c", "dynamic_shared_memory_type=mmap",
	}
	cmd := exec.CommandContext(context.Background(), "/bin/sh", server...)
	s.log = &text{}
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = s.dir, s.log, s.log, bootWait
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner}
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd, s.alive = cmd, in
	for began := time.Now(); time.Since(began) < startWait; pause() {
		if err = s.answers(); err == nil {
			return nil
		}
		if s.pid() == 0 && (strings.Contains(s.log.String(), "FATAL") || time.Since(began) > bootWait) {
			break
		}
	}
	ended := errors.Join(in.Close(), cmd.Wait())
	return fmt.Errorf("the server did not start: %w, %w: %s", err, ended, s.log)
}

func pause() {
	const often = 20 * time.Millisecond
	<-time.After(often)
}

func (s *Server) answers() error {
	ctx, cancel := context.WithTimeout(context.Background(), startWait)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// Port is where the server listens on 127.0.0.1.
func (s *Server) Port() int { return s.port }

// DSN gives the address of a database.
func (s *Server) DSN(database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", userName, s.port, database)
}

// Database makes an empty database, and gives its name.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("journal%d", s.databases.Add(1))
	s.Exec(t, "postgres", "CREATE DATABASE "+name)
	return name
}

// Exec runs statements in a database as its superuser.
func (s *Server) Exec(t testing.TB, database string, statements ...string) {
	t.Helper()
	conn := s.Connect(t, database)
	defer conn.Close(context.Background())
	for _, statement := range statements {
		if _, err := conn.Exec(context.Background(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// Connect gives a connection that knows nothing of the journal's rules.
func (s *Server) Connect(t testing.TB, database string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), s.DSN(database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// Run runs one of the server's programs, such as pg_dump.
func (s *Server) Run(t testing.TB, program string, args ...string) []byte {
	t.Helper()
	out, err := s.command(program, args...).Output()
	if err != nil {
		t.Fatalf("%s: %v", program, err)
	}
	return out
}

// freePort gives one from below the ports that the system hands out by itself: it must still be free when a server that was killed starts again.
func freePort() (port int, err error) {
	for range 100 {
		port = 12000 + rand.IntN(8000)
		var l net.Listener
		if l, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("no free port: %w", err)
}
