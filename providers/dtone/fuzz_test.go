package dtone_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
	"github.com/jalurhq/jalur/providers/dtone"
)

// FuzzTaken holds what the decoder believes against the body itself, read in another way: nothing final comes from a body without the fields that it rests on.
func FuzzTaken(f *testing.F) {
	pay := core.PayRequest{Ref: ref, Product: claro, Account: number}
	for class, word := range map[int]string{1: "CREATED", 2: "CONFIRMED", 3: "REJECTED", 4: "CANCELLED", 5: "SUBMITTED", 7: "COMPLETED", 8: "REVERSED", 9: "DECLINED-EXCEPTION"} {
		name, _, _ := strings.Cut(word, "-")
		f.Add(201, fmt.Appendf(nil, `{"id":2237512891,"external_id":%q,"status":{"id":1,"message":%q,"class":{"id":%d,"message":%q}},"product":{"id":6035},
			"credit_party_identifier":{"mobile_number":%q},"pin":{"code":"1","serial":null},"requested_values":{"destination":{"unit_type":"CURRENCY","unit":"USD","amount":3e0}}}`,
			ref, word, class, name, number))
	}
	for _, code := range []string{"1006001", "1007001", "1009001", "1000429", "1"} {
		f.Add(400, errorBody(code))
	}
	f.Add(400, errorBody("1006001", "1009001"))
	f.Fuzz(func(t *testing.T, status int, said []byte) {
		res, err := dtone.NewDecoder().Taken(transport.Reply{Status: status, Body: said}, pay)
		if err != nil {
			if res.Outcome != core.Unknown || core.OutcomeOf(err) != core.Unknown {
				t.Fatalf("%s beside %v", res.Outcome, err)
			}
			return
		}
		believable(t, status, said, res)
	})
}

func believable(t *testing.T, status int, said []byte, res core.Result) {
	t.Helper()
	var read map[string]any
	reader := json.NewDecoder(bytes.NewReader(said))
	reader.UseNumber() // 1E700 is JSON, and no float
	if !json.Valid(said) || reader.Decode(&read) != nil {
		t.Fatalf("believed what is no object: %q", said)
	}
	if status >= 400 {
		if res.Outcome != core.Declined || !res.Code.Valid() || res.Invoice != "" || field(read, "errors") == nil || field(read, "id") != nil {
			t.Fatalf("%+v of %q", res, said)
		}
		return
	}
	class := map[core.Outcome]string{core.Succeeded: "7", core.Refunded: "8"}[res.Outcome]
	status2, _ := field(read, "status").(map[string]any)
	inner, _ := field(status2, "class").(map[string]any)
	id := fmt.Sprint(field(inner, "id"))
	if res.Outcome == core.Declined {
		class = map[string]string{"3": "3", "4": "4", "9": "9"}[id]
	}
	final := res.Outcome != core.Pending
	if final && (class == "" || id != class) || res.Invoice == "" || field(read, "external_id") != ref || field(read, "product") == nil || field(read, "id") == nil {
		t.Fatalf("%s of %q", res.Outcome, said)
	}
	if text := fmt.Sprint(field(read, "errors")); text != "<nil>" {
		t.Fatalf("believed beside errors: %q", said)
	}
}

// field finds a member as encoding/json would.
func field(object map[string]any, name string) any {
	for key, value := range object {
		if strings.EqualFold(key, name) {
			return value
		}
	}
	return nil
}

func FuzzProduct(f *testing.F) {
	f.Add([]byte(fixture))
	f.Add([]byte(strings.NewReplacer("FIXED", "RANGED", `"amount":3}`, `"amount":{"min":1,"max":-1,"increment":0}}`).Replace(fixture)))
	f.Fuzz(func(t *testing.T, said []byte) {
		product, err := dtone.Product(said)
		if err == nil && product.Code == "" {
			t.Fatalf("%+v of %q", product, said)
		}
		if cost, ok := product.Fee.Cost(core.IDR(150000)); ok && !cost.Known() {
			t.Fatalf("%+v costs what is not known", product)
		}
	})
}

func FuzzToken(f *testing.F) {
	f.Add("e30")
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		p := &dtone.Provider{}
		if _, err := dtone.DecodeToken(token); err == nil && token != "" {
			if _, err := p.Pay(t.Context(), core.PayRequest{Ref: ref, Product: claro, Account: number, Quote: token}); core.OutcomeOf(err) != core.NotSent {
				t.Fatalf("%q was taken: %v", token, err)
			}
		}
	})
}
