// Package dtone is the client of DT One's DVS API: products in many countries, phone look-up, bills, transactions that are confirmed at once or later, and
// callbacks.
//
// The provider refuses a second transaction under the same reference, and can be asked by it. So an order whose answer was lost is never sent again, but asked for.
// It decides on the class of a transaction's status; words and numbers beside it only say why. What is not plainly the documented answer is Unknown.
package dtone

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
)

// Provider is the client. It is safe for use by many goroutines at once.
type Provider struct {
	cfg       Config
	http      *transport.Client
	read      reader
	seal      seal
	catalogue catalogue
}

var (
	_ core.Provider       = (*Provider)(nil)
	_ core.BalanceReader  = (*Provider)(nil)
	_ core.CallbackReader = (*Provider)(nil)
	_ core.QuoteCanceller = (*Provider)(nil)
)

// maxBody holds a page of products with their benefits.
const maxBody = 8 << 20

// Factory gives the schema of the settings and what makes a provider of them. Errors of New are [*core.SettingError].
func Factory() core.Factory {
	return core.Factory{Schema: schema, New: func(settings json.RawMessage) (core.Set, error) {
		cfg, err := ParseSettings(settings)
		if err != nil {
			return core.Set{}, err
		}
		provider, err := NewProvider(cfg, transport.New(transport.Config{MaxBody: maxBody}))
		if err != nil {
			return core.Set{}, err
		}
		return provider.Set(), nil
	}}
}

// NewProvider makes the client. Errors are [*core.SettingError].
func NewProvider(cfg Config, client *transport.Client) (*Provider, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	return &Provider{
		cfg: cfg, http: client, seal: seal{key: []byte(cfg.Secret)},
		read: reader{codes: cfg.Codes, secrets: []string{cfg.Secret, cfg.Key}, callingCode: cfg.CallingCode, products: cfg.Products},
	}, nil
}

// Set gives the provider with what stands beside it. Quotes are there where they are firm, and so can be given up.
func (p *Provider) Set() core.Set {
	set := core.Set{Provider: p, Balances: p, Callbacks: p}
	if p.cfg.FirmQuotes {
		set.Quotes = p
	}
	return set
}

// Pay implements [core.Provider]. What the provider would refuse is refused here, as NotSent.
func (p *Provider) Pay(ctx context.Context, req core.PayRequest) (core.Result, error) {
	call, err := p.payment(ctx, req)
	if err != nil {
		return core.Result{}, during("pay", err)
	}
	reply, err := p.http.Send(ctx, call, req.SendBefore)
	if err != nil {
		return core.Result{}, during("pay", err)
	}
	res, err := p.read.taken(reply, req)
	if err == nil {
		res, err = p.whole(ctx, res, req)
	}
	return res, during("pay", err)
}

// payment makes the call that moves the money: a new transaction, or the confirmation of the one that a quote holds.
func (p *Provider) payment(ctx context.Context, order core.PayRequest) (*http.Request, error) {
	quote, err := p.quoted(order)
	if err != nil {
		return nil, err
	}
	if quote.Transaction != "" {
		return p.request(ctx, http.MethodPost, "/async/transactions/"+quote.Transaction+"/confirm", nil)
	}
	sold, err := p.product(ctx, order.Product)
	if err != nil {
		return nil, unasked(err)
	}
	body, err := p.word(sold, quote.withBill(order))
	if err != nil {
		return nil, err
	}
	return p.request(ctx, http.MethodPost, "/async/transactions", body)
}

// unasked is for an order that was not sent, since its product could not be asked for: whatever stood in the way, another provider may be free of it.
func unasked(err error) error {
	code := core.CodeOf(err)
	if !code.AnotherProviderMayDiffer() {
		code = core.CodeTransportNotSent
	}
	return refuse(code, fmt.Errorf("the product could not be asked for: %w", err))
}

// whole refuses to believe an answer about a ranged product that leaves out its amount.
func (p *Provider) whole(ctx context.Context, res core.Result, order core.PayRequest) (core.Result, error) {
	if res.Outcome == core.Declined || res.Amount.Known() || !order.Amount.Known() {
		return res, nil
	}
	sold, err := p.product(ctx, order.Product)
	if err == nil && !sold.ranged() {
		return res, nil
	}
	res.Outcome = core.Unknown
	return res, unknown(core.ErrIncomplete, "amount")
}

// Status implements [core.Provider]: by the invoice, the quote's transaction, or our reference.
func (p *Provider) Status(ctx context.Context, req core.StatusRequest) (core.Result, error) {
	res, err := p.status(ctx, req)
	if err == nil {
		res, err = p.whole(ctx, res, req.Original)
	}
	return res, during("status", err)
}

func (p *Provider) status(ctx context.Context, req core.StatusRequest) (core.Result, error) {
	id := string(req.Invoice)
	if quote, err := openToken(req.Original.Quote); err == nil && id == "" {
		id = quote.Transaction
	}
	switch {
	case id == "":
		return p.byRef(ctx, req)
	case !productID.MatchString(id):
		return core.Result{}, &core.Error{Outcome: core.Unknown, Code: core.CodeBadRequest, Err: errNoInvoice}
	}
	reply, err := p.get(ctx, "/transactions/"+id)
	if err != nil {
		return core.Result{}, undecided(err)
	}
	res, err := p.read.order(reply.Body, req.Original)
	if err == nil && string(res.Invoice) != id {
		return core.Disown(core.Result{Invoice: res.Invoice}), unknown(core.ErrContradiction, "invoice")
	}
	return res, err
}

// Windows of a listing: it shows the last 24 hours, or as much around a time.
const (
	lastListed = 23 * time.Hour
	halfWindow = 12 * time.Hour
)

// byRef looks an order up among the last day's transactions and, where it is older, among those of the time when it was sent. Only where it is in none of them, there
// is no such order.
func (p *Provider) byRef(ctx context.Context, req core.StatusRequest) (core.Result, error) {
	if !refForm.MatchString(req.Original.Ref) {
		return core.Result{}, &core.Error{Outcome: core.Unknown, Code: core.CodeBadRequest, Err: errNoRef}
	}
	query := url.Values{"external_id": {req.Original.Ref}}
	res, err := p.listed(ctx, query, req.Original)
	age := p.cfg.Now().Sub(req.FirstSentAt)
	if core.CodeOf(err) != core.CodeNotFound || req.FirstSentAt.IsZero() || age >= 0 && age < lastListed {
		return res, err
	}
	sent := req.FirstSentAt.UTC()
	query.Set("from_date", sent.Add(-halfWindow).Format(time.RFC3339))
	query.Set("to_date", sent.Add(halfWindow).Format(time.RFC3339))
	return p.listed(ctx, query, req.Original)
}

// listed reads a list that has the order alone in it, or nothing.
func (p *Provider) listed(ctx context.Context, query url.Values, order core.PayRequest) (core.Result, error) {
	reply, err := p.get(ctx, "/transactions?"+query.Encode())
	if err != nil {
		return core.Result{}, undecided(err)
	}
	var rows []json.RawMessage
	if json.Unmarshal(reply.Body, &rows) != nil || rows == nil {
		return core.Result{}, unknown(errUndocumented, "no list of transactions")
	}
	switch len(rows) {
	case 0:
		return core.Result{}, &core.Error{Outcome: core.Unknown, Code: core.CodeNotFound, Err: errNoOrder}
	case 1:
		return p.read.order(rows[0], order)
	default:
		return core.Result{}, unknown(errConflict, "several transactions under one reference")
	}
}

// Balances implements [core.BalanceReader].
func (p *Provider) Balances(ctx context.Context) ([]core.Balance, error) {
	reply, err := p.get(ctx, "/balances")
	if err != nil {
		return nil, during("balances", err)
	}
	var rows []struct {
		UnitType  string      `json:"unit_type"`
		Unit      string      `json:"unit"`
		Available json.Number `json:"available"`
		Holding   json.Number `json:"holding"`
		Credit    json.Number `json:"credit_limit"`
	}
	if json.Unmarshal(reply.Body, &rows) != nil || rows == nil {
		return nil, during("balances", unknown(errUndocumented, "no list of balances"))
	}
	balances := make([]core.Balance, 0, len(rows))
	for _, row := range rows {
		if row.UnitType != unitCurrency {
			continue
		}
		balances = append(balances, core.Balance{
			Available: money(row.Available, row.Unit), Holding: money(row.Holding, row.Unit), Credit: limit(row.Credit, row.Unit),
		})
	}
	return balances, nil
}

var (
	errNoInvoice = errors.New("the invoice is not the number of a transaction")
	errNoOrder   = errors.New("the provider lists no such order")
	errRequest   = errors.New("the request can't be built")
)

// get makes a call that moves no money. What isn't a 200 is an error.
func (p *Provider) get(ctx context.Context, path string) (transport.Reply, error) {
	req, err := p.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return transport.Reply{}, err
	}
	return p.ask(ctx, req)
}

// post is get for a look-up.
func (p *Provider) post(ctx context.Context, path string, body any) (transport.Reply, error) {
	req, err := p.request(ctx, http.MethodPost, path, body)
	if err != nil {
		return transport.Reply{}, err
	}
	return p.ask(ctx, req)
}

func (p *Provider) ask(ctx context.Context, req *http.Request) (transport.Reply, error) {
	reply, err := p.http.Ask(ctx, req)
	if err == nil && reply.Status != http.StatusOK {
		err = p.read.refusal(reply)
	}
	return reply, err
}

// request makes an HTTP request. A body of nil is none.
func (p *Provider) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	var reader io.Reader = http.NoBody
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, refuse(core.CodeBadRequest, errRequest)
		}
		reader = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, method, p.cfg.BaseURL+path, reader)
	if err != nil {
		return nil, refuse(core.CodeBadRequest, errRequest) // the cause would show the URL
	}
	req.SetBasicAuth(p.cfg.Key, p.cfg.Secret)
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// refuse is for what never reached the transport.
func refuse(code core.Code, cause error) error {
	return &core.Error{Outcome: core.NotSent, Code: code, Err: cause}
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
