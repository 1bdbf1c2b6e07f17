package apiclient

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/internal/view"
)

// MaxWait is the longest that the gateway keeps a Pay. Who wants to wait longer reads the payment again.
const MaxWait = time.Minute

// answerTime is what a pay may take beside the wait: planning, the attempt's first outcome, and the way there and back.
const answerTime = 40 * time.Second

// Paid is the answer to a Pay.
type Paid struct {
	Payment  view.Payment
	Replayed bool // the key was seen before
}

// Pay makes a top-up under a key. wait is how long to wait for a final state, in whole seconds and at most MaxWait; with 0 the attempt's first outcome is enough.
// After ErrUnresolved only PaymentByKey can tell.
func (c *Client) Pay(ctx context.Context, key core.Key, order view.OrderBody, wait time.Duration) (Paid, error) {
	wait = min(wait, MaxWait)
	header := map[string]string{"Idempotency-Key": string(key)}
	if seconds := int64((wait + time.Second - 1) / time.Second); seconds > 0 {
		header["Prefer"] = "wait=" + strconv.FormatInt(seconds, 10)
	}
	var paid Paid
	got, err := c.do(ctx, call{
		method: http.MethodPost, path: "/v1/payments", header: header, body: order, within: wait + answerTime,
	}, &paid.Payment)
	paid.Replayed = got.Get("Idempotent-Replayed") == "true"
	return paid, err
}

// Payment gives a payment by its id; ask has the provider asked first, where the payment isn't resolved.
func (c *Client) Payment(ctx context.Context, id core.PaymentID, ask bool) (view.Payment, error) {
	what := call{method: http.MethodGet, path: "/v1/payments/" + url.PathEscape(string(id))}
	if ask {
		what.query = url.Values{"ask": {"true"}}
	}
	var p view.Payment
	_, err := c.do(ctx, what, &p)
	return p, err
}

// PaymentByKey gives the client's payment under a key. Where there is none, the error is a problem with the code not_found. Where the credentials see
// the payments of every client, the newest of those under the key is given.
func (c *Client) PaymentByKey(ctx context.Context, key core.Key) (view.Payment, error) {
	page, err := c.Payments(ctx, Filter{Key: key, Limit: 1})
	if err != nil {
		return view.Payment{}, err
	}
	if len(page.Payments) == 0 {
		return view.Payment{}, view.NewProblem(payments.CodeNotFound, "key", "no payment under this key")
	}
	return page.Payments[0], nil
}

// Filter selects payments. Zero fields select all.
type Filter struct {
	Key     core.Key
	State   journal.PaymentState
	Account core.AccountNumber
	Since   string // RFC 3339, or how long ago as "24h"
	Limit   int
	Cursor  string
}

// Payments gives a page of payments, newest first.
func (c *Client) Payments(ctx context.Context, f Filter) (view.Payments, error) {
	query := queryOf(map[string]string{
		"key": string(f.Key), "state": string(f.State), "account": string(f.Account), "since": f.Since, "cursor": f.Cursor,
	})
	if f.Limit > 0 {
		query.Set("limit", strconv.Itoa(f.Limit))
	}
	var page view.Payments
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/v1/payments", query: query}, &page)
	return page, err
}

// Resolve brings evidence about a payment whose state is unknown.
func (c *Client) Resolve(ctx context.Context, id core.PaymentID, evidence view.ResolveBody) (view.Payment, error) {
	var p view.Payment
	_, err := c.do(ctx, call{
		method: http.MethodPost, path: "/v1/payments/" + url.PathEscape(string(id)) + "/resolve", body: evidence,
	}, &p)
	return p, err
}

// Products gives what can be bought, of one merchant or provider where those are named.
func (c *Client) Products(ctx context.Context, merchant core.MerchantCode, provider string) (view.Products, error) {
	var products view.Products
	_, err := c.do(ctx, call{
		method: http.MethodGet, path: "/v1/products",
		query: queryOf(map[string]string{"merchant": string(merchant), "provider": provider}),
	}, &products)
	return products, err
}

// Inquire asks what a top-up would cost and whom it would reach.
func (c *Client) Inquire(ctx context.Context, order view.InquiryBody) (view.Inquiry, error) {
	var quote view.Inquiry
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/inquiries", body: order}, &quote)
	return quote, err
}

// Inquiry gives an inquiry by its id.
func (c *Client) Inquiry(ctx context.Context, id string) (view.Inquiry, error) {
	var quote view.Inquiry
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/v1/inquiries/" + url.PathEscape(id)}, &quote)
	return quote, err
}

// CancelInquiry gives up an inquiry whose provider holds money for it.
func (c *Client) CancelInquiry(ctx context.Context, id string) (view.Inquiry, error) {
	var quote view.Inquiry
	_, err := c.do(ctx, call{method: http.MethodDelete, path: "/v1/inquiries/" + url.PathEscape(id)}, &quote)
	return quote, err
}

// Providers gives health, breakers, balances and capabilities.
func (c *Client) Providers(ctx context.Context) (view.Providers, error) {
	var all view.Providers
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/v1/providers"}, &all)
	return all, err
}

// Explain gives the route of an order. A zero amount: the route whatever the amount.
func (c *Client) Explain(ctx context.Context, merchant core.MerchantCode, amount core.Money) (view.RouteExplanation, error) {
	var route view.RouteExplanation
	_, err := c.do(ctx, call{
		method: http.MethodGet, path: "/v1/routes/explain",
		query: queryOf(map[string]string{"merchant": string(merchant), "amount": amount.Value()}),
	}, &route)
	return route, err
}

// queryOf leaves out what is empty.
func queryOf(values map[string]string) url.Values {
	query := url.Values{}
	for name, value := range values {
		if value != "" {
			query.Set(name, value)
		}
	}
	return query
}
