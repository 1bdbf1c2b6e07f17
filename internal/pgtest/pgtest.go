// Package pgtest starts a PostgreSQL server for a test: a real one, on this machine, with a data folder of its own.
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
	tries     = 5 // for a port that somebody else took meanwhile
	userName  = "jalur"
)

// Server is a running server. Its superuser is "jalur", without a password.
type Server struct {
	bin   string
	dir   string
	port  int
	owner *syscall.Credential // root may not run a server

	databases atomic.Int64

	mu    sync.Mutex
	cmd   *exec.Cmd
	alive io.Closer // the server ends with it, so that none outlives a test that is killed
	log   *bytes.Buffer
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
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("/tmp", "jalur-pg-") // short: the path of a socket has at most 107 bytes
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, dir: dir}
	if err := s.create(settings); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	for range tries {
		if s.port, err = freePort(); err == nil {
			err = s.Up()
		}
		if err == nil {
			return s, nil
		}
	}
	return nil, errors.Join(err, os.RemoveAll(dir))
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
	if os.Geteuid() == 0 {
		var err error
		if s.owner, err = unprivileged(); err != nil {
			return err
		}
		if err := os.Chown(s.dir, int(s.owner.Uid), int(s.owner.Gid)); err != nil {
			return err
		}
	}
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
		"-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200",
	}
	cmd := exec.CommandContext(context.Background(), "/bin/sh", server...)
	s.log = &bytes.Buffer{}
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, s.log, s.log
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
		if s.pid() == 0 && time.Since(began) > time.Second {
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

// pid gives the server's own process, or 0.
func (s *Server) pid() int {
	text, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil || syscall.Kill(pid, 0) != nil {
		return 0
	}
	return pid
}

// Kill ends the server as a crash does, and waits until it is gone.
func (s *Server) Kill() error { return s.stop(syscall.SIGKILL) }

// Stop ends the server and its connections in order.
func (s *Server) Stop() error { return s.stop(syscall.SIGINT) }

func (s *Server) stop(signal syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return nil
	}
	var err error
	if pid := s.pid(); pid != 0 {
		err = syscall.Kill(pid, signal)
		for s.pid() != 0 && !zombie(pid) {
			pause()
		}
	}
	_ = s.alive.Close() // the shell ends with its server
	_ = s.cmd.Wait()    // with the server's status
	s.cmd = nil
	return err
}

// zombie reports whether a process has ended and only its parent hasn't looked yet.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || bytes.Contains(stat, []byte(") Z "))
}

// Close stops the server and removes its folder.
func (s *Server) Close() error { return errors.Join(s.Stop(), os.RemoveAll(s.dir)) }

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

func freePort() (int, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	address, ok := l.Addr().(*net.TCPAddr)
	if err := l.Close(); err != nil || !ok {
		return 0, fmt.Errorf("no free port: %w", err)
	}
	return address.Port, nil
}
