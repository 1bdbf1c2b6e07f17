package plugintest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/plugintest"
)

// scripted does in Pay what the product says.
type scripted struct{}

func (scripted) Describe(context.Context) (core.Descriptor, error) {
	return core.Descriptor{Name: "scripted", Instance: "test", StatusBy: core.ByInvoice, StatusMaxAge: 30 * 24 * time.Hour}, nil
}

func (scripted) ListProducts(_ context.Context, filter core.ProductFilter) (core.ProductPage, error) {
	return core.ProductPage{Products: []core.Product{{Code: filter.Product, Available: true}}, Next: filter.Cursor + "1"}, nil
}

func (scripted) Inquire(_ context.Context, req core.InquiryRequest) (core.Quote, error) {
	if req.Account == "0" {
		return core.Quote{}, &core.Error{Op: "inquire", Outcome: core.Declined, Code: core.CodeAccountInvalid, Err: errors.New("no such number")}
	}
	return core.Quote{Account: req.Account, Amount: req.Amount, ReceiverName: "ANI"}, nil
}

func (scripted) Pay(ctx context.Context, req core.PayRequest) (core.Result, error) {
	switch req.Product {
	case "panic":
		panic("account " + string(req.Account))
	case "broken text":
		return core.Result{
			Outcome: core.Declined, Code: core.CodeDeclined, Reason: "bad \xff byte", Details: map[string]string{"\xfe": "\xfd"},
		}, nil
	case "not sent":
		return core.Result{}, &core.Error{Op: "pay", Outcome: core.NotSent, Code: core.CodeTransportNotSent, Err: errors.New("dial refused")}
	case "unknown with evidence":
		return core.Result{Outcome: core.Succeeded, Invoice: "I-9", Reason: "half an answer"}, errors.New("cut off")
	case "deadline":
		<-ctx.Done()
		return core.Result{}, &core.Error{Op: "pay", Outcome: core.Unknown, Code: core.CodeUpstreamTimeout, Err: ctx.Err()}
	default:
		return core.Result{Outcome: core.Succeeded, Invoice: "I-1", Product: req.Product, Account: req.Account, Amount: req.Amount}, nil
	}
}

func (scripted) Status(context.Context, core.StatusRequest) (core.Result, error) {
	return core.Result{}, &core.Error{Op: "status", Code: core.CodeNotFound}
}

func pay(t *testing.T, product string) (core.Result, error) {
	t.Helper()
	p := plugintest.OverWire(t, core.Set{Provider: scripted{}})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	return p.Pay(ctx, core.PayRequest{Product: product, Account: "081234567890", Amount: core.IDR(1000)})
}

func TestAnswersCrossTheWire(t *testing.T) {
	t.Parallel()
	cases := []struct {
		product string
		outcome core.Outcome // of the result, or of the error
		code    core.Code
		failed  bool
	}{
		{"GOPAY", core.Succeeded, "", false},
		{"broken text", core.Declined, core.CodeDeclined, false},
		{"not sent", core.NotSent, core.CodeTransportNotSent, true},
		{"unknown with evidence", core.Unknown, core.CodeInternal, true},
		{"panic", core.Unknown, core.CodeInternal, true},
		{"deadline", core.Unknown, core.CodeUpstreamTimeout, true},
	}
	for _, tc := range cases {
		t.Run(tc.product, func(t *testing.T) {
			t.Parallel()
			res, err := pay(t, tc.product)
			outcome, code := res.Outcome, res.Code
			if err != nil {
				outcome, code = core.OutcomeOf(err), core.CodeOf(err)
			}
			if (err != nil) != tc.failed || outcome != tc.outcome || code != tc.code {
				t.Errorf("%+v, %v", res, err)
			}
			if err != nil && (!strings.HasPrefix(err.Error(), "scripted: pay: ") || strings.Contains(err.Error(), "081234567890")) {
				t.Errorf("the error says %q", err)
			}
		})
	}
}

func TestEvidenceStaysEvidence(t *testing.T) {
	t.Parallel()
	res, err := pay(t, "unknown with evidence")
	if err == nil || res.Outcome != core.Unknown || res.Invoice != "I-9" || res.Reason != "half an answer" {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestAPanicEndsOneCallOnly(t *testing.T) {
	t.Parallel()
	p := plugintest.OverWire(t, core.Set{Provider: scripted{}})
	for _, product := range []string{"panic", "GOPAY", "panic", "GOPAY"} {
		_, err := p.Pay(t.Context(), core.PayRequest{Product: product, Account: "081234567890", Amount: core.IDR(1000)})
		if (err == nil) != (product == "GOPAY") {
			t.Errorf("%s: %v", product, err)
		}
	}
}

func TestTheOtherCalls(t *testing.T) {
	t.Parallel()
	p := plugintest.OverWire(t, core.Set{Provider: scripted{}})
	d, err := p.Describe(t.Context())
	if err != nil || d.Name != "scripted" || d.StatusMaxAge != 30*24*time.Hour {
		t.Errorf("describe: %+v, %v", d, err)
	}
	page, err := p.ListProducts(t.Context(), core.ProductFilter{Product: "GOPAY", Cursor: "4"})
	if err != nil || page.Next != "41" || len(page.Products) != 1 || page.Products[0].Code != "GOPAY" {
		t.Errorf("list: %+v, %v", page, err)
	}
	quote, err := p.Inquire(t.Context(), core.InquiryRequest{Account: "081234567890", Amount: core.IDR(5)})
	if err != nil || quote.ReceiverName != "ANI" {
		t.Errorf("inquire: %+v, %v", quote, err)
	}
	var refused *core.Error
	if _, err = p.Inquire(t.Context(), core.InquiryRequest{Account: "0"}); !errors.As(err, &refused) || refused.Outcome != core.Declined {
		t.Errorf("a refused inquiry: %v", err)
	}
	if _, err = p.Status(t.Context(), core.StatusRequest{Invoice: "I-1"}); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("status: %v", err)
	}
	_, err = p.Pay(t.Context(), core.PayRequest{Product: "GOPAY", Account: "\xff"})
	if core.OutcomeOf(err) != core.NotSent || core.CodeOf(err) != core.CodeBadRequest {
		t.Errorf("an order that is no text: %v", err)
	}
}
