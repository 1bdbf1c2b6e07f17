package torture_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The credentials of the sandbox.
const user, secret = "tokotorture", "s3cr3t-Of-The-Torture"

// lane is one journal with a provider of its own. Gateways come and go on it.
type lane struct {
	t       *testing.T
	dir     string
	journal string
	sandbox string // its URL
	listen  string
	env     []string // of every gateway
	rng     *rand.Rand
	book    *book
	killed  map[string]int // by what died
}

// setup says how a lane differs from the next. The zero value is a good one.
type setup struct {
	folder  string // of the journal; default: beside the rest
	spill   string // default: beside the rest
	direct  int    // 1: the provider answers "pending" first
	delay   string // of the provider's answers; default 3ms
	seed    uint64
	timeout string // of a call; default 5s, which is also a part of how long a dead asker's claim holds
	mutant  string
}

func newLane(t *testing.T, s setup) *lane {
	t.Helper()
	l := &lane{
		t: t, dir: t.TempDir(), listen: freeAddress(t), rng: rand.New(rand.NewPCG(s.seed, 9)), killed: map[string]int{},
		book: &book{acks: map[string]ack{}}, env: []string{"TEST_PASSWORD=" + secret, "JALUR_MUTANT=" + s.mutant},
	}
	if s.folder == "" {
		s.folder = l.dir
	}
	if s.spill == "" {
		s.spill = filepath.Join(l.dir, "spill")
	}
	if s.delay == "" {
		s.delay = "3ms"
	}
	if s.timeout == "" {
		s.timeout = "5s"
	}
	l.journal = filepath.Join(s.folder, "jalur.db")
	box := start(t, l.dir, nil, jalur, "sandbox", "mmbc", "--listen", "127.0.0.1:0", "--credentials", user+":"+secret,
		"--ledger", filepath.Join(l.dir, "ledger"), "--delay", s.delay)
	line, ok := box.printed("MMBC sandbox on ")
	if !ok {
		t.Fatal("the sandbox did not start")
	}
	url, _, _ := strings.Cut(line, ",")
	l.sandbox = strings.TrimSuffix(url, "/json/multipayment")
	l.configure(s)
	return l
}

func (l *lane) configure(s setup) {
	l.t.Helper()
	text := fmt.Sprintf(`journal: sqlite://%s
spill: %s
providers:
  mmbc:
    plugin: mmbc
    timeout: %s
    breaker: {calls: 1000000}
    settings:
      base_url: %s/json/multipayment
      username: %s
      password: ${TEST_PASSWORD}
      direct: %d
routes:
  - merchant: "*"
    via: [{provider: mmbc}]
server:
  listen: %s
`, l.journal, s.spill, s.timeout, l.sandbox, user, s.direct, l.listen)
	if err := os.WriteFile(filepath.Join(l.dir, "jalur.yaml"), []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

// freeAddress gives one from below the ports that the system hands out by itself: it must still be free when the next gateway starts on it.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

// gateway starts one. It may be dead before it answers.
func (l *lane) gateway(env ...string) *process {
	l.t.Helper()
	return start(l.t, l.dir, append(append([]string(nil), l.env...), env...), killable, "serve")
}

// answering starts one that must answer.
func (l *lane) answering(env ...string) *process {
	l.t.Helper()
	g := l.gateway(env...)
	if _, ok := g.printed("gateway on "); !ok {
		text, _ := g.output()
		l.t.Fatalf("the gateway did not start:\n%s", tail(text))
	}
	return g
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

// cycle starts a gateway, loads it, and lets it, its plugin or both die in some way.
func (l *lane) cycle() {
	ways := []func(){
		l.dieAtPoint, l.dieAtPoint, l.dieAtPoint, l.pluginDiesAtPoint, l.pluginDiesAtPoint, l.dieAnyTime, l.dieTogether, l.dieAtStart,
	}
	ways[l.rng.IntN(len(ways))]()
}

const (
	mostHits  = 60
	mostSoon  = 3 // hits of what happens at a start only
	pointTime = 2 * time.Second
	anyMoment = 120 * time.Millisecond
)

func (l *lane) dieAtPoint() {
	points := gatewayPoints()
	point := points[l.rng.IntN(len(points))]
	most := mostHits
	if strings.Contains(point, "reconciled") {
		most = mostSoon
	}
	l.dieAt(point, 1+l.rng.IntN(most))
}

// dieAt lets a gateway die where it comes to a point for the Nth time; where it doesn't come there in time, it dies all the same.
func (l *lane) dieAt(point string, hit int) {
	g := l.gateway(fmt.Sprintf("JALUR_FAULTPOINT=%s:%d", point, hit))
	if _, ok := g.printed("gateway on "); ok {
		running := l.load("")
		if !within(g.done, pointTime) {
			point = "a point that was not reached"
		}
		g.kill()
		running.end()
	}
	l.killed["gateway, "+point]++
}

// pluginDiesAtPoint lets the plugin die at a point, once or twice, and the gateway soon after.
func (l *lane) pluginDiesAtPoint() {
	points := pluginPoints()
	point := points[l.rng.IntN(len(points))]
	deaths := 1 + l.rng.IntN(2)
	g := l.gateway(fmt.Sprintf("JALUR_FAULTPOINT_PLUGIN=%s:%d", point, 1+l.rng.IntN(mostHits)))
	if _, ok := g.printed("gateway on "); !ok {
		l.t.Fatal("the gateway did not start")
	}
	running := l.load("")
	l.killed["plugin, "+point] += g.counted(`"plugin lost"`, deaths, pointTime)
	within(g.done, between(l.rng, 0, anyMoment))
	g.kill()
	running.end()
	l.killed["gateway, at any time"]++
}

func (l *lane) dieAnyTime() {
	g := l.gateway()
	if _, ok := g.printed("gateway on "); !ok {
		l.t.Fatal("the gateway did not start")
	}
	running := l.load("")
	within(g.done, between(l.rng, 0, anyMoment))
	g.kill()
	running.end()
	l.killed["gateway, at any time"]++
}

// dieTogether kills the plugin and the gateway at once.
func (l *lane) dieTogether() {
	g := l.answering()
	running := l.load("")
	within(g.done, between(l.rng, anyMoment/2, anyMoment))
	l.killed["plugin, with its gateway"] += killPlugins(g.cmd.Process.Pid)
	g.kill()
	running.end()
	l.killed["gateway, with its plugin"]++
}

// dieAtStart kills a gateway that is opening its journal, or just recovering.
func (l *lane) dieAtStart() {
	g := l.gateway()
	within(g.done, between(l.rng, 0, 2*anyMoment))
	g.kill()
	l.killed["gateway, at its start"]++
}

func (l *lane) kills() int {
	n := 0
	for _, of := range l.killed {
		n += of
	}
	return n
}

// finish lets a last gateway find out what became of everything, ends it, and gives what can be seen then.
func (l *lane) finish() snapshot {
	l.t.Helper()
	g := l.answering()
	l.quiet()
	s := snapshot{orders: l.book.orders, acks: l.book.acks, shown: l.shown(), broken: l.book.broken}
	g.signal(syscall.SIGTERM)
	if status := g.ends(); status != 0 {
		l.t.Errorf("the last gateway ended with %d", status)
	}
	s.ledger = l.ledger()
	readJournal(l.t, l.journal, &s)
	return s
}

// quiet waits until nothing is under way.
func (l *lane) quiet() {
	l.t.Helper()
	client := newClient()
	defer client.CloseIdleConnections()
	eventually(l.t, "nothing pending or accepted", func() bool {
		open := 0
		for _, state := range []string{"pending", "accepted"} {
			var page struct {
				Payments []shown `json:"payments"`
			}
			if err := get(client, "http://"+l.listen+"/v1/payments?limit=1&state="+state, &page); err != nil {
				l.t.Fatal(err)
			}
			open += len(page.Payments)
		}
		return open == 0
	})
}

// shown gives every payment as the gateway's list shows it, by its key.
func (l *lane) shown() map[string]ack {
	l.t.Helper()
	client := newClient()
	defer client.CloseIdleConnections()
	all := map[string]ack{}
	for cursor := ""; ; {
		var page struct {
			Payments []shown `json:"payments"`
			Next     string  `json:"next"`
		}
		if err := get(client, "http://"+l.listen+"/v1/payments?limit=500"+cursor, &page); err != nil {
			l.t.Fatal(err)
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

// ledger gives how often the provider executed an order for each account.
func (l *lane) ledger() map[string]int {
	l.t.Helper()
	var ledger struct {
		ByAccount map[string]int `json:"by_account"`
	}
	if err := get(http.DefaultClient, l.sandbox+"/_ledger", &ledger); err != nil {
		l.t.Fatal(err)
	}
	return ledger.ByAccount
}
