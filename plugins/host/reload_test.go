package host_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/host"
)

// load has many callers pay one order after the other until it is stopped.
type load struct {
	p       running
	callers sync.WaitGroup
	stopped atomic.Bool
	paid    atomic.Int64
	wrong   sync.Map // what was not a success, by its text
}

func (p running) load(t *testing.T, callers int) *load {
	t.Helper()
	l := &load{p: p}
	for range callers {
		l.callers.Go(func() {
			for !l.stopped.Load() {
				res, err := p.pay(context.WithoutCancel(t.Context()), "slow")
				if err != nil || res.Outcome != core.Succeeded {
					l.wrong.Store(fmt.Sprintf("%s, %v", res.Outcome, err), true)
				}
				l.paid.Add(1)
			}
		})
	}
	return l
}

// wantWhole ends the load; every call must have succeeded.
func (l *load) wantWhole(t *testing.T) {
	t.Helper()
	l.stopped.Store(true)
	l.callers.Wait()
	l.wrong.Range(func(what, _ any) bool {
		t.Errorf("a call came to %v", what)
		return true
	})
}

// more waits until so many more calls have ended.
func (l *load) more(t *testing.T, n int64) {
	t.Helper()
	until := l.paid.Load() + n
	eventually(t, "calls", func() bool { return l.paid.Load() >= until })
}

func TestAReloadUnder64CallersLosesNoCall(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t)
	p := start(t, func(c *host.Config) { cfg = *c })
	l := p.load(t, 64)
	var seen []string
	for n := range 4 {
		l.more(t, 64)
		seen = append(seen, pid(p.Plugin))
		cfg.Settings = []byte(`{"version":"` + strconv.Itoa(n) + `"}`)
		if err := p.Reload(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		if d, err := p.Describe(t.Context()); err != nil || d.Version != strconv.Itoa(n) {
			t.Errorf("%+v, %v", d, err)
		}
	}
	l.more(t, 64)
	l.wantWhole(t)
	if slices.Sort(seen); len(slices.Compact(seen)) != 4 {
		t.Errorf("processes %q", seen)
	}
	if state := p.State(); state.Restarts != 0 || state.Phase != host.Ready {
		t.Errorf("%+v", state)
	}
	for _, old := range seen {
		eventually(t, "the end of "+old, func() bool { return !alive(old) })
	}
}

func TestTheOldProcessEndsItsCallsFirst(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t)
	file := filepath.Join(t.TempDir(), "go-on")
	p := start(t, func(c *host.Config) { c.Settings = []byte(`{"file":"` + file + `"}`); cfg = *c })
	old := pid(p.Plugin)
	paid := make(chan error, 1)
	go func() {
		_, err := p.pay(t.Context(), "until file")
		paid <- err
	}()
	eventually(t, "the call's beginning", func() bool { return exists(file + ".begun") })
	check(t, p.Reload(t.Context(), cfg))
	p.wantOK(t)
	if !alive(old) || len(paid) != 0 {
		t.Error("the old process was not left its call")
	}
	check(t, os.WriteFile(file, nil, 0o600))
	check(t, <-paid)
	eventually(t, "the old process's end", func() bool { return !alive(old) })
}

func TestWhatCannotBeUsedLeavesTheOldOneInUse(t *testing.T) {
	t.Parallel()
	var cfg host.Config
	p := start(t, func(c *host.Config) { cfg = *c })
	before := pid(p.Plugin)
	l := p.load(t, 4)
	for name, tc := range map[string]struct {
		change func(*host.Config)
		want   string
	}{
		"another pin":      {func(c *host.Config) { c.SHA256 = strings.Repeat("0", 64) }, host.ErrPin.Error()},
		"no such program":  {func(c *host.Config) { c.Plugin = "/nowhere/plugin" }, "does not exist"},
		"no such plugin":   {func(c *host.Config) { c.Plugin = "mmbc" }, `no plugin "mmbc"`},
		"no plugin":        {func(c *host.Config) { c.Plugin = "/bin/true" }, "no plugin of Jalur"},
		"crashing":         {func(c *host.Config) { c.Plugin = "crashing" }, "no answer"},
		"refusing":         {func(c *host.Config) { c.Plugin = "refusing" }, "base_url"},
		"another account":  {func(c *host.Config) { c.Settings = []byte(`{"instance":"other"}`) }, "instance was test and is other"},
		"settings no JSON": {func(c *host.Config) { c.Settings = []byte("{") }, "not JSON"},
	} {
		next := cfg
		tc.change(&next)
		if err := p.Reload(t.Context(), next); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
		if state := p.State(); state.Phase != host.Ready || strconv.Itoa(state.PID) != before {
			t.Errorf("%s: %+v", name, state)
		}
	}
	l.wantWhole(t)
	if dirs := entries(t, p.temp); len(dirs) != 1 {
		t.Errorf("left behind: %q", dirs)
	}
	// The next process is of the old configuration as well.
	check(t, unix.Kill(p.State().PID, unix.SIGKILL))
	eventually(t, "a new process", func() bool { return p.State().Restarts == 1 })
	p.wantOK(t)
}

func TestAReloadTakesThePinOfTheConfiguration(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	var cfg host.Config
	p := start(t, func(c *host.Config) { s.pinnedBy(t, s.manifest(t))(c); cfg = *c })
	s.write(t, "run", "#!/bin/sh\n# the next version\n. \"${0%/*}/lib/start.sh\"\n", 0o700)
	if err := p.Reload(t.Context(), cfg); !errors.Is(err, host.ErrPin) {
		t.Errorf("files that are not pinned: %v", err)
	}
	s.pinnedBy(t, s.manifest(t))(&cfg)
	old := pid(p.Plugin)
	check(t, p.Reload(t.Context(), cfg))
	if pid(p.Plugin) == old {
		t.Error("the old process is in use")
	}
	p.wantOK(t)
}

func TestAReloadEndsWithItsCallerAndWithThePlugin(t *testing.T) {
	t.Parallel()
	var cfg host.Config
	p := start(t, func(c *host.Config) { cfg = *c })
	silent := cfg
	silent.Plugin = "/bin/cat"
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := p.Reload(ctx, silent); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	p.wantOK(t)
	reloaded := make(chan error, 1)
	go func() { reloaded <- p.Reload(t.Context(), silent) }()
	eventually(t, "a second folder", func() bool { return len(entries(t, p.temp)) == 2 })
	if err := p.Reload(t.Context(), cfg); !errors.Is(err, host.ErrReloading) {
		t.Errorf("two at once: %v", err)
	}
	check(t, p.Stop(t.Context()))
	if err := <-reloaded; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if left := entries(t, p.temp); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
	if err := p.Reload(t.Context(), cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

func TestAReloadWakesAPluginThatWasStopped(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t)
	cfg.Plugin = "refusing"
	p, err := host.Start(t.Context(), cfg)
	check(t, err)
	defer stop(t, p)
	if err := p.Started(t.Context()); err == nil || p.State().Phase != host.Stopped {
		t.Fatalf("%v, %+v", err, p.State())
	}
	cfg.Plugin = "scripted"
	check(t, p.Reload(t.Context(), cfg))
	check(t, p.Ready(t.Context()))
}

func TestAPluginGivesUpAndIsTriedAgainAfterARest(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "settings")
	p := start(t, func(c *host.Config) {
		c.Settings = []byte(`{"file":"` + file + `"}`)
		c.Restart = host.Restart{First: time.Millisecond, Max: time.Millisecond, Attempts: 3, Rest: time.Hour}
	})
	var cfg host.Config
	check(t, os.WriteFile(file+".crash", nil, 0o600))
	check(t, unix.Kill(p.State().PID, unix.SIGKILL))
	eventually(t, "the end of the tries", func() bool { return p.State().Phase == host.GaveUp })
	if state := p.State(); state.Restarts != 3 || state.PID != 0 || !strings.Contains(state.LastErr, "3 processes were lost") {
		t.Errorf("%+v", state)
	}
	// A call doesn't wait for it, and nothing was asked of anybody.
	_, err := p.pay(t.Context(), "ok")
	if core.OutcomeOf(err) != core.NotSent || core.CodeOf(err) != core.CodeTransportNotSent || !strings.Contains(err.Error(), "has given up for now") {
		t.Errorf("%v", err)
	}
	if !strings.Contains(p.log.String(), "plugin gave up") {
		t.Error("the log doesn't say it")
	}
	// A reload that fails leaves it so; one that works ends it.
	cfg.Plugin, cfg.Settings = "crashing", nil
	if err := p.Reload(t.Context(), cfg); err == nil || p.State().Phase != host.GaveUp {
		t.Errorf("%v, %+v", err, p.State())
	}
	check(t, os.Remove(file+".crash"))
	cfg.Plugin = "scripted"
	check(t, p.Reload(t.Context(), cfg))
	p.wantOK(t)
}

func TestAfterItsRestAPluginRunsAgain(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "settings")
	p := start(t, func(c *host.Config) {
		c.Settings = []byte(`{"file":"` + file + `"}`)
		c.Restart = host.Restart{First: time.Millisecond, Max: time.Millisecond, Attempts: 2, Rest: 300 * time.Millisecond}
	})
	check(t, os.WriteFile(file+".crash", nil, 0o600))
	check(t, unix.Kill(p.State().PID, unix.SIGKILL))
	eventually(t, "the end of the tries", func() bool { return p.State().Phase == host.GaveUp })
	eventually(t, "the end of further tries", func() bool { state := p.State(); return state.Phase == host.GaveUp && state.Restarts > 2 })
	if state := p.State(); state.Restarts != 4 {
		t.Errorf("it didn't begin anew: %+v", state)
	}
	check(t, os.Remove(file+".crash"))
	eventually(t, "a process", func() bool { return p.State().Phase == host.Ready })
	p.wantOK(t)
}

func TestALimitReachesTheProcess(t *testing.T) {
	t.Parallel()
	p := start(t, func(c *host.Config) { c.Limits = host.Limits{Memory: 64 << 20, CPUs: 1} })
	res, err := p.pay(t.Context(), "look around")
	check(t, err)
	for _, want := range []string{"GOMEMLIMIT=67108864", "GOMAXPROCS=1"} {
		if !strings.Contains(res.Details["env"], want) {
			t.Errorf("no %s in %q", want, res.Details["env"])
		}
	}
	if rather, err := os.ReadFile("/proc/" + pid(p.Plugin) + "/oom_score_adj"); err != nil || strings.TrimSpace(string(rather)) != "500" {
		t.Errorf("when memory ends: %q, %v", rather, err)
	}
}

func TestAPinnedFileIsCopiedBeforeItIsStarted(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	check(t, err)
	content, err := os.ReadFile(self)
	check(t, err)
	program := filepath.Join(t.TempDir(), "plugin")
	check(t, os.WriteFile(program, []byte("#!/bin/sh\nexec '"+self+"' jalur-plugin scripted\n"), 0o700))
	text, err := os.ReadFile(program)
	check(t, err)
	p := start(t, func(c *host.Config) { c.Plugin = program; c.SHA256 = fmt.Sprintf("%x", sha256.Sum256(text)) })
	// What is written into the very file that was checked isn't run any more.
	check(t, os.WriteFile(program, content[:4], 0o700))
	p.wantOK(t)
	check(t, unix.Kill(p.State().PID, unix.SIGKILL))
	eventually(t, "the refusal", func() bool { return strings.Contains(p.State().LastErr, host.ErrPin.Error()) })
}
