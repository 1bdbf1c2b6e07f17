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
	defaultDeposit        = 1_000_000_000_000
	defaultMinAmount      = 50_000
	defaultReferenceAfter = time.Second
	defaultPendingFor     = 60 * time.Second
	defaultRefundAfter    = 10 * time.Second
	defaultLateBy         = 5 * time.Second
)

// The credentials that the page prints as its example, and refuses, unless this sandbox is told to take them.
const (
	dummyUser     = "dummy"
	dummyPassword = "dummy123"
)

const basePath = "/json/multipayment"

// Config says how to play the provider. Only Username and Password must be set. Amounts are whole rupiah.
type Config struct {
	Username string // required
	Password string // required

	Deposit   int64 // at the start; 0: 1,000,000,000,000
	MinAmount int64 // 0: 50,000

	DirectDefault  int           // what a reload without direct means: 0 or 1; the page says 0
	ReferenceAfter time.Duration // direct=1: until status_reload shows the reference; 0: 1 s; negative: none
	PendingFor     time.Duration // how long the test numbers …999001 and …999003 stay pending; 0: 60 s
	RefundAfter    time.Duration // test number …999004: from the reference to the REFUND; 0: 10 s
	NoTestNumbers  bool          // every account number is an ordinary one

	Spelling      Spelling // of the answers' keys; empty: underscore
	Values        Values   // of the answers' amounts and numbers; empty: string
	FailureStatus int      // the HTTP status of result "no"; 0: 200
	// AbsentReference leaves the key out while there is no reference yet; otherwise its value is "".
	AbsentReference bool

	Delay        time.Duration // how long reload_merchant keeps its caller waiting once it has executed
	LateBy       time.Duration // fault late: from the call to the execution; 0: 5 s
	SlowInterval time.Duration // fault slow-bytes: between two bytes; 0: 1 s
	HugeBytes    int64         // fault huge-body: how many blanks precede the answer; 0: 64 MiB

	Faults []Setting // set from the start, used up in this order

	FirstInvoice int64            // 0: from the clock, so that a restarted sandbox gives no number out twice
	LedgerFile   string           // JSON lines, one an order; read at the start, appended to; empty: memory only
	Now          func() time.Time // nil: time.Now
}

// Sandbox is one such provider. It is safe for use by many goroutines at once.
type Sandbox struct {
	cfg    Config
	style  style
	book   *book
	faults *sandbox.Faults
	line   sandbox.Line
	closed chan struct{}
	close  func() error
}

// New checks the configuration, reads the ledger file where there is one, and gives a provider that is ready to answer.
func New(cfg Config) (*Sandbox, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("mmbc sandbox: %w", err)
	}
	faults, err := sandbox.NewFaults(catalogue(), cfg.Faults...)
	if err != nil {
		return nil, fmt.Errorf("mmbc sandbox: %w", err)
	}
	orders, err := openBook(cfg)
	if err != nil {
		return nil, fmt.Errorf("mmbc sandbox: %w", err)
	}
	closed := make(chan struct{})
	return &Sandbox{
		cfg:    cfg,
		style:  style{spelling: cfg.Spelling, values: cfg.Values},
		book:   orders,
		faults: faults,
		line:   sandbox.Line{SlowInterval: cfg.SlowInterval, HugeBytes: cfg.HugeBytes, Closed: closed},
		closed: closed,
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
func (s *Sandbox) SetFault(setting Setting) error { return s.faults.Set(setting) }

// Reset empties the ledger, restores the deposit and clears all faults. Invoice numbers go on.
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
	path := strings.Trim(strings.TrimPrefix(r.URL.Path, basePath), "/")
	if isCall(path) {
		s.serveCall(exchange{Exchange: sandbox.Exchange{W: w, R: r}, call: path})
		return
	}
	s.serveControl(w, r, path)
}

// authorised compares in constant time.
func (s *Sandbox) authorised(username, password string) bool {
	return equalSecret(username, s.cfg.Username)&equalSecret(password, s.cfg.Password) == 1
}

func equalSecret(given, want string) int {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:])
}

func (c Config) withDefaults() Config {
	c.Deposit = cmp.Or(c.Deposit, defaultDeposit)
	c.MinAmount = cmp.Or(c.MinAmount, defaultMinAmount)
	c.ReferenceAfter = max(cmp.Or(c.ReferenceAfter, defaultReferenceAfter), 0)
	c.PendingFor = cmp.Or(c.PendingFor, defaultPendingFor)
	c.RefundAfter = cmp.Or(c.RefundAfter, defaultRefundAfter)
	c.Spelling = cmp.Or(c.Spelling, SpellingUnderscore)
	c.Values = cmp.Or(c.Values, ValuesString)
	c.FailureStatus = cmp.Or(c.FailureStatus, http.StatusOK)
	c.LateBy = cmp.Or(c.LateBy, defaultLateBy)
	if c.Now == nil {
		c.Now = time.Now
	}
	c.FirstInvoice = cmp.Or(c.FirstInvoice, c.Now().UnixMilli())
	return c
}

const (
	leastStatus = 200
	mostStatus  = 599
)

func (c Config) check() error {
	switch {
	case c.Username == "" || c.Password == "":
		return errors.New("username and password must be set")
	case c.DirectDefault != 0 && c.DirectDefault != 1:
		return fmt.Errorf("direct is 0 or 1, not %d", c.DirectDefault)
	case c.FailureStatus < leastStatus || c.FailureStatus > mostStatus:
		return fmt.Errorf("failure status %d is not an HTTP status from %d to %d", c.FailureStatus, leastStatus, mostStatus)
	case min(c.Deposit, c.MinAmount, c.HugeBytes, c.FirstInvoice) < 0:
		return errors.New("deposit, least amount, huge bytes and first invoice can't be negative")
	case min(c.PendingFor, c.RefundAfter, c.Delay, c.LateBy, c.SlowInterval) < 0:
		return errors.New("a duration is negative")
	}
	return errors.Join(c.Spelling.check(), c.Values.check())
}
