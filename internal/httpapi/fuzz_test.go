package httpapi //nolint:testpackage // what reads a body is not for others

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/jalurhq/jalur/internal/view"
)

// A body of any bytes is an order whose every field was said, or a problem that names what is wrong.
func FuzzOrderBody(f *testing.F) {
	for _, body := range []string{
		`{"merchant":"GOPAY","account":"0812345678","amount":100000}`, `{"amount":{"value":"100000","currency":"IDR"},"extra":{"a":"b"}}`,
		`{"amount":1e5}`, `{"amount":100000,"amount":1}`, `{"Merchant":"GOPAY"}`, `{} {}`, `[]`, `{"max_cost":null,"repeat":true}`, `{"amount":"100.000"}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		order, err := decode[view.OrderBody](body)
		if err != nil {
			var problem *view.Problem
			if !errors.As(err, &problem) || problem.Status < 400 || problem.Status >= 500 {
				t.Errorf("%q: %v", body, err)
			}
			return
		}
		var said map[string]json.RawMessage
		if json.Unmarshal(body, &said) != nil {
			t.Fatalf("%q is read, and is no JSON object", body)
		}
		for field, there := range map[string]bool{
			"merchant": order.Merchant != "", "account": order.Account != "", "amount": order.Amount.Known(), "max_cost": order.MaxCost.Known(),
			"inquiry": order.Inquiry != "", "extra": len(order.Extra) > 0,
		} {
			if _, ok := said[field]; there && !ok {
				t.Errorf("%q has no %s, and the order has", body, field)
			}
		}
	})
}

func FuzzResolveBody(f *testing.F) {
	f.Add([]byte(`{"invoice":"1"}`))
	f.Add([]byte(`{"not_executed":true,"reason":"r"}`))
	f.Add([]byte(`{"not_executed":"true"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		evidence, err := decode[view.ResolveBody](body)
		var said struct {
			NotExecuted bool `json:"not_executed"`
		}
		if err == nil && evidence.NotExecuted && (json.Unmarshal(body, &said) != nil || !said.NotExecuted) {
			t.Errorf("%q is taken for the word that nothing was executed", body)
		}
	})
}
