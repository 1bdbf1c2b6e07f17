package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jalurhq/jalur/providers/sandbox"
)

// States of an order in the ledger.
const (
	StatePending = "PENDING" // executed, its reference still to come; status_reload says CONFIRM
	StateConfirm = "CONFIRM"
	StateRefund  = "REFUND" // executed and given back
)

// referenceOffset lies between the page's sample invoice 123456789 and its reference 101837139231331.
const referenceOffset = 101_837_139_231_331 - 123_456_789

var (
	errDeposit = errors.New("the deposit does not suffice")
	errClosed  = errors.New("the ledger is closed")
)

// order is one executed reload. What it is at a moment follows from its times; a zero time is never.
type order struct {
	Invoice     int64     `json:"invoice"`
	Merchant    string    `json:"merchant"`
	Account     string    `json:"account"`
	Amount      int64     `json:"amount"`
	Debet       int64     `json:"debet"`
	Cashback    int64     `json:"cashback"`
	At          time.Time `json:"at"`
	Late        bool      `json:"late,omitempty"` // not executed before At
	ReferenceAt time.Time `json:"reference_at,omitzero"`
	RefundAt    time.Time `json:"refund_at,omitzero"`
}

func reached(moment, now time.Time) bool { return !moment.IsZero() && !now.Before(moment) }

// executed is not a matter of time for an order that isn't late, so that a clock which is set back hides nothing.
func (o order) executed(now time.Time) bool { return !o.Late || reached(o.At, now) }

func (o order) invoice() string { return strconv.FormatInt(o.Invoice, 10) }

// reference is empty until its time has come.
func (o order) reference(now time.Time) string {
	if !reached(o.ReferenceAt, now) {
		return ""
	}
	return strconv.FormatInt(o.Invoice+referenceOffset, 10)
}

func (o order) state(now time.Time) string {
	switch {
	case reached(o.RefundAt, now):
		return StateRefund
	case reached(o.ReferenceAt, now):
		return StateConfirm
	default:
		return StatePending
	}
}

// status is the state in the page's two words.
func (o order) status(now time.Time) string {
	if reached(o.RefundAt, now) {
		return StateRefund
	}
	return StateConfirm
}

// Ledger is what was really executed, and the rupiah that are left. Ref is the reference number; empty while there is none.
type Ledger struct {
	sandbox.Ledger

	Deposit int64 `json:"deposit"`
}

// Of gives the part of the ledger that is about one account.
func (l Ledger) Of(account string) Ledger { return Ledger{l.Ledger.Of(account), l.Deposit} }

// book is the provider's own record of orders and deposit.
type book struct {
	now   func() time.Time
	start int64 // the deposit at the start

	mu        sync.Mutex
	orders    []order
	byInvoice map[string]order
	refunds   []order // whose money is still to be given back
	deposit   int64
	next      int64 // invoice
	file      *sandbox.File[order]
	closed    bool
}

func openBook(cfg Config) (*book, error) {
	b := &book{now: cfg.Now, start: cfg.Deposit, deposit: cfg.Deposit, next: cfg.FirstInvoice, byInvoice: map[string]order{}}
	file, orders, err := sandbox.OpenFile[order](cfg.LedgerFile)
	if err != nil {
		return nil, err
	}
	b.file = file
	for _, o := range orders {
		b.enter(o)
	}
	return b, nil
}

// enter takes an order into memory; the caller holds the lock or is alone.
func (b *book) enter(o order) {
	b.orders = append(b.orders, o)
	b.byInvoice[o.invoice()] = o
	b.deposit -= o.Debet
	b.next = max(b.next, o.Invoice+1)
	if !o.RefundAt.IsZero() {
		b.refunds = append(b.refunds, o)
	}
}

// execute debits the deposit and records the order so many times; the last one is given back, with its invoice. Errors: errDeposit, or the
// ledger file's.
func (b *book) execute(o order, times int64) (order, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle()
	if b.closed {
		return order{}, errClosed
	}
	if b.deposit < o.Debet*times {
		return order{}, errDeposit
	}
	for range times {
		o.Invoice = b.next
		if err := b.file.Append(o); err != nil {
			return order{}, fmt.Errorf("invoice %d: %w", o.Invoice, err)
		}
		b.enter(o)
	}
	return o, nil
}

// settle gives back the money of the refunds that have come due.
func (b *book) settle() {
	now, waiting := b.now(), b.refunds[:0]
	for _, o := range b.refunds {
		if reached(o.RefundAt, now) {
			b.deposit += o.Debet
		} else {
			waiting = append(waiting, o)
		}
	}
	b.refunds = waiting
}

// find gives the order of an invoice. One that is to be executed later isn't there yet.
func (b *book) find(invoice string) (order, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o, ok := b.byInvoice[invoice]
	return o, ok && o.executed(b.now())
}

// before gives the invoice of the order before this one, or, where there is none, the number before it, which no order has.
func (b *book) before(o order) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.IndexFunc(b.orders, func(other order) bool { return other.Invoice == o.Invoice })
	if at > 0 {
		return b.orders[at-1].invoice()
	}
	return strconv.FormatInt(o.Invoice-1, 10)
}

func (b *book) ledger() Ledger {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle()
	now := b.now()
	var entries []sandbox.Entry
	for _, o := range b.orders {
		if o.executed(now) {
			entries = append(entries, sandbox.Entry{
				Invoice: o.invoice(), Ref: o.reference(now), Merchant: o.Merchant, Account: o.Account,
				Amount: json.Number(strconv.FormatInt(o.Amount, 10)), State: o.state(now), At: o.At.UTC(),
			})
		}
	}
	return Ledger{sandbox.NewLedger(entries...), b.deposit}
}

func (b *book) reset() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.file.Empty(); err != nil {
		return err
	}
	b.orders, b.refunds, b.byInvoice, b.deposit = nil, nil, map[string]order{}, b.start
	return nil
}

func (b *book) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return b.file.Close()
}
