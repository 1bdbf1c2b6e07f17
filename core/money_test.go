package core_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/jalurhq/jalur/core"
)

func money(t *testing.T, value, currency string) core.Money {
	t.Helper()
	m, err := core.ParseMoney(value, currency)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestParseMoneyRefuses(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]error{
		"":                     core.ErrMoneySyntax,
		"-":                    core.ErrMoneySyntax,
		"1e5":                  core.ErrMoneySyntax,
		"1,000":                core.ErrMoneySyntax,
		"+5":                   core.ErrMoneySyntax,
		"5.":                   core.ErrMoneySyntax,
		".5":                   core.ErrMoneySyntax,
		"\t5":                  core.ErrMoneySyntax,
		"1.2.3":                core.ErrMoneySyntax,
		"--5":                  core.ErrMoneySyntax,
		"0.1234567890":         core.ErrMoneySyntax,
		"9223372036854775808":  core.ErrMoneyRange,
		"99999999999999999999": core.ErrMoneyRange,
	} {
		if _, err := core.ParseMoney(value, "IDR"); !errors.Is(err, want) {
			t.Errorf("ParseMoney(%q): %v, want %v", value, err, want)
		}
	}
	for _, currency := range []string{"", "idr", "RUPIAH", "I R"} {
		if _, err := core.ParseMoney("1", currency); err == nil {
			t.Errorf("currency %q was taken", currency)
		}
	}
}

func TestMoneyKeepsWhatItWasGiven(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"0", "100000", "-1", "3.60", "0.05", "-0.05", "9223372036854775807", "0.000000001"} {
		m := money(t, value, "USD")
		if m.Value() != value || m.String() != value+" USD" {
			t.Errorf("%q came back as %q, %q", value, m.Value(), m.String())
		}
		back, err := core.MoneyFromString(m.String())
		if err != nil || back != m {
			t.Errorf("%q by its string: %v, %v", value, back, err)
		}
	}
}

func TestMoneyJSON(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`100000`:                            `{"value":"100000","currency":"IDR"}`,
		`"100000"`:                          `{"value":"100000","currency":"IDR"}`,
		`{"value":"3.60","currency":"USD"}`: `{"value":"3.60","currency":"USD"}`,
		`{"value":5,"currency":"IDR"}`:      `{"value":"5","currency":"IDR"}`,
		`null`:                              `null`,
		`9007199254740993`:                  `{"value":"9007199254740993","currency":"IDR"}`,
	} {
		var m core.Money
		if err := json.Unmarshal([]byte(in), &m); err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		out, err := json.Marshal(m)
		if err != nil || string(out) != want {
			t.Errorf("%s became %s (%v), want %s", in, out, err, want)
		}
	}
	for _, in := range []string{`1e5`, `"1e5"`, `"Rp 5"`, `true`, `[]`, `{"value":"5"}`, `{"currency":"IDR","value":{}}`, `"5 IDR"`} {
		var m core.Money
		if err := json.Unmarshal([]byte(in), &m); err == nil && m.Known() {
			t.Errorf("%s was taken as %s", in, m)
		}
	}
}

func TestMoneyArithmetic(t *testing.T) {
	t.Parallel()
	sum, err := core.IDR(100000).Add(money(t, "2000.50", "IDR"))
	if err != nil || sum.Value() != "102000.50" {
		t.Errorf("sum: %s, %v", sum, err)
	}
	if _, err := core.IDR(1).Add(money(t, "1", "USD")); !errors.Is(err, core.ErrMoneyCurrency) {
		t.Errorf("two currencies: %v", err)
	}
	if _, err := core.IDR(math.MaxInt64).Add(core.IDR(1)); !errors.Is(err, core.ErrMoneyRange) {
		t.Errorf("overflow: %v", err)
	}
	if _, err := core.IDR(math.MaxInt64).Add(money(t, "0.1", "IDR")); !errors.Is(err, core.ErrMoneyRange) {
		t.Errorf("overflow by scale: %v", err)
	}
	if !core.IDR(100).Equal(money(t, "100.00", "IDR")) || core.IDR(100).Equal(core.Money{}) {
		t.Error("Equal")
	}
	even, err := core.IDR(3000).MultipleOf(core.IDR(1000))
	if err != nil || !even {
		t.Errorf("multiple: %v, %v", even, err)
	}
	if _, err := core.IDR(3000).MultipleOf(core.IDR(0)); err == nil {
		t.Error("a step of 0 was taken")
	}
}

func TestMoneyProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := core.IDR(rapid.Int64Range(-1<<61, 1<<61).Draw(t, "a"))
		b := core.IDR(rapid.Int64Range(-1<<61, 1<<61).Draw(t, "b"))
		sum, err := a.Add(b)
		if err != nil {
			t.Fatal(err)
		}
		back, err := sum.Sub(b)
		if err != nil || back != a {
			t.Fatalf("%s + %s - %s = %s, %v", a, b, b, back, err)
		}
		data, err := json.Marshal(sum)
		if err != nil {
			t.Fatal(err)
		}
		var read core.Money
		if err := json.Unmarshal(data, &read); err != nil || read != sum {
			t.Fatalf("%s by JSON: %s, %v", sum, read, err)
		}
	})
}
