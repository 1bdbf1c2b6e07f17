package torture_test

import (
	"syscall"
	"testing"
	"time"
)

// guard is longer than may pass between the claim of an attempt and its first byte.
const guard = 2500 * time.Millisecond

// TestAPausedSenderDoesNotSend stops a process between the claim and the first byte for longer than the claim's guard.
func TestAPausedSenderDoesNotSend(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env string
		who func(gateway int) []int
	}{
		"the gateway": {"JALUR_FAULTPOINT=before-pay:1:stop", func(gateway int) []int { return []int{gateway} }},
		"the plugin":  {"JALUR_FAULTPOINT_PLUGIN=connected:1:stop", plugins},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLane(t, setup{timeout: "30s"})
			g := l.seats[0].answering(test.env)
			c := caller{url: l.seats[0].url(), client: newClient(), pace: pace{wait: "30"}}
			defer c.client.CloseIdleConnections()
			o := l.book.fresh()
			said := make(chan ack, 1)
			go func() {
				_, a, err := c.post(c.url, o, amount)
				if err != nil {
					t.Error(err)
				}
				said <- a
			}()
			pid := l.pauses(g, test.who)
			within(g.done, guard)
			if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			a := <-said
			l.book.acknowledge(o, a)
			if n := l.ledger()[o.account]; a.state != "failed" || n != 0 {
				t.Errorf("%s, and executed %d times", a.state, n)
			}
			if _, next, err := c.post(c.url, l.book.fresh(), amount); err != nil || next.state != "succeeded" {
				t.Errorf("the next payment: %v %v", next, err)
			}
			g.signal(syscall.SIGTERM)
			g.ends()
			report(t, 0, l.finish().violations())
		})
	}
}

// pauses waits until the process stands still, and gives its number.
func (l *lane) pauses(g *process, who func(gateway int) []int) int {
	l.t.Helper()
	found := 0
	eventually(l.t, "a process that stands still", func() bool {
		for _, pid := range who(g.cmd.Process.Pid) {
			if stopped(pid) {
				found = pid
			}
		}
		return found != 0
	})
	return found
}

// TestAGatewayThatIsAskedToEndLosesNothing sends SIGTERM in the middle of load: everything that had begun is finished.
func TestAGatewayThatIsAskedToEndLosesNothing(t *testing.T) {
	t.Parallel()
	l := newLane(t, setup{delay: "50ms", timeout: "30s"})
	for range 2 {
		enough := l.book.acknowledged() + 100
		g := l.seats[0].answering()
		running := l.load()
		eventually(t, "some payments", func() bool { return l.book.acknowledged() >= enough })
		g.signal(syscall.SIGTERM)
		if status := g.ends(); status != 0 {
			t.Errorf("it ended with %d", status)
		}
		running.end()
		between := snapshot{}
		l.read(&between)
		for key, p := range between.payments {
			if state := p.last(); state != "CONFIRMED" && state != "FAILED" {
				t.Errorf("%s was left as %s", key, state)
			}
		}
	}
	seen := l.finish()
	report(t, 0, seen.violations())
	t.Logf("%d payments, %d executed", len(seen.payments), len(seen.ledger))
}
