package torture_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// The credentials of the sandbox.
const user, secret = "tokotorture", "s3cr3t-Of-The-Torture"

// lane is one journal with a provider of its own. Gateways come and go on its seats.
type lane struct {
	t       *testing.T
	dir     string
	journal journal
	sandbox string // its URL
	env     []string
	pace    pace
	rng     *rand.Rand
	book    *book
	seats   []*seat

	mu     sync.Mutex
	killed map[string]int // by what died
}

// setup says how a lane differs from the next. The zero value is a good one: a journal in a file, and one gateway at a time.
type setup struct {
	folder   string // of the journal; default: beside the rest
	spill    string // default: beside the rest
	database string // the journal's address on PostgreSQL; default: none
	seats    int    // how many gateways at once; default 1
	direct   int    // 1: the provider answers "pending" first
	delay    string // of the provider's answers; default 3ms
	pace     pace   // of the callers; default: as fast as they can
	seed     uint64
	timeout  string // of a call; default 5s, which is also a part of how long a dead asker's claim holds
	mutant   string
}

func (s setup) withDefaults(dir string) setup {
	if s.folder == "" {
		s.folder = dir
	}
	if s.spill == "" {
		s.spill = filepath.Join(dir, "spill")
	}
	if s.delay == "" {
		s.delay = "3ms"
	}
	if s.timeout == "" {
		s.timeout = "5s"
	}
	if s.pace.callers == 0 {
		s.pace.callers = 8
	}
	s.seats = max(s.seats, 1)
	return s
}

func newLane(t *testing.T, s setup) *lane {
	t.Helper()
	dir := t.TempDir()
	s = s.withDefaults(dir)
	l := &lane{
		t: t, dir: dir, journal: journalOf(s), rng: rand.New(rand.NewPCG(s.seed, 9)), killed: map[string]int{}, pace: s.pace,
		book: &book{acks: map[string]ack{}}, env: []string{"TEST_PASSWORD=" + secret, "JALUR_MUTANT=" + s.mutant},
	}
	for n := range s.seats {
		l.seats = append(l.seats, l.seat(n))
	}
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

// seat makes another one.
func (l *lane) seat(n int) *seat {
	l.t.Helper()
	clock := filepath.Join(l.dir, fmt.Sprint("clock", n))
	return &seat{lane: l, t: l.t, n: n, listen: freeAddress(l.t), clock: clock, rng: rand.New(rand.NewPCG(l.rng.Uint64(), 0))}
}

func (l *lane) configure(s setup) {
	l.t.Helper()
	text := fmt.Sprintf(`journal: "%s"
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
`, l.journal.address(), s.spill, s.timeout, l.sandbox, user, s.direct)
	if err := os.WriteFile(filepath.Join(l.dir, "jalur.yaml"), []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

// given counts the ports that were given away: two seats never get the same.
var given atomic.Int64

// freeAddress gives one from below the ports that the system hands out by itself: it must still be free when the next gateway starts on it.
func freeAddress(t *testing.T) string {
	t.Helper()
	const first, ports = 20000, 12000
	for range 100 {
		port := first + (int64(os.Getpid())*97+given.Add(1))%ports
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

// died counts what was killed.
func (l *lane) died(how string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.killed[how] += n
}

func (l *lane) kills() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, of := range l.killed {
		n += of
	}
	return n
}

// torment kills so many processes, on all seats at once, where an earlier way to die leaves one to be killed.
func (l *lane) torment(most int) {
	l.t.Helper()
	if len(l.seats) == 1 {
		for l.kills() < most {
			l.seats[0].cycle()
		}
		return
	}
	l.t.Run("seats", func(t *testing.T) {
		for _, s := range l.seats {
			t.Run(fmt.Sprint(s.n), func(t *testing.T) {
				t.Parallel()
				s.t = t
				for l.kills() < most {
					s.cycle()
				}
			})
		}
	})
	for _, s := range l.seats {
		s.t = l.t
	}
}

// fleet starts a gateway on every seat.
func (l *lane) fleet() (gateways []*process) {
	l.t.Helper()
	for _, s := range l.seats {
		gateways = append(gateways, s.answering())
	}
	return gateways
}

// progress waits for so many more payments that are acknowledged, and for every gateway to take some.
func (l *lane) progress(n int) {
	l.t.Helper()
	enough := l.book.acknowledged() + n
	eventually(l.t, "more payments", func() bool { return l.book.acknowledged() >= enough })
	client := newClient()
	defer client.CloseIdleConnections()
	for _, s := range l.seats {
		eventually(l.t, fmt.Sprintf("gateway %d is ready", s.n), func() bool {
			resp, err := client.Get(s.url() + "/readyz")
			if err != nil {
				return false
			}
			defer resp.Body.Close()
			return resp.StatusCode == http.StatusOK
		})
	}
}

// finish lets a last gateway find out what became of everything, ends it, and gives what can be seen then.
func (l *lane) finish() snapshot {
	l.t.Helper()
	last := l.seats[0]
	g := last.answering()
	last.quiet()
	s := snapshot{orders: l.book.orders, acks: l.book.acks, shown: last.shown(), broken: l.book.broken}
	g.ended()
	s.ledger = l.ledger()
	l.read(&s)
	return s
}

// ledger gives how often the provider executed an order for each account.
func (l *lane) ledger() map[string]int {
	l.t.Helper()
	all, err := l.entries()
	if err != nil {
		l.t.Fatal(err)
	}
	return all
}

// executed gives how often the provider executed an order.
func (l *lane) executed(o order) (int, error) {
	all, err := l.entries()
	return all[o.account], err
}

func (l *lane) entries() (map[string]int, error) {
	var ledger struct {
		ByAccount map[string]int `json:"by_account"`
	}
	err := get(http.DefaultClient, l.sandbox+"/_ledger", &ledger)
	return ledger.ByAccount, err
}
