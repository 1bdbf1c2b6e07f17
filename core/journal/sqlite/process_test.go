package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/sqlite"
)

const (
	taskVariable = "JALUR_JOURNAL_TEST_TASK"
	pathVariable = "JALUR_JOURNAL_TEST_PATH"
)

// TestMain is also the main of the processes that the tests start.
func TestMain(m *testing.M) {
	if task := os.Getenv(taskVariable); task != "" {
		if err := child(task, os.Getenv(pathVariable)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func child(task, path string) error {
	config := gateway(path)
	if task == "command" {
		config = command(path)
	}
	store, err := sqlite.Open(context.Background(), config)
	if err != nil {
		return err
	}
	if task == "write" {
		return writeForEver(store)
	}
	fmt.Println("open")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return store.Close()
}

// writeForEver says each payment after it was acknowledged, once as submitted and once as confirmed.
func writeForEver(store *sqlite.Store) error {
	var serial atomic.Int64
	failed := make(chan error)
	for range 8 {
		go func() {
			for {
				p, _, err := store.Submit(context.Background(), newPayment(serial.Add(1)), because())
				if err != nil {
					failed <- err
				}
				fmt.Printf("submitted %s\n", p.ID)
				if err := store.Apply(context.Background(), confirmed(p)); err != nil {
					failed <- err
				}
				fmt.Printf("confirmed %s\n", p.ID)
			}
		}()
	}
	return <-failed
}

type process struct {
	*osexec.Cmd

	out   *bufio.Scanner
	stdin io.Closer
}

func startProcess(t *testing.T, task, path string) process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := process{Cmd: osexec.Command(self)}
	p.Env = append(os.Environ(), taskVariable+"="+task, pathVariable+"="+path)
	p.Stderr = os.Stderr
	stdin, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Process.Kill() })
	p.stdin, p.out = stdin, bufio.NewScanner(stdout)
	return p
}

// line waits for a line of the process.
func (p process) line(t *testing.T) string {
	t.Helper()
	if !p.out.Scan() {
		t.Fatalf("the process has ended: %v", p.Wait())
	}
	return p.out.Text()
}

func (p process) kill(t *testing.T) {
	t.Helper()
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
}

func TestGatewayHoldsTheJournal(t *testing.T) {
	t.Parallel()
	where := path(t)
	other := startProcess(t, "gateway", where)
	other.line(t)
	for _, config := range []sqlite.Config{command(where), gateway(where)} {
		_, err := sqlite.Open(t.Context(), config)
		var held *sqlite.HeldError
		if !errors.As(err, &held) || held.PID != other.Process.Pid || held.URL != gateway(where).URL {
			t.Fatalf("as a %s: %v", config.Role, err)
		}
		want := fmt.Sprintf("the journal %s is held by a running gateway (pid %d): use --server http://127.0.0.1:8080", where, held.PID)
		if err.Error() != want {
			t.Errorf("got  %s\nwant %s", err, want)
		}
	}
	other.kill(t)
	other.Wait()
	if _, err := os.Stat(where + ".lock"); err != nil {
		t.Fatalf("a killed process leaves its file: %v", err)
	}
	closeStore(t, open(t, command(where)))
	if _, err := os.Stat(where + ".lock"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a closed journal leaves no file: %v", err)
	}
}

func TestCommandsWait(t *testing.T) {
	t.Parallel()
	for _, role := range []sqlite.Role{sqlite.RoleCommand, sqlite.RoleGateway} {
		where := path(t)
		other := startProcess(t, "command", where)
		other.line(t)
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := sqlite.Open(short, sqlite.Config{Path: where, Role: role})
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), strconv.Itoa(other.Process.Pid)) {
			t.Errorf("a %s that can't wait: %v", role, err)
		}
		opened := make(chan error)
		go func() {
			store, err := sqlite.Open(context.Background(), sqlite.Config{Path: where, Role: role})
			if err == nil {
				err = store.Close()
			}
			opened <- err
		}()
		other.stdin.Close()
		if err := <-opened; err != nil {
			t.Errorf("a %s after the command: %v", role, err)
		}
		if err := other.Wait(); err != nil {
			t.Errorf("the command: %v", err)
		}
	}
}

// Releasing removes the file, so two could each lock one of the same name.
func TestLockIsExclusive(t *testing.T) {
	t.Parallel()
	where := path(t)
	var holders, most, locked atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for locked.Load() < 1000 {
				release, err := sqlite.TryLock(where)
				if err != nil {
					t.Error(err)
					return
				}
				if release == nil {
					continue
				}
				locked.Add(1)
				if n := holders.Add(1); n > 1 {
					most.Store(n)
				}
				runtime.Gosched()
				holders.Add(-1)
				if err := release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if n := most.Load(); n > 0 {
		t.Errorf("%d held it at once", n)
	}
}

// What was acknowledged before kill -9 is there after it.
func TestKillWhileWriting(t *testing.T) {
	t.Parallel()
	for round := range 3 {
		where := path(t)
		writer := startProcess(t, "write", where)
		var said []string
		for range 150 * (round + 1) {
			said = append(said, writer.line(t))
		}
		writer.kill(t)
		for writer.out.Scan() {
			said = append(said, writer.out.Text())
		}
		writer.Wait()
		store := open(t, gateway(where))
		for _, line := range said {
			word, id, _ := strings.Cut(line, " ")
			p, err := store.Payment(t.Context(), core.PaymentID(id))
			if err != nil || word == "confirmed" && p.State() != journal.StateSucceeded {
				t.Fatalf("said %q; it is %v, error %v", line, p, err)
			}
		}
		leftovers(t, store)
		var check string
		if err := raw(t, where).QueryRow("PRAGMA quick_check").Scan(&check); err != nil || check != "ok" {
			t.Errorf("the file: %s, error %v", check, err)
		}
	}
}

// leftovers asserts that every payment is either done or due now, and that its events tell the same.
func leftovers(t *testing.T, store *sqlite.Store) {
	t.Helper()
	now := time.Now()
	due, err := store.ClaimDue(t.Context(), journal.Claim{Owner: "gw-2", Now: now, Until: now.Add(time.Hour), Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	open := map[core.PaymentID]bool{}
	for _, p := range due {
		open[p.ID] = true
	}
	f := journal.Filter{AnyClient: true, Limit: journal.MaxPage}
	for {
		page, err := store.List(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Payments {
			events, err := store.Events(t.Context(), p.ID)
			if err != nil || events[len(events)-1].To != p.Last().State {
				t.Errorf("%s is %s, its last event says %+v, error %v", p.ID, p.Last().State, events, err)
			}
			if done := p.State().Final(); done == open[p.ID] {
				t.Errorf("%s is %s; is it due: %v", p.ID, p.Last().State, open[p.ID])
			}
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			return
		}
	}
}
