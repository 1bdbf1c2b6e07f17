package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jalurhq/jalur/providers/mmbc/sandbox"
)

// resolvable names the faults after which an invoice is known, so that the provider can be asked and says what really happened.
func resolvable() []string {
	return []string{"no-reference", "unknown-status", "missing-status", "no-account", "no-amount", "missing-result", "unknown-result"}
}

// wanted gives the state in which a payment must end after a fault in its reload.
func wanted(f sandbox.Fault) string {
	switch {
	case slices.Contains(resolvable(), f.Name):
		return "succeeded"
	case strings.HasPrefix(f.Name, "decline-"):
		return "failed"
	default:
		return "unknown"
	}
}

// TestEveryFaultOfTheSandbox pays once under each fault that the sandbox knows. Whatever comes back: no second execution, no failed payment that
// moved money, and no unknown that turns into anything by itself.
func TestEveryFaultOfTheSandbox(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{direct: 1, timeout: "2s"})
	w.rewrite("    timeout:", "    breaker: {calls: 1000000}\n    timeout:") // so many faults would open it
	w.gateway()
	faults := slices.DeleteFunc(sandbox.Faults(), func(f sandbox.Fault) bool {
		return f.Name == "double" || f.Name == "duplicate-invoice" // the provider's own doing; and a test of its own
	})
	t.Run("once", func(t *testing.T) {
		for i, f := range faults {
			t.Run(f.Name, func(t *testing.T) {
				t.Parallel()
				w.payUnder(t, f, fmt.Sprintf("0812000010%02d", i))
			})
		}
	})
	before := w.ledger()
	for i, f := range faults {
		_, a := w.mustPost("k-"+f.Name, fmt.Sprintf("0812000010%02d", i))
		if got, want := a.at("state"), wanted(f); got != want {
			t.Errorf("%s: asked again it is %s, not %s", f.Name, got, want)
		}
	}
	if after := w.ledger(); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("asking again executed something:\n%v\n%v", before, after)
	}
}

// payUnder makes one payment under a fault, and holds what is said of it against the ledger.
func (w *world) payUnder(t *testing.T, f sandbox.Fault, account string) {
	t.Helper()
	want := wanted(f)
	w.fault(f.Name, account)
	var headers []string
	if want == "succeeded" {
		headers = []string{"Prefer", "wait=30"}
	}
	status, a, err := w.post("k-"+f.Name, account, 100000, headers...)
	if err != nil {
		t.Fatal(err)
	}
	if a.at("state") != want {
		t.Fatalf("state %q, want %q: %v", a.at("state"), want, a)
	}
	if final := status == http.StatusCreated; final != (want != "unknown") {
		t.Errorf("status %d for %s", status, want)
	}
	executed := w.ledger()[account]
	if executed > 1 || want == "failed" && executed != 0 || want == "succeeded" && executed != 1 {
		t.Errorf("%s, and the provider executed it %d times", want, executed)
	}
	if strings.HasPrefix(f.Name, "wrong-") && (a.at("details.returned_invoice") == "" || a.at("invoice") != "") {
		t.Errorf("what came back is not kept as evidence: %v", a)
	}
}

func TestAnInvoiceIsBelievedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{direct: 1})
	w.gateway()
	first := w.mustPay("k", pageAccount)
	w.fault("duplicate-invoice", "081200000002")
	_, second := w.mustPost("k2", "081200000002")
	second.wants(t, "state", "unknown", "invoice", "", "details.returned_invoice", first.at("invoice"))
	if w.ledger()["081200000002"] != 1 {
		t.Errorf("the ledger: %v", w.ledger())
	}
}

func (w *world) mustPay(key, account string) answer {
	w.t.Helper()
	_, a := w.mustPost(key, account, "Prefer", "wait=20")
	if a.at("state") != "succeeded" {
		w.t.Fatalf("the payment %s of %s: %v", key, account, a)
	}
	return a
}

func TestAnOperatorResolvesWhatIsUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{direct: 0})
	w.fault("cut-after", pageAccount)
	unknown := w.cli("pay", "GOPAY", pageAccount, pageAmount, "--key", "k", "--wait", "1s").want(t, 3)
	unknown.wants(t, "state", "unknown", "invoice", "", "code", "transport_after_send", "attempts.0.outcome", "unknown")
	id := unknown.at("id")
	w.cli("status", id).want(t, 3).wants(t, "state", "unknown")
	w.cli("payments", "--state", "unknown").want(t, 0).wants(t, "payments.0.id", id)
	w.cli("resolve", id, "--invoice", "999").want(t, 1)
	stranger := w.cli("pay", "GOPAY", "081200000002", pageAmount, "--key", "k2").want(t, 0)
	w.cli("resolve", id, "--invoice", stranger.at("invoice")).want(t, 1)
	w.cli("status", id).want(t, 3)
	w.cli("resolve", id, "--invoice", w.invoiceOf(pageAccount)).want(t, 0).wants(t, "state", "succeeded", "invoice", w.invoiceOf(pageAccount))
	w.cli("resolve", id, "--not-executed", "--reason", "changed my mind").want(t, 1)

	w.fault("cut-before", "081200000003")
	lost := w.cli("pay", "GOPAY", "081200000003", pageAmount, "--key", "k3", "--wait", "0").want(t, 3)
	w.cli("resolve", lost.at("id"), "--not-executed", "--reason", "not in the report").want(t, 0).
		wants(t, "state", "failed", "reason", "not in the report")
	w.cli("pay", "GOPAY", "081200000003", pageAmount, "--key", "k3").want(t, 1).wants(t, "state", "failed")
	if got := w.ledger(); got[pageAccount] != 1 || got["081200000003"] != 0 {
		t.Errorf("the ledger: %v", got)
	}
}

func TestAProviderThatIsNotThereIsNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{direct: 0})
	w.rewrite(w.sandbox, "http://"+freeAddress(t))
	got := w.cli("pay", "GOPAY", pageAccount, pageAmount, "--key", "k").want(t, 1)
	got.wants(t, "state", "failed", "attempts.0.outcome", "not_sent", "code", "transport_not_sent")
}

func TestAKilledPluginLeavesAnUnknownAndTheNextPaymentWorks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{direct: 0})
	g := w.gateway()
	w.fault("no-answer-after", pageAccount)
	done := make(chan answer, 1)
	go func() {
		_, a, err := w.post("k", pageAccount, 100000)
		if err != nil {
			t.Error(err)
		}
		done <- a
	}()
	eventually(t, "execution at the provider", func() bool { return w.ledger()[pageAccount] == 1 })
	plugins := descendants(g.cmd.Process.Pid)
	if len(plugins) != 1 {
		t.Fatalf("%d processes below the gateway, want the plugin", len(plugins))
	}
	if err := syscall.Kill(plugins[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	(<-done).wants(t, "state", "unknown", "attempts.0.outcome", "unknown")
	eventually(t, "a new plugin", func() bool { // until its death is noticed, a call to it is unknown as well
		now := descendants(g.cmd.Process.Pid)
		return len(now) == 1 && now[0] != plugins[0]
	})
	w.mustPay("k2", "081200000002")
	if got := w.ledger(); got[pageAccount] != 1 || got["081200000002"] != 1 {
		t.Errorf("the ledger: %v", got)
	}
}

// TestAKilledGatewayLosesNothing kills the gateway in the middle of load, several times, and holds its journal against the provider's ledger.
func TestAKilledGatewayLosesNothing(t *testing.T) {
	t.Parallel()
	const rounds, callers = 5, 16
	w := newWorld(t, settings{direct: 0}, "--delay", "2ms")
	var mu sync.Mutex
	tried, acknowledged := map[string]string{}, map[string]string{} // account by key; state by key
	for round := range rounds {
		g := w.gateway()
		var load sync.WaitGroup
		enough := make(chan struct{})
		var once sync.Once
		for c := range callers {
			load.Go(func() {
				for n := 0; ; n++ {
					key := fmt.Sprintf("%d-%d-%d", round, c, n)
					account := fmt.Sprintf("0813%d%02d%06d", round, c, n)
					mu.Lock()
					tried[key] = account
					mu.Unlock()
					_, a, err := w.post(key, account, 100000)
					if err != nil {
						return // the gateway is gone
					}
					mu.Lock()
					acknowledged[key] = a.at("state")
					if len(acknowledged) >= (round+1)*100 {
						once.Do(func() { close(enough) })
					}
					mu.Unlock()
				}
			})
		}
		<-enough
		orphans := descendants(g.cmd.Process.Pid)
		g.kill()
		load.Wait()
		for _, pid := range orphans {
			eventually(t, fmt.Sprintf("end of plugin %d", pid), func() bool { return !alive(pid) })
		}
	}
	w.gateway()
	w.compare(tried, acknowledged)
}

// compare holds the journal against the ledger, by the account that each key alone used.
func (w *world) compare(tried, acknowledged map[string]string) {
	w.t.Helper()
	eventually(w.t, "nothing pending", func() bool { return w.mustGet("/v1/payments?state=pending").at("payments.0") == "" })
	ledger := w.ledger()
	states := map[string]int{}
	for key, account := range tried {
		executed := ledger[account]
		found := w.mustGet("/v1/payments?key=" + key)
		state := found.at("payments.0.state")
		states[state]++
		switch {
		case executed > 1:
			w.t.Errorf("%s was executed %d times", key, executed)
		case executed == 1 && state == "":
			w.t.Errorf("%s was executed and is not in the journal", key)
		case acknowledged[key] != "" && state == "":
			w.t.Errorf("%s was acknowledged as %s and is not in the journal", key, acknowledged[key])
		case acknowledged[key] == "succeeded" && state != "succeeded":
			w.t.Errorf("%s was acknowledged as succeeded and is %s", key, state)
		case state == "succeeded" && executed != 1, state == "failed" && executed != 0:
			w.t.Errorf("%s is %s, and was executed %d times", key, state, executed)
		}
	}
	w.t.Logf("%d keys, %d acknowledged, in the journal: %v", len(tried), len(acknowledged), states)
	if states["unknown"] == 0 {
		w.t.Log("no call was under way at any of the kills")
	}
}

func TestACommandFinishesWhatItHasBegun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{direct: 0}, "--delay", "500ms")
	pay := start(t, w.dir, w.env(), "pay", "GOPAY", pageAccount, pageAmount, "--key", "k")
	eventually(t, "execution at the provider", func() bool { return w.ledger()[pageAccount] == 1 })
	pay.interrupt()
	if code := pay.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit status %d: the call had begun and succeeded\n%s", code, pay.output())
	}
	w.cli("status", "--key", "k").want(t, 0).wants(t, "state", "succeeded")
}

func TestAGatewayFinishesWhatItHasBegun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{direct: 0}, "--delay", "500ms")
	g := w.gateway()
	done := make(chan answer, 1)
	go func() {
		_, a, err := w.post("k", pageAccount, 100000)
		if err != nil {
			t.Error(err)
		}
		done <- a
	}()
	eventually(t, "execution at the provider", func() bool { return w.ledger()[pageAccount] == 1 })
	if err := g.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	(<-done).wants(t, "id", w.cliAfter(g, "status", "--key", "k").at("id"))
	w.cli("status", "--key", "k").want(t, 0).wants(t, "state", "succeeded")
}

// cliAfter runs a command once the gateway has ended.
func (w *world) cliAfter(g *process, args ...string) answer {
	w.t.Helper()
	<-g.done
	return w.cli(args...).want(w.t, 0)
}

// TestAPluginThatIsStillStarting runs the plugin as a binary of its own, behind a script that lets it start only when it is told to.
func TestAPluginThatIsStillStarting(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{direct: 0})
	script := filepath.Join(w.dir, "slow-plugin")
	text := fmt.Sprintf("#!/bin/sh\nwhile [ ! -e %s/go ]; do sleep 0.05; done\nexec %s\n", w.dir, plugin)
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	w.rewrite("plugin: mmbc", "plugin: ./slow-plugin")
	w.gateway()
	status, ready, err := w.get("/readyz")
	if err != nil || status != http.StatusServiceUnavailable || !strings.Contains(fmt.Sprint(ready), "starting") {
		t.Errorf("readiness meanwhile: %d %v %v", status, ready, err)
	}
	done := make(chan answer, 1)
	go func() {
		_, a, err := w.post("k", pageAccount, 100000)
		if err != nil {
			t.Error(err)
		}
		done <- a
	}()
	if err := os.WriteFile(filepath.Join(w.dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	(<-done).wants(t, "state", "succeeded")
	if status, ready, err = w.get("/readyz"); err != nil || status != http.StatusOK {
		t.Errorf("readiness afterwards: %d %v %v", status, ready, err)
	}
}
