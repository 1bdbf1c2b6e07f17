package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/core/router"
	"github.com/jalurhq/jalur/internal/view"
)

func (s *server) marketCalls(api huma.API) {
	products := s.call("list-products", http.MethodGet, "/v1/products", ScopeRead)
	products.Summary = "List what can be bought"
	huma.Register(api, products, s.products)

	inquire := s.call("inquire", http.MethodPost, "/v1/inquiries", ScopeRead)
	inquire.Summary = "Ask what a top-up would cost and whom it would reach"
	inquire.Middlewares = append(inquire.Middlewares, wholeBody)
	huma.Register(api, inquire, s.inquire)

	read := s.call("get-inquiry", http.MethodGet, "/v1/inquiries/{id}", ScopeRead)
	read.Summary = "Read an inquiry of one's own"
	huma.Register(api, read, s.inquiry)

	cancel := s.call("cancel-inquiry", http.MethodDelete, "/v1/inquiries/{id}", ScopeRead)
	cancel.Summary = "Give up an inquiry whose provider holds money for it"
	cancel.DefaultStatus = http.StatusOK
	huma.Register(api, cancel, s.cancelInquiry)

	providers := s.call("list-providers", http.MethodGet, "/v1/providers", ScopeRead)
	providers.Summary = "Show health, breakers, balances and capabilities of the providers"
	huma.Register(api, providers, s.providers)

	explain := s.call("explain-route", http.MethodGet, "/v1/routes/explain", ScopeRead)
	explain.Summary = "Show the route of an order, and why each provider is in or out"
	huma.Register(api, explain, s.explain)
}

type productsInput struct {
	Merchant string `query:"merchant" maxLength:"64"`
	Provider string `query:"provider" maxLength:"64"`
}

type productsOutput struct{ Body view.Products }

func (s *server) products(ctx context.Context, in *productsInput) (*productsOutput, error) {
	listings, missing := s.Service.Products(ctx, core.MerchantCode(in.Merchant), in.Provider)
	return &productsOutput{view.ProductsOf(listings, missing)}, nil
}

type inquireInput struct {
	RawBody []byte `contentType:"application/json"`
}

type inquireOutput struct{ Body view.Inquiry }

func (s *server) inquire(ctx context.Context, in *inquireInput) (*inquireOutput, error) {
	body, err := decode[view.InquiryBody](in.RawBody)
	if err != nil {
		return nil, err
	}
	quote, err := s.Service.Inquire(ctx, body.Order(caller(ctx).ID))
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	return &inquireOutput{view.InquiryOf(quote)}, nil
}

type inquiryInput struct {
	ID string `path:"id" maxLength:"64"`
}

func (s *server) inquiry(ctx context.Context, in *inquiryInput) (*inquireOutput, error) {
	quote, err := s.Service.Inquiry(ctx, caller(ctx).ID, in.ID)
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	return &inquireOutput{view.InquiryOf(quote)}, nil
}

func (s *server) cancelInquiry(ctx context.Context, in *inquiryInput) (*inquireOutput, error) {
	quote, err := s.Service.CancelInquiry(ctx, caller(ctx).ID, in.ID)
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	return &inquireOutput{view.InquiryOf(quote)}, nil
}

type providersOutput struct{ Body view.Providers }

func (s *server) providers(ctx context.Context, _ *struct{}) (*providersOutput, error) {
	return &providersOutput{s.shown(ctx)}, nil
}

func (s *server) shown(ctx context.Context) view.Providers {
	return view.ProvidersOf(s.Service.Providers(ctx), s.Service.Balances(ctx))
}

type explainInput struct {
	Merchant string `query:"merchant" required:"true" maxLength:"64"`
	Amount   string `query:"amount" maxLength:"32" doc:"In rupiah; left out: the route whatever the amount."`
}

type explainOutput struct{ Body view.RouteExplanation }

func (s *server) explain(ctx context.Context, in *explainInput) (*explainOutput, error) {
	order := router.Order{Merchant: core.MerchantCode(in.Merchant)}
	if in.Amount != "" {
		amount, err := core.ParseMoney(in.Amount, core.Rupiah)
		if err != nil {
			return nil, view.NewProblem(payments.CodeAmountInvalid, "amount", "amount must be a decimal number of rupiah as 100000")
		}
		order.Amount = amount
	}
	route, err := s.Service.Explain(ctx, order)
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	return &explainOutput{view.RouteOf(order, route)}, nil
}
