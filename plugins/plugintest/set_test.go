package plugintest_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/plugintest"
)

// whole is scripted with what may stand beside a provider.
type whole struct{ scripted }

func (whole) Balances(context.Context) ([]core.Balance, error) {
	return []core.Balance{{Available: core.IDR(1), Holding: core.IDR(2), Credit: core.IDR(3)}}, nil
}

func (whole) ReadCallback(_ context.Context, req core.CallbackRequest) (core.Callback, error) {
	if req.Path == "/panic" {
		panic("at the callback")
	}
	if len(req.Header["X-Signature"]) == 0 {
		return core.Callback{}, &core.Error{Op: "read_callback", Code: core.CodeAuth}
	}
	return core.Callback{Orders: []core.CallbackOrder{{Quote: req.Query}}, Body: req.Body}, nil
}

func (whole) CancelQuote(_ context.Context, token string) error {
	if token == "gone" {
		return nil
	}
	return &core.Error{Op: "cancel_quote", Code: core.CodeRateLimited}
}

func TestASetCrossesTheWire(t *testing.T) {
	t.Parallel()
	set := plugintest.SetOverWire(t, core.Set{Provider: whole{}, Balances: whole{}, Callbacks: whole{}, Quotes: whole{}})
	balances, err := set.Balances.Balances(t.Context())
	if err != nil || !reflect.DeepEqual(balances, []core.Balance{{Available: core.IDR(1), Holding: core.IDR(2), Credit: core.IDR(3)}}) {
		t.Errorf("%v, %v", balances, err)
	}
	signed := core.CallbackRequest{Query: "a=b", Header: map[string][]string{"X-Signature": {"\xff"}}, Body: []byte("\xfe")}
	callback, err := set.Callbacks.ReadCallback(t.Context(), signed)
	if err != nil || !reflect.DeepEqual(callback, core.Callback{Orders: []core.CallbackOrder{{Quote: "a=b"}}, Body: []byte("\xfe")}) {
		t.Errorf("%+v, %v", callback, err)
	}
	for path, code := range map[string]core.Code{"/panic": core.CodeInternal, "": core.CodeAuth} {
		if _, err := set.Callbacks.ReadCallback(t.Context(), core.CallbackRequest{Path: path}); core.CodeOf(err) != code || core.OutcomeOf(err) != core.Unknown {
			t.Errorf("%q: %v", path, err)
		}
	}
	_, bad := set.Callbacks.ReadCallback(t.Context(), core.CallbackRequest{Path: "\xff"})
	for name, err := range map[string]error{"path": bad, "token": set.Quotes.CancelQuote(t.Context(), "\xff")} {
		if core.OutcomeOf(err) != core.NotSent || core.CodeOf(err) != core.CodeBadRequest || errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("a %s that is no text: %v", name, err)
		}
	}
	if err := set.Quotes.CancelQuote(t.Context(), "gone"); err != nil {
		t.Error(err)
	}
	if err := set.Quotes.CancelQuote(t.Context(), "T"); core.CodeOf(err) != core.CodeRateLimited {
		t.Error(err)
	}
}

func TestWhatASetLacksItCannot(t *testing.T) {
	t.Parallel()
	set := plugintest.SetOverWire(t, core.Set{Provider: scripted{}})
	_, balances := set.Balances.Balances(t.Context())
	_, callback := set.Callbacks.ReadCallback(t.Context(), core.CallbackRequest{})
	for _, err := range []error{balances, callback, set.Quotes.CancelQuote(t.Context(), "T")} {
		if !errors.Is(err, errors.ErrUnsupported) || core.OutcomeOf(err) != core.NotSent {
			t.Errorf("%v", err)
		}
	}
}
