package e2e_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// install puts a version of the MMBC plugin where the world's configuration names it, and gives its SHA-256.
func (w *world) install(version string) string {
	w.t.Helper()
	program, err := os.ReadFile(plugin)
	if err != nil {
		w.t.Fatal(err)
	}
	program = append(program, version...) // what stands behind an ELF file's end is not run
	path := filepath.Join(w.dir, "plugin")
	if err := errors.Join(os.WriteFile(path+".new", program, 0o700), os.Rename(path+".new", path)); err != nil {
		w.t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(program))
}

// TestAReloadUnderLoadLosesNoPayment replaces the plugin of a gateway that pays.
func TestAReloadUnderLoadLosesNoPayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{direct: 0})
	pin := w.install("0")
	w.rewrite("plugin: mmbc", "plugin: ./plugin\n    sha256: "+pin)
	g := w.gateway()
	var stopped atomic.Bool
	var paid atomic.Int64
	var callers sync.WaitGroup
	for caller := range 4 {
		callers.Go(func() {
			for n := 0; !stopped.Load(); n++ {
				account := fmt.Sprintf("0812%d%06d", caller, n)
				if status, a, err := w.post("k"+account, account, 100000, "Prefer", "wait=20"); err != nil || a.at("state") != "succeeded" {
					t.Errorf("%d %v %v", status, a, err)
				}
				paid.Add(1)
			}
		})
	}
	running := func() string { return fmt.Sprint(descendants(g.cmd.Process.Pid)) }
	more := func() {
		t.Helper()
		until := paid.Load() + 8
		eventually(t, "payments", func() bool { return paid.Load() >= until })
	}
	for version := range 3 {
		more()
		before := running()
		next := w.install(fmt.Sprint(version + 1))
		server := "http://" + w.listen
		if got := w.cli("--server", server, "plugin", "reload", "mmbc"); got.status != 1 || !strings.Contains(got.stderr, "SHA-256") {
			t.Errorf("another file than the pinned one: %+v", got)
		}
		w.rewrite(pin, next)
		pin = next
		w.cli("--server", server, "plugin", "reload", "mmbc").want(t, 0).wants(t, "name", "mmbc", "health.state", "ready", "health.restarts", "0")
		eventually(t, "one other process", func() bool { now := running(); return now != before && !strings.Contains(now, " ") })
	}
	more()
	stopped.Store(true)
	callers.Wait()
	for account, times := range w.ledger() {
		if times != 1 {
			t.Errorf("%s was executed %d times", account, times)
		}
	}
	if got := w.cli("plugin", "reload", "mmbc"); got.status != 2 || !strings.Contains(got.stderr, "--server") {
		t.Errorf("without a gateway: %+v", got)
	}
}

func TestAChangedPluginIsReloadedByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{direct: 0})
	pin := w.install("0")
	w.rewrite("plugin: mmbc", "plugin: ./plugin\n    reload_on_change: true\n    sha256: "+pin)
	g := w.gateway()
	before := descendants(g.cmd.Process.Pid)
	w.rewrite(pin, w.install("1"))
	eventually(t, "one other process", func() bool {
		now := descendants(g.cmd.Process.Pid)
		return len(now) == 1 && now[0] != before[0]
	})
	w.mustPay("k", "081200000001")
}
