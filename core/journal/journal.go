// Package journal is the durable record of payments, their attempts and every change of state: the types, the
// legal changes, and the small [Store] that a database implements.
package journal

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jalurhq/jalur/core"
)

// Errors that every [Store] gives.
var (
	// ErrNotFound: no such row.
	ErrNotFound = errors.New("not in the journal")
	// ErrStale: the attempt is no longer in the state, or no longer under the fence, that the change expected.
	// Nothing was changed.
	ErrStale = errors.New("the attempt has changed meanwhile")
	// ErrIllegal: no such change of state exists, or a second live attempt was to be made. Nothing was changed.
	ErrIllegal = errors.New("not a legal change")
	// ErrInvoiceTaken: another attempt at this provider has the invoice. Nothing was changed.
	ErrInvoiceTaken = errors.New("the invoice belongs to another attempt")
	// ErrQuoteUsed: another attempt that has not failed is paid by the quote. Nothing was changed.
	ErrQuoteUsed = errors.New("the quote is used by another attempt")
	// ErrNotWritten: the write provably did not happen (the database refused it or could not be reached).
	ErrNotWritten = errors.New("not written to the journal")
	// ErrPoisoned: the disk failed under the journal, and nothing more is written until it was opened anew. It comes together with ErrNotWritten, or with
	// ErrAmbiguous for the very write that met it.
	ErrPoisoned = errors.New("the disk failed under the journal: it must be opened anew")
	// ErrCursor: not a cursor that List or Cases gave.
	ErrCursor = errors.New("not a cursor of this list")
	// ErrAmbiguous: the write may or may not have happened: its commit brought an error.
	ErrAmbiguous = errors.New("nobody can say whether the journal took the write")
)

// Payment is one top-up under one key. What it asks for never changes; what became of it is told by its attempts.
type Payment struct {
	ID          core.PaymentID
	Client      string
	Key         core.Key
	Fingerprint string // of what was asked for: the same key must come with the same
	Merchant    core.MerchantCode
	Account     core.AccountNumber
	Amount      core.Money
	MaxCost     core.Money
	Extra       map[string]string
	Inquiry     string // the id of the inquiry that it was made from, or ""
	CreatedAt   time.Time
	Attempts    []Attempt // in order, never empty
}

// Last gives the attempt that the payment's state follows from.
func (p Payment) Last() Attempt { return p.Attempts[len(p.Attempts)-1] }

// State gives the payment's state as callers see it.
func (p Payment) State() PaymentState { return p.Last().State.Payment() }

// UpdatedAt gives the time of the last change.
func (p Payment) UpdatedAt() time.Time { return p.Last().UpdatedAt }

// Attempt is one Pay at one provider.
type Attempt struct {
	ID        string // 26 characters of A–Z and 0–9; also our reference at the provider
	PaymentID core.PaymentID
	N         int // 1, 2, … within the payment
	Provider  string
	Instance  string // core.Descriptor.Instance of the provider when the attempt was made
	Product   string
	Quote     string

	State State
	Fence int64  // raised by every claim; a write under an older fence changes nothing
	Owner string // the gateway process that works on it, by its claim; "" where nobody does
	// NextAt is when somebody should look at the attempt: the end of the sender's lease, or the next time to ask.
	// Zero: nobody needs to.
	NextAt time.Time
	Checks int // how often Status was asked

	Outcome      core.Outcome
	Code         core.Code
	ProviderCode string
	Reason       string
	Invoice      core.Invoice
	Reference    string
	ReceiverName string
	Cost         core.Money
	Cashback     core.Money
	ProviderTime time.Time
	Details      map[string]string

	StartedAt time.Time // when it was claimed for sending
	EndedAt   time.Time // when its outcome was first known
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Change is one guarded step of one attempt: it is made only where the attempt is still in the state From under the
// fence FromFence, and is recorded as an [Event] in the same transaction.
type Change struct {
	From      State
	FromFence int64
	Attempt   Attempt // as it shall be
	Cause
	// Next is a further attempt of the same payment, made in the same transaction: the fail-over. Only where Attempt ends as Failed.
	Next *Attempt
	// Case is opened in the same transaction, unless the attempt has an open one of its kind. Only its Kind, Why, Evidence and OpenedAt count. An
	// attempt at its end, of which nothing may be written, can get one by a change that leaves the state as it is.
	Case *Case
}

// Cause says who made a change and why.
type Cause struct {
	Actor    string          // "sender", "reconciler", "operator", with who exactly behind a colon
	Why      string          // for people; no secret, no whole account number
	Evidence json.RawMessage // what the provider said, where that was the cause
}

// Event is one recorded change. Events are only ever added.
type Event struct {
	ID        int64
	AttemptID string
	From      State // "" where the attempt was made
	To        State
	Fence     int64
	Cause
	At time.Time
}

// Inquiry is a provider's quote, kept so that a payment can be made from it.
type Inquiry struct {
	ID           string
	Client       string
	Merchant     core.MerchantCode
	Account      core.AccountNumber
	Amount       core.Money
	Provider     string
	Product      string
	Token        string
	ReceiverName string
	Cost         core.Money
	Cashback     core.Money
	Details      map[string]string
	ExpiresAt    time.Time
	CreatedAt    time.Time
	Reserves     bool // the cost is held at the provider until the quote is paid, given up or expired
}

// Named says which attempt is meant, as its provider names it: by our reference, by the token of its quote, by its own invoice, or by several of them.
type Named struct {
	Provider string
	Instance string
	core.CallbackOrder
}

// Filter selects payments. Zero fields select all; Client is always meant as it stands unless AnyClient.
type Filter struct {
	Client    string
	AnyClient bool
	Key       core.Key
	Account   core.AccountNumber
	State     PaymentState
	Since     time.Time
	Limit     int    // at most MaxPage; 0: DefaultPage
	Cursor    string // Page.Next of the page before
}

// Page sizes of [Store.List].
const (
	DefaultPage = 50
	MaxPage     = 500
)

// Page is one page of payments, newest first. An empty Next ends the list.
type Page struct {
	Payments []Payment
	Next     string
}

// Claim asks for attempts that somebody should look at.
type Claim struct {
	Owner string
	Now   time.Time // those whose NextAt is not after this
	Until time.Time // their new NextAt: nobody else claims them before
	// Beyond: those whose NextAt is after this are due as well: no pause is that long, so a clock was ahead. Zero: none.
	Beyond time.Time
	Limit  int
}

// Latest gives Beyond, or where it is zero a time that nobody reaches.
func (c Claim) Latest() time.Time {
	if c.Beyond.IsZero() {
		return time.Date(9999, time.January, 1, 0, 0, 0, 0, time.UTC)
	}
	return c.Beyond
}

// Store is a journal in some database. All methods are safe for many callers at once.
//
// A write that returns no error is durable. A write that returns ErrAmbiguous may have happened; one that returns any
// other error has not. Ids and times are the caller's; the store keeps them to the microsecond.
type Store interface {
	// Submit records a payment with its first attempt, in one transaction, unless the client has used the key before:
	// then it gives the payment that is there, and created is false. Errors: ErrQuoteUsed, ErrIllegal, ErrNotWritten, ErrAmbiguous. The attempt may be Created, Sending (intent and claim at once) or Failed (never
	// sent); every step on the way gets its event.
	Submit(ctx context.Context, p Payment, cause Cause) (recorded Payment, created bool, err error)

	// Apply makes one change, and keeps the cases of [CaseParked] with it. Errors: ErrStale, ErrIllegal, ErrInvoiceTaken, ErrNotWritten, ErrAmbiguous.
	Apply(ctx context.Context, c Change) error

	// ClaimDue raises the fence of attempts that are due, moves their NextAt, and gives their payments. An attempt that is due
	// is the last one of its payment and in one of the states Created, Sending, Accepted, Unknown.
	ClaimDue(ctx context.Context, c Claim) ([]Payment, error)

	// Payment gives one payment by its id. Errors: ErrNotFound.
	Payment(ctx context.Context, id core.PaymentID) (Payment, error)
	// ByKey gives a client's payment under a key. Errors: ErrNotFound.
	ByKey(ctx context.Context, client string, key core.Key) (Payment, error)
	// Find gives the payment of the attempt that a provider names. Of several names the first one that is known counts, in the order of their fields. By its
	// quote an attempt is found unless it has failed. Errors: ErrNotFound.
	Find(ctx context.Context, n Named) (Payment, error)
	// List gives a page of payments, newest first. Errors: ErrCursor.
	List(ctx context.Context, f Filter) (Page, error)
	// Events gives every change of a payment's attempts, oldest first.
	Events(ctx context.Context, id core.PaymentID) ([]Event, error)

	CaseStore
	InquiryStore

	// Ping reports whether the journal can be written to.
	Ping(ctx context.Context) error
	Close() error
}

// InquiryStore is the part of a [Store] that keeps the quotes.
type InquiryStore interface {
	// SaveInquiry records a quote.
	SaveInquiry(ctx context.Context, q Inquiry) error
	// Inquiry gives a client's quote by its id. Errors: ErrNotFound.
	Inquiry(ctx context.Context, client, id string) (Inquiry, error)
}

// Notifier is what a [Store] may offer beside: it tells of changes as they happen, those of other processes on the same database too.
type Notifier interface {
	// Changes calls changed with every payment that a change was applied to, until the context ends. It may tell late or twice, and while a connection is
	// down not at all: whoever waits for a payment also reads it from time to time.
	Changes(ctx context.Context, changed func(core.PaymentID))
}

// Timekeeper is what a [Store] may offer beside: a time that all who use the journal share, and that setting this machine's wall clock doesn't change. Leases are kept by it.
type Timekeeper interface {
	// Time is the database server's clock, or where one process alone has the journal, its wall clock at the start and the time since. It is told without asking the database.
	Time() time.Time
}
