package host_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/host"
)

// startHostile runs a plugin that is not of our SDK, beside one that is paid at all the time.
func startHostile(t *testing.T, change func(*host.Config)) (bad running, ledger string) {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	check(t, err)
	ledger = filepath.Join(dir, "ledger")
	program := filepath.Join(dir, "hostile")
	check(t, os.WriteFile(program, []byte("#!/bin/sh\nexec '"+self+"' "+hostileCommand+" '"+ledger+"'\n"), 0o700))
	return start(t, func(c *host.Config) {
		c.Plugin = program
		c.Restart.Attempts = 1000
		if change != nil {
			change(c)
		}
	}), ledger
}

// neighbour is another provider in the same process. At the end of the test none of its payments may have been harmed, nor its process.
func neighbour(t *testing.T) {
	t.Helper()
	good := start(t, nil)
	before := good.State()
	l := good.load(t, 2)
	t.Cleanup(func() {
		l.wantWhole(t)
		if after := good.State(); after != before {
			t.Errorf("the other provider was %+v, and is %+v", before, after)
		}
	})
}

func TestAHostilePluginHarmsNobodyElse(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		pays    []string
		unknown bool // whether the last of them must be unknown; otherwise it succeeds
		lives   bool // whether the process lives on
	}{
		"returns 1 GiB":               {[]string{"giant"}, true, true},
		"answers another call":        {[]string{"ok", "other call"}, true, true},
		"answers no call":             {[]string{"other call"}, true, true},
		"answers for another product": {[]string{"other product"}, true, true},
		"answers for another account": {[]string{"other account"}, true, true},
		"answers another payment":     {[]string{"other reference"}, true, true},
		"panics":                      {[]string{"panic"}, true, false},
		"floods its log":              {[]string{"flood"}, false, true},
		"leaks files":                 {[]string{"leak", "ok"}, false, true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			neighbour(t)
			bad, _ := startHostile(t, nil)
			before := pid(bad.Plugin)
			var res core.Result
			var err error
			for _, product := range tc.pays {
				res, err = bad.pay(t.Context(), product)
			}
			if tc.unknown {
				wantUnknown(t, res, err)
			} else if err != nil || res.Outcome != core.Succeeded {
				t.Errorf("%+v, %v", res, err)
			}
			if !tc.lives {
				eventually(t, "a new process", func() bool { return bad.State().Restarts == 1 })
			}
			bad.wantOK(t)
			if after := pid(bad.Plugin); (after == before) != tc.lives {
				t.Errorf("process %s, then %s", before, after)
			}
			if log := bad.log.String(); len(log) > 4<<20 {
				t.Errorf("the log has %d bytes", len(log))
			}
		})
	}
}

// It measures the whole process's memory, so it doesn't run in parallel.
func TestAnAnswerOfAGibibyteIsNotEvenRead(t *testing.T) {
	bad, _ := startHostile(t, nil)
	bad.wantOK(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 8 {
		res, err := bad.pay(t.Context(), "giant")
		wantUnknown(t, res, err)
	}
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 64<<20 {
		t.Errorf("8 GiB of answers took %d MiB", taken>>20)
	}
}

func TestAPluginThatExitsAtRandomNeverLiesAboutAPayment(t *testing.T) {
	t.Parallel()
	neighbour(t)
	bad, ledger := startHostile(t, nil)
	outcomes := sync.Map{}
	var callers sync.WaitGroup
	for caller := range 8 {
		callers.Go(func() {
			for n, succeeded := 0, 0; succeeded < 4; n++ {
				ref := fmt.Sprintf("R-%d-%d", caller, n)
				res, err := bad.Pay(t.Context(), core.PayRequest{Ref: ref, Product: "at random:" + ref, Account: account, Amount: core.IDR(1000)})
				if err != nil {
					res.Outcome = core.OutcomeOf(err)
				} else {
					succeeded++
				}
				outcomes.Store(ref, res.Outcome)
			}
		})
	}
	callers.Wait()
	executed := map[string]int{}
	text, err := os.ReadFile(ledger)
	check(t, err)
	for ref := range strings.FieldsSeq(string(text)) {
		executed[ref]++
	}
	counts := map[core.Outcome]int{}
	outcomes.Range(func(ref, outcome any) bool {
		counts[outcome.(core.Outcome)]++
		switch times := executed[ref.(string)]; {
		case times > 1:
			t.Errorf("%s was executed %d times", ref, times)
		case outcome == core.Succeeded && times != 1, outcome == core.NotSent && times != 0:
			t.Errorf("%s is %s and was executed %d times", ref, outcome, times)
		case outcome != core.Succeeded && outcome != core.NotSent && outcome != core.Unknown:
			t.Errorf("%s is %s", ref, outcome)
		}
		return true
	})
	if counts[core.Succeeded] == 0 || counts[core.Unknown] == 0 || bad.State().Restarts == 0 {
		t.Errorf("%v, %+v", counts, bad.State())
	}
}

func TestAPaymentAtAFrozenProcessIsUnknown(t *testing.T) {
	t.Parallel()
	neighbour(t)
	file := filepath.Join(t.TempDir(), "never")
	bad := start(t, func(c *host.Config) {
		c.Settings = []byte(`{"file":"` + file + `"}`)
		c.Health = host.Health{Every: 20 * time.Millisecond, Deadline: 500 * time.Millisecond, Misses: 3}
		c.Timeout, c.Grace = 4*time.Second, 10*time.Millisecond
	})
	frozen := bad.State().PID
	paid := make(chan error, 1)
	go func() {
		res, err := bad.pay(t.Context(), "until file")
		paid <- errors.Join(err, errUnless(res.Outcome == core.Unknown))
	}()
	eventually(t, "the call's beginning", func() bool { return exists(file + ".begun") })
	check(t, unix.Kill(frozen, unix.SIGSTOP))
	if err := <-paid; core.OutcomeOf(err) != core.Unknown {
		t.Errorf("%v", err)
	}
	eventually(t, "the end of the frozen one", func() bool { return !alive(strconv.Itoa(frozen)) })
	bad.wantOK(t)
}

func TestAFrozenProcessHoldsUpNoStop(t *testing.T) {
	t.Parallel()
	neighbour(t)
	bad := start(t, func(c *host.Config) { c.Grace = 10 * time.Millisecond })
	frozen := bad.State().PID
	check(t, unix.Kill(frozen, unix.SIGSTOP))
	check(t, bad.Stop(t.Context()))
	if alive(strconv.Itoa(frozen)) {
		t.Error("the process lives")
	}
}

func errUnless(ok bool) error {
	if ok {
		return nil
	}
	return errors.New("the result is better than unknown")
}

// A process that has left its plugin's group can't be found; it is the service manager's to end. It must not hold anybody up.
func TestARunawayChildHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	neighbour(t)
	bad, _ := startHostile(t, nil)
	res, err := bad.pay(t.Context(), "runaway")
	check(t, err)
	child, err := strconv.Atoi(res.Reason)
	check(t, err)
	t.Cleanup(func() { check(t, unix.Kill(child, unix.SIGKILL)) })
	if _, err := bad.pay(t.Context(), "panic"); core.OutcomeOf(err) != core.Unknown {
		t.Errorf("%v", err)
	}
	eventually(t, "a new process", func() bool { return bad.State().Restarts == 1 })
	bad.wantOK(t)
	check(t, bad.Stop(t.Context()))
	if left := entries(t, bad.temp); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

// It counts the whole process's files, so it doesn't run in parallel.
func TestProcessesThatDieLeaveNoFileOpen(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // what is closed only when it is collected is left open
	bad, _ := startHostile(t, nil)
	bad.wantOK(t)
	before := len(entries(t, "/proc/self/fd"))
	for n := range 10 {
		_, err := bad.pay(t.Context(), "panic")
		if core.OutcomeOf(err) != core.Unknown {
			t.Errorf("%v", err)
		}
		eventually(t, "a new process", func() bool { return bad.State().Restarts == n+1 && bad.Ready(t.Context()) == nil })
	}
	eventually(t, "as many open files as before", func() bool { return len(entries(t, "/proc/self/fd")) <= before })
}
