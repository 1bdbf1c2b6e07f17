package dtone

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/jalurhq/jalur/core"
)

var (
	errToken       = errors.New("the quote is not one of ours for this order")
	errNoBill      = errors.New("there is no bill to pay")
	errNotHeld     = errors.New("the transaction was to wait for its confirmation, and doesn't")
	errNotMine     = errors.New("the number is not one of the product's operator")
	errStillThere  = errors.New("the transaction was not cancelled")
	errNoStatement = errors.New("the order names no such bill")
)

// quoteToken is what a quote says to the payment that is made from it: the transaction that waits, or the bill.
type quoteToken struct {
	Transaction string `json:"t,omitempty"`
	External    string `json:"e,omitempty"` // its external_id, the inquiry's reference
	Reference   string `json:"r,omitempty"` // of a bill
	Due         string `json:"d,omitempty"`
	Amount      string `json:"a,omitempty"` // as core.Money's String has it
	Seal        string `json:"s"`
}

func (t quoteToken) parts(product string, account core.AccountNumber) []string {
	return []string{t.Transaction, t.External, t.Reference, t.Due, t.Amount, product, string(account)}
}

// token seals a quote for its product and account, so that it pays for nothing else.
func (s seal) token(t quoteToken, product string, account core.AccountNumber) string {
	t.Seal = s.of("quote", t.parts(product, account)...)
	encoded, _ := json.Marshal(t) //nolint:errchkjson // strings always encode
	return base64.RawURLEncoding.EncodeToString(encoded)
}

// openToken reads a token without its seal. An empty one is the zero quoteToken.
func openToken(token string) (quoteToken, error) {
	var read quoteToken
	if token == "" {
		return read, nil
	}
	decoded, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(decoded, &read) != nil {
		return quoteToken{}, errToken
	}
	return read, nil
}

// quoted gives the quote that an order pays, once it is found to be for this order. An order without one has the zero quoteToken.
func (p *Provider) quoted(order core.PayRequest) (quoteToken, error) {
	token, err := openToken(order.Quote)
	if err != nil {
		return token, refuse(core.CodeQuoteExpired, err)
	}
	if order.Quote == "" {
		return token, nil
	}
	if !p.seal.holds(token.Seal, "quote", token.parts(order.Product, order.Account)...) {
		return token, refuse(core.CodeQuoteExpired, errToken)
	}
	amount, err := core.MoneyFromString(token.Amount)
	if err != nil || order.Amount.Known() && amount.Known() && !amount.Equal(order.Amount) {
		return token, refuse(core.CodeAmountInvalid, errAnotherAmount)
	}
	return token, nil
}

// withBill puts what a quote says of a bill into the order.
func (t quoteToken) withBill(order core.PayRequest) core.PayRequest {
	if t.Reference == "" {
		return order
	}
	order.Extra = maps.Clone(order.Extra)
	if order.Extra == nil {
		order.Extra = map[string]string{}
	}
	order.Extra["statement.reference"], order.Extra["statement.due_date"] = t.Reference, t.Due
	if !order.Amount.Known() {
		order.Amount, _ = core.MoneyFromString(t.Amount) // it was read when the quote was
	}
	return order
}

// Inquire implements [core.Provider]. A bill is asked for, a phone number looked up; with firm quotes the transaction is then created, unconfirmed.
func (p *Provider) Inquire(ctx context.Context, req core.InquiryRequest) (core.Quote, error) {
	quote, err := p.inquire(ctx, req)
	return quote, during("inquire", err)
}

func (p *Provider) inquire(ctx context.Context, req core.InquiryRequest) (core.Quote, error) {
	sold, err := p.product(ctx, req.Product)
	if err != nil {
		return core.Quote{}, err
	}
	order := core.PayRequest{
		Ref: req.Ref, Merchant: req.Merchant, Product: req.Product, Account: req.Account, Amount: req.Amount, Extra: req.Extra,
		CallbackURL: req.CallbackURL,
	}
	var token quoteToken
	details := map[string]string{}
	if isBill(sold, order) {
		token, err = p.statement(ctx, sold, order, details)
		order = token.withBill(order)
	} else {
		order.Amount, err = p.lookUp(ctx, sold, order, details)
	}
	if err != nil {
		return core.Quote{}, err
	}
	request, err := p.word(sold, order)
	if err != nil {
		return core.Quote{}, err
	}
	if p.cfg.FirmQuotes {
		return p.reserve(ctx, request, order, details)
	}
	return p.estimate(sold, order, token, details), nil
}

// estimate is a quote by the catalogue's price.
func (p *Provider) estimate(sold product, order core.PayRequest, token quoteToken, details map[string]string) core.Quote {
	quote := core.Quote{Product: order.Product, Account: order.Account, Amount: order.Amount, Details: details}
	if cost, ok := sold.fee().Cost(order.Amount); ok {
		quote.Cost = cost
	}
	if token.Reference != "" {
		quote.Token = p.seal.token(token, order.Product, order.Account)
	}
	return quote
}

// isBill reports whether the order's amount is on a bill that the provider must be asked for.
func isBill(sold product, order core.PayRequest) bool {
	return order.Extra["statement.reference"] == "" && !sold.Statement.nothing() || sold.ranged() && !order.Amount.Known()
}

// lookUp asks which operator a phone number is of. It gives the amount: a fixed product's own where the order names none.
func (p *Provider) lookUp(ctx context.Context, sold product, order core.PayRequest, details map[string]string) (core.Money, error) {
	amount := order.Amount
	if !amount.Known() {
		amount = sold.Destination.amount()
	}
	party, err := p.credit(sold, order)
	if err != nil || party[fieldMobile] == "" {
		return amount, err
	}
	reply, err := p.post(ctx, "/lookup/mobile-number", map[string]string{fieldMobile: party[fieldMobile]})
	if err != nil {
		return amount, err
	}
	var operators []struct {
		ID         json.Number `json:"id"`
		Name       string      `json:"name"`
		Identified bool        `json:"identified"`
	}
	if json.Unmarshal(reply.Body, &operators) != nil {
		return amount, unknown(errUndocumented, "no list of operators")
	}
	for _, operator := range operators {
		if operator.ID == sold.Operator.ID {
			details["operator"], details["operator_identified"] = p.read.clean(operator.Name), strconv.FormatBool(operator.Identified)
			return amount, nil
		}
	}
	return amount, &core.Error{Outcome: core.Declined, Code: core.CodeAccountInvalid, Err: errNotMine}
}

// bill is one row of a statement inquiry.
type bill struct {
	Reference string `json:"reference"`
	Dates     struct {
		Due string `json:"due"`
	} `json:"dates"`
	Balance struct {
		Unit   string      `json:"unit"`
		Amount json.Number `json:"amount"`
	} `json:"balance"`
}

func (b bill) balance() core.Money { return money(b.Balance.Amount, b.Balance.Unit) }

// statement asks for the bills of an account, and takes the one that the order names, else the one that is due first.
func (p *Provider) statement(ctx context.Context, sold product, order core.PayRequest, details map[string]string) (quoteToken, error) {
	body := map[string]any{"product_id": sold.ID, fieldAccount: string(order.Account)}
	if qualifier := order.Extra["account_qualifier"]; qualifier != "" {
		body["account_qualifier"] = qualifier
	}
	reply, err := p.post(ctx, "/lookup/statement-inquiry", body)
	if err != nil {
		return quoteToken{}, err
	}
	var bills []bill
	if json.Unmarshal(reply.Body, &bills) != nil {
		return quoteToken{}, unknown(errUndocumented, "no list of bills")
	}
	due, err := choose(bills, order)
	if err != nil {
		return quoteToken{}, err
	}
	amount := due.balance()
	if order.Amount.Known() {
		amount = order.Amount
	}
	details["bills"], details["bill_reference"], details["bill_balance"] = strconv.Itoa(len(bills)), due.Reference, due.balance().String()
	if due.Dates.Due != "" {
		details["bill_due"] = due.Dates.Due
	}
	return quoteToken{Reference: due.Reference, Due: due.Dates.Due, Amount: amount.String()}, nil
}

func choose(bills []bill, order core.PayRequest) (bill, error) {
	wanted := order.Extra["statement.reference"]
	open := slices.DeleteFunc(bills, func(b bill) bool {
		return b.Reference == "" || b.balance().Sign() <= 0 || wanted != "" && b.Reference != wanted
	})
	if len(open) == 0 {
		cause := errNoBill
		if wanted != "" {
			cause = errNoStatement
		}
		return bill{}, &core.Error{Outcome: core.Declined, Code: core.CodeBillUnavailable, Err: cause}
	}
	return slices.MinFunc(open, func(a, b bill) int { return cmp.Compare(a.Dates.Due, b.Dates.Due) }), nil
}

// reserve creates the transaction without confirming it: its cost is held, its price is firm. It is sent once, since a second one would be refused.
func (p *Provider) reserve(ctx context.Context, request transactionRequest, order core.PayRequest, details map[string]string) (core.Quote, error) {
	request.AutoConfirm = false
	request.CallbackURL = p.seal.address(order.CallbackURL, ofQuote, order.Ref)
	call, err := p.request(ctx, http.MethodPost, "/async/transactions", request)
	if err != nil {
		return core.Quote{}, err
	}
	reply, err := p.http.Send(ctx, call, 0)
	if err != nil {
		return core.Quote{}, err
	}
	if !accepted(reply.Status) {
		return core.Quote{}, p.read.refusal(reply)
	}
	read, err := decodeTransaction(reply.Body)
	if err == nil {
		err = belongs(read, order)
	}
	said := p.read.said(read, order)
	if err == nil && said.Contradicts(order) {
		err = core.ErrContradiction
	}
	if err != nil {
		return core.Quote{}, unknown(err, "")
	}
	return p.firm(read, said, order, details)
}

// firm makes the quote of a transaction that waits for its confirmation. One that doesn't is no quote.
func (p *Provider) firm(read transaction, said core.Result, order core.PayRequest, details map[string]string) (core.Quote, error) {
	switch read.Status.Class.ID.String() {
	case classCreated:
	case classRejected, classDeclined:
		code := p.read.codes.ofStatus(read.Status.Message)
		return core.Quote{}, &core.Error{Outcome: core.Declined, Code: code, Err: fmt.Errorf("%w: %s", errRefused, said.Reason)}
	default:
		return core.Quote{}, unknown(errNotHeld, said.Reason)
	}
	maps.Copy(details, said.Details)
	token := quoteToken{Transaction: read.ID.String(), External: read.ExternalID, Amount: order.Amount.String()}
	return core.Quote{
		Token: p.seal.token(token, order.Product, order.Account), ExpiresAt: moment(read.ConfirmTill), Reserves: true,
		Product: order.Product, Account: order.Account, Amount: order.Amount, Cost: said.Cost, Details: details,
	}, nil
}

// CancelQuote implements [core.QuoteCanceller]. A quote that holds nothing is gone already.
func (p *Provider) CancelQuote(ctx context.Context, token string) error {
	quote, err := openToken(token)
	if err != nil {
		return during("cancel_quote", refuse(core.CodeBadRequest, err))
	}
	if quote.Transaction == "" {
		return nil
	}
	return during("cancel_quote", p.cancel(ctx, quote.Transaction))
}

func (p *Provider) cancel(ctx context.Context, id string) error {
	call, err := p.request(ctx, http.MethodPost, "/transactions/"+id+"/cancel", nil)
	if err != nil {
		return err
	}
	reply, err := p.http.Ask(ctx, call)
	if err != nil {
		return err
	}
	if accepted(reply.Status) {
		return nil
	}
	switch said, _ := p.read.verdict(reply.Body); said.first { // what can't be read is no such code
	case errorCancelled, errorNoTransaction:
		return nil
	case errorNotCancellable:
		return p.gone(ctx, id)
	default:
		return p.read.refusal(reply)
	}
}

// gone asks whether a transaction that can't be cancelled any more is one that has ended without moving money.
func (p *Provider) gone(ctx context.Context, id string) error {
	reply, err := p.get(ctx, "/transactions/"+id)
	if err != nil {
		return err
	}
	read, err := decodeTransaction(reply.Body)
	if err != nil {
		return unknown(err, "")
	}
	if slices.Contains([]string{classCancelled, classRejected, classDeclined}, read.Status.Class.ID.String()) {
		return nil
	}
	return &core.Error{Outcome: core.Unknown, Code: core.CodeQuoteExpired, Err: fmt.Errorf("%w: it is %s", errStillThere, p.read.clean(read.Status.Message))}
}
