package dtone_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/providers/dtone"
)

// Without a field that it rests on, or with something that contradicts it, no answer is believed, however final it sounds.
func TestWhatIsNotBelieved(t *testing.T) {
	t.Parallel()
	change := func(key string, value any) func(map[string]any) {
		return func(said map[string]any) { said[key] = value }
	}
	cases := map[string]func(map[string]any){
		"no id":               change("id", nil),
		"an id of 0":          change("id", 0),
		"an id of words":      change("id", "x"),
		"no external_id":      change("external_id", nil),
		"another external_id": change("external_id", "SOMEBODYELSES"),
		"no product":          change("product", nil),
		"no status":           change("status", nil),
		"no class":            change("status", map[string]any{"id": 70000, "message": "COMPLETED"}),
		"a torn status":       change("status", map[string]any{"message": "DECLINED", "class": map[string]any{"id": 7, "message": "COMPLETED"}}),
		"a torn class":        change("status", map[string]any{"message": "COMPLETED", "class": map[string]any{"id": 7, "message": "REVERSED"}}),
		"errors in it":        change("errors", []any{}),
		"a list for a status": change("status", []any{}),
	}
	for name, spoil := range cases {
		for class, word := range map[int]string{3: "REJECTED", 4: "CANCELLED", 7: "COMPLETED", 8: "REVERSED", 9: "DECLINED"} {
			if strings.HasPrefix(name, "a torn") && class != 7 {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s", name, word), func(t *testing.T) {
				t.Parallel()
				said := transactionOf(t, class, word, word)
				spoil(said)
				res, err := dtone.NewDecoder().Order(body(t, said), order(t))
				if err == nil || res.Outcome != core.Unknown || res.Invoice != "" {
					t.Errorf("%+v, %v", res, err)
				}
			})
		}
	}
	whole := string(body(t, transactionOf(t, 7, "COMPLETED", "COMPLETED")))
	for name, said := range map[string]string{
		"nothing": "", "null": "null", "a list": "[" + whole + "]", "two": whole + whole, "half": whole[:len(whole)/2],
		"a second status, oddly spelt": whole[:len(whole)-1] + `,"\u017ftatus":{"class":{"id":9}}}`,
		"a second status":              whole[:len(whole)-1] + `,"Status":{"class":{"id":9}}}`,
	} {
		if res, err := dtone.NewDecoder().Order([]byte(said), order(t)); err == nil {
			t.Errorf("%s: %+v", name, res)
		}
	}
}

func TestWhatATransactionTells(t *testing.T) {
	t.Parallel()
	said := transactionOf(t, 7, "COMPLETED", "COMPLETED")
	said["confirmation_date"] = "2026-03-01T12:00:05.000000001Z"
	said["operator_reference"] = "OP1"
	said["pin"] = map[string]string{"code": "12345", "serial": "S9"}
	said["metadata"] = map[string]any{"activation_code": "LPA:1", "size": 5}
	said["requested_values"] = map[string]any{"destination": map[string]any{"unit_type": "CURRENCY", "unit": "USD", "amount": 3}}
	said["adjusted_values"] = map[string]any{"destination": map[string]any{"unit_type": "CURRENCY", "unit": "USD", "amount": 2.9}}
	res, err := dtone.NewDecoder().Order(body(t, said), order(t))
	if err != nil {
		t.Fatal(err)
	}
	if res.Invoice != "2237512891" || res.Reference != "12345" || res.Ref != ref || res.Product != claro || res.Account != number ||
		!res.Amount.Equal(usd(t, "3")) || !res.Cost.Equal(usd(t, "3.6")) || !res.ProviderTime.Equal(time.Date(2026, 3, 1, 12, 0, 5, 1, time.UTC)) {
		t.Errorf("%+v", res)
	}
	details := fmt.Sprint(res.Details)
	if details != "map[adjusted_destination:2.9 USD metadata.activation_code:LPA:1 operator_reference:OP1 pin_serial:S9]" {
		t.Errorf("details %s", details)
	}
	for _, proof := range []struct{ key, value, want string }{{"pin", `{"code":null,"serial":"S9"}`, "S9"}, {"pin", "null", "OP1"}, {"operator_reference", "null", ""}} {
		said[proof.key] = json.RawMessage(proof.value)
		if res, err := dtone.NewDecoder().Order(body(t, said), order(t)); err != nil || res.Reference != proof.want {
			t.Errorf("%s %s: %q, %v", proof.key, proof.value, res.Reference, err)
		}
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for literal, want := range map[string]string{
		"3": "3 USD", "3.60": "3.6 USD", "0.30000000000000004": "0.3 USD", "1e3": "1000 USD", "1.5E-2": "0.015 USD", "-1": "-1 USD", "0": "0 USD",
		"12345678901234567": "12345678901234567 USD", "1e99": "", "1e999999999": "", "": "", "abc": "", "0x10": "", "1_000": "", "99999999999999999999": "",
	} {
		if got := dtone.MoneyOf(literal, "USD").String(); got != want {
			t.Errorf("%q is %q, want %q", literal, got, want)
		}
	}
	if dtone.MoneyOf("3", "MB").Known() {
		t.Error("megabytes are no money")
	}
}

func TestPhoneNumbers(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"+6281234567890": "+6281234567890", "081234567890": "+6281234567890", "6281234567890": "+6281234567890", "006281234567890": "+6281234567890",
		"+62 812-3456-7890": "+6281234567890", "81234567890": "", "+0812345678": "", "123": "", "": "", "+62812345678901234": "", "user@example.com": "",
	} {
		if got := dtone.International(given, "62"); got != want {
			t.Errorf("%q is %q, want %q", given, got, want)
		}
	}
	if got := dtone.International("081234567890", ""); got != "" {
		t.Errorf("without a calling code: %q", got)
	}
}

func TestTheSpellingOfTheAccount(t *testing.T) {
	t.Parallel()
	local := order(t)
	local.Account = "081234567890"
	said := transactionOf(t, 7, "COMPLETED", "COMPLETED")
	for echoed, believed := range map[string]bool{"+6281234567890": true, "+6281234567891": false, "081234567890": true} {
		said["credit_party_identifier"] = map[string]string{"mobile_number": echoed}
		res, err := dtone.NewDecoder().Order(body(t, said), local)
		if err != nil || (res.Account == local.Account) != believed {
			t.Errorf("%s: %s, %v", echoed, res.Account, err)
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	got := dtone.Clean("geheim for +6281234567890 at 3.60, s", []string{"geheim", "s", ""})
	if got != "*** for +6*********890 at 3.60, s" {
		t.Errorf("%q", got)
	}
}
