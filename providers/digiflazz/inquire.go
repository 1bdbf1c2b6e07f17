package digiflazz

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/jalurhq/jalur/core"
)

var (
	errBillAmount = errors.New("the bill has another amount")
	errStep       = fmt.Errorf("amounts of e-money are multiples of %d", emoneyStep)
)

// Inquire implements [core.Provider]. A bill and e-money are inquired at the provider, and so is the owner of a meter that a token is for; of other prepaid
// products the price list says what there is to say.
func (p *Provider) Inquire(ctx context.Context, req core.InquiryRequest) (core.Quote, error) {
	if req.Product == "" || req.Account == "" {
		return core.Quote{}, during("inquire", refuse(core.CodeBadRequest, errNoOrder))
	}
	listed, err := p.prices.find(ctx, req.Product)
	switch {
	case err == nil && !listed.bill:
		quote, err := p.inquirePrepaid(ctx, req, listed)
		return quote, during("inquire", err)
	case err == nil, core.CodeOf(err) != core.CodeProductUnknown && !req.Amount.Known(): // no amount: a bill, whatever list can't be read
		quote, err := p.inquireBill(ctx, req, listed.emoney)
		return quote, during("inquire", err)
	default:
		return core.Quote{}, during("inquire", err)
	}
}

func (p *Provider) inquirePrepaid(ctx context.Context, req core.InquiryRequest, listed item) (core.Quote, error) {
	if listed.face.Known() && req.Amount.Known() && !req.Amount.Equal(listed.face) {
		return core.Quote{}, refuse(core.CodeAmountInvalid, errAmount)
	}
	quote := core.Quote{Product: listed.product.Code, Account: req.Account, Amount: req.Amount, Cost: listed.price, Details: map[string]string{}}
	if listed.face.Known() {
		quote.Amount = listed.face
	}
	if listed.once {
		quote.Details["multi"] = "false" // the same account can buy it once a day only
	}
	if !listed.pln {
		return quote, nil
	}
	return p.inquireMeter(ctx, req, quote)
}

// inquireMeter asks whose meter a token is for.
func (p *Provider) inquireMeter(ctx context.Context, req core.InquiryRequest, quote core.Quote) (core.Quote, error) {
	number := string(req.Account)
	body, err := p.exchange(ctx, "inquiry-pln", plnInquiry{CustomerNo: number, account: p.account(number)})
	if err != nil {
		return core.Quote{}, err
	}
	said, err := p.read.accepted(body, req.Account)
	if err != nil {
		return core.Quote{}, err
	}
	quote.ReceiverName = said.text("name")
	for _, key := range []string{"meter_no", "subscriber_id", "segment_power"} {
		keep(quote.Details, key, said[key])
	}
	return quote, nil
}

// inquireBill asks what a bill comes to, or what an amount of e-money costs.
func (p *Provider) inquireBill(ctx context.Context, req core.InquiryRequest, emoney bool) (core.Quote, error) {
	if err := checkInquiry(req, emoney); err != nil {
		return core.Quote{}, err
	}
	kind := kindBill
	if emoney {
		kind = kindEMoney
	}
	t := newToken(req.Ref, kind, p.cfg.Now())
	call := p.billBody("inq-pasca", bill{token: t, sku: req.Product, account: req.Account, year: req.Extra[extraYear]})
	call.Amount = t.emoneyAmount(req.Amount)
	body, err := p.exchange(ctx, "transaction", call)
	if err != nil {
		return core.Quote{}, err
	}
	quote, err := p.read.bill(body, req, t)
	if err == nil {
		p.quoted.keep(t, quote.Cost)
	}
	return quote, err
}

func checkInquiry(req core.InquiryRequest, emoney bool) error {
	switch {
	case req.Ref == "":
		return refuse(core.CodeBadRequest, errNoOrder)
	case !emoney:
		return nil
	case !req.Amount.Known():
		return refuse(core.CodeAmountInvalid, errNoAmount)
	}
	if even, err := req.Amount.MultipleOf(core.IDR(emoneyStep)); err != nil || !even || req.Amount.Sign() <= 0 {
		return refuse(core.CodeAmountInvalid, errStep)
	}
	return nil
}

// accepted reads the answer to an inquiry about an account.
func (r reader) accepted(body []byte, account core.AccountNumber) (fields, error) {
	said, err := answer(body)
	if err != nil {
		return nil, unknown(core.CodeInternal, err, "")
	}
	if err := r.refusal(said); err != nil {
		return nil, err
	}
	switch {
	case said.text("status") == "" || said.text("rc") == "":
		return nil, unknown(core.CodeInternal, core.ErrIncomplete, "status or rc")
	case said.text("customer_no") != "" && sameAccount(said["customer_no"], account) != account:
		return nil, unknown(core.CodeInternal, core.ErrContradiction, "account")
	default:
		return said, nil
	}
}

// bill reads the answer to inq-pasca. What the customer owes is its amount, what leaves the deposit its cost.
func (r reader) bill(body []byte, req core.InquiryRequest, t token) (core.Quote, error) {
	said, err := r.accepted(body, req.Account)
	if err != nil {
		return core.Quote{}, err
	}
	quote := core.Quote{
		Token: t.String(), ExpiresAt: t.expires(), Product: said.text("buyer_sku_code"), Account: sameAccount(said["customer_no"], req.Account),
		ReceiverName: said.text("customer_name"), Amount: said["selling_price"].paid(), Cost: said["price"].paid(), Details: details(said),
	}
	if t.kind == kindEMoney {
		quote.Amount = req.Amount
	}
	switch {
	case said.text("ref_id") != t.String():
		return core.Quote{}, unknown(core.CodeInternal, core.ErrContradiction, "our reference")
	case quote.Product != req.Product:
		return core.Quote{}, unknown(core.CodeInternal, core.ErrContradiction, "product")
	case quote.Account == "" || !quote.Amount.Known() || !quote.Cost.Known():
		return core.Quote{}, unknown(core.CodeInternal, core.ErrIncomplete, "customer_no, price or selling_price")
	case req.Amount.Known() && !req.Amount.Equal(quote.Amount):
		return core.Quote{}, &core.Error{Outcome: core.Declined, Code: core.CodeAmountInvalid, Err: errBillAmount}
	default:
		return quote, nil
	}
}

// maxCosts bounds how many inquiries are remembered.
const maxCosts = 100_000

// costs remembers what today's inquiries said would leave the deposit.
type costs struct {
	mu    sync.Mutex
	day   string
	costs map[string]core.Money // by token
}

func newCosts() *costs { return &costs{costs: map[string]core.Money{}} }

func (c *costs) keep(t token, cost core.Money) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if day := t.day.Format(tokenDay); day != c.day || len(c.costs) >= maxCosts {
		c.day, c.costs = day, map[string]core.Money{} // yesterday's can't be paid any more
	}
	c.costs[strings.Clone(t.String())] = cost
}

func (c *costs) of(text string) (core.Money, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cost, ok := c.costs[text]
	return cost, ok
}
