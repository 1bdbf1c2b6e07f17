package sandbox

import (
	"cmp"
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
	defaultDeposit     = 1_000_000_000_000
	defaultPendingFor  = 60 * time.Second
	defaultRefundAfter = 10 * time.Second
	defaultLateBy      = 5 * time.Second
	defaultListEvery   = 5 * time.Minute
	defaultCodeEvery   = time.Second
)

const basePath = "/v1"

// Config says how to play the provider. Only Username and APIKey must be set. Amounts are whole rupiah.
type Config struct {
	Username string // required
	APIKey   string // required

	Deposit  int64     // at the start; 0: 1,000,000,000,000
	Products []Product // sold prepaid besides the built-in ones, or in their place where a code is the same

	CallbackURL   string // where callbacks go for orders that name no cb_url; empty: nowhere
	WebhookSecret string // what they are signed with; empty: they aren't

	PendingFor   time.Duration // how long the pending test numbers stay so; 0: 60 s
	RefundAfter  time.Duration // fault refund: from the order to its refund; 0: 10 s
	RepeatWithin time.Duration // the same ref_id sooner than this after its last call is refused with 85; 0: never
	ListEvery    time.Duration // between two readings of a whole price list; 0: 5 min; negative: no limit
	CodeEvery    time.Duration // between two readings of one product; 0: 1 s; negative: no limit

	NoTestNumbers bool   // every account number is an ordinary one
	Values        Values // of the answers' numbers; empty: number

	LateBy       time.Duration // fault late: from the call to the execution; 0: 5 s
	SlowInterval time.Duration // fault slow-bytes: between two bytes; 0: 1 s
	HugeBytes    int64         // fault huge-body: how many blanks precede the answer; 0: 64 MiB

	Faults     []sandbox.Setting // set from the start, used up in this order
	LedgerFile string            // JSON lines, one an order; read at the start, appended to; empty: memory only
	Now        func() time.Time  // nil: time.Now
}

// Sandbox is one such provider. It is safe for use by many goroutines at once.
type Sandbox struct {
	cfg    Config
	book   *book
	faults *sandbox.Faults
	line   sandbox.Line
	hooks  *hooks
	lists  *limiter
	closed chan struct{}
	close  func() error
}

// New checks the configuration, reads the ledger file where there is one, and gives a provider that is ready to answer.
func New(cfg Config) (*Sandbox, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("digiflazz sandbox: %w", err)
	}
	faults, err := sandbox.NewFaults(catalogue(), cfg.Faults...)
	if err != nil {
		return nil, fmt.Errorf("digiflazz sandbox: %w", err)
	}
	orders, err := openBook(cfg)
	if err != nil {
		return nil, fmt.Errorf("digiflazz sandbox: %w", err)
	}
	closed := make(chan struct{})
	return &Sandbox{
		cfg: cfg, book: orders, faults: faults, closed: closed,
		line:  sandbox.Line{SlowInterval: cfg.SlowInterval, HugeBytes: cfg.HugeBytes, Closed: closed},
		hooks: newHooks(cfg), lists: newLimiter(cfg),
		close: sync.OnceValue(func() error {
			close(closed)
			return orders.close()
		}),
	}, nil
}

// Close lets go of every connection that a fault holds, and of the ledger file. Call it before the HTTP server's own Close, which waits for
// handlers. Calls that come after it are answered with 503.
func (s *Sandbox) Close() error { return s.close() }

// Ledger gives what was really executed until now.
func (s *Sandbox) Ledger() Ledger { return s.book.ledger() }

// SetFault does what POST /_fault does: it replaces the fault that is set for the same call and account. Times 0 clears it.
func (s *Sandbox) SetFault(setting sandbox.Setting) error { return s.faults.Set(setting) }

// Reset empties the ledger, restores the deposit, forgets callbacks and when the lists were read, and clears all faults.
func (s *Sandbox) Reset() error {
	s.faults.Clear()
	s.hooks.forget()
	s.lists.forget()
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
	path := strings.Trim(strings.TrimPrefix(r.URL.Path, basePath), "/")
	x := sandbox.Exchange{W: w, R: r}
	switch {
	case isAPI(path):
		s.serveAPI(r.Context(), x, path)
	case strings.HasPrefix(path, "report/hooks/"):
		s.servePing(r.Context(), x, path)
	default:
		s.serveControl(w, r, path)
	}
}

func (s *Sandbox) serveControl(w http.ResponseWriter, r *http.Request, path string) {
	r = r.Clone(r.Context())
	r.URL.Path = "/" + path
	sandbox.Control{
		Faults: s.faults, About: about, Options: Options(), Ledger: s.ledgerOf, EmptyLedger: s.book.reset, Reset: s.Reset,
	}.ServeHTTP(w, r)
}

func (s *Sandbox) ledgerOf(account string) any {
	if account == "" {
		return s.Ledger()
	}
	return s.Ledger().Of(account)
}

const about = `Digiflazz sandbox. It moves no money.

The provider's calls, as POST, under ` + basePath + `/ and under /:
  transaction, price-list, cek-saldo, inquiry-pln, report/hooks/ID/pings
`

// Options lists faults, test numbers and products as plain text, for a command's help.
func Options() string {
	var text strings.Builder
	text.WriteString(catalogue().Options())
	text.WriteString("\nTest numbers, by product (those of xld10 hold for every prepaid one):\n")
	for _, n := range TestNumbers() {
		fmt.Fprintf(&text, "  %-14s %-33s %s\n", n.SKU, n.Number, n.Text)
	}
	text.WriteString("\nPrepaid products:\n")
	for _, p := range products() {
		fmt.Fprintf(&text, "  %-14s %-27s %d\n", p.SKU, p.Name, p.Price)
	}
	fmt.Fprintf(&text, "\nForms of numbers: %v\n", ValueForms())
	return text.String()
}

func (c Config) withDefaults() Config {
	c.Deposit = cmp.Or(c.Deposit, defaultDeposit)
	c.PendingFor = cmp.Or(c.PendingFor, defaultPendingFor)
	c.RefundAfter = cmp.Or(c.RefundAfter, defaultRefundAfter)
	c.LateBy = cmp.Or(c.LateBy, defaultLateBy)
	c.ListEvery = cmp.Or(c.ListEvery, defaultListEvery)
	c.CodeEvery = cmp.Or(c.CodeEvery, defaultCodeEvery)
	c.Values = cmp.Or(c.Values, ValuesNumber)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (c Config) check() error {
	switch {
	case c.Username == "" || c.APIKey == "":
		return errors.New("username and API key must be set")
	case min(c.Deposit, c.HugeBytes) < 0:
		return errors.New("deposit and huge bytes can't be negative")
	case min(c.PendingFor, c.RefundAfter, c.RepeatWithin, c.LateBy, c.SlowInterval) < 0:
		return errors.New("a duration is negative")
	}
	return c.Values.check()
}

// products gives what is sold prepaid.
func (c Config) products() []Product {
	all := append([]Product{}, c.Products...)
	for _, built := range products() {
		if _, ok := productIn(c.Products, built.SKU); !ok {
			all = append(all, built)
		}
	}
	return all
}

func productIn(list []Product, sku string) (Product, bool) {
	for _, p := range list {
		if p.SKU == sku {
			return p, true
		}
	}
	return Product{}, false
}

// limiter keeps when the price lists were read.
type limiter struct {
	cfg  Config
	mu   sync.Mutex
	read map[string]time.Time
}

func newLimiter(cfg Config) *limiter { return &limiter{cfg: cfg, read: map[string]time.Time{}} }

// allows reports whether a list may be read now, and if so takes note of it.
func (l *limiter) allows(cmd, code string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	every, now, key := l.cfg.ListEvery, l.cfg.Now(), cmd+"/"+code
	if code != "" {
		every = l.cfg.CodeEvery
	}
	if before, ok := l.read[key]; ok && now.Sub(before) < every {
		return false
	}
	l.read[key] = now
	return true
}

func (l *limiter) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.read = map[string]time.Time{}
}
