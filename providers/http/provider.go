package httpspec

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/cel-go/cel"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
)

var (
	errNoInvoice = errors.New("without an invoice the provider can't be asked")
	errNoProduct = errors.New("the order names no product")
	errNoAmount  = errors.New("the order names no amount, and there are no bills here")
)

// Provider is the client of a described provider. It is safe for use by many goroutines at once.
type Provider struct {
	descriptor core.Descriptor
	bills      bool
	loose      bool
	http       *transport.Client
	vars       map[string]any // vars.…, which answers see too
	secrets    map[string]any // secrets.…, which they don't
	now        func() time.Time

	inquire, pay, status, balance *call // nil where there is none
	list                          *list
	callback                      *callback
}

var (
	_ core.Provider       = (*Provider)(nil)
	_ core.BalanceReader  = (*Provider)(nil)
	_ core.CallbackReader = (*Provider)(nil)
)

// call is one call of the provider's.
type call struct {
	request *request
	answer  *answer
}

// Describe implements [core.Provider].
func (p *Provider) Describe(context.Context) (core.Descriptor, error) { return p.descriptor, nil }

// Inquire implements [core.Provider]. What the description says would be refused is refused here, as NotSent.
func (p *Provider) Inquire(ctx context.Context, req core.InquiryRequest) (core.Quote, error) {
	quote, err := p.inquireOnce(ctx, req)
	return quote, during("inquire", err)
}

var errNoCall = errors.New("the description has no such call")

func (p *Provider) inquireOnce(ctx context.Context, req core.InquiryRequest) (core.Quote, error) {
	order := core.PayRequest{
		Ref: req.Ref, Merchant: req.Merchant, Product: req.Product, Account: req.Account, Amount: req.Amount, Extra: req.Extra, CallbackURL: req.CallbackURL,
	}
	if p.inquire == nil {
		return core.Quote{}, refuse(core.CodeBadRequest, errNoCall)
	}
	if err := p.checkOrder(order); err != nil {
		return core.Quote{}, err
	}
	variables := p.order(order)
	reply, err := p.ask(ctx, p.inquire, variables)
	if err != nil {
		return core.Quote{}, err
	}
	s, v, err := p.inquire.answer.read(ctx, reply, variables)
	if err != nil {
		return core.Quote{}, err
	}
	res := p.result(s, order)
	if v.outcome == core.Declined.String() {
		return core.Quote{}, &core.Error{Outcome: core.Declined, Code: v.code, Err: p.inquire.answer.saying(errRefused, s)}
	}
	if res.Contradicts(order) {
		return core.Quote{}, unknown(core.CodeInternal, core.ErrContradiction)
	}
	if p.descriptor.QuoteRequired && s.texts["token"] == "" {
		return core.Quote{}, unknown(core.CodeInternal, fmt.Errorf("token: %w", core.ErrIncomplete))
	}
	return core.Quote{
		Token: s.texts["token"], ExpiresAt: s.times["expires_at"], Product: res.Product, Account: res.Account, ReceiverName: res.ReceiverName,
		Amount: res.Amount, Cost: res.Cost, Cashback: res.Cashback, Details: res.Details,
	}, nil
}

// Pay implements [core.Provider]. What the description says would be refused is refused here, as NotSent. The answer is held against the order as
// core.CheckResult does it.
func (p *Provider) Pay(ctx context.Context, req core.PayRequest) (core.Result, error) {
	res, err := p.payOnce(ctx, req)
	return res, during("pay", err)
}

func (p *Provider) payOnce(ctx context.Context, req core.PayRequest) (core.Result, error) {
	if err := p.checkOrder(req); err != nil {
		return core.Result{}, err
	}
	variables := p.order(req)
	made, err := p.pay.request.build(ctx, p.forRequest(variables))
	if err != nil {
		return core.Result{}, err
	}
	reply, err := p.http.Send(ctx, made, req.SendBefore)
	if err != nil {
		return core.Result{}, err
	}
	return p.settle(ctx, p.pay.answer, reply, question{order: req, variables: variables})
}

// Status implements [core.Provider].
func (p *Provider) Status(ctx context.Context, req core.StatusRequest) (core.Result, error) {
	res, err := p.statusOnce(ctx, req)
	return res, during("status", err)
}

func (p *Provider) statusOnce(ctx context.Context, req core.StatusRequest) (core.Result, error) {
	if req.Invoice == "" && !p.descriptor.StatusBy.Has(core.ByRef) {
		return core.Result{}, unknown(core.CodeBadRequest, errNoInvoice)
	}
	variables := p.order(req.Original)
	variables["invoice"] = string(req.Invoice)
	made, err := p.status.request.build(ctx, p.forRequest(variables))
	if err != nil {
		return core.Result{}, unknown(core.CodeBadRequest, err) // of the order it says nothing
	}
	send := func() (transport.Reply, error) { return p.http.Ask(ctx, made) }
	if p.descriptor.StatusResubmits {
		send = func() (transport.Reply, error) { return p.http.Send(ctx, made, req.Original.SendBefore) }
	}
	reply, err := send()
	if err != nil {
		return core.Result{}, err
	}
	return p.settle(ctx, p.status.answer, reply, question{order: req.Original, invoice: req.Invoice, variables: variables})
}

// question is what was asked about an order.
type question struct {
	order     core.PayRequest
	invoice   core.Invoice // that was asked for; empty: none
	variables map[string]any
}

// settle makes a Result of an answer about an order. With an error it is evidence.
func (p *Provider) settle(ctx context.Context, a *answer, reply transport.Reply, q question) (core.Result, error) {
	s, v, err := a.read(ctx, reply, q.variables)
	res := p.result(s, q.order)
	if q.invoice != "" && res.Invoice != "" && res.Invoice != q.invoice {
		res.Details["returned_invoice"], res.Invoice = string(res.Invoice), ""
		err = firstOf(err, unknown(core.CodeInternal, core.ErrContradiction))
	}
	if errors.Is(err, errStatus) {
		res = core.Disown(res) // whoever answered, it may not be the provider
	}
	if err != nil {
		return res, err
	}
	if res.Outcome, err = core.ParseOutcome(v.outcome); err != nil {
		return res, unknown(core.CodeInternal, err)
	}
	res.Code = v.code
	return core.CheckResult(p.descriptor, q.order, res)
}

// result gathers what an answer tells. Where it spells product or account in another way, the order's spelling stands and the details keep the
// provider's.
func (p *Provider) result(s said, order core.PayRequest) core.Result {
	res := core.Result{
		ProviderCode: s.texts[fieldProviderCode], Reason: p.pay.answer.clean.text(s.texts[fieldReason]),
		Invoice: core.Invoice(s.texts[fieldInvoice]), Reference: s.texts["reference"], Ref: s.texts[fieldRef],
		Product: s.texts[fieldProduct], Account: core.AccountNumber(s.texts[fieldAccount]), Amount: s.amounts[fieldAmount],
		ReceiverName: s.texts[fieldReceiver], Cost: s.amounts[fieldCost], Cashback: s.amounts[fieldCashback],
		BalanceAfter: s.amounts["balance_after"], ProviderTime: s.times["provider_time"], Details: s.details,
	}
	if res.Details == nil {
		res.Details = map[string]string{}
	}
	if !p.loose {
		return res
	}
	if res.Product != "" && res.Product != order.Product && sameProduct(res.Product, order.Product) {
		res.Details["answered_product"], res.Product = res.Product, order.Product
	}
	if res.Account != "" && res.Account != order.Account && sameAccount(string(res.Account), string(order.Account)) {
		res.Details["answered_account"], res.Account = string(res.Account), order.Account
	}
	return res
}

// ask makes a call that moves no money.
func (p *Provider) ask(ctx context.Context, c *call, variables map[string]any) (transport.Reply, error) {
	made, err := c.request.build(ctx, p.forRequest(variables))
	if err != nil {
		return transport.Reply{}, err
	}
	return p.http.Ask(ctx, made)
}

// forRequest adds what answers don't see.
func (p *Provider) forRequest(variables map[string]any) map[string]any {
	all := maps.Clone(variables)
	maps.Copy(all, p.secrets)
	all["now"] = p.now()
	return all
}

func orderVariables() []cel.EnvOption {
	return append(vars(cel.StringType, "order.ref", "order.merchant", "order.product", "order.account", "order.amount", "order.currency", "order.quote",
		"order.max_cost", "order.callback_url"), cel.Variable("order.extra", cel.MapType(cel.StringType, cel.StringType)))
}

func (p *Provider) order(req core.PayRequest) map[string]any {
	made := maps.Clone(p.vars)
	maps.Copy(made, map[string]any{
		"order.ref": req.Ref, "order.merchant": string(req.Merchant), "order.product": req.Product, "order.account": string(req.Account),
		"order.amount": req.Amount.Normal().Value(), "order.currency": req.Amount.Currency(), "order.quote": req.Quote,
		"order.max_cost": req.MaxCost.Normal().Value(), "order.callback_url": req.CallbackURL, "order.extra": req.Extra,
	})
	if req.Extra == nil {
		made["order.extra"] = map[string]string{}
	}
	return made
}

// checkOrder refuses what the provider would refuse, before anything is sent.
func (p *Provider) checkOrder(req core.PayRequest) error {
	if req.Product == "" {
		return refuse(core.CodeBadRequest, errNoProduct)
	}
	if !req.Amount.Known() && !p.bills {
		return refuse(core.CodeAmountInvalid, errNoAmount)
	}
	err := core.CheckOrder(p.descriptor, req.Product, req.Account, req.Amount)
	if err == nil {
		err = core.CheckExtra(p.descriptor, req.Product, req.Extra)
	}
	if broken, ok := errors.AsType[*core.OrderError](err); ok {
		return refuse(broken.Code, err)
	}
	return err
}

// refuse is for what never reached the transport.
func refuse(code core.Code, cause error) error {
	return &core.Error{Outcome: core.NotSent, Code: code, Err: cause}
}

// Balances implements [core.BalanceReader].
func (p *Provider) Balances(ctx context.Context) ([]core.Balance, error) {
	reply, err := p.ask(ctx, p.balance, p.vars)
	if err != nil {
		return nil, during("balances", err)
	}
	s, v, err := p.balance.answer.read(ctx, reply, p.vars)
	if err == nil && v.outcome != outcomeOK {
		err = &core.Error{Outcome: core.Declined, Code: v.code, Err: p.balance.answer.saying(errRefused, s)}
	}
	if err != nil {
		return nil, during("balances", err)
	}
	return []core.Balance{{Available: s.amounts["available"], Holding: s.amounts["holding"], Credit: s.amounts["credit"]}}, nil
}

// during names the call that an error belongs to.
func during(op string, err error) error {
	if err == nil {
		return nil
	}
	named := core.Error{Outcome: core.Unknown, Code: core.CodeInternal, Err: err}
	if known, ok := errors.AsType[*core.Error](err); ok {
		named = *known
	}
	named.Op = op
	return &named
}

// leastSecret is how long a secret is at least. To hide every "1" would make an answer unreadable and hide nothing.
const leastSecret = 4

// secretsOf gives the values to hide, the longest first, so that a part of one is not hidden before it.
func secretsOf(secrets map[string]string) cleaner {
	values := slices.DeleteFunc(slices.Collect(maps.Values(secrets)), func(v string) bool { return len(v) < leastSecret })
	slices.SortFunc(values, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return values
}

// prefixed gives the variables of a map, all of them strings.
func prefixed[V any](prefix string, values map[string]V) map[string]any {
	made := map[string]any{}
	for name, value := range values {
		text, _ := scalarText(value)
		made[fmt.Sprintf("%s.%s", prefix, name)] = text
	}
	return made
}
