package torture_test

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jalurhq/jalur/internal/pgtest"
)

// lapse is after how many promotions a journal is looked at and a new one begun, on new servers.
const lapse = 20

// TestPromotion kills the primary under load and promotes a synchronous standby, again and again. The gateways find the new primary by themselves.
func TestPromotion(t *testing.T) {
	t.Parallel()
	began, done := time.Now(), 0
	for own := *seed; done < *rounds; own++ {
		n := min(lapse, *rounds-done)
		t.Run(fmt.Sprint(own), func(t *testing.T) { promotions(t, own, n) })
		done += n
		t.Logf("seed %d: %d of %d promotions in %s", *seed, done, *rounds, time.Since(began).Round(time.Second))
		if t.Failed() {
			return
		}
	}
}

// promotions runs one journal on three servers.
func promotions(t *testing.T, own uint64, most int) {
	t.Helper()
	c := newCluster(t)
	l := newLane(t, setup{database: c.address(t), seats: 3, timeout: "2s", seed: own, pace: steady()})
	gateways := l.fleet()
	running := l.load()
	for n := range most {
		l.progress(30)
		if n > 0 {
			c.fails(l)
		}
		if l.rng.IntN(4) == 0 { // a gateway dies as well
			i := l.rng.IntN(len(l.seats))
			gateways[i].kill()
			gateways[i] = l.seats[i].answering()
		}
		old := c.servers[c.primary]
		within(nil, between(l.rng, 0, anyMoment))
		c.must(old.Kill())
		c.promotes()
		if n == 0 {
			l.progress(30)
			l.splits(c, old, gateways)
			l.progress(30)
			l.isolated(c, old)
		}
		c.repairs() // until then, where both have failed, no commit ends
		if n%5 == 4 {
			t.Logf("%d promotions, %d payments acknowledged", n+1, l.book.acknowledged())
		}
	}
	l.progress(30)
	running.end()
	l.closes(gateways, "seed %d: %d promotions", own, most)
}

// isolated lets the old primary come back at an address that one gateway still goes by, and wants that gateway to send nothing and to
// show nothing.
func (l *lane) isolated(c *cluster, old *pgtest.Server) {
	l.t.Helper()
	port := old.Port()
	c.must(old.Move(0))
	c.must(old.Up())
	alone := l.seat(len(l.seats))
	g := alone.answering("JALUR__JOURNAL=" + old.DSN(c.name))
	for n := range 3 {
		alone.refuses(order{fmt.Sprint("isolated-", n), fmt.Sprintf("0866%05d0000", n)})
	}
	resp, err := http.Get(alone.url() + "/v1/payments")
	if err != nil {
		l.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable {
		l.t.Errorf("what only the old primary has was shown with %d", resp.StatusCode)
	}
	g.kill()
	c.must(old.Kill())
	c.must(old.Move(port))
}

// splits lets the old primary come back at its own address beside the new one, where every gateway finds it first. One that does may stop writing until it is started
// anew.
func (l *lane) splits(c *cluster, old *pgtest.Server, gateways []*process) {
	l.t.Helper()
	const long = 3 * time.Second
	c.must(old.Up())
	gateways[0].kill()
	gateways[0] = l.seats[0].answering() // it takes the first primary that it finds
	within(nil, long)
	c.must(old.Kill())
	for i, g := range gateways {
		g.kill()
		gateways[i] = l.seats[i].answering()
	}
}

// cluster is a primary with two standbys, one of which has to have a change before it counts.
type cluster struct {
	t       *testing.T
	servers []*pgtest.Server
	names   []string
	primary int
	name    string // of the database
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t, names: []string{"a", "b", "c"}}
	first := pgtest.Start(t, append(thrifty(),
		"synchronous_standby_names = 'FIRST 1 ("+strings.Join(c.names, ", ")+")'", // everyone's own name never appears among its standbys
		"synchronous_commit = on", "wal_retrieve_retry_interval = 100ms", "wal_receiver_status_interval = 1s", "wal_keep_size = 64MB")...)
	c.servers = []*pgtest.Server{first, first.Standby(t, "b"), first.Standby(t, "c")}
	c.name = first.Database(t)
	return c
}

// address names all three servers, as a user's configuration does.
func (c *cluster) address(t *testing.T) string {
	t.Helper()
	var hosts []string
	for _, s := range c.servers {
		hosts = append(hosts, fmt.Sprintf("127.0.0.1:%d", s.Port()))
	}
	_, rest, _ := strings.Cut(c.servers[0].DSN(c.name), fmt.Sprintf(":%d", c.servers[0].Port()))
	return "postgres://jalur@" + strings.Join(hosts, ",") + rest
}

// must ends the test on an error.
func (c *cluster) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// standbys gives who is not the primary and runs, by its place in synchronous_standby_names.
func (c *cluster) standbys() (all []int) {
	for i, s := range c.servers {
		if i != c.primary && s.Running() {
			all = append(all, i)
		}
	}
	return all
}

// fails kills the standby that commits wait for, now and then, and waits until the other one has taken its place.
func (c *cluster) fails(l *lane) {
	c.t.Helper()
	if l.rng.IntN(4) != 0 {
		return
	}
	c.must(c.servers[c.standbys()[0]].Kill())
	l.progress(10)
}

// promotes makes the standby that has received most the primary, and lets the other one follow it, if it runs.
func (c *cluster) promotes() {
	c.t.Helper()
	standbys := c.standbys()
	received := map[int]int64{}
	for _, i := range standbys {
		var err error
		received[i], err = c.servers[i].Received()
		c.must(err)
	}
	slices.SortStableFunc(standbys, func(a, b int) int { return cmp.Compare(received[b], received[a]) })
	c.primary = standbys[0]
	c.must(c.servers[c.primary].Promote())
	for _, i := range standbys[1:] {
		c.must(c.servers[i].Follow(c.servers[c.primary], c.names[i]))
	}
}

// repairs makes who was killed a standby of the primary, and waits until both follow it.
func (c *cluster) repairs() {
	c.t.Helper()
	primary := c.servers[c.primary]
	for i, s := range c.servers {
		if i != c.primary && !s.Running() {
			c.must(s.Rejoin(primary, c.names[i]))
		}
	}
	eventually(c.t, "two standbys", func() bool {
		following, err := primary.Followers()
		return err == nil && len(following) == len(c.servers)-1
	})
}
