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
}

// fresh enters a new order. Every tenth is one that the provider refuses.
func (b *book) fresh() order {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.orders)
	o := order{fmt.Sprintf("key-%d", n), fmt.Sprintf("08%07d0000", n)}
	if n%10 == 9 {
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

// caller makes payments at one gateway until it is gone.
type caller struct {
	url    string
	client *http.Client
	book   *book
	rng    *rand.Rand
	wait   string // of the header Prefer; "": none
}

const (
	amount  = 100000
	callers = 8
)

func newClient() *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: callers}}
}

func (c caller) run(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		if err := c.once(); err != nil {
			return // the gateway is gone
		}
	}
}

// once makes a new payment, asks for one again, or tries a key for something else.
func (c caller) once() error {
	dice := c.rng.IntN(20)
	o, acknowledged := c.book.earlier(c.rng)
	switch {
	case dice == 0 && acknowledged:
		status, _, err := c.post(o, amount+1000)
		if err == nil && status < http.StatusBadRequest {
			c.book.wrongf("%s was taken for another amount: %d", o.key, status)
		}
		return err
	case dice > 5 || o.key == "":
		o = c.book.fresh()
	}
	status, said, err := c.post(o, amount)
	switch {
	case err != nil:
		return err
	case status < http.StatusBadRequest:
		c.book.acknowledge(o, said)
	case status != http.StatusServiceUnavailable:
		c.book.wrongf("%s was answered %d", o.key, status)
	}
	return nil
}

func (c caller) post(o order, rupiah int) (int, ack, error) {
	body := fmt.Sprintf(`{"merchant":"GOPAY","account":%q,"amount":%d}`, o.account, rupiah)
	req, err := http.NewRequest(http.MethodPost, c.url+"/v1/payments", strings.NewReader(body))
	if err != nil {
		return 0, ack{}, err
	}
	req.GetBody = nil
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", o.key)
	if c.wait != "" {
		req.Header.Set("Prefer", "wait="+c.wait)
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

func (l *lane) load(wait string) *load {
	running := &load{stop: make(chan struct{}), client: newClient()}
	for range callers {
		c := caller{"http://" + l.listen, running.client, l.book, rand.New(rand.NewPCG(l.rng.Uint64(), 0)), wait}
		running.callers.Go(func() { c.run(running.stop) })
	}
	return running
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
