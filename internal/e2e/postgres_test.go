package e2e_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/jalurhq/jalur/internal/pgtest"
)

// onPostgres puts a world's journal into a database of its own, and gives as many gateways on it as are asked for. Commands need none of them.
func onPostgres(t *testing.T, w *world, n int) (gateways []*process, worlds []*world) {
	t.Helper()
	server := pgtest.Start(t)
	w.rewrite("journal: sqlite://jalur.db", `journal: "`+server.DSN(server.Database(t))+`"`)
	for range n {
		one := *w
		one.listen = freeAddress(t)
		gateways = append(gateways, one.gateway("JALUR__SERVER__LISTEN="+one.listen))
		worlds = append(worlds, &one)
	}
	return gateways, worlds
}

func TestThreeGatewaysOneDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{direct: 0}, "--delay", "50ms")
	_, at := onPostgres(t, w, 3)
	const callers = 200
	var mu sync.Mutex
	ids, created := map[string]int{}, 0
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			status, a, err := at[i%len(at)].post("k", pageAccount, 100000, "Prefer", "wait=20")
			if err != nil {
				t.Error(err)
				return
			}
			a.wants(t, "state", "succeeded")
			mu.Lock()
			defer mu.Unlock()
			ids[a.at("id")]++
			if status == http.StatusCreated {
				created++
			}
		})
	}
	group.Wait()
	if len(ids) != 1 || created != 1 {
		t.Errorf("%d payments, created %d times", len(ids), created)
	}
	if got := w.ledger()[pageAccount]; got != 1 {
		t.Errorf("the ledger has %d top-ups, want 1", got)
	}
	// Commands work beside running gateways.
	w.cli("status", "--key", "k").want(t, 0).wants(t, "state", "succeeded")
	w.cli("pay", "GOPAY", "081200000002", pageAmount, "--key", "k2").want(t, 0).wants(t, "state", "succeeded")
	at[1].mustGet("/v1/payments?account=081200000002").wants(t, "payments.0.state", "succeeded")
	w.cli("payments", "--state", "succeeded").want(t, 0).wants(t, "payments.2", "")
}

// TestOthersTakeOver kills one of three gateways in the middle of load. What it was sending becomes unknown once its lease has passed, by one of the
// others, and nothing is paid twice or lost.
func TestOthersTakeOver(t *testing.T) {
	t.Parallel()
	const callers, lease = 12, 31 * time.Second
	w := newWorld(t, settings{direct: 0, timeout: "1s"}, "--delay", "20ms")
	gateways, at := onPostgres(t, w, 3)
	var mu sync.Mutex
	tried, acknowledged := map[string]string{}, map[string]string{}
	enough, stop := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var load sync.WaitGroup
	for c := range callers {
		load.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				key, account := fmt.Sprintf("%d-%d", c, n), fmt.Sprintf("0813%02d%06d", c, n)
				mu.Lock()
				tried[key] = account
				mu.Unlock()
				_, a, err := at[c%len(at)].post(key, account, 100000)
				if err != nil {
					return // the gateway is gone
				}
				mu.Lock()
				acknowledged[key] = a.at("state")
				if len(acknowledged) >= 200 {
					once.Do(func() { close(enough) })
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	gateways[0].kill()
	close(stop)
	load.Wait()
	survivor := at[1]
	left := 0
	for range 2 * lease / time.Second {
		if left = pendingCount(survivor); left == 0 {
			break
		}
		<-time.After(time.Second)
	}
	if left > 0 {
		t.Errorf("%d payments of the dead gateway are still pending", left)
	}
	survivor.compare(tried, acknowledged)
}

func pendingCount(w *world) (n int) {
	list, _ := w.mustGet("/v1/payments?state=pending")["payments"].([]any)
	return len(list)
}
