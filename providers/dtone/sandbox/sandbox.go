package sandbox

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/jalurhq/jalur/providers/sandbox"
)

// Defaults of Config.
const (
	defaultDeposit       = 10_000_000
	defaultCompleteAfter = time.Second
	defaultQuoteLife     = time.Hour
	defaultLateBy        = 5 * time.Second
	defaultFirstID       = 2_237_512_891
)

// Config says how to play the provider. Only Key and Secret must be set.
type Config struct {
	Key    string // required
	Secret string // required

	Deposit       int64         // at the start, in dollars; 0: 10,000,000
	CreditLimit   int64         // in dollars, shown only
	CompleteAfter time.Duration // of a number that is no test number; 0: 1 s; negative: in the first answer
	QuoteLife     time.Duration // how long a transaction waits for its confirmation; 0: 1 h
	Delays        float64       // scales the test numbers' delays; 0: 1
	NoTestNumbers bool          // every number is an ordinary one
	MoreProducts  int           // how many the catalogue has beside its own

	Callback     string        // where transactions without a callback_url of their own are told of; empty: nowhere
	RetryAfter   time.Duration // between two tries to deliver a callback; 0: 1 s
	LateBy       time.Duration // faults late and callback-late; 0: 5 s
	SlowInterval time.Duration // fault slow-bytes: between two bytes; 0: 1 s
	HugeBytes    int64         // fault huge-body: how many blanks precede the answer; 0: 64 MiB

	Faults []Setting // set from the start, used up in this order

	FirstID    int64            // of a transaction; 0: from the clock, so that a restarted sandbox gives no number out twice
	LedgerFile string           // JSON lines; read at the start, appended to; empty: memory only
	Now        func() time.Time // nil: time.Now
}

// Sandbox is one such provider. It is safe for use by many goroutines at once.
type Sandbox struct {
	cfg      Config
	products map[int]product
	order    []int // of the products in the catalogue
	book     *book
	faults   *sandbox.Faults
	line     sandbox.Line
	outbox   *outbox
	closed   chan struct{}
	close    func() error
}

// New checks the configuration, reads the ledger file where there is one, and gives a provider that is ready to answer. Close it.
func New(cfg Config) (*Sandbox, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("dtone sandbox: %w", err)
	}
	set, err := sandbox.NewFaults(faults(), cfg.Faults...)
	if err != nil {
		return nil, fmt.Errorf("dtone sandbox: %w", err)
	}
	transactions, err := openBook(cfg)
	if err != nil {
		return nil, fmt.Errorf("dtone sandbox: %w", err)
	}
	closed := make(chan struct{})
	s := &Sandbox{
		cfg: cfg, products: map[int]product{}, book: transactions, faults: set, closed: closed,
		line: sandbox.Line{SlowInterval: cfg.SlowInterval, HugeBytes: cfg.HugeBytes, Closed: closed},
	}
	for _, p := range cfg.catalogue() {
		s.products[p.id], s.order = p, append(s.order, p.id)
	}
	s.outbox = newOutbox(s)
	s.close = sync.OnceValue(func() error {
		close(closed)
		s.outbox.stop()
		return transactions.close()
	})
	return s, nil
}

// Close lets go of every connection that a fault holds, of callbacks that are still to be sent, and of the ledger file. Call it before the HTTP
// server's own Close, which waits for handlers. Calls that come after it are answered with 503.
func (s *Sandbox) Close() error { return s.close() }

// Ledger gives what was really executed until now.
func (s *Sandbox) Ledger() Ledger { return s.book.ledger() }

// SetFault does what POST /_fault does: it replaces the fault that is set for the same call and account. Times 0 clears it.
func (s *Sandbox) SetFault(setting Setting) error { return s.faults.Set(setting) }

// Reset empties the ledger, restores the balance and clears all faults. Numbers of transactions go on.
func (s *Sandbox) Reset() error {
	s.faults.Clear()
	return s.book.reset()
}

// ServeHTTP answers one call of the provider's API or of the sandbox's own controls. Faults that cut the connection panic with
// http.ErrAbortHandler, which an http.Server takes as the wish to do so.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case <-s.closed:
		http.Error(w, "the sandbox is closed", http.StatusServiceUnavailable)
		return
	default:
	}
	path := strings.TrimPrefix(r.URL.Path, "/v1")
	if path == "" || path == "/" || strings.HasPrefix(path, "/_") {
		s.control().ServeHTTP(w, r)
		return
	}
	s.serveAPI(sandbox.Exchange{W: w, R: r}, path)
}

func (s *Sandbox) control() sandbox.Control {
	return sandbox.Control{
		Faults: s.faults, About: "DT One DVS sandbox. It moves no money. The API stands under /v1.\n", Options: Options(), Ledger: s.ledgerOf,
		EmptyLedger: s.book.reset, Reset: s.Reset,
	}
}

func (s *Sandbox) ledgerOf(account string) any {
	all := s.Ledger()
	if account != "" {
		all.Ledger = all.Of(account)
	}
	return all
}

// Options lists faults, test numbers and products as plain text, for a command's help.
func Options() string {
	var text strings.Builder
	text.WriteString(faults().Options())
	text.WriteString("\nCredit parties, by their last three digits, of which the first is the time (1: 3 s, 2: 60 s, 3: 5 min):\n")
	for _, number := range TestNumbers() {
		fmt.Fprintf(&text, "  x%s  %s\n", number.Tail, number.Text)
	}
	text.WriteString("\nProducts:\n")
	for _, p := range (Config{}).catalogue() {
		fmt.Fprintf(&text, "  %d  %-22s %s\n", p.id, p.kind, p.name)
	}
	return text.String()
}

func (s *Sandbox) authorised(r *http.Request) bool {
	key, secret, _ := r.BasicAuth()
	return equalSecret(key, s.cfg.Key)&equalSecret(secret, s.cfg.Secret) == 1
}

// equalSecret compares in constant time.
func equalSecret(given, want string) int {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:])
}

func (c Config) withDefaults() Config {
	c.Deposit = cmp.Or(c.Deposit, defaultDeposit)
	c.CompleteAfter = max(cmp.Or(c.CompleteAfter, defaultCompleteAfter), 0)
	c.QuoteLife = cmp.Or(c.QuoteLife, defaultQuoteLife)
	c.Delays = cmp.Or(c.Delays, 1)
	c.LateBy = cmp.Or(c.LateBy, defaultLateBy)
	c.RetryAfter = cmp.Or(c.RetryAfter, time.Second)
	if c.Now == nil {
		c.Now = time.Now
	}
	c.FirstID = cmp.Or(c.FirstID, defaultFirstID+c.Now().UnixMilli())
	return c
}

func (c Config) check() error {
	switch {
	case c.Key == "" || c.Secret == "":
		return errors.New("key and secret must be set")
	case min(c.Deposit, c.CreditLimit, c.HugeBytes, c.FirstID) < 0 || c.MoreProducts < 0:
		return errors.New("deposit, credit limit, huge bytes, products and first number can't be negative")
	case c.Delays < 0 || min(c.QuoteLife, c.RetryAfter, c.LateBy, c.SlowInterval) < 0:
		return errors.New("a duration is negative")
	}
	return nil
}

func (c Config) scaled(d time.Duration) time.Duration { return time.Duration(float64(d) * c.Delays) }
