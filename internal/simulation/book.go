package simulation

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
)

var errClosed = errors.New("the journal is closed")

// Book is a journal in memory, with the rules of the contract: compare-and-set under a fence, one live attempt a payment, one attempt an invoice, an
// event in the transaction of every change. It never fails by itself; the sessions of the gateways do that. Flaw plants a mistake for the checker to find.
type Book struct {
	mu       sync.Mutex
	closed   bool
	flaw     string
	payments map[core.PaymentID]*journal.Payment // its attempts are kept apart
	order    []*sheet                            // of every attempt, as they were made
	sheets   map[string]*sheet
	keys     map[string]core.PaymentID
	invoices map[string]string
	quotes   map[string]journal.Inquiry
	events   int64
	cases    []journal.Case // as they were opened
	seen     func(entry)    // told of every write; nil: nobody is
}

// sheet is what the book has of one attempt.
type sheet struct {
	attempt journal.Attempt
	events  []journal.Event
}

// entry is one write, as the checker is told of it.
type entry struct {
	before   *journal.Attempt // nil where the attempt is new
	after    journal.Attempt
	payment  journal.Payment // without its attempts
	from     journal.State   // what the writer expected
	fence    int64
	claimed  bool // by ClaimDue
	claimNow time.Time
}

// NewBook gives an empty journal.
func NewBook() *Book {
	return &Book{
		payments: map[core.PaymentID]*journal.Payment{}, sheets: map[string]*sheet{}, keys: map[string]core.PaymentID{},
		invoices: map[string]string{}, quotes: map[string]journal.Inquiry{},
	}
}

// open begins a call; the caller unlocks.
func (b *Book) open(ctx context.Context) error {
	b.mu.Lock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.closed {
		return errClosed
	}
	return nil
}

func notWritten(err error) error { return fmt.Errorf("%w: %w", journal.ErrNotWritten, err) }

// Submit implements [journal.Store].
func (b *Book) Submit(ctx context.Context, p journal.Payment, cause journal.Cause) (journal.Payment, bool, error) {
	defer b.mu.Unlock()
	if err := b.open(ctx); err != nil {
		return journal.Payment{}, false, notWritten(err)
	}
	if err := checkSubmit(p); err != nil {
		return journal.Payment{}, false, err
	}
	if id, used := b.keys[keyOf(p)]; used && b.flaw != "key-not-unique" {
		return b.load(id), false, nil
	}
	if b.quoteHolder(p.Attempts[0]) != "" {
		return journal.Payment{}, false, fmt.Errorf("attempt %s: %w", p.Attempts[0].ID, journal.ErrQuoteUsed)
	}
	if b.payments[p.ID] != nil || b.sheets[p.Attempts[0].ID] != nil {
		return journal.Payment{}, false, fmt.Errorf("payment %s: %w", p.ID, journal.ErrIllegal)
	}
	a := tidy(p.Attempts[0])
	p.Attempts = nil
	p.CreatedAt = moment(p.CreatedAt)
	p.Extra = dropEmpty(p.Extra)
	b.payments[p.ID], b.keys[keyOf(p)] = &p, p.ID
	b.insert(a, cause)
	return b.load(p.ID), true, nil
}

func keyOf(p journal.Payment) string { return p.Client + "\x00" + string(p.Key) }

func checkSubmit(p journal.Payment) error {
	if len(p.Attempts) != 1 || p.Attempts[0].N != 1 || p.ID == "" || p.Key == "" || p.CreatedAt.IsZero() {
		return fmt.Errorf("payment %s is not a whole one with its first attempt: %w", p.ID, journal.ErrIllegal)
	}
	return checkNew(p.Attempts[0], p.ID)
}

func checkNew(a journal.Attempt, of core.PaymentID) error {
	starts := a.State == journal.Created || a.State == journal.Sending || a.State == journal.Failed
	if !starts || a.ID == "" || a.CreatedAt.IsZero() || a.UpdatedAt.IsZero() || a.PaymentID != of {
		return fmt.Errorf("attempt %s can't start like this: %w", a.ID, journal.ErrIllegal)
	}
	return nil
}

func (b *Book) insert(a journal.Attempt, cause journal.Cause) {
	s := &sheet{attempt: a}
	b.sheets[a.ID] = s
	b.order = append(b.order, s)
	b.event(s, "", journal.Created, cause, a.CreatedAt)
	if a.State != journal.Created {
		b.event(s, journal.Created, a.State, cause, a.UpdatedAt)
	}
	b.tell(entry{after: a})
}

func (b *Book) event(s *sheet, from, to journal.State, cause journal.Cause, at time.Time) {
	b.events++
	b.keepTask(s, from, to, cause, at)
	if b.flaw == "event-missing" && to == journal.Unknown {
		return
	}
	s.events = append(s.events, journal.Event{
		ID: b.events, AttemptID: s.attempt.ID, From: from, To: to, Fence: s.attempt.Fence, Cause: cause, At: moment(at),
	})
}

func (b *Book) tell(e entry) {
	if b.seen != nil {
		e.payment = *b.payments[e.after.PaymentID]
		b.seen(e)
	}
}

// Apply implements [journal.Store].
func (b *Book) Apply(ctx context.Context, c journal.Change) error {
	defer b.mu.Unlock()
	if err := b.open(ctx); err != nil {
		return notWritten(err)
	}
	if err := checkChange(c); err != nil {
		return err
	}
	s := b.sheets[c.Attempt.ID]
	if s == nil || !b.expected(s.attempt, c) {
		return fmt.Errorf("attempt %s is not %s under fence %d: %w", c.Attempt.ID, c.From, c.FromFence, journal.ErrStale)
	}
	if c.OnlyCase() {
		b.openCase(s.attempt, *c.Case)
		return nil
	}
	if err := b.checkUnique(s, c); err != nil {
		return err
	}
	before := s.attempt
	s.attempt = tidy(c.Attempt)
	b.invoice(before, s.attempt)
	if c.From != c.Attempt.State {
		b.event(s, c.From, c.Attempt.State, c.Cause, c.Attempt.UpdatedAt)
	}
	if c.Case != nil {
		b.openCase(s.attempt, *c.Case)
	}
	b.tell(entry{before: &before, after: s.attempt, from: c.From, fence: c.FromFence})
	if c.Next != nil {
		b.insert(tidy(*c.Next), c.Cause)
	}
	return nil
}

func checkChange(c journal.Change) error {
	if err := c.Check(); err != nil {
		return err
	}
	if c.From == "" || c.Attempt.UpdatedAt.IsZero() && !c.OnlyCase() {
		return fmt.Errorf("attempt %s lacks its state before or its time: %w", c.Attempt.ID, journal.ErrIllegal)
	}
	if c.Next == nil {
		return nil
	}
	return checkNew(*c.Next, c.Attempt.PaymentID)
}

// expected is the compare of compare-and-set.
func (b *Book) expected(a journal.Attempt, c journal.Change) bool {
	state := a.State == c.From || b.flaw == "state-not-compared"
	fence := a.Fence == c.FromFence || b.flaw == "fence-not-compared"
	return state && fence && a.PaymentID == c.Attempt.PaymentID && a.N == c.Attempt.N &&
		a.Provider == c.Attempt.Provider && a.Instance == c.Attempt.Instance
}

func invoiceKey(a journal.Attempt) string { return a.Provider + "\x00" + string(a.Invoice) }

// checkUnique is what the unique indexes forbid.
func (b *Book) checkUnique(s *sheet, c journal.Change) error {
	if holder := b.invoices[invoiceKey(c.Attempt)]; holder != "" && holder != c.Attempt.ID && b.flaw != "invoice-shared" {
		return fmt.Errorf("attempt %s: %w", c.Attempt.ID, journal.ErrInvoiceTaken)
	}
	if b.quoteHolder(c.Attempt) != "" || c.Next != nil && b.quoteHolder(*c.Next) != "" {
		return fmt.Errorf("attempt %s: %w", c.Attempt.ID, journal.ErrQuoteUsed)
	}
	live := 0
	for _, other := range b.order {
		if other != s && other.attempt.PaymentID == c.Attempt.PaymentID && other.attempt.State.Live() {
			live++
		}
	}
	if c.Attempt.State.Live() && live > 0 {
		return fmt.Errorf("attempt %s would be a second live one: %w", c.Attempt.ID, journal.ErrIllegal)
	}
	if c.Next != nil && (b.sheets[c.Next.ID] != nil || c.Next.State.Live() && live > 0) {
		return fmt.Errorf("attempt %s: %w", c.Next.ID, journal.ErrIllegal)
	}
	return nil
}

// quoteHolder gives the other attempt that is paid by the same quote.
func (b *Book) quoteHolder(a journal.Attempt) string {
	if a.Quote == "" || a.State == journal.Failed {
		return ""
	}
	for _, s := range b.order {
		other := s.attempt
		if other.ID != a.ID && other.State != journal.Failed && other.Quote == a.Quote && other.Provider == a.Provider && other.Instance == a.Instance {
			return other.ID
		}
	}
	return ""
}

func (b *Book) invoice(before, after journal.Attempt) {
	if before.Invoice != "" && before.Invoice != after.Invoice {
		delete(b.invoices, invoiceKey(before))
	}
	if after.Invoice != "" {
		b.invoices[invoiceKey(after)] = after.ID
	}
}

// ClaimDue implements [journal.Store].
func (b *Book) ClaimDue(ctx context.Context, c journal.Claim) ([]journal.Payment, error) {
	defer b.mu.Unlock()
	if err := b.open(ctx); err != nil {
		return nil, notWritten(err)
	}
	var due []*sheet
	for _, s := range b.order {
		if b.waits(s.attempt) && (!s.attempt.NextAt.After(c.Now) || s.attempt.NextAt.After(c.Latest())) {
			due = append(due, s)
		}
	}
	slices.SortStableFunc(due, func(x, y *sheet) int { return x.attempt.NextAt.Compare(y.attempt.NextAt) })
	var claimed []journal.Payment
	for _, s := range due[:min(len(due), max(c.Limit, 0))] {
		before := s.attempt
		s.attempt.Owner, s.attempt.NextAt = c.Owner, moment(c.Until)
		if b.flaw != "claim-keeps-fence" {
			s.attempt.Fence++
		}
		b.tell(entry{before: &before, after: s.attempt, from: before.State, fence: before.Fence, claimed: true, claimNow: c.Now})
		claimed = append(claimed, b.load(s.attempt.PaymentID))
	}
	return claimed, nil
}

// waits reports whether somebody is to look at an attempt, now or later.
func (b *Book) waits(a journal.Attempt) bool {
	switch a.State {
	case journal.Created, journal.Sending, journal.Accepted, journal.Unknown:
		return !a.NextAt.IsZero() && b.isLast(a)
	case journal.Parked, journal.Confirmed, journal.Refunded, journal.Failed:
		return false
	}
	return false
}

func (b *Book) isLast(a journal.Attempt) bool {
	for _, s := range b.order {
		if s.attempt.PaymentID == a.PaymentID && s.attempt.N > a.N {
			return false
		}
	}
	return true
}

// load gives a payment as it stands; its attempts are the caller's.
func (b *Book) load(id core.PaymentID) journal.Payment {
	p := *b.payments[id]
	for _, s := range b.order {
		if s.attempt.PaymentID == id {
			p.Attempts = append(p.Attempts, s.attempt)
		}
	}
	return p
}

// Payment implements [journal.Store].
func (b *Book) Payment(ctx context.Context, id core.PaymentID) (journal.Payment, error) {
	defer b.mu.Unlock()
	if err := b.open(ctx); err != nil {
		return journal.Payment{}, err
	}
	if b.payments[id] == nil {
		return journal.Payment{}, fmt.Errorf("payment %s: %w", id, journal.ErrNotFound)
	}
	return b.load(id), nil
}

// ByKey implements [journal.Store].
func (b *Book) ByKey(ctx context.Context, client string, key core.Key) (journal.Payment, error) {
	defer b.mu.Unlock()
	if err := b.open(ctx); err != nil {
		return journal.Payment{}, err
	}
	id, used := b.keys[keyOf(journal.Payment{Client: client, Key: key})]
	if !used {
		return journal.Payment{}, fmt.Errorf("payment by its key: %w", journal.ErrNotFound)
	}
	return b.load(id), nil
}

// Find implements [journal.Store].
func (b *Book) Find(ctx context.Context, n journal.Named) (journal.Payment, error) {
	defer b.mu.Unlock()
	if err := b.open(ctx); err != nil {
		return journal.Payment{}, err
	}
	for _, named := range []func(journal.Attempt) bool{
		func(a journal.Attempt) bool { return n.Ref != "" && a.ID == n.Ref },
		func(a journal.Attempt) bool { return n.Quote != "" && a.Quote == n.Quote && a.State != journal.Failed },
		func(a journal.Attempt) bool { return n.Invoice != "" && a.Invoice == n.Invoice },
	} {
		for _, s := range b.order {
			if a := s.attempt; a.Provider == n.Provider && a.Instance == n.Instance && named(a) {
				return b.load(a.PaymentID), nil
			}
		}
	}
	return journal.Payment{}, fmt.Errorf("attempt as its provider names it: %w", journal.ErrNotFound)
}

// Events implements [journal.Store].
func (b *Book) Events(ctx context.Context, id core.PaymentID) ([]journal.Event, error) {
	defer b.mu.Unlock()
	if err := b.open(ctx); err != nil {
		return nil, err
	}
	var all []journal.Event
	for _, s := range b.order {
		if s.attempt.PaymentID == id {
			all = append(all, s.events...)
		}
	}
	slices.SortFunc(all, func(x, y journal.Event) int { return int(x.ID - y.ID) })
	return all, nil
}

// List implements [journal.Store].
func (b *Book) List(ctx context.Context, f journal.Filter) (journal.Page, error) {
	defer b.mu.Unlock()
	if err := b.open(ctx); err != nil {
		return journal.Page{}, err
	}
	var all []journal.Payment
	for id := range b.payments {
		if p := b.load(id); selects(f, p) {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, newestFirst)
	if f.Cursor != "" {
		last, err := readCursor(f.Cursor)
		if err != nil {
			return journal.Page{}, err
		}
		all = slices.DeleteFunc(all, func(p journal.Payment) bool { return newestFirst(p, last) <= 0 })
	}
	size := journal.DefaultPage
	if f.Limit > 0 {
		size = min(f.Limit, journal.MaxPage)
	}
	if len(all) <= size {
		return journal.Page{Payments: all}, nil
	}
	return journal.Page{Payments: all[:size], Next: cursor(all[size-1])}, nil
}

func selects(f journal.Filter, p journal.Payment) bool {
	return (f.AnyClient || p.Client == f.Client) && (f.Key == "" || p.Key == f.Key) &&
		(f.Account == "" || p.Account == f.Account) && (f.State == "" || p.State() == f.State) && !p.CreatedAt.Before(f.Since)
}

func newestFirst(x, y journal.Payment) int {
	if c := y.CreatedAt.Compare(x.CreatedAt); c != 0 {
		return c
	}
	return strings.Compare(string(y.ID), string(x.ID))
}

func cursor(p journal.Payment) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d:%s", p.CreatedAt.UnixMicro(), p.ID))
}

func readCursor(text string) (journal.Payment, error) {
	plain, err := base64.RawURLEncoding.DecodeString(text)
	number, id, found := strings.Cut(string(plain), ":")
	at, bad := strconv.ParseInt(number, 10, 64)
	if err != nil || bad != nil || !found {
		return journal.Payment{}, fmt.Errorf("page %q: %w", text, journal.ErrCursor)
	}
	return journal.Payment{ID: core.PaymentID(id), CreatedAt: time.UnixMicro(at).UTC()}, nil
}

// SaveInquiry implements [journal.Store].
func (b *Book) SaveInquiry(ctx context.Context, q journal.Inquiry) error {
	defer b.mu.Unlock()
	if err := b.open(ctx); err != nil {
		return notWritten(err)
	}
	if _, used := b.quotes[q.ID]; used {
		return fmt.Errorf("inquiry %s is there already: %w", q.ID, journal.ErrNotWritten)
	}
	q.ExpiresAt, q.CreatedAt, q.Details = moment(q.ExpiresAt), moment(q.CreatedAt), dropEmpty(q.Details)
	b.quotes[q.ID] = q
	return nil
}

// Inquiry implements [journal.Store].
func (b *Book) Inquiry(ctx context.Context, client, id string) (journal.Inquiry, error) {
	defer b.mu.Unlock()
	if err := b.open(ctx); err != nil {
		return journal.Inquiry{}, err
	}
	q, known := b.quotes[id]
	if !known || q.Client != client {
		return journal.Inquiry{}, fmt.Errorf("inquiry: %w", journal.ErrNotFound)
	}
	return q, nil
}

// Ping implements [journal.Store].
func (b *Book) Ping(ctx context.Context) error {
	defer b.mu.Unlock()
	if err := b.open(ctx); err != nil {
		return notWritten(err)
	}
	return nil
}

// Close implements [journal.Store].
func (b *Book) Close() error {
	defer b.mu.Unlock()
	b.mu.Lock()
	b.closed = true
	return nil
}

// tidy gives an attempt as a database would give it back.
func tidy(a journal.Attempt) journal.Attempt {
	for _, at := range []*time.Time{&a.NextAt, &a.ProviderTime, &a.StartedAt, &a.EndedAt, &a.CreatedAt, &a.UpdatedAt} {
		*at = moment(*at)
	}
	a.Details = dropEmpty(a.Details)
	return a
}

func moment(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

func dropEmpty(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	return maps.Clone(m)
}

// earliest gives when somebody should next look at an attempt; some is false where nobody needs to.
func (b *Book) earliest() (at time.Time, some bool) {
	for _, s := range b.order {
		if b.waits(s.attempt) && (!some || s.attempt.NextAt.Before(at)) {
			at, some = s.attempt.NextAt, true
		}
	}
	return at, some
}

// forget loses the newest payment, as a standby that was behind would. Only the flaw "lost-tail" calls it.
func (b *Book) forget() {
	if len(b.order) == 0 {
		return
	}
	last := b.order[len(b.order)-1].attempt
	if last.N != 1 {
		return
	}
	delete(b.keys, keyOf(*b.payments[last.PaymentID]))
	delete(b.payments, last.PaymentID)
	delete(b.sheets, last.ID)
	b.order = b.order[:len(b.order)-1]
}
