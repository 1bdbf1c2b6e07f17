package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jalurhq/jalur"
	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/core/router"
	"github.com/jalurhq/jalur/internal/apiclient"
	"github.com/jalurhq/jalur/internal/view"
)

// backend is where a command's question goes: to a service in this process, or to a gateway.
type backend interface {
	market
	// Pay returns at the first known outcome. It heeds no cancellation: what has begun is finished.
	Pay(ctx context.Context, key core.Key, order view.OrderBody) (view.Payment, error)
	// Await waits for a final state until the context ends.
	Await(ctx context.Context, p view.Payment) view.Payment
	// Status asks the provider where the payment isn't resolved.
	Status(ctx context.Context, which reference) (view.Payment, error)
	Payments(ctx context.Context, f apiclient.Filter) (view.Payments, error)
	Resolve(ctx context.Context, id core.PaymentID, evidence view.ResolveBody) (view.Payment, error)
	Cases(ctx context.Context, f journal.CaseFilter) (view.Cases, error)
	CloseCase(ctx context.Context, id, resolution string) (view.Closed, error)
	Close(ctx context.Context) error
}

// market is what the providers sell, and how they are.
type market interface {
	Products(ctx context.Context, merchant core.MerchantCode, provider string) (view.Products, error)
	Inquire(ctx context.Context, order view.InquiryBody) (view.Inquiry, error)
	Inquiry(ctx context.Context, id string) (view.Inquiry, error)
	CancelInquiry(ctx context.Context, id string) (view.Inquiry, error)
	Providers(ctx context.Context) (view.Providers, error)
	Explain(ctx context.Context, merchant core.MerchantCode, amount core.Money) (view.RouteExplanation, error)
}

// reference names a payment by its id or by its key.
type reference struct {
	id  core.PaymentID
	key core.Key
}

// drainTime is how long a command waits, at its end, for calls that have begun.
const drainTime = time.Minute

// open gives the backend that the flags name.
func (a *app) open(ctx context.Context) (backend, error) {
	if a.server != "" {
		client, err := apiclient.New(apiclient.Config{Server: a.server, Credentials: a.env(apiclient.CredentialsVariable)})
		if err != nil {
			return nil, usage(err)
		}
		return remote{client}, nil
	}
	cfg, err := a.settings(nil)
	if err != nil {
		return nil, err
	}
	service, err := jalur.Open(ctx, cfg, jalur.Options{Shipped: a.Shipped, Log: a.log})
	if err != nil {
		return nil, err
	}
	return local{service}, nil
}

// with opens the backend for one command and closes it after.
func (a *app) with(ctx context.Context, use func(backend) error) (err error) {
	b, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if closed := b.Close(ctx); closed != nil { // what the command found out stands all the same
			a.say("jalur: at the end: " + closed.Error())
		}
	}()
	return use(b)
}

// local is a service in this process. Its user is the operator: it sees the payments of every client, and its own keys belong to no client.
type local struct{ service *jalur.Service }

func (l local) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	return l.service.Close(ctx)
}

func (l local) Products(ctx context.Context, merchant core.MerchantCode, provider string) (view.Products, error) {
	return view.ProductsOf(l.service.Products(ctx, merchant, provider)), nil
}

func (l local) Inquire(ctx context.Context, order view.InquiryBody) (view.Inquiry, error) {
	quote, err := l.service.Inquire(ctx, order.Order(""))
	if err != nil {
		return view.Inquiry{}, err
	}
	return view.InquiryOf(quote), nil
}

func (l local) Inquiry(ctx context.Context, id string) (view.Inquiry, error) {
	quote, err := l.service.Inquiry(ctx, "", id)
	if err != nil {
		return view.Inquiry{}, err
	}
	return view.InquiryOf(quote), nil
}

func (l local) CancelInquiry(ctx context.Context, id string) (view.Inquiry, error) {
	quote, err := l.service.CancelInquiry(ctx, "", id)
	if err != nil {
		return view.Inquiry{}, err
	}
	return view.InquiryOf(quote), nil
}

func (l local) Providers(ctx context.Context) (view.Providers, error) {
	return view.ProvidersOf(l.service.Providers(ctx), l.service.Balances(ctx)), nil
}

func (l local) Pay(ctx context.Context, key core.Key, order view.OrderBody) (view.Payment, error) {
	answer, err := l.service.Pay(context.WithoutCancel(ctx), order.Order("", key))
	if err != nil {
		return view.Payment{}, err
	}
	return view.PaymentOf(answer.Payment), nil
}

func (l local) Await(ctx context.Context, p view.Payment) view.Payment {
	known, err := l.service.Payment(context.WithoutCancel(ctx), payments.AnyClient, p.ID)
	if err != nil {
		return p // as the pay gave it
	}
	return view.PaymentOf(l.service.Await(ctx, known))
}

func (l local) Status(ctx context.Context, which reference) (view.Payment, error) {
	p, err := l.find(ctx, which)
	if err != nil {
		return view.Payment{}, err
	}
	p, err = l.service.Ask(ctx, p)
	if err != nil {
		return view.Payment{}, err
	}
	return view.PaymentOf(p), nil
}

func (l local) find(ctx context.Context, which reference) (journal.Payment, error) {
	if which.id != "" {
		return l.service.Payment(ctx, payments.AnyClient, which.id)
	}
	page, err := l.service.Payments(ctx, journal.Filter{AnyClient: true, Key: which.key})
	if err != nil {
		return journal.Payment{}, err
	}
	switch len(page.Payments) {
	case 0:
		return journal.Payment{}, &payments.Refusal{Code: payments.CodeNotFound, Rule: "no payment under this key"}
	case 1:
		return page.Payments[0], nil
	}
	ids := make([]string, len(page.Payments))
	for i, p := range page.Payments {
		ids[i] = fmt.Sprintf("%s (client %q)", p.ID, p.Client)
	}
	return journal.Payment{}, usage(fmt.Errorf("several clients have used this key; name the payment: %s", strings.Join(ids, ", ")))
}

func (l local) Payments(ctx context.Context, f apiclient.Filter) (view.Payments, error) {
	since, err := view.ParseSince(f.Since, time.Now())
	if err != nil {
		return view.Payments{}, usage(err)
	}
	page, err := l.service.Payments(ctx, journal.Filter{
		AnyClient: true, Key: f.Key, Account: f.Account, State: f.State, Since: since, Limit: f.Limit, Cursor: f.Cursor,
	})
	if err != nil {
		return view.Payments{}, err
	}
	return view.PaymentsOf(page), nil
}

func (l local) Resolve(ctx context.Context, id core.PaymentID, evidence view.ResolveBody) (view.Payment, error) {
	p, err := l.service.Payment(ctx, payments.AnyClient, id)
	if err != nil {
		return view.Payment{}, err
	}
	p, err = l.service.Resolve(ctx, p, evidence.Resolution(person()))
	if err != nil {
		return view.Payment{}, err
	}
	return view.PaymentOf(p), nil
}

func (l local) Explain(ctx context.Context, merchant core.MerchantCode, amount core.Money) (view.RouteExplanation, error) {
	order := router.Order{Merchant: merchant, Amount: amount}
	route, err := l.service.Explain(ctx, order)
	if err != nil {
		return view.RouteExplanation{}, err
	}
	return view.RouteOf(order, route), nil
}

// remote is a running gateway.
type remote struct{ *apiclient.Client }

func (remote) Close(context.Context) error { return nil }

func (r remote) Pay(ctx context.Context, key core.Key, order view.OrderBody) (view.Payment, error) {
	paid, err := r.Client.Pay(context.WithoutCancel(ctx), key, order, 0)
	return paid.Payment, err
}

// pollEvery is how often a gateway is asked what became of a payment.
const pollEvery = time.Second

func (r remote) Await(ctx context.Context, p view.Payment) view.Payment {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for !p.State.Final() {
		select {
		case <-ctx.Done():
			return p
		case <-ticker.C:
		}
		// A gateway that can't be asked just now is asked again: the payment goes on without us.
		if now, err := r.Payment(context.WithoutCancel(ctx), p.ID, false); err == nil {
			p = now
		}
	}
	return p
}

func (r remote) Status(ctx context.Context, which reference) (view.Payment, error) {
	if which.id != "" {
		return r.Payment(ctx, which.id, true)
	}
	p, err := r.PaymentByKey(ctx, which.key)
	if err != nil {
		return p, err
	}
	return r.Payment(ctx, p.ID, true)
}
