// Command provider-go is a plugin of Jalur: the client of the provider that package sandbox plays.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
	"github.com/jalurhq/jalur/plugins/sdk"
)

func main() { sdk.Serve(Factory()) }

const schema = `{"type": "object", "additionalProperties": false, "required": ["base_url", "key"], "properties": {
	"base_url": {"type": "string", "pattern": "^https?://", "description": "Where the provider is."},
	"key": {"type": "string", "minLength": 1, "writeOnly": true, "description": "What it knows us by."}}}`

// Factory makes the provider from settings that fit the schema.
func Factory() core.Factory {
	return core.Factory{Schema: json.RawMessage(schema), New: func(settings json.RawMessage) (core.Set, error) {
		p := &provider{http: transport.New(transport.Config{})}
		return core.Set{Provider: p}, json.Unmarshal(settings, p)
	}}
}

type provider struct {
	Base string `json:"base_url"`
	Key  string `json:"key"`
	http *transport.Client
}

// Describe promises what everybody decides by: a repeated reference is answered with the first order, and an order can be asked for by it.
func (p *provider) Describe(context.Context) (core.Descriptor, error) {
	phone := core.AccountSpec{Kind: "phone number", Pattern: "08[0-9]{8,11}"}
	return core.Descriptor{
		Name: "provider-go", Version: "0.1.0", Instance: p.Base, Ref: core.RefSpec{Mode: core.RefReplay}, StatusBy: core.ByRef,
		Merchants: []core.MerchantSpec{{Merchant: "GOPAY", Account: phone}}, Amounts: core.AmountSpec{Min: core.IDR(1000), Step: core.IDR(1)},
	}, nil
}

func (p *provider) ListProducts(_ context.Context, _ core.ProductFilter) (core.ProductPage, error) {
	return core.ProductPage{Products: []core.Product{{Code: "GOPAY", Name: "GoPay", Available: true}}}, nil // it publishes no list
}

func (p *provider) Inquire(_ context.Context, req core.InquiryRequest) (core.Quote, error) {
	return core.Quote{Product: req.Product, Account: req.Account, Amount: req.Amount}, nil // it tells no price before the order
}

func (p *provider) Pay(ctx context.Context, req core.PayRequest) (core.Result, error) {
	if req.Amount.Currency() != "IDR" { // the order itself tells no currency
		return core.Result{}, &core.Error{Outcome: core.NotSent, Code: core.CodeAmountInvalid, Err: errors.New("amounts are in rupiah")}
	}
	order := map[string]string{"ref": req.Ref, "product": req.Product, "account": string(req.Account), "amount": req.Amount.Value()}
	sending := func(call *http.Request) (transport.Reply, error) { return p.http.Send(ctx, call, req.SendBefore) } // once
	return p.order(ctx, "POST", "/orders", order, sending)
}

func (p *provider) Status(ctx context.Context, req core.StatusRequest) (core.Result, error) {
	asking := func(call *http.Request) (transport.Reply, error) { return p.http.Ask(ctx, call) }
	return p.order(ctx, "GET", "/orders?ref="+url.QueryEscape(req.Original.Ref), nil, asking)
}

// order makes a call about an order, and gives its answer the outcome that it proves. What can't be read, and a word that isn't known, is Unknown.
func (p *provider) order(ctx context.Context, method, path string, body any, send func(*http.Request) (transport.Reply, error)) (core.Result, error) {
	packed, _ := json.Marshal(body) // strings always can be
	call, err := http.NewRequestWithContext(ctx, method, p.Base+path, bytes.NewReader(packed))
	if err != nil {
		return core.Result{}, &core.Error{Outcome: core.NotSent, Code: core.CodeBadRequest, Err: errors.New("base_url is no address")}
	}
	call.Header.Set("Authorization", "Bearer "+p.Key)
	reply, err := send(call)
	if err != nil {
		return core.Result{}, err
	}
	var said struct {
		core.Result        // this provider's fields have its names
		Status      string // "done", "pending", "refused", "absent"
	}
	if json.Unmarshal(reply.Body, &said) != nil || said.Status == "" {
		return core.Result{}, &core.Error{Code: core.CodeInternal, Err: errors.New("the answer can't be read")}
	}
	said.Outcome = map[string]core.Outcome{"done": core.Succeeded, "pending": core.Pending, "refused": core.Declined}[said.Status]
	if said.Status == "absent" {
		return said.Result, &core.Error{Code: core.CodeNotFound}
	}
	return said.Result, nil
}
