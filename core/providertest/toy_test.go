package providertest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
)

// traits are what a toy promises.
type traits struct {
	mode      core.RefMode
	by        core.StatusBy
	quoted    bool
	resubmits bool
}

// toy is a small provider that keeps every rule, except the one that broken names.
type toy struct {
	traits
	broken string
	base   string
	key    string
	secret string
	http   *transport.Client
	stop   <-chan struct{}

	told     atomic.Int32
	inflight atomic.Int32
	mu       sync.Mutex
	last     *core.Result
}

type toySettingError string

func (e toySettingError) Error() string      { return "setting " + string(e) + " is wrong" }
func (e toySettingError) SettingKey() string { return string(e) }

func toyFactory(tb testing.TB, t traits, broken string) core.Factory {
	schema := `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","additionalProperties":false,
		"required":["base_url","key"],"properties":{"base_url":{"type":"string"},"key":{"type":"string","writeOnly":true},
		"callback_secret":{"type":"string","writeOnly":true}}}`
	if broken == "schema-open" {
		schema = strings.Replace(schema, `"additionalProperties":false,`, "", 1)
	}
	if strings.HasPrefix(broken, "takes-") {
		schema = "" // it would be seen there
	}
	stop := make(chan struct{})
	tb.Cleanup(func() { close(stop) })
	return core.Factory{Schema: json.RawMessage(schema), New: func(raw json.RawMessage) (core.Set, error) {
		given := map[string]string{}
		if err := json.Unmarshal(raw, &given); err != nil {
			return core.Set{}, err
		}
		for key := range given {
			if key != "base_url" && key != "key" && key != "callback_secret" && broken != "takes-unknown-keys" {
				return core.Set{}, toySettingError(key)
			}
		}
		for _, key := range []string{"base_url", "key"} {
			if given[key] == "" && broken != "takes-missing-keys" {
				return core.Set{}, toySettingError(key)
			}
		}
		p := &toy{
			traits: t, broken: broken, base: given["base_url"], key: given["key"], secret: given["callback_secret"],
			http: transport.New(transport.Config{}), stop: stop,
		}
		set := core.Set{Provider: p, Balances: p, Callbacks: p, Quotes: p}
		if broken == "no-balances" {
			set.Balances = nil
		}
		return set, nil
	}}
}

func (p *toy) Describe(context.Context) (core.Descriptor, error) {
	pattern := "[0-9]{8,14}"
	if p.broken == "narrow-pattern" {
		pattern = "[0-9]{3}"
	}
	d := core.Descriptor{
		Name: "toy", Version: "1", Instance: p.base, Ref: core.RefSpec{Mode: p.mode}, StatusBy: p.by, QuoteRequired: p.quoted, MaxCost: true,
		StatusResubmits: p.resubmits, TellsBalances: true, SendsCallbacks: true, CancelsQuotes: true,
		Merchants: []core.MerchantSpec{{Merchant: "PULSA", Account: core.AccountSpec{Pattern: pattern}}}, OtherMerchants: true,
		Amounts: core.AmountSpec{Min: core.IDR(100), Step: core.IDR(1)},
	}
	if p.resubmits {
		d.StatusMaxAge = 24 * time.Hour
	}
	if p.broken == "changes" {
		d.Version = fmt.Sprint(p.told.Add(1))
	}
	return d, nil
}

func (p *toy) ListProducts(ctx context.Context, filter core.ProductFilter) (core.ProductPage, error) {
	body, _, err := p.call(ctx, http.MethodGet, "/products?cursor="+url.QueryEscape(filter.Cursor), nil)
	if err != nil {
		return core.ProductPage{}, err
	}
	var page core.ProductPage
	page.Next, _ = body["next"].(string)
	if p.broken == "endless" {
		page.Next = "2"
	}
	if filter.Product != "" && p.broken != "no-filter" {
		return core.ProductPage{Products: []core.Product{p.product(filter.Product)}}, nil
	}
	codes, _ := body["codes"].([]any)
	for _, code := range codes {
		page.Products = append(page.Products, p.product(fmt.Sprint(code)))
	}
	if filter.Product != "" {
		page.Products = append(page.Products, p.product("GAME"))
	}
	return page, nil
}

func (p *toy) product(code string) core.Product {
	fee := core.Fee{Known: true, Flat: core.IDR(500)}
	if p.broken == "fee" {
		fee.Flat = core.IDR(100)
	}
	night := core.DailyWindow{Start: "23:45", End: "00:15", Zone: "Asia/Jakarta"}
	if p.broken == "window-of-nothing" {
		night.End = night.Start
	}
	return core.Product{Code: code, Name: code, Available: true, Fee: fee, CutOffs: []core.DailyWindow{night}}
}

func (p *toy) Inquire(ctx context.Context, req core.InquiryRequest) (core.Quote, error) {
	if err := p.check("inquire", req.Product, req.Account, req.Amount); err != nil {
		return core.Quote{}, err
	}
	body, _, err := p.call(ctx, http.MethodPost, "/quotes", map[string]any{
		"product": req.Product, "account": string(req.Account), "amount": req.Amount.Value(),
	})
	if err != nil {
		return core.Quote{}, err
	}
	res := p.read(body)
	quote := core.Quote{Product: res.Product, Account: res.Account, Amount: res.Amount, ExpiresAt: time.Now().Add(time.Minute)}
	quote.Token, _ = body["token"].(string)
	quote.Cost, _ = res.Amount.Add(core.IDR(500))
	if p.broken == "quote-for-another" {
		quote.Account = "089999999999"
	}
	return quote, nil
}

func (p *toy) CancelQuote(ctx context.Context, token string) error {
	if p.broken == "cancels-nothing" {
		return nil
	}
	_, _, err := p.call(ctx, http.MethodDelete, "/quotes?token="+token, nil)
	return err
}

func (p *toy) Balances(ctx context.Context) ([]core.Balance, error) {
	body, _, err := p.call(ctx, http.MethodGet, "/balance", nil)
	if err != nil || p.broken == "balance-of-nothing" {
		return []core.Balance{{}}, err
	}
	available, err := core.ParseMoney(fmt.Sprint(body["available"]), "IDR")
	return []core.Balance{{Available: available}}, err
}

func (p *toy) ReadCallback(_ context.Context, req core.CallbackRequest) (core.Callback, error) {
	given := http.Header(req.Header).Get("X-Signature")
	want := signature(req.Body)
	skip := given == "" && p.broken == "unsigned" || given != "" && p.broken == "forged" || p.broken == "garbage"
	if !hmac.Equal([]byte(given), []byte(want)) && !skip {
		return core.Callback{}, &core.Error{Op: "callback", Code: core.CodeAuth, Err: errors.New("not signed by the provider")}
	}
	var told struct {
		Ref     string       `json:"ref"`
		Invoice core.Invoice `json:"invoice"`
	}
	if err := json.Unmarshal(req.Body, &told); err != nil && p.broken != "garbage" {
		return core.Callback{}, &core.Error{Op: "callback", Code: core.CodeBadRequest, Err: errors.New("not readable")}
	}
	if p.broken == "reads-nothing" || p.broken == "once-only" && p.told.Add(1) > 1 {
		return core.Callback{}, nil
	}
	return core.Callback{Orders: []core.CallbackOrder{{Ref: told.Ref, Invoice: told.Invoice}}}, nil
}

func (p *toy) check(op, product string, account core.AccountNumber, amount core.Money) error {
	if op == "inquire" && !amount.Known() {
		return nil // a bill
	}
	if p.broken == "bounds" || p.broken == "any-currency" && amount.Currency() != "IDR" {
		return nil
	}
	d, _ := p.Describe(context.Background())
	if err := core.CheckOrder(d, product, account, amount); err != nil {
		return &core.Error{Op: op, Outcome: core.NotSent, Code: core.CodeAmountInvalid, Err: err}
	}
	return nil
}

func (p *toy) Pay(ctx context.Context, req core.PayRequest) (core.Result, error) {
	if err := p.check("pay", req.Product, req.Account, req.Amount); err != nil {
		return core.Result{}, err
	}
	if p.broken == "leaves-a-goroutine" {
		go func() { <-p.stop }()
	}
	switch p.broken {
	case "deaf":
		ctx = context.WithoutCancel(ctx)
	case "no-trace":
		ctx = context.Background()
	}
	p.inflight.Add(1)
	defer p.inflight.Add(-1)
	return p.send(ctx, req)
}

// send makes the order, and is what Status does where the provider is asked so.
func (p *toy) send(ctx context.Context, req core.PayRequest) (core.Result, error) {
	amount := req.Amount.Value()
	if p.broken == "float" {
		f, _ := strconv.ParseFloat(amount, 64)
		amount = strconv.FormatFloat(f, 'f', 0, 64)
	}
	order := map[string]any{"ref": req.Ref, "product": req.Product, "account": string(req.Account), "amount": amount, "quote": req.Quote}
	if p.broken == "ref-of-its-own" {
		order["ref"] = newRef()
	}
	if req.MaxCost.Known() {
		order["max_cost"] = req.MaxCost.Value()
	}
	call := p.request(ctx, http.MethodPost, "/orders", order)
	before := req.SendBefore
	if p.broken == "send-late" {
		before = 0
	}
	reply, err := p.exchange(ctx, call, before)
	if err != nil {
		return p.lost(err)
	}
	return p.judge(reply, req)
}

func (p *toy) exchange(ctx context.Context, call *http.Request, before time.Duration) (transport.Reply, error) {
	if p.broken != "follows" {
		return p.http.Send(ctx, call, before)
	}
	resp, err := http.DefaultClient.Do(call)
	if err != nil {
		return transport.Reply{}, &core.Error{Err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return transport.Reply{Status: resp.StatusCode, Body: body}, err
}

// lost says what having no answer means.
func (p *toy) lost(err error) (core.Result, error) {
	sent := core.OutcomeOf(err) != core.NotSent
	timeout, cancelled := errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled)
	switch {
	case p.broken == "says-unknown-always" && !sent:
		return core.Result{}, &core.Error{Op: "pay", Code: core.CodeTransportAfterSend, Err: err.(*core.Error).Err}
	case p.broken == "lost-is-declined" && sent, p.broken == "timeout-is-declined" && timeout:
		return core.Result{Outcome: core.Declined, Code: core.CodeProductDown}, nil
	case p.broken == "lost-is-not-sent" && sent, p.broken == "cancelled-is-not-sent" && cancelled:
		return core.Result{}, &core.Error{Op: "pay", Outcome: core.NotSent, Code: core.CodeTransportNotSent}
	case p.broken == "untyped" && sent:
		return core.Result{}, errors.New("it was lost")
	}
	return core.Result{}, err
}

// judge reads the answer to an order.
func (p *toy) judge(reply transport.Reply, req core.PayRequest) (core.Result, error) {
	var body map[string]any
	switch err := json.Unmarshal(reply.Body, &body); {
	case len(reply.Body) == 0 && p.broken == "empty-is-declined",
		bytes.HasPrefix(reply.Body, []byte("<")) && p.broken == "page-is-declined",
		err != nil && bytes.HasPrefix(reply.Body, []byte("{")) && p.broken == "half-is-declined":
		return core.Result{Outcome: core.Declined, Code: core.CodeDeclined}, nil
	case len(body) == 0 && err == nil && p.broken == "nothing-is-declined", reply.Status >= http.StatusBadRequest && p.broken == "status-is-the-answer":
		return core.Result{Outcome: core.Declined, Code: core.CodeDeclined}, nil
	case body["newly_told"] != nil && p.broken == "knows-all-fields":
		return core.Result{}, &core.Error{Op: "pay", Code: core.CodeInternal, Err: errors.New("a field that nobody documents")}
	case err != nil:
		return core.Result{}, &core.Error{Op: "pay", Code: core.CodeTransportAfterSend, Err: errors.New("the answer can't be read")}
	}
	res := p.read(body)
	switch p.broken {
	case "copies-account", "copies-account-on-status":
		res.Account = req.Account
	case "copies-amount":
		res.Amount = req.Amount
	case "copies-product":
		res.Product = req.Product
	case "names-no-account":
		res.Account = ""
	case "mixes":
		p.mu.Lock()
		if p.last != nil && p.inflight.Load() > 1 {
			res, *p.last = *p.last, res
		} else {
			p.last = &res
		}
		p.mu.Unlock()
	}
	return p.conclude(body, res)
}

func (p *toy) conclude(body map[string]any, res core.Result) (core.Result, error) {
	code, _ := body["code"].(string)
	res.Code = core.Code(code)
	switch status, _ := body["status"].(string); {
	case res.Code == core.CodeDuplicateRef && p.broken != "duplicate-is-declined", res.Code == core.CodeAuth:
		return core.Result{}, &core.Error{Op: "pay", Code: res.Code, Err: errors.New(p.loud("refused"))}
	case res.Code == core.CodeDuplicateRef:
		res.Outcome, res.Code = core.Declined, core.CodeDeclined
	case status == "done":
		res.Outcome = core.Succeeded
	case status == "running" && p.broken != "impatient":
		res.Outcome = core.Pending
	case status == "running":
		res.Outcome = core.Succeeded
	case status == "returned" && p.broken != "keeps-refunds":
		res.Outcome, res.Code = core.Refunded, core.CodeRefunded
	case status == "returned":
		res.Outcome = core.Succeeded
	case status == "refused" && res.Code == core.CodeAccountInvalid && p.broken == "account-unresolved":
		return core.Result{}, &core.Error{Op: "pay", Code: core.CodeInternal}
	case status == "refused" && p.broken == "refusal-is-an-error":
		return core.Result{}, &core.Error{Op: "pay", Code: res.Code}
	case status == "refused", p.broken == "odd-is-declined":
		res.Outcome = core.Declined
	default:
		return core.Result{Invoice: res.Invoice}, &core.Error{Op: "pay", Code: core.CodeInternal, Err: errors.New("a status that nobody documents")}
	}
	return res, nil
}

func (p *toy) loud(text string) string {
	if p.broken == "loud" {
		return text + " for " + p.key
	}
	return text
}

// read takes what an answer echoes.
func (p *toy) read(body map[string]any) core.Result {
	field := func(name string) string { s, _ := body[name].(string); return s }
	amount, _ := core.ParseMoney(field("amount"), "IDR")
	cost, _ := amount.Add(core.IDR(500))
	if p.broken == "swaps-prices" {
		cost = amount
	}
	return core.Result{
		Cost: cost,
		Ref:  field("ref"), Invoice: core.Invoice(field("invoice")), Reference: field("reference"),
		Product: field("product"), Account: core.AccountNumber(field("account")), Amount: amount,
	}
}

func (p *toy) Status(ctx context.Context, req core.StatusRequest) (core.Result, error) {
	if p.resubmits {
		return p.resubmit(ctx, req)
	}
	query := "?invoice=" + url.QueryEscape(string(req.Invoice))
	if p.by.Has(core.ByRef) {
		query += "&ref=" + req.Original.Ref
	}
	body, status, err := p.call(ctx, http.MethodGet, "/orders"+query, nil)
	if err != nil {
		return core.Result{}, err
	}
	if status == http.StatusNotFound {
		if p.broken == "absent-is-declined" {
			return core.Result{Outcome: core.Declined, Code: core.CodeDeclined}, nil
		}
		return core.Result{}, &core.Error{Op: "status", Code: core.CodeNotFound}
	}
	res := p.read(body)
	switch p.broken {
	case "another-proof":
		res.Reference += "-b"
	case "copies-account-on-status":
		res.Account, res.Ref = req.Original.Account, req.Original.Ref
	}
	return p.conclude(body, res)
}

func (p *toy) resubmit(ctx context.Context, req core.StatusRequest) (core.Result, error) {
	if time.Since(req.FirstSentAt) > 24*time.Hour && p.broken != "asks-too-late" {
		return core.Result{}, &core.Error{Op: "status", Code: core.CodeNotFound, Err: errors.New("too old to be asked for")}
	}
	return p.send(ctx, req.Original)
}

func (p *toy) request(ctx context.Context, method, path string, body map[string]any) *http.Request {
	packed, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	req, _ := http.NewRequestWithContext(ctx, method, p.base+path, bytes.NewReader(packed))
	req.Header.Set("Authorization", "Bearer "+p.key)
	return req
}

func (p *toy) call(ctx context.Context, method, path string, body map[string]any) (map[string]any, int, error) {
	reply, err := p.http.Ask(ctx, p.request(ctx, method, path, body))
	if err != nil {
		return nil, 0, err
	}
	if reply.Status == http.StatusUnauthorized {
		return nil, 0, &core.Error{Op: "ask", Code: core.CodeAuth, Err: errors.New(p.loud("refused"))}
	}
	var told map[string]any
	if err := json.Unmarshal(reply.Body, &told); err != nil {
		return nil, 0, &core.Error{Op: "ask", Code: core.CodeInternal, Err: errors.New("the answer can't be read")}
	}
	return told, reply.Status, nil
}
