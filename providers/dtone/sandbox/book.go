package sandbox

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jalurhq/jalur/providers/sandbox"
)

// Classes of a status.
const (
	created   = 1
	confirmed = 2
	rejected  = 3
	cancelled = 4
	submitted = 5
	completed = 7
	reversed  = 8
	declined  = 9
)

func className(class int) string {
	return map[int]string{
		created: "CREATED", confirmed: "CONFIRMED", rejected: "REJECTED", cancelled: "CANCELLED", submitted: "SUBMITTED",
		completed: "COMPLETED", reversed: "REVERSED", declined: "DECLINED",
	}[class]
}

// transaction is one of them. What it is at a moment follows from its times; a zero time is never.
type transaction struct {
	ID        int64             `json:"id"`
	External  string            `json:"external_id"`
	Product   int               `json:"product"`
	Amount    number            `json:"amount"` // that arrives
	Asked     string            `json:"asked,omitempty"`
	Price     number            `json:"price"` // dollars, with the fee
	Fee       number            `json:"fee"`
	Credit    map[string]string `json:"credit,omitempty"`
	Sender    map[string]string `json:"sender,omitempty"`
	Statement map[string]string `json:"statement,omitempty"`
	Callback  string            `json:"callback,omitempty"`

	SeenAt      time.Time `json:"seen_at"` // not before that does anybody see it
	ExpiresAt   time.Time `json:"expires_at"`
	ConfirmedAt time.Time `json:"confirmed_at,omitzero"`
	CancelledAt time.Time `json:"cancelled_at,omitzero"`
	DoneAt      time.Time `json:"done_at,omitzero"`
	ReversedAt  time.Time `json:"reversed_at,omitzero"`

	Class   int    `json:"class"` // in which it ends
	Message string `json:"message"`
	PIN     bool   `json:"pin,omitempty"`
}

func reached(moment, now time.Time) bool { return !moment.IsZero() && !now.Before(moment) }

// class gives what the transaction is at a moment, and its message.
func (t transaction) class(now time.Time) (class int, message string) {
	switch {
	case !t.CancelledAt.IsZero(), t.ConfirmedAt.IsZero() && reached(t.ExpiresAt, now):
		class = cancelled
	case t.ConfirmedAt.IsZero():
		class = created
	case reached(t.ReversedAt, now):
		class = reversed
	case reached(t.DoneAt, now):
		return t.Class, t.Message
	default:
		class = submitted
	}
	return class, className(class)
}

// executed reports whether the transaction takes money, now or in the end.
func (t transaction) executed(now time.Time) bool {
	return !t.ConfirmedAt.IsZero() && t.Class == completed && reached(t.SeenAt, now)
}

// account is the credit party's first number.
func (t transaction) account() string {
	for _, field := range []string{"mobile_number", "account_number"} {
		if number := t.Credit[field]; number != "" {
			return number
		}
	}
	return ""
}

func (t transaction) invoice() string { return strconv.FormatInt(t.ID, 10) }

// Ledger is what was really executed, and where the deposit stands.
type Ledger struct {
	sandbox.Ledger

	Available json.Number `json:"available"` // dollars
	Holding   json.Number `json:"holding"`
}

var (
	errBalance   = errors.New("the balance does not suffice")
	errDuplicate = errors.New("the external id was used")
	errClosed    = errors.New("the ledger is closed")
)

// book is the provider's own record of transactions and balance.
type book struct {
	now   func() time.Time
	start number

	mu         sync.Mutex
	all        []transaction
	byID       map[int64]int
	byExternal map[string]int
	open       []int  // whose money may still change
	captured   number // by those that are no longer open
	next       int64
	file       *sandbox.File[transaction]
	closed     bool
}

func openBook(cfg Config) (*book, error) {
	b := &book{now: cfg.Now, start: of(cfg.Deposit), next: cfg.FirstID, byID: map[int64]int{}, byExternal: map[string]int{}}
	file, records, err := sandbox.OpenFile[transaction](cfg.LedgerFile)
	if err != nil {
		return nil, err
	}
	b.file = file
	for _, t := range records {
		b.enter(t)
	}
	return b, nil
}

// enter takes a transaction into memory, or what it has become; the caller holds the lock or is alone.
func (b *book) enter(t transaction) {
	if at, known := b.byID[t.ID]; known {
		b.all[at] = t
		return
	}
	at := len(b.all)
	b.all = append(b.all, t)
	b.byID[t.ID] = at
	if _, taken := b.byExternal[t.External]; !taken {
		b.byExternal[t.External] = at
	}
	b.open = append(b.open, at)
	b.next = max(b.next, t.ID+1)
}

// settle puts aside the transactions whose money doesn't change any more, and gives what is held and what is taken.
func (b *book) settle() (holding, taken number) {
	now := b.now()
	taken = b.captured
	b.open = slices.DeleteFunc(b.open, func(at int) bool {
		t := b.all[at]
		switch class, _ := t.class(now); class {
		case created, confirmed, submitted:
			holding += t.Price
			return false
		case completed:
			taken += t.Price
			if !t.ReversedAt.IsZero() {
				return false
			}
			b.captured += t.Price
			return true
		default:
			return true
		}
	})
	return holding, taken
}

func (b *book) balance() (available, holding number) {
	holding, taken := b.settle()
	return b.start - holding - taken, holding
}

// add records a transaction so many times, each with its own number; the last is given back. Errors: errBalance, errDuplicate, or the file's.
func (b *book) add(t transaction, times int64) (transaction, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	available, _ := b.balance()
	switch _, taken := b.byExternal[t.External]; {
	case b.closed:
		return t, errClosed
	case taken:
		return t, errDuplicate
	case available < t.Price*number(times):
		return t, errBalance
	}
	for range times {
		t.ID = b.next
		if err := b.file.Append(t); err != nil {
			return t, err
		}
		b.enter(t)
	}
	return t, nil
}

// change lets a transaction become another where the change agrees; it is given back as it is then.
func (b *book) change(id int64, change func(transaction) (transaction, bool)) (t transaction, found, changed bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, found := b.byID[id]
	if !found || !reached(b.all[at].SeenAt, b.now()) {
		return transaction{}, false, false, nil
	}
	next, changed := change(b.all[at])
	if !changed {
		return b.all[at], true, false, nil
	}
	if err := b.file.Append(next); err != nil {
		return b.all[at], true, false, err
	}
	b.all[at] = next
	return next, true, true, nil
}

func (b *book) find(id int64) (transaction, bool) {
	t, found, _, _ := b.change(id, func(t transaction) (transaction, bool) { return t, false })
	return t, found
}

// list gives those that somebody can see and that are wanted, newest first.
func (b *book) list(wanted func(transaction) bool) []transaction {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	var found []transaction
	for _, t := range slices.Backward(b.all) {
		if reached(t.SeenAt, now) && wanted(t) {
			found = append(found, t)
		}
	}
	return found
}

func (b *book) ledger() Ledger {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	var entries []sandbox.Entry
	for _, t := range b.all {
		if !t.executed(now) {
			continue
		}
		class, _ := t.class(now)
		entries = append(entries, sandbox.Entry{
			Invoice: t.invoice(), Ref: t.External, Merchant: strconv.Itoa(t.Product), Account: t.account(),
			Amount: json.Number(t.Amount.String()), State: className(class), At: t.ConfirmedAt.UTC(),
		})
	}
	available, holding := b.balance()
	return Ledger{sandbox.NewLedger(entries...), json.Number(available.String()), json.Number(holding.String())}
}

func (b *book) reset() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.file.Empty(); err != nil {
		return err
	}
	b.all, b.open, b.captured = nil, nil, 0
	b.byID, b.byExternal = map[int64]int{}, map[string]int{}
	return nil
}

func (b *book) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return b.file.Close()
}

const moment = "2006-01-02T15:04:05.000000000Z07:00"

func written(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.UTC().Format(moment)
}

// shown is a transaction as the API shows it.
func (t transaction) shown(sold product, now time.Time) object {
	class, message := t.class(now)
	shown := object{
		"id": t.ID, "external_id": t.External, "creation_date": written(t.SeenAt), "confirmation_date": written(t.ConfirmedAt),
		"confirmation_expiration_date": written(t.ExpiresAt), "status": status(class, message), "operator_reference": nil, "pin": nil,
		"product": sold.short(), "rates": object{"base": sold.rate, "wholesale": sold.rate, "retail": nil}, "benefits": []string{}, "promotions": nil,
		"requested_values": nil, "adjusted_values": nil, "sender": t.Sender, "beneficiary": nil, "debit_party_identifier": nil,
		"credit_party_identifier": t.Credit, "statement_identifier": t.Statement, "callback_url": t.Callback, "metadata": nil,
	}
	wholesale := amountIn(dollar, t.Price-t.Fee)
	wholesale["fee"] = t.Fee
	shown["prices"] = object{"wholesale": wholesale, "retail": nil}
	if sold.ranged() {
		shown["requested_values"] = t.requested(sold)
	}
	if class == completed || class == reversed {
		t.delivered(shown, sold)
	}
	return shown
}

// requested repeats what a ranged product was asked for.
func (t transaction) requested(sold product) object {
	if t.Asked == dollar && sold.unit != dollar {
		return object{"source": amountIn(dollar, t.Price-t.Fee), "destination": amountIn(sold.unit, t.Amount)}
	}
	return object{"source": nil, "destination": amountIn(sold.unit, t.Amount)}
}

// delivered adds what the customer gets.
func (t transaction) delivered(shown object, sold product) {
	shown["operator_reference"] = "OP" + t.invoice()
	if t.PIN || sold.pin() {
		shown["pin"] = object{"code": "P7777" + t.invoice(), "serial": "S" + t.invoice()}
	}
	if sold.esim {
		shown["metadata"] = object{"activation_code": "LPA:1$example.com$" + t.invoice()}
	}
}

// status gives a status object. The number of a status is its class's, with what is special to it behind.
func status(class int, message string) object {
	const perClass = 10_000
	number := class * perClass
	if message != className(class) {
		number += len(message)
	}
	return object{"id": number, "message": message, "class": object{"id": class, "message": className(class)}}
}
