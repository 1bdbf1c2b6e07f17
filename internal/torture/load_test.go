package torture_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// order is one payment that somebody tried to make. Its account is its own, so that the provider's ledger counts by key.
type order struct{ key, account string }

// ack is what the gateway last said of a key.
type ack struct{ id, state string }

func (a ack) final() bool {
	return a.state == "succeeded" || a.state == "failed" || a.state == "refunded"
}

// book is what the callers remember, whatever becomes of the gateway.
type book struct {
	mu     sync.Mutex
	orders []order
	acks   map[string]ack
	broken []string // what an answer itself showed to be wrong
	sound  bool     // no order is one that the provider refuses
}

// fresh enters a new order. Every tenth is one that the provider refuses, unless all are to be sound.
func (b *book) fresh() order {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.orders)
	o := order{fmt.Sprintf("key-%d", n), fmt.Sprintf("08%07d0000", n)}
	if n%10 == 9 && !b.sound {
		o.account = fmt.Sprintf("08%05d999202", n)
	}
	b.orders = append(b.orders, o)
	return o
}

func (b *book) earlier(rng *rand.Rand) (o order, acknowledged bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.orders) == 0 {
		return order{}, false
	}
	o = b.orders[rng.IntN(len(b.orders))]
	_, acknowledged = b.acks[o.key]
	return o, acknowledged
}

func (b *book) acknowledge(o order, said ack) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before, again := b.acks[o.key]
	switch {
	case said.id == "" || said.state == "":
		b.broken = append(b.broken, fmt.Sprintf("%s was acknowledged without an id or a state", o.key))
	case again && before.id != said.id:
		b.broken = append(b.broken, fmt.Sprintf("%s was payment %s, and then %s", o.key, before.id, said.id))
	case before.final() && said.final() && before.state != said.state && said.state != "refunded":
		b.broken = append(b.broken, fmt.Sprintf("%s was %s, and then %s", o.key, before.state, said.state))
	case !before.final() || said.final():
		b.acks[o.key] = said
	}
}

func (b *book) wrongf(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.broken = append(b.broken, fmt.Sprintf(format, args...))
}

func (b *book) acknowledged() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.acks)
}

// pace is how hard callers press.
type pace struct {
	callers int           // of each gateway
	pause   time.Duration // of each caller, from one payment to the next
	patient bool          // they go on when their gateway is gone: another one will come
	wait    string        // of the header Prefer; "": none
}

// caller makes payments at one gateway until it is gone, and repeats some at the others.
type caller struct {
	url    string
	others []string
	client *http.Client
	book   *book
	pace   pace
	rng    *rand.Rand
}

const (
	amount  = 100000
	backOff = 20 * time.Millisecond // after a refusal
)

func newClient() *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
}

func (c caller) run(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		pause := c.pace.pause
		served, err := c.once()
		if err != nil && !c.pace.patient {
			return // the gateway is gone
		}
		if !served {
			pause = max(pause, backOff)
		}
		if pause > 0 {
			within(stop, pause)
		}
	}
}

// once makes a new payment, asks for one again, here or elsewhere, or tries a key for something else. served: there was an answer, and it was no refusal.
func (c caller) once() (served bool, err error) {
	dice := c.rng.IntN(20)
	o, acknowledged := c.book.earlier(c.rng)
	switch {
	case dice == 0 && acknowledged:
		status, _, err := c.post(c.url, o, amount+1000)
		if err == nil && status < http.StatusBadRequest {
			c.book.wrongf("%s was taken for another amount: %d", o.key, status)
		}
		return status != http.StatusServiceUnavailable, err
	case dice > 5 || o.key == "":
		o = c.book.fresh()
	case dice > 2:
		c.elsewhere(o)
	}
	status, said, err := c.post(c.url, o, amount)
	if err != nil {
		c.elsewhere(o) // nobody knows what became of it: the same key is always safe
		return false, err
	}
	return c.heard(o, status, said), nil
}

// elsewhere makes a payment under a key that was tried before, at another gateway. That one may be gone as well.
func (c caller) elsewhere(o order) {
	if len(c.others) == 0 {
		return
	}
	if status, said, err := c.post(c.others[c.rng.IntN(len(c.others))], o, amount); err == nil {
		c.heard(o, status, said)
	}
}

func (c caller) heard(o order, status int, said ack) (served bool) {
	switch {
	case status < http.StatusBadRequest:
		c.book.acknowledge(o, said)
	case status == http.StatusServiceUnavailable:
		return false
	default:
		c.book.wrongf("%s was answered %d", o.key, status)
	}
	return true
}

func (c caller) post(url string, o order, rupiah int) (int, ack, error) {
	body := fmt.Sprintf(`{"merchant":"GOPAY","account":%q,"amount":%d}`, o.account, rupiah)
	req, err := http.NewRequest(http.MethodPost, url+"/v1/payments", strings.NewReader(body))
	if err != nil {
		return 0, ack{}, err
	}
	req.GetBody = nil
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", o.key)
	if c.pace.wait != "" {
		req.Header.Set("Prefer", "wait="+c.pace.wait)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return 0, ack{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, ack{}, err
	}
	var p shown
	if err := json.Unmarshal(data, &p); err != nil {
		return 0, ack{}, fmt.Errorf("%s: %w", resp.Status, err)
	}
	return resp.StatusCode, ack{p.ID, p.State}, nil
}

// shown is a payment in an answer.
type shown struct {
	ID    string `json:"id"`
	Key   string `json:"key"`
	State string `json:"state"`
}

// load is a number of callers.
type load struct {
	callers sync.WaitGroup
	stop    chan struct{}
	client  *http.Client
}

func (l *load) end() {
	close(l.stop)
	l.callers.Wait()
	l.client.CloseIdleConnections()
}

// load presses all gateways of a lane.
func (l *lane) load() *load {
	all := &load{stop: make(chan struct{}), client: newClient()}
	for _, s := range l.seats {
		for range l.pace.callers {
			c := s.caller(all.client)
			all.callers.Go(func() { c.run(all.stop) })
		}
	}
	return all
}

// get reads JSON from an address.
func get(client *http.Client, url string, into any) error {
	resp, err := client.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(into)
}

// between gives a random time.
func between(rng *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(rng.Int64N(int64(most-least)))
}
