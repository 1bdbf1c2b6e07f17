package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/jalurhq/jalur/providers/sandbox"
)

// retention is how long a ref_id means the same order.
const retention = 90 * 24 * time.Hour

var errClosed = errors.New("the ledger is closed")

// order is one that was formed: accepted, or failed as an order. What it is at a moment follows from its times; a zero time is never.
type order struct {
	Ref       string    `json:"ref"`
	SKU       string    `json:"sku"`
	Account   string    `json:"account"`
	Amount    int64     `json:"amount"` // what was bought
	Price     int64     `json:"price"`  // what leaves the deposit
	Selling   int64     `json:"selling,omitempty"`
	Admin     int64     `json:"admin,omitempty"`
	Postpaid  bool      `json:"postpaid,omitempty"`
	Testing   bool      `json:"testing,omitempty"`
	At        time.Time `json:"at"`
	Late      bool      `json:"late,omitempty"` // not there before At
	SettledAt time.Time `json:"settled_at,omitzero"`
	FailedRC  string    `json:"failed_rc,omitempty"` // how it ends; empty: well
	RefundAt  time.Time `json:"refund_at,omitzero"`
	Number    int64     `json:"number"` // in the order of their coming
	AskedAt   time.Time `json:"-"`      // when its ref_id came last
}

func reached(moment, now time.Time) bool { return !moment.IsZero() && !now.Before(moment) }

func (o order) there(now time.Time) bool { return !o.Late || reached(o.At, now) }

// stands gives status and code at a moment.
func (o order) stands(now time.Time) (status, rc string) {
	switch {
	case !reached(o.SettledAt, now):
		return statusPending, rcPending
	case o.FailedRC != "":
		return statusFailed, o.FailedRC
	case reached(o.RefundAt, now):
		return statusFailed, "74"
	default:
		return statusOK, rcOK
	}
}

// holds reports whether its price is out of the deposit at a moment.
func (o order) holds(now time.Time) bool {
	status, _ := o.stands(now)
	return o.there(now) && status != statusFailed
}

// final reports whether nothing of it changes any more.
func (o order) final(now time.Time) bool {
	return o.there(now) && reached(o.SettledAt, now) && (o.RefundAt.IsZero() || reached(o.RefundAt, now))
}

// bills gives of how many bills it is.
func (o order) bills() int {
	const two = 23_000
	if o.Price == two {
		return 2
	}
	return 1
}

func (o order) sn(status string) string {
	switch {
	case status != statusOK:
		return ""
	case o.SKU == "pln20":
		return fmt.Sprintf("1234-5678-9012-3456-%04d/BUDI/R1/1300VA/13,5", o.Number)
	case o.Testing || o.Number == 1:
		return "1234567890"
	default:
		return strconv.FormatInt(1_234_567_890+o.Number, 10)
	}
}

// executed reports whether the order belongs into the ledger.
func (o order) executed(now time.Time) bool { return o.there(now) && o.FailedRC == "" }

func (o order) entry(now time.Time) sandbox.Entry {
	state, rc := o.stands(now)
	if rc == "74" {
		state = "Refund"
	}
	return sandbox.Entry{
		Invoice: o.Ref, Ref: o.Ref, Merchant: o.SKU, Account: o.Account, Amount: json.Number(strconv.FormatInt(o.Amount, 10)), State: state, At: o.At.UTC(),
	}
}

// Ledger is what was really executed, and the rupiah that are left.
type Ledger struct {
	sandbox.Ledger

	Deposit int64 `json:"deposit"`
}

// Of gives the part of the ledger that is about one account.
func (l Ledger) Of(account string) Ledger { return Ledger{l.Ledger.Of(account), l.Deposit} }

// inquiry is a bill that was asked for.
type inquiry struct {
	order order
	day   string // in Jakarta
}

// book is the provider's own record of orders, inquiries and deposit.
type book struct {
	now   func() time.Time
	start int64 // the deposit at the start

	mu        sync.Mutex
	orders    []*order
	moving    []*order // whose money may still come back or go
	fixed     int64    // the deposit without theirs
	byRef     map[string]*order
	inquiries map[string]inquiry
	sold      map[string]int64 // by product, of those with a stock
	number    int64
	file      *sandbox.File[order]
	closed    bool
}

func openBook(cfg Config) (*book, error) {
	file, orders, err := sandbox.OpenFile[order](cfg.LedgerFile)
	if err != nil {
		return nil, err
	}
	b := &book{now: cfg.Now, start: cfg.Deposit, file: file}
	b.forget()
	for _, o := range orders {
		b.enter(o)
	}
	return b, nil
}

func (b *book) forget() {
	b.orders, b.moving, b.fixed = nil, nil, b.start
	b.byRef, b.inquiries, b.sold = map[string]*order{}, map[string]inquiry{}, map[string]int64{}
}

// enter takes an order into memory; the caller holds the lock or is alone.
func (b *book) enter(o order) {
	b.number = max(b.number, o.Number)
	kept := &o
	b.orders, b.moving = append(b.orders, kept), append(b.moving, kept)
	b.byRef[o.Ref] = kept
	if o.FailedRC == "" {
		b.sold[o.SKU]++
	}
}

// add records an order so many times.
func (b *book) add(o order, times int) (order, error) {
	if b.closed {
		return o, errClosed
	}
	for range times {
		o.Number = b.number + 1
		if err := b.file.Append(o); err != nil {
			return o, fmt.Errorf("ref %s: %w", o.Ref, err)
		}
		b.enter(o)
	}
	return o, nil
}

// balance gives what is left of the deposit.
func (b *book) balance() int64 {
	now, left, moving := b.now(), b.fixed, b.moving[:0]
	for _, o := range b.moving {
		var taken int64
		if o.holds(now) {
			taken = o.Price
		}
		left -= taken
		if o.final(now) {
			b.fixed -= taken
		} else {
			moving = append(moving, o)
		}
	}
	b.moving = moving
	return left
}

func (b *book) left() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.balance()
}

// find gives the order of a ref_id that is there and not too old; the caller holds the lock.
func (b *book) find(ref string) *order {
	o, ok := b.byRef[ref]
	now := b.now()
	if !ok || !o.there(now) || now.Sub(o.At) >= retention {
		return nil
	}
	return o
}

// before gives the order before this one, or this one with another reference where there is none.
func (b *book) before(o order) order {
	b.mu.Lock()
	defer b.mu.Unlock()
	other := o
	other.Ref = "ORDERBEFORE"
	for _, earlier := range b.orders {
		if earlier.Ref == o.Ref {
			break
		}
		other = *earlier
	}
	return other
}

// boughtToday reports whether an account has the product already, by Jakarta's days.
func (b *book) boughtToday(sku, account string) bool {
	today := day(b.now())
	for _, o := range b.orders {
		if o.SKU == sku && o.Account == account && o.FailedRC == "" && day(o.At) == today {
			return true
		}
	}
	return false
}

func day(t time.Time) string { return t.In(jakarta()).Format(time.DateOnly) }

func (b *book) ledger() Ledger {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	var entries []sandbox.Entry
	for _, o := range b.orders {
		if o.executed(now) {
			entries = append(entries, o.entry(now))
		}
	}
	return Ledger{sandbox.NewLedger(entries...), b.balance()}
}

func (b *book) reset() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.file.Empty(); err != nil {
		return err
	}
	b.forget()
	return nil
}

func (b *book) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return b.file.Close()
}
