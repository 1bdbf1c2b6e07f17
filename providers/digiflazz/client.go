// Package digiflazz is the client of Digiflazz's buyer API: prepaid orders, bills and e-money with an inquiry before them, price lists, the deposit, and the
// callbacks that the provider sends.
//
// A prepaid order is asked for by sending it again: within 90 days the provider answers with the first one, after that it books a new sale. So nothing is
// asked for that is older than 89 days, and a question is sent under the same limit as an order. The provider's status is trusted first and its code second;
// where the two disagree, or either is not documented, the order is not called done nor refused.
package digiflazz

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
)

// maxBody is the largest answer: a price list of many thousand products.
const maxBody = 16 << 20

// Provider is the client. It is safe for use by many goroutines at once.
type Provider struct {
	cfg    Config
	http   *transport.Client
	read   reader
	prices *prices
	quoted *costs
}

var (
	_ core.Provider       = (*Provider)(nil)
	_ core.BalanceReader  = (*Provider)(nil)
	_ core.CallbackReader = (*Provider)(nil)
)

// Factory tells how the settings look and makes the client from them. Errors are [*core.SettingError].
func Factory() core.Factory {
	return core.Factory{Schema: schema(), New: func(settings json.RawMessage) (core.Set, error) {
		cfg, err := ParseSettings(settings)
		if err != nil {
			return core.Set{}, err
		}
		p, err := New(cfg, transport.New(transport.Config{MaxBody: maxBody}))
		if err != nil {
			return core.Set{}, err
		}
		return p.Set(), nil
	}}
}

// New makes the client. Errors are [*core.SettingError].
func New(cfg Config, client *transport.Client) (*Provider, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	p := &Provider{cfg: cfg, http: client, read: newReader(cfg), quoted: newCosts()}
	p.prices = newPrices(p.readPrices, cfg.Now)
	return p, nil
}

// Set gives the provider with all that stands beside it.
func (p *Provider) Set() core.Set {
	return core.Set{Provider: p, Balances: p, Callbacks: p}
}

// Describe implements [core.Provider].
func (p *Provider) Describe(context.Context) (core.Descriptor, error) { return p.cfg.descriptor(), nil }

// Pay implements [core.Provider]. With the token of an inquiry it pays that bill, without one it makes a prepaid order.
func (p *Provider) Pay(ctx context.Context, order core.PayRequest) (core.Result, error) {
	if err := p.checkPay(order); err != nil {
		return core.Result{}, during("pay", err)
	}
	call, err := p.request(ctx, "transaction", p.orderBody(order, "pay-pasca"))
	if err != nil {
		return core.Result{}, during("pay", err)
	}
	reply, err := p.http.Send(ctx, call, p.sendBefore(order))
	if err != nil {
		return core.Result{}, during("pay", err)
	}
	res, err := p.read.order(reply.Body, order, paying)
	return res, during("pay", err)
}

// Status implements [core.Provider]. A prepaid order is sent again; of a bill the provider is asked.
func (p *Provider) Status(ctx context.Context, req core.StatusRequest) (core.Result, error) {
	age := p.cfg.Now().Sub(req.FirstSentAt)
	if age >= statusMaxAge {
		return core.Result{}, during("status", unknown(core.CodeBadRequest, errTooOld, ""))
	}
	if err := p.checkOrder(req.Original); err != nil {
		return core.Result{}, during("status", doubted(err))
	}
	body, err := p.ask(ctx, req.Original)
	if err != nil {
		return core.Result{}, during("status", doubted(err))
	}
	at := asking
	if age >= statusGap {
		at = askingLater
	}
	res, err := p.read.order(body, req.Original, at)
	return res, during("status", err)
}

// ask asks for an order: by the command for it where it is a bill, else by sending it again.
func (p *Provider) ask(ctx context.Context, order core.PayRequest) ([]byte, error) {
	body := p.orderBody(order, "status-pasca")
	if body.Commands != "" {
		return p.exchange(ctx, "transaction", body)
	}
	call, err := p.request(ctx, "transaction", body)
	if err != nil {
		return nil, err
	}
	reply, err := p.http.Send(ctx, call, order.SendBefore)
	return reply.Body, err
}

// Balances implements [core.BalanceReader].
func (p *Provider) Balances(ctx context.Context) ([]core.Balance, error) {
	body, err := p.exchange(ctx, "cek-saldo", deposit{Cmd: "deposit", account: p.account("depo")})
	if err != nil {
		return nil, during("balances", err)
	}
	available, err := p.read.balance(body)
	if err != nil {
		return nil, during("balances", err)
	}
	return []core.Balance{{Available: available}}, nil
}

// sendBefore gives until when an order may leave: a bill not after the day of its inquiry.
func (p *Provider) sendBefore(order core.PayRequest) time.Duration {
	limit := order.SendBefore
	if token, ok := parseToken(order.Quote); ok {
		midnight := transport.BootTime() + token.expires().Sub(p.cfg.Now())
		if limit == 0 || midnight < limit {
			limit = midnight
		}
	}
	return limit
}

// exchange makes a call that moves no money and gives the body of its answer, whatever its HTTP status.
func (p *Provider) exchange(ctx context.Context, path string, body any) ([]byte, error) {
	req, err := p.request(ctx, path, body)
	if err != nil {
		return nil, err
	}
	reply, err := p.http.Ask(ctx, req)
	return reply.Body, err
}

var errRequest = errors.New("the request can't be built")

func (p *Provider) request(ctx context.Context, path string, body any) (*http.Request, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, refuse(core.CodeBadRequest, errRequest) // the cause could show the body
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.cfg.BaseURL+"/"+path, bytes.NewReader(encoded))
	if err != nil {
		return nil, refuse(core.CodeBadRequest, errRequest)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	return req, nil
}

// refuse is for what never reached the transport.
func refuse(code core.Code, cause error) error {
	return &core.Error{Outcome: core.NotSent, Code: code, Err: cause}
}

// doubted is for a question: that it was not sent says nothing of the order.
func doubted(err error) error {
	return &core.Error{Outcome: core.Unknown, Code: core.CodeOf(err), Err: err}
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
