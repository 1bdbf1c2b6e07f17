package core_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/core"
)

// What is read as money is written as the same money, by every way there is.
func FuzzMoney(f *testing.F) {
	for _, text := range []string{"100000 IDR", "-3.60 USD", "", "1e5 IDR", "9223372036854775808 IDR", "0.000000001 XAU", "100.000 IDR"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := core.MoneyFromString(text)
		if err != nil {
			if m.Known() {
				t.Errorf("%q is an error and an amount: %v", text, m)
			}
			return
		}
		again, err := core.MoneyFromString(m.String())
		if err != nil || again != m {
			t.Errorf("%q is read as %v and again as %v, %v", text, m, again, err)
		}
		if m.Known() && strings.ContainsAny(m.Value(), "eE+ ") {
			t.Errorf("%q is written as %q", text, m.Value())
		}
		data, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var back core.Money
		if err := json.Unmarshal(data, &back); err != nil || back != m {
			t.Errorf("%v is %s in JSON and %v again, %v", m, data, back, err)
		}
	})
}

// An amount in JSON is read exactly or refused.
func FuzzMoneyJSON(f *testing.F) {
	for _, text := range []string{`100000`, `"100000"`, `{"value":"100000","currency":"IDR"}`, `1e5`, `100000.0`, `null`, `{"value":1}`, `"NaN"`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m core.Money
		if err := json.Unmarshal(data, &m); err != nil || !m.Known() {
			return
		}
		digits := strings.Trim(m.Value(), "-")
		if !strings.Contains(string(data), digits) && !strings.Contains(string(data), `\u`) && !strings.Contains(string(data), "0") {
			t.Errorf("%s is read as %v", data, m)
		}
		if _, err := core.ParseMoney(m.Value(), m.Currency()); err != nil {
			t.Errorf("%s is read as %v, which is no amount: %v", data, m, err)
		}
	})
}

// An outcome is one of the list, in exactly this spelling, or unknown.
func FuzzOutcome(f *testing.F) {
	for _, text := range []string{"succeeded", "Succeeded", "succeeded ", "", "unknown", "not_sent", "4"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, err := core.ParseOutcome(text)
		if (err == nil) != (o.String() == text) || err != nil && o != core.Unknown {
			t.Errorf("%q is %s, %v", text, o, err)
		}
	})
}
