package providertest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jalurhq/jalur/core"
)

// Bench is what a rule works with: the provider, sample orders, and the line to its sandbox, on which things can happen. Each call is recorded, and held against
// the sandbox's ledger when the rule has ended. It is safe for use by many goroutines.
type Bench struct {
	Harness    Harness
	Descriptor core.Descriptor
	Set        core.Set

	end     func() error
	line    *line
	sandbox sandbox

	before ledger // when the rule began

	mu       sync.Mutex
	findings []string
	orders   []*order
	seen     seen
}

// seen is what is kept over all rules.
type seen struct {
	leaks   []string
	untyped []string
}

// Answer is what a call about an order ended with, once the gateway's own check has been made: what can't be believed is an error.
type Answer struct {
	Order  core.PayRequest
	SentAt time.Time
	Result core.Result
	Err    error

	asked bool // by Status
}

// Outcome is what the answer says of the money.
func (a Answer) Outcome() core.Outcome {
	if a.Err != nil {
		return core.OutcomeOf(a.Err)
	}
	return a.Result.Outcome
}

// String tells what was answered, for a finding.
func (a Answer) String() string {
	if a.Err != nil {
		return "the error " + a.Err.Error()
	}
	return strings.TrimRight(fmt.Sprintf("%s %s", a.Result.Outcome, a.Result.Code), " ")
}

func open(ctx context.Context, h Harness) (*Bench, error) {
	h, err := h.checked()
	if err != nil {
		return nil, err
	}
	b := &Bench{Harness: h, sandbox: newSandbox(h.origin())}
	if b.before, err = b.sandbox.ledger(ctx); err != nil {
		return nil, err
	}
	if b.line, err = newLine(ctx, b.sandbox); err != nil {
		return nil, err
	}
	b.Set, b.end, err = h.New(ctx, h.at(b.line.address))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("no provider could be made of the settings: %w", err), b.line.close())
	}
	if b.Set.Provider == nil {
		return nil, errors.Join(errors.New("a set without a provider was made"), b.close())
	}
	b.Descriptor, err = bounded(ctx, b, "describe", b.Set.Provider.Describe)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("describe: %w", err), b.close())
	}
	if h.Remote {
		b.Set = promised(b.Set, b.Descriptor)
	}
	return b, nil
}

// promised leaves out of a set what the descriptor doesn't promise: from outside of the process everything seems to be there.
func promised(set core.Set, d core.Descriptor) core.Set {
	if !d.TellsBalances {
		set.Balances = nil
	}
	if !d.SendsCallbacks {
		set.Callbacks = nil
	}
	if !d.CancelsQuotes {
		set.Quotes = nil
	}
	return set
}

func (b *Bench) close() error { return errors.Join(b.end(), b.line.close()) }

func (b *Bench) begin(ctx context.Context) (err error) {
	b.mu.Lock()
	b.findings, b.orders = nil, nil
	b.mu.Unlock()
	b.before, err = b.sandbox.ledger(ctx)
	return err
}

// Failf notes what is wrong. Whole account numbers and secrets don't belong into it.
func (b *Bench) Failf(format string, args ...any) {
	finding := b.hide(fmt.Sprintf(format, args...))
	b.mu.Lock()
	defer b.mu.Unlock()
	const most = 20
	if len(b.findings) < most && !slices.Contains(b.findings, finding) {
		b.findings = append(b.findings, finding)
	}
}

// hide takes secrets and account numbers out of a text.
func (b *Bench) hide(text string) string {
	for _, secret := range b.Harness.Secrets {
		text = strings.ReplaceAll(text, secret, "***")
	}
	for _, sample := range b.Harness.Samples {
		if sample.Account != "" {
			text = strings.ReplaceAll(text, string(sample.Account), sample.Account.String())
		}
	}
	return text
}

// Order makes a sample into an order with a reference of its own, and with a quote where the provider wants one. ok is false where no quote was to be had; the
// finding is made.
func (b *Bench) Order(ctx context.Context, sample string) (order core.PayRequest, ok bool) {
	return b.quoted(ctx, b.plain(sample))
}

// plain is Order without a quote.
func (b *Bench) plain(sample string) core.PayRequest {
	s := b.Harness.Samples[sample]
	merchant := s.Merchant
	if merchant == "" {
		merchant = core.MerchantCode(s.Product)
	}
	return core.PayRequest{
		Ref: newRef(), Merchant: merchant, Product: s.Product, Account: s.Account, Amount: s.Amount, Extra: s.Extra,
	}
}

// newRef gives 26 characters of A–Z and 2–7.
func newRef() string {
	const length = 26
	return ("KIT" + rand.Text())[:length]
}

func (b *Bench) quoted(ctx context.Context, order core.PayRequest) (core.PayRequest, bool) {
	if !b.Descriptor.QuoteRequired && order.Amount.Known() {
		return order, true
	}
	quote, err := b.Inquire(ctx, order)
	if err != nil {
		b.Failf("no quote for an order that should get one: %v", err)
		return order, false
	}
	return withQuote(order, quote), true
}

func withQuote(order core.PayRequest, quote core.Quote) core.PayRequest {
	order.Quote = quote.Token
	if !order.Amount.Known() {
		order.Amount = quote.Amount
	}
	return order
}

// Inquire asks for a quote for the order.
func (b *Bench) Inquire(ctx context.Context, o core.PayRequest) (core.Quote, error) {
	ctx, cancel := context.WithTimeout(ctx, b.Harness.Call)
	defer cancel()
	req := core.InquiryRequest{Ref: o.Ref, Merchant: o.Merchant, Product: o.Product, Account: o.Account, Amount: o.Amount, Extra: o.Extra}
	quote, err := bounded(ctx, b, "inquire", func(ctx context.Context) (core.Quote, error) { return b.Set.Provider.Inquire(ctx, req) })
	b.look("inquire", string(o.Account), err)
	return quote, err
}

// Settings are the harness's, with the line to the sandbox in them: another provider that is made of them is on the same line.
func (b *Bench) Settings() json.RawMessage { return b.Harness.at(b.line.address) }

// Pay makes the order. The context's deadline is the call's.
func (b *Bench) Pay(ctx context.Context, o core.PayRequest) Answer { return b.PayAt(ctx, b.Set, o) }

// PayAt is Pay at another set of calls.
func (b *Bench) PayAt(ctx context.Context, set core.Set, o core.PayRequest) Answer {
	ctx, cancel := context.WithTimeout(ctx, b.Harness.Call)
	defer cancel()
	sent := time.Now()
	res, err := bounded(ctx, b, "pay", func(ctx context.Context) (core.Result, error) { return set.Provider.Pay(ctx, o) })
	b.look("pay", string(o.Account), err)
	a := b.judge(o, res, err)
	a.SentAt = sent
	b.record(a)
	return a
}

// Status asks what became of the order that was answered so.
func (b *Bench) Status(ctx context.Context, of Answer) Answer { return b.StatusAt(ctx, b.Set, of) }

// StatusAt is Status at another set of calls.
func (b *Bench) StatusAt(ctx context.Context, set core.Set, of Answer) Answer {
	req := core.StatusRequest{Original: of.Order, FirstSentAt: of.SentAt}
	if b.Descriptor.StatusBy.Has(core.ByInvoice) {
		req.Invoice = of.Result.Invoice
	}
	return b.question(ctx, set, req)
}

func (b *Bench) question(ctx context.Context, set core.Set, req core.StatusRequest) Answer {
	ctx, cancel := context.WithTimeout(ctx, b.Harness.Call)
	defer cancel()
	res, err := bounded(ctx, b, "status", func(ctx context.Context) (core.Result, error) { return set.Provider.Status(ctx, req) })
	b.look("status", string(req.Original.Account), err)
	a := b.judge(req.Original, res, err)
	a.SentAt, a.asked = req.FirstSentAt, true
	if a.Result.Invoice == "" {
		a.Result.Invoice = req.Invoice
	}
	b.record(a)
	return a
}

// judge believes an answer as the gateway does.
func (b *Bench) judge(o core.PayRequest, res core.Result, err error) Answer {
	if err == nil {
		res, err = core.CheckResult(b.Descriptor, o, res)
	}
	return Answer{Order: o, Result: res, Err: err}
}

// Settled asks until the order has ended or Harness.Settle has passed, and gives the last answer. Where the order can't be asked for it gives the answer that there is.
func (b *Bench) Settled(ctx context.Context, a Answer) Answer {
	ctx, cancel := context.WithTimeout(ctx, b.Harness.Settle)
	defer cancel()
	for b.CanAsk(a) && (a.Outcome() == core.Unknown || a.Outcome() == core.Pending) {
		asked := b.Status(ctx, a)
		if ctx.Err() != nil {
			return a
		}
		if asked.Result.Invoice == "" {
			asked.Result.Invoice = a.Result.Invoice
		}
		a = asked
		if !pause(ctx, b.Harness.Every) {
			return a
		}
	}
	return a
}

// CanAsk reports whether the descriptor promises that the order can be asked for.
func (b *Bench) CanAsk(a Answer) bool {
	by := b.Descriptor.StatusBy
	return by.Has(core.ByRef) || by.Has(core.ByInvoice) && a.Result.Invoice != ""
}

// pause waits, and reports whether the context still lives.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// errNoReturn is the end of a call that was given up.
var errNoReturn = errors.New("the call did not return")

type ended[T any] struct {
	answer T
	err    error
}

// bounded makes one call, and gives it up where it goes on beyond its deadline and the grace. A panic is a finding, and no answer.
func bounded[T any](ctx context.Context, b *Bench, op string, call func(context.Context) (T, error)) (T, error) {
	done := make(chan ended[T], 1)
	go func() {
		var e ended[T]
		defer func() {
			if cause := recover(); cause != nil {
				b.Failf("%s panicked: %v", op, cause)
				e.err = &core.Error{Op: op, Code: core.CodeInternal, Err: errors.New("a panic")}
			}
			done <- e
		}()
		e.answer, e.err = call(ctx)
	}()
	select {
	case e := <-done:
		return e.answer, e.err
	case <-ctx.Done():
	}
	late := time.NewTimer(b.Harness.Grace)
	defer late.Stop()
	select {
	case e := <-done:
		return e.answer, e.err
	case <-late.C:
		b.Failf("%s went on for more than %s after its context had ended", op, b.Harness.Grace)
		var none T
		return none, &core.Error{Op: op, Code: core.CodeInternal, Err: errNoReturn}
	}
}

// look notes what no error may be.
func (b *Bench) look(op, account string, err error) {
	if err == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if known, ok := errors.AsType[*core.Error](err); !ok {
		b.seen.untyped = append(b.seen.untyped, fmt.Sprintf("%s: a %T, not a *core.Error", op, err))
	} else if !known.Code.Valid() {
		b.seen.untyped = append(b.seen.untyped, fmt.Sprintf("%s: an error with the code %q, which is not on the list", op, known.Code))
	}
	b.searched(op+"'s error", account, err.Error())
}

// searched notes a secret or a whole account number in a text that people are shown. It wants the lock held.
func (b *Bench) searched(where, account, text string) {
	for _, secret := range b.Harness.Secrets {
		if strings.Contains(text, secret) {
			b.seen.leaks = append(b.seen.leaks, where+" shows a secret")
		}
	}
	const least = 6 // a shorter number can stand in a text by chance
	if len(account) >= least && strings.Contains(text, account) {
		b.seen.leaks = append(b.seen.leaks, where+" shows a whole account number")
	}
}

// with makes another provider from changed settings, for as long as use takes.
func (b *Bench) with(ctx context.Context, settings json.RawMessage, use func(core.Set)) error {
	set, end, err := b.Harness.New(ctx, settings)
	if err != nil {
		return err
	}
	use(set)
	return end()
}
