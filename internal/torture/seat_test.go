package torture_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// seat is a place of a lane where one gateway after another runs.
type seat struct {
	*lane

	t      *testing.T
	n      int // which of its lane's
	listen string
	clock  string // the file with the offset of its gateway's wall clock
	rng    *rand.Rand
}

// url is where its gateway is asked.
func (s *seat) url() string { return "http://" + s.listen }

// gateway starts one. It may be dead before it answers.
func (s *seat) gateway(env ...string) *process {
	s.t.Helper()
	own := []string{"JALUR__SERVER__LISTEN=" + s.listen, "JALUR_CLOCK=" + s.clock}
	return start(s.t, s.dir, slices.Concat(s.env, own, env), killable, "serve")
}

// answering starts one that must answer.
func (s *seat) answering(env ...string) *process {
	s.t.Helper()
	g := s.gateway(env...)
	if _, ok := g.printed("gateway on "); !ok {
		text, _ := g.output()
		s.t.Fatalf("the gateway did not start:\n%s", tail(text))
	}
	return g
}

// sets moves the wall clock of the gateway away from the real time, by so much.
func (s *seat) sets(offset time.Duration) {
	s.t.Helper()
	fresh := s.clock + ".new" // a clock is never read in the middle
	if err := os.WriteFile(fresh, []byte(offset.String()), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(fresh, s.clock); err != nil {
		s.t.Fatal(err)
	}
}

// gatewayPoints are where a gateway can die, pluginPoints where its plugin can.
func gatewayPoints() []string {
	return []string{
		"before-intent", "in-transaction", "committed", "after-intent-commit", "before-pay", "after-pay",
		"before-outcome-commit", "after-outcome-commit", "before-reconciled-commit", "after-reconciled-commit",
	}
}

func pluginPoints() []string {
	return []string{"connected", "before-first-byte", "request-written", "reply-read"}
}

// cycle starts a gateway, loads it, and lets it, its plugin or both die in some way, or asks it to end.
func (s *seat) cycle() {
	ways := []func(){
		s.dieAtPoint, s.dieAtPoint, s.dieAtPoint, s.pluginDiesAtPoint, s.pluginDiesAtPoint, s.dieAnyTime, s.dieTogether, s.dieAtStart,
		s.endInOrder,
	}
	ways[s.rng.IntN(len(ways))]()
}

const (
	mostHits  = 8 // of a point by each caller
	mostSoon  = 3 // hits of what happens at a start only
	pointTime = 2 * time.Second
	anyMoment = 120 * time.Millisecond
)

func (s *seat) dieAtPoint() {
	points := gatewayPoints()
	point := points[s.rng.IntN(len(points))]
	most := mostHits * s.pace.callers
	if strings.Contains(point, "reconciled") {
		most = mostSoon
	}
	s.dieAt(point, 1+s.rng.IntN(most))
}

// dieAt lets a gateway die where it comes to a point for the Nth time; where it doesn't come there in time, it dies all the same.
func (s *seat) dieAt(point string, hit int) {
	g := s.gateway(fmt.Sprintf("JALUR_FAULTPOINT=%s:%d", point, hit))
	if _, ok := g.printed("gateway on "); ok {
		running := s.load()
		if !within(g.done, pointTime) {
			point = "a point that was not reached"
		}
		g.kill()
		running.end()
	}
	s.died("gateway, "+point, 1)
}

// pluginDiesAtPoint lets the plugin die at a point, once or twice, and the gateway soon after.
func (s *seat) pluginDiesAtPoint() {
	points := pluginPoints()
	point := points[s.rng.IntN(len(points))]
	deaths := 1 + s.rng.IntN(2)
	g := s.answering(fmt.Sprintf("JALUR_FAULTPOINT_PLUGIN=%s:%d", point, 1+s.rng.IntN(mostHits*s.pace.callers)))
	running := s.load()
	s.died("plugin, "+point, g.counted(`"plugin lost"`, deaths, pointTime))
	within(g.done, between(s.rng, 0, anyMoment))
	g.kill()
	running.end()
	s.died("gateway, at any time", 1)
}

func (s *seat) dieAnyTime() {
	g := s.answering()
	running := s.load()
	within(g.done, between(s.rng, 0, anyMoment))
	g.kill()
	running.end()
	s.died("gateway, at any time", 1)
}

// dieTogether kills the plugin and the gateway at once.
func (s *seat) dieTogether() {
	g := s.answering()
	running := s.load()
	within(g.done, between(s.rng, anyMoment/2, anyMoment))
	s.died("plugin, with its gateway", killPlugins(g.cmd.Process.Pid))
	g.kill()
	running.end()
	s.died("gateway, with its plugin", 1)
}

// dieAtStart kills a gateway that is opening its journal, or just recovering.
func (s *seat) dieAtStart() {
	g := s.gateway()
	within(g.done, between(s.rng, 0, 2*anyMoment))
	g.kill()
	s.died("gateway, at its start", 1)
}

// endInOrder asks a gateway to end, in the middle of load. That is no kill.
func (s *seat) endInOrder() {
	g := s.answering()
	running := s.load()
	within(g.done, between(s.rng, 0, anyMoment))
	g.ended()
	running.end()
}

// load lets callers make payments at the seat's gateway until it is gone. They know the lane's other gateways.
func (s *seat) load() *load {
	running := &load{stop: make(chan struct{}), client: newClient()}
	for range s.pace.callers {
		c := s.caller(running.client)
		running.callers.Go(func() { c.run(running.stop) })
	}
	return running
}

func (s *seat) caller(client *http.Client) caller {
	c := caller{url: s.url(), client: client, book: s.book, pace: s.pace, rng: rand.New(rand.NewPCG(s.rng.Uint64(), 0))}
	for _, other := range s.seats {
		if other.n != s.n {
			c.others = append(c.others, other.url())
		}
	}
	return c
}

// quiet waits until nothing is under way, as the seat's gateway shows it.
func (s *seat) quiet() {
	s.t.Helper()
	client := newClient()
	defer client.CloseIdleConnections()
	eventually(s.t, "nothing pending or accepted", func() bool {
		open := 0
		for _, state := range []string{"pending", "accepted"} {
			var page struct {
				Payments []shown `json:"payments"`
			}
			if err := get(client, s.url()+"/v1/payments?limit=1&state="+state, &page); err != nil {
				s.t.Fatal(err)
			}
			open += len(page.Payments)
		}
		return open == 0
	})
}

// shown gives every payment as the gateway's list shows it, by its key.
func (s *seat) shown() map[string]ack {
	s.t.Helper()
	client := newClient()
	defer client.CloseIdleConnections()
	all := map[string]ack{}
	for cursor := ""; ; {
		var page struct {
			Payments []shown `json:"payments"`
			Next     string  `json:"next"`
		}
		if err := get(client, s.url()+"/v1/payments?limit=500"+cursor, &page); err != nil {
			s.t.Fatal(err)
		}
		for _, p := range page.Payments {
			all[p.Key] = ack{p.ID, p.State}
		}
		if page.Next == "" {
			return all
		}
		cursor = "&cursor=" + page.Next
	}
}
