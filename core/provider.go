package core

import (
	"context"
	"time"
)

// Provider is the one contract between Jalur and a company that moves money. Implementations are safe for use by
// many goroutines at once, honour the context's deadline, and never repeat a Pay on their own.
//
// An error from any call is a [*Error]. Inquire, ListProducts, Describe and Status move no money and may be called
// again; Pay may not.
type Provider interface {
	// Describe tells who this is and what it can do. It does not call the provider and does not change while the
	// provider runs.
	Describe(ctx context.Context) (Descriptor, error)

	// ListProducts gives a page of what can be bought. An empty Next in the page ends the list.
	ListProducts(ctx context.Context, filter ProductFilter) (ProductPage, error)

	// Inquire asks what a top-up would cost and whom it would reach. A refusal is an [*Error] with the outcome
	// Declined and the code that says why.
	Inquire(ctx context.Context, req InquiryRequest) (Quote, error)

	// Pay makes the top-up, once. It ends in one of three ways:
	//
	//  1. A Result whose outcome is Succeeded, Pending, Declined or Refunded, and no error: the provider's word.
	//  2. An error with the outcome NotSent: no byte of the request reached the provider.
	//  3. Any other error: Unknown. The Result then holds what could be read of the answer, as evidence only.
	Pay(ctx context.Context, req PayRequest) (Result, error)

	// Status asks what became of an order, by the provider's invoice or by our reference, as Describe says.
	// It answers as Pay does, without NotSent. "No such order" is an error with the code not_found, never Declined:
	// the order may still be on its way. A refusal to tell is an error as well. Where asking sends the order again
	// (Descriptor.StatusResubmits), Original.SendBefore holds for it as for a Pay.
	Status(ctx context.Context, req StatusRequest) (Result, error)
}

// Set is what a provider's package hands to whoever runs it. Calls that only some providers have stand beside Provider, nil where there is none, and
// Describe says the same.
type Set struct {
	Provider  Provider
	Balances  BalanceReader
	Callbacks CallbackReader
	Quotes    QuoteCanceller
}

// BalanceReader tells what the provider holds for us. It moves no money and may be called again. An error is a [*Error].
type BalanceReader interface {
	Balances(ctx context.Context) ([]Balance, error)
}

// Balance is one deposit at a provider. What it doesn't tell is the zero Money.
type Balance struct {
	Available Money // what payments can be made from
	Holding   Money // set aside for orders that aren't done
	Credit    Money // how far below zero it may go
}

// CallbackReader verifies and translates what a provider sends by itself. It calls nobody.
type CallbackReader interface {
	// ReadCallback says which orders a request is about. Nothing that it says is taken for the truth: the orders are asked for. An error means that
	// it could not be read; its code is CodeAuth where it wasn't the provider who sent it.
	ReadCallback(ctx context.Context, req CallbackRequest) (Callback, error)
}

// CallbackRequest is a request to the gateway as it came.
type CallbackRequest struct {
	Method string
	Path   string // what follows /callbacks/{provider}, with its slash; "" where nothing does
	Query  string // raw
	Header map[string][]string
	Body   []byte
	Remote string // the address it came from, without the port
}

// Callback is what a request from a provider says, and what the provider wants to hear.
type Callback struct {
	Orders      []CallbackOrder
	Status      int // of the reply; 0: 200
	ContentType string
	Body        []byte
}

// CallbackOrder names an order: by our reference, by the token of its quote, by the provider's invoice, or by several of them.
type CallbackOrder struct {
	Ref     string
	Quote   string
	Invoice Invoice
}

// QuoteCanceller gives up a quote that holds money. Cancelling moves none; a quote that is gone already is no error. An error is a [*Error].
type QuoteCanceller interface {
	CancelQuote(ctx context.Context, token string) error
}

// Descriptor is what a provider says of itself. The router and the engine decide from it.
type Descriptor struct {
	Name    string // as configurations name it ("mmbc")
	Version string
	// Instance tells one account at one address from another (sandbox from production), without a secret in it. An
	// attempt is only ever asked for at the instance that it was made at.
	Instance string

	Ref      RefSpec  // what the provider does with our reference
	StatusBy StatusBy // what Status needs
	// StatusResubmits: Status sends the whole order again, so asking late can book a new sale.
	StatusResubmits bool
	StatusGap       time.Duration // least time between two Status calls for one order; at most an hour
	StatusMaxAge    time.Duration // an order older than this is never asked for; 0: no limit
	// Quarantine is how long after an order was sent the provider may still say "no such order" of it, by its own documentation. Said by
	// our reference, and again after this time, it proves that nothing moved. 0: it never does. It counts only with StatusBy ByRef and where
	// the reference is worth something (RefReplay, RefRejectDuplicate), and not with StatusResubmits.
	Quarantine time.Duration

	QuoteRequired bool // Pay wants the token of an Inquire
	MaxCost       bool // the provider itself refuses above PayRequest.MaxCost
	// AmountInProduct: a product stands for one amount, and answers name the product and no amount.
	AmountInProduct bool

	// What stands beside Provider in the [Set].
	TellsBalances  bool
	SendsCallbacks bool
	CancelsQuotes  bool

	// Merchants are the products that the provider is known to take, with what it asks of account and amount.
	// OtherMerchants: ListProducts may name more of them.
	Merchants      []MerchantSpec
	OtherMerchants bool
	// Amounts holds for every merchant that doesn't say otherwise.
	Amounts AmountSpec
}

// RefMode is what a provider does when it sees the same reference of ours twice.
type RefMode uint8

// The four behaviours that exist in the field.
const (
	RefNone            RefMode = iota // it takes no reference: two calls are two top-ups
	RefReplay                         // it answers with the first order again
	RefRejectDuplicate                // it refuses the second
	RefLabel                          // it keeps the reference but pays again
)

// RefSpec says how our reference must look and what it is worth.
type RefSpec struct {
	Mode      RefMode
	MaxLen    int           // in characters; 0: no limit
	Retention time.Duration // after this a repeat is a new sale; 0: never
}

// StatusBy is what a provider can look an order up by; the bits may be combined.
type StatusBy uint8

// The two ways to ask.
const (
	ByInvoice StatusBy = 1 << iota
	ByRef
)

// Has reports whether all of the given ways are open.
func (s StatusBy) Has(way StatusBy) bool { return s&way == way }

// MerchantSpec is what a provider asks of the top-ups of one merchant.
type MerchantSpec struct {
	Merchant MerchantCode
	Account  AccountSpec
	Amounts  AmountSpec // zero: the descriptor's
}

// AccountSpec says how an account number must look.
type AccountSpec struct {
	Kind    string // "phone number", "card number", "member number": stands in the error. NoAccount: there is none
	Pattern string // a regular expression over the whole number; empty: any
	// Extra are further fields that an order needs (a zone, a year).
	Extra []FieldSpec
}

// NoAccount is the Kind of what is sold to nobody in particular: a voucher, a gift card. The account of such an order is empty.
const NoAccount = "none"

// FieldSpec says how a field of an order's Extra must look.
type FieldSpec struct {
	Name     string
	Pattern  string // a regular expression over the whole value; empty: any
	Optional bool
}

// AmountSpec bounds an amount. A bound that is not known is the zero Money.
type AmountSpec struct {
	Min, Max, Step Money
}

// ProductFilter narrows ListProducts. Cursor is the Next of the page before.
type ProductFilter struct {
	Product string // the provider's own code; empty: all
	Cursor  string
}

// ProductPage is one page of products.
type ProductPage struct {
	Products []Product
	Next     string
}

// Product is one thing that a provider sells.
type Product struct {
	Code      string // the provider's own
	Name      string
	Amounts   AmountSpec
	Fee       Fee
	Cashback  Money // zero Money: not known
	Available bool  // as the provider says it, whatever the two below say

	Stock   *int64        // how many are left; nil: the provider doesn't count them
	CutOffs []DailyWindow // when it can't be bought
}

// DailyWindow is a part of each day.
type DailyWindow struct {
	Start, End string // "23:45", "00:15": the end is not in it, and it may wrap midnight
	Zone       string // of the IANA database ("Asia/Jakarta")
}

// Fee is what a top-up costs beyond its amount, where that can be known without asking.
type Fee struct {
	Expr  string // the provider's own words ("amount+2000")
	Known bool   // whether the two fields below could be read from it
	Flat  Money  // added to the amount; may be negative. Its currency, and the digits behind its point, are those of the cost
	// Fixed: the top-up costs Flat, whatever its amount.
	Fixed bool
	// Rate is what one unit of the amount costs, in the currency of Flat: a plain decimal ("0.97", "0.8333"). Empty: 1.
	Rate string
}

// Cost gives what a top-up of the amount takes from the deposit; ok is false where that isn't known.
func (f Fee) Cost(amount Money) (cost Money, ok bool) {
	if !f.Known {
		return Money{}, false
	}
	if f.Fixed {
		return f.Flat, true
	}
	cost, err := amount.At(f.Rate, f.Flat)
	return cost, err == nil
}

// InquiryRequest asks for a quote.
type InquiryRequest struct {
	Ref      string // ours, for providers that tie a later Pay to it
	Merchant MerchantCode
	Product  string
	Account  AccountNumber
	Amount   Money // zero Money: a bill, whose amount the provider tells
	Extra    map[string]string
	// CallbackURL is as in [PayRequest], for providers that are told it when they quote and not again when the quote is paid.
	CallbackURL string
}

// Quote is a provider's answer to an inquiry.
type Quote struct {
	Token        string // handed back in PayRequest.Quote, for one payment; empty: none needed
	ExpiresAt    time.Time
	Reserves     bool // the cost is held at the provider until the quote is paid, cancelled or expired
	Product      string
	Account      AccountNumber
	ReceiverName string
	Amount       Money
	Cost         Money // what would leave the deposit; zero Money: not told
	Cashback     Money
	Details      map[string]string
}

// PayRequest is one order.
type PayRequest struct {
	// Ref is our reference of this attempt: 26 characters of A–Z and 0–9, never used for another attempt.
	Ref      string
	Merchant MerchantCode // as the caller named it
	Product  string       // the provider's own code for it
	Account  AccountNumber
	Amount   Money
	Quote    string // the token of an earlier Inquire
	MaxCost  Money  // zero Money: no limit
	Extra    map[string]string
	// CallbackURL is where the provider may tell us of the order, without a slash at its end; the provider's code may add to its path. Empty: nowhere.
	CallbackURL string
	// SendBefore is a reading of the machine's boot-time clock after which no byte may leave any more: whoever holds
	// the socket refuses, as NotSent. 0: no limit.
	SendBefore time.Duration
}

// StatusRequest asks for an order. Original is the order as it was first sent, since some providers are asked by sending it again.
type StatusRequest struct {
	Invoice     Invoice // empty: ask by Original.Ref
	Original    PayRequest
	FirstSentAt time.Time
}

// Entries of Result.Details that Jalur itself writes. A provider's own under these names are dropped.
const (
	DetailResolvedBy    = "resolved_by"     // whose word the attempt's end is, where it isn't the provider's
	DetailNotExecutedBy = "not_executed_by" // who has said that it was not executed, and waits for a second person to say so
)

// Result is a provider's answer about an order. Product, Account and Amount are echoed from the provider's own answer,
// never copied from the request, so that an answer to another order shows.
type Result struct {
	Outcome      Outcome
	Code         Code   // why, unless the outcome is Succeeded or Pending
	ProviderCode string // the provider's own
	Reason       string // the provider's own words, for people

	Invoice   Invoice
	Reference string // the proof of delivery that the customer is shown
	Ref       string // our own reference, where the answer repeats it
	Product   string
	Account   AccountNumber
	Amount    Money

	ReceiverName string
	Cost         Money // what left the deposit; zero Money: not told
	Cashback     Money
	BalanceAfter Money
	ProviderTime time.Time
	Details      map[string]string // what else it said
}
