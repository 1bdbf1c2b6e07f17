package torture_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/jalurhq/jalur/internal/pgtest"
)

// steady is a load that goes on whatever happens.
func steady() pace { return pace{callers: 3, pause: 10 * time.Millisecond, patient: true} }

// TestTheDatabaseDies kills PostgreSQL itself, again and again, under three gateways.
func TestTheDatabaseDies(t *testing.T) {
	t.Parallel()
	own := pgtest.Start(t, thrifty()...)
	l := newLane(t, setup{database: own.DSN(own.Database(t)), seats: 3, timeout: "2s", seed: *seed, pace: steady()})
	gateways := l.fleet()
	running := l.load()
	for n := range *deaths {
		l.progress(50)
		within(nil, between(l.rng, 0, anyMoment))
		die := own.Kill
		if l.rng.IntN(3) == 0 {
			die = own.Quit
		}
		if err := die(); err != nil {
			t.Fatal(err)
		}
		within(nil, between(l.rng, 0, time.Second))
		if err := own.Up(); err != nil {
			t.Fatal(err)
		}
		if n%10 == 9 {
			t.Logf("the server has died %d times, %d payments acknowledged", n+1, l.book.acknowledged())
		}
	}
	l.progress(50)
	running.end()
	l.closes(gateways, "seed %d: the server died %d times", *seed, *deaths)
}

// closes ends the gateways in order, holds the journal against the ledger, and tells what was done.
func (l *lane) closes(gateways []*process, format string, args ...any) snapshot {
	l.t.Helper()
	for _, g := range gateways {
		g.ended()
	}
	seen := l.finish()
	wrong := seen.violations()
	report(l.t, *seed, wrong)
	l.t.Logf(format+": %d payments acknowledged, %d recorded, %d executed, %d unknown, %d violations",
		append(args, len(seen.acks), len(seen.payments), len(seen.ledger), seen.unknown(), len(wrong))...)
	return seen
}

// TestTheDatabaseIsAway takes the database away for a while, in two ways: nobody listens, or nobody answers.
func TestTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]struct{ goes, comes func(*pgtest.Server) error }{
		"stopped": {(*pgtest.Server).Stop, (*pgtest.Server).Up},
		"frozen":  {(*pgtest.Server).Freeze, (*pgtest.Server).Thaw},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own := pgtest.Start(t, thrifty()...)
			l := newLane(t, setup{database: own.DSN(own.Database(t)), seats: 3, timeout: "10s", delay: "200ms", seed: *seed, pace: steady()})
			gateways := l.fleet()
			running := l.load()
			l.progress(50)
			if err := way.goes(own); err != nil {
				t.Fatal(err)
			}
			back := time.After(*away)
			tried := l.refuses()
			<-back
			if err := way.comes(own); err != nil {
				t.Fatal(err)
			}
			l.progress(50)
			l.retry(tried)
			running.end()
			seen := l.closes(gateways, "seed %d: the database was away for %s", *seed, *away)
			for key, p := range seen.payments {
				if state := p.last(); seen.ledger[p.account] > 0 && state != "CONFIRMED" {
					t.Errorf("%s was executed while its gateway lived, and is left as %s", key, state)
				}
			}
		})
	}
}

// refuses wants every gateway to refuse new payments and to send nothing, and gives them.
func (l *lane) refuses() (tried []order) {
	l.t.Helper()
	var asking sync.WaitGroup
	for n, s := range l.seats {
		o := order{fmt.Sprint("away-", n), fmt.Sprintf("0877%05d0000", n)} // nobody else tries it
		tried = append(tried, o)
		asking.Go(func() { s.refuses(o) })
	}
	asking.Wait()
	return tried
}

// soon is how long a gateway may take to say that it can't record a payment: it waits for its journal some seconds.
const soon = 30 * time.Second

// refuses wants the seat's gateway to refuse a payment soon, and the provider not to hear of it.
func (s *seat) refuses(o order) {
	c := s.caller(newClient())
	defer c.client.CloseIdleConnections()
	c.client.Timeout = soon
	if status, _, err := c.post(c.url, o, amount); err != nil || status != http.StatusServiceUnavailable {
		s.t.Errorf("gateway %d without its journal: status %d, %v", s.n, status, err)
	}
	if n, err := s.executed(o); err != nil || n != 0 {
		s.t.Errorf("gateway %d refused %s with 503, and it was executed %d times (%v)", s.n, o.key, n, err)
	}
}

// retry makes payments again that were refused, each at another gateway.
func (l *lane) retry(tried []order) {
	l.t.Helper()
	for n, o := range tried {
		c := l.seats[(n+1)%len(l.seats)].caller(newClient())
		defer c.client.CloseIdleConnections()
		status, said, err := c.post(c.url, o, amount)
		if err != nil || !c.heard(o, status, said) {
			l.t.Errorf("%s again: status %d, %v", o.key, status, err)
		}
	}
}
