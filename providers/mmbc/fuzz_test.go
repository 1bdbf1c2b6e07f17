package mmbc_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/providers/mmbc"
)

func seed(f *testing.F) {
	f.Helper()
	files, err := os.ReadDir("testdata")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		if !file.IsDir() {
			f.Add(recorded(f, file.Name()))
		}
	}
}

// saidIn looks for what an outcome rests on without the decoder's help: the body is a JSON object, and the words stand in it, however they
// are escaped or spaced.
func saidIn(t *testing.T, body []byte, words ...string) {
	t.Helper()
	var decoded any
	text := bytes.TrimPrefix(body, []byte("\uFEFF"))
	reader := json.NewDecoder(bytes.NewReader(text))
	reader.UseNumber() // 1E700 is JSON, and no float
	if !json.Valid(text) || reader.Decode(&decoded) != nil {
		t.Fatalf("believed what is no JSON: %q", body)
	}
	if _, ok := decoded.(map[string]any); !ok {
		t.Fatalf("believed what is no object: %q", body)
	}
	plain := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, fmt.Sprint(decoded))
	for _, word := range words {
		if !strings.Contains(plain, word) {
			t.Fatalf("%q is not in %q", word, body)
		}
	}
}

// believable checks that nothing final comes from a body without the fields that it rests on.
func believable(t *testing.T, body []byte, res core.Result, err error) {
	t.Helper()
	if err != nil {
		if res.Outcome != core.Unknown || core.OutcomeOf(err) != core.Unknown {
			t.Fatalf("%s beside %v", res.Outcome, err)
		}
		return
	}
	switch res.Outcome {
	case core.Succeeded:
		saidIn(t, body, "result", "ok", "invoice", "status", "confirm", "reference")
		if res.Invoice == "" || res.Reference == "" {
			t.Fatalf("succeeded without %+v", res)
		}
	case core.Refunded:
		saidIn(t, body, "result", "ok", "invoice", "status", "refund")
		if res.Invoice == "" {
			t.Fatal("refunded without an invoice")
		}
	case core.Declined:
		saidIn(t, body, "result", "no", "reason")
		if res.Invoice != "" || res.Reference != "" || !res.Code.Valid() {
			t.Fatalf("declined with %+v", res)
		}
	case core.Pending:
		saidIn(t, body, "result", "ok", "invoice")
	case core.Unknown, core.NotSent:
		t.Fatalf("%s without an error", res.Outcome)
	}
}

func FuzzReload(f *testing.F) {
	seed(f)
	decoder := mmbc.NewDecoder()
	f.Fuzz(func(t *testing.T, body []byte) {
		res, err := decoder.Reload(body, order())
		believable(t, body, res, err)
	})
}

func FuzzStatus(f *testing.F) {
	seed(f)
	decoder := mmbc.NewDecoder()
	f.Fuzz(func(t *testing.T, body []byte) {
		res, err := decoder.Status(body, question())
		believable(t, body, res, err)
		if err == nil && (res.Outcome == core.Declined || res.Invoice != question().Invoice) {
			t.Fatalf("a status call gave %s for %q", res.Outcome, res.Invoice)
		}
	})
}

func FuzzInquiry(f *testing.F) {
	seed(f)
	decoder := mmbc.NewDecoder()
	f.Fuzz(func(t *testing.T, body []byte) {
		quote, err := decoder.Inquiry(body, inquiry())
		if err != nil {
			return
		}
		saidIn(t, body, "result", "ok")
		if quote.Account != "" && quote.Account != inquiry().Account {
			t.Fatalf("a quote for %q", string(quote.Account))
		}
	})
}

func FuzzList(f *testing.F) {
	seed(f)
	decoder := mmbc.NewDecoder()
	f.Fuzz(func(t *testing.T, body []byte) {
		listed, err := decoder.List(body)
		for _, product := range listed {
			if err != nil || product.Code == "" || product.Fee.Known != product.Fee.Flat.Known() {
				t.Fatalf("%+v, %v", product, err)
			}
		}
	})
}

func FuzzAmount(f *testing.F) {
	for _, text := range []string{"100000", "Rp. 100.000,-", "100,000.00", "1.5", "1e5"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, got := range []core.Money{mmbc.Amount(text), mmbc.NumericAmount(text)} {
			if got.Known() && (strings.Contains(got.Value(), ".") || got.Sign() < 0 || !sameDigits(text, got.Value())) {
				t.Fatalf("%q became %s", text, got)
			}
		}
	})
}

// sameDigits reports whether the text has the amount's digits in their order, with nothing but zeros around them.
func sameDigits(text, amount string) bool {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
	digits = strings.TrimLeft(digits, "0")
	amount = strings.TrimLeft(amount, "0")
	rest, ok := strings.CutPrefix(digits, amount)
	return ok && strings.Trim(rest, "0") == ""
}

func FuzzFormula(f *testing.F) {
	for _, expr := range []string{"amount", "amount+2000", "Amount - Rp 1.500", "52500", "amount*1.01"} {
		f.Add(expr)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		fee := mmbc.Formula(expr)
		cost, known := fee.Cost(core.IDR(100_000))
		if known != fee.Known || known != cost.Known() {
			t.Fatalf("%q became %+v, cost %s", expr, fee, cost)
		}
	})
}
