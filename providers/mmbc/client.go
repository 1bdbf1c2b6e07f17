// Package mmbc is the client of MMBC Multipayment: list_merchant, inquiry_merchant, reload_merchant and status_reload over HTTP.
//
// The provider takes no reference of ours, so an order whose answer was lost can only be asked for once somebody brings its
// invoice. The client therefore calls reload_merchant once and believes little: what is not plainly the documented answer is Unknown.
//
// Where the provider's page leaves something open, every reading is accepted: keys with "_" or a space and in any case, values as
// strings or numbers, amounts with dots, commas or a currency sign.
package mmbc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
)

// Provider is the client. It is safe for use by many goroutines at once.
type Provider struct {
	cfg  Config
	http *transport.Client
	read reader
}

var _ core.Provider = (*Provider)(nil)

// New makes the client from its settings in a configuration, with a transport of its own. Errors are [*core.SettingError].
func New(settings json.RawMessage) (core.Set, error) {
	cfg, err := ParseSettings(settings)
	if err != nil {
		return core.Set{}, err
	}
	provider, err := NewProvider(cfg, transport.New(transport.Config{}))
	if err != nil {
		return core.Set{}, err
	}
	return core.Set{Provider: provider}, nil
}

// NewProvider makes the client. Errors are [*core.SettingError].
func NewProvider(cfg Config, client *transport.Client) (*Provider, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	read := reader{reasons: reasonTable(cfg.Reasons), secrets: []string{cfg.Password, cfg.Username}}
	return &Provider{cfg: cfg, http: client, read: read}, nil
}

// Describe implements [core.Provider].
func (p *Provider) Describe(context.Context) (core.Descriptor, error) {
	d := descriptor()
	d.Instance = p.cfg.instance()
	return d, nil
}

// ListProducts implements [core.Provider]. There is one page.
func (p *Provider) ListProducts(ctx context.Context, filter core.ProductFilter) (core.ProductPage, error) {
	body, err := p.ask(ctx, "list_merchant", nil)
	if err != nil {
		return core.ProductPage{}, during("list_products", err)
	}
	listed, err := p.read.list(body)
	if err != nil {
		return core.ProductPage{}, during("list_products", err)
	}
	var page core.ProductPage
	for _, product := range listed {
		if filter.Product == "" || sameProduct(filter.Product, product.Code) {
			page.Products = append(page.Products, product)
		}
	}
	return page, nil
}

// Inquire implements [core.Provider]. What the provider would refuse for its account or amount is refused here, as NotSent.
func (p *Provider) Inquire(ctx context.Context, req core.InquiryRequest) (core.Quote, error) {
	if err := checkOrder(req.Product, req.Account, req.Amount); err != nil {
		return core.Quote{}, during("inquire", err)
	}
	body, err := p.ask(ctx, "inquiry_merchant", orderParams(req.Product, req.Account, req.Amount))
	if err != nil {
		return core.Quote{}, during("inquire", err)
	}
	quote, err := p.read.inquiry(body, req)
	return quote, during("inquire", err)
}

// Pay implements [core.Provider]. What the provider would refuse for its account or amount is refused here, as NotSent.
func (p *Provider) Pay(ctx context.Context, req core.PayRequest) (core.Result, error) {
	if err := checkOrder(req.Product, req.Account, req.Amount); err != nil {
		return core.Result{}, during("pay", err)
	}
	params := orderParams(req.Product, req.Account, req.Amount)
	params["direct"] = p.direct()
	call, err := p.request(ctx, "reload_merchant", params)
	if err != nil {
		return core.Result{}, during("pay", err)
	}
	reply, err := p.http.Send(ctx, call, req.SendBefore)
	if err != nil {
		return core.Result{}, during("pay", err)
	}
	if err := checkStatus(reply); err != nil {
		return p.read.evidence(reply.Body, req), during("pay", err)
	}
	res, err := p.read.reload(reply.Body, req)
	return res, during("pay", err)
}

// Status implements [core.Provider]. The provider can be asked by its invoice only.
func (p *Provider) Status(ctx context.Context, req core.StatusRequest) (core.Result, error) {
	if req.Invoice == "" {
		err := &core.Error{Outcome: core.Unknown, Code: core.CodeBadRequest, Err: errNoInvoice}
		return core.Result{}, during("status", err)
	}
	body, err := p.ask(ctx, "status_reload", map[string]string{"invoice": string(req.Invoice)})
	if err != nil {
		return core.Result{}, during("status", err)
	}
	res, err := p.read.status(body, req)
	return res, during("status", err)
}

var (
	errNoInvoice = errors.New("without an invoice the provider can't be asked")
	errRequest   = errors.New("the request can't be built")
)

func orderParams(product string, account core.AccountNumber, amount core.Money) map[string]string {
	return map[string]string{
		"merchant_code":          product,
		"merchant_accountnumber": string(account),
		"amount":                 amount.Normal().Value(),
	}
}

func (p *Provider) direct() string {
	if p.cfg.AwaitReference {
		return "0"
	}
	return "1"
}

// ask makes a call that moves no money and gives the body of its answer.
func (p *Provider) ask(ctx context.Context, call string, params map[string]string) ([]byte, error) {
	req, err := p.request(ctx, call, params)
	if err != nil {
		return nil, err
	}
	reply, err := p.http.Ask(ctx, req)
	if err != nil {
		return nil, err
	}
	return reply.Body, checkStatus(reply)
}

// checkStatus refuses every answer that isn't a 2xx: whatever its body says, it is not the documented answer.
func checkStatus(reply transport.Reply) error {
	if reply.Status >= http.StatusOK && reply.Status < http.StatusMultipleChoices {
		return nil
	}
	return &core.Error{
		Outcome: core.Unknown, Code: core.CodeTransportAfterSend,
		Err: fmt.Errorf("%w: http status %d", errUndocumented, reply.Status),
	}
}

// request makes the HTTP request of one call, with the credentials that every call takes.
func (p *Provider) request(ctx context.Context, call string, params map[string]string) (*http.Request, error) {
	all := map[string]string{"username": p.cfg.Username, "password": p.cfg.Password}
	maps.Copy(all, params)
	target, body, contentType := p.encode(p.cfg.BaseURL+"/"+call, all)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, body)
	if err != nil {
		return nil, refuse(core.CodeBadRequest, errRequest) // the cause would show the URL
	}
	req.Header.Set("Accept", "application/json")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return req, nil
}

func (p *Provider) encode(target string, params map[string]string) (withQuery string, body io.Reader, contentType string) {
	if p.cfg.Encoding == EncodingJSON {
		encoded, _ := json.Marshal(params) //nolint:errchkjson // a map of strings always encodes
		return target, bytes.NewReader(encoded), "application/json"
	}
	form := url.Values{}
	for key, value := range params {
		form.Set(key, value)
	}
	if p.cfg.Encoding == EncodingQuery {
		return target + "?" + form.Encode(), http.NoBody, ""
	}
	return target, strings.NewReader(form.Encode()), "application/x-www-form-urlencoded"
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
