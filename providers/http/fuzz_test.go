package httpspec_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/jalurhq/jalur/core"
	httpspec "github.com/jalurhq/jalur/providers/http"
)

// believable checks that nothing final comes from a body without the words that it rests on, and that names this very order.
func believable(t *testing.T, body []byte, refusal string, res core.Result, err error) {
	t.Helper()
	asked := order()
	if err != nil {
		if res.Outcome != core.Unknown || core.OutcomeOf(err) != core.Unknown {
			t.Fatalf("%s beside %v", res.Outcome, err)
		}
		return
	}
	var decoded any
	text := strings.TrimPrefix(string(body), "\uFEFF")
	reader := json.NewDecoder(strings.NewReader(text))
	reader.UseNumber() // 1E700 is JSON, and no float
	if !json.Valid([]byte(text)) || reader.Decode(&decoded) != nil {
		t.Fatalf("believed what is no JSON: %q", body)
	}
	switch res.Outcome {
	case core.Declined:
		saidIn(t, decoded, refusal)
		if !res.Code.Valid() {
			t.Fatalf("declined with the code %q", res.Code)
		}
	case core.Succeeded, core.Pending, core.Refunded:
		if res.Product != asked.Product || res.Account != asked.Account || !res.Amount.Equal(asked.Amount) || res.Ref != "" && res.Ref != asked.Ref {
			t.Fatalf("%s of another order: %+v", res.Outcome, res)
		}
		saidIn(t, decoded, asked.Product)
	case core.Unknown, core.NotSent:
		t.Fatalf("%s without an error", res.Outcome)
	}
}

// saidIn looks for a word in decoded JSON without the reader's help.
func saidIn(t *testing.T, decoded any, word string) {
	t.Helper()
	encoded, err := json.Marshal(decoded)
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, string(encoded))
	if !strings.Contains(plain, strings.ToLower(word)) {
		t.Fatalf("%q is not in %s", word, encoded)
	}
}

// FuzzPay gives random bodies to both shapes of description.
func FuzzPay(f *testing.F) {
	files, err := filepath.Glob("../mmbc/testdata/*.*")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	for _, state := range []string{"done", "wait", "back", "no", "broke"} {
		f.Add([]byte(`{"state":"` + state + `","rc":17,` + echo + `}`))
	}
	described := map[string]*httpspec.Provider{
		"no":    yamlMMBC(f, "http://127.0.0.1:1").(*httpspec.Provider),
		"state": made(f, small(f, "http://127.0.0.1:1")).Provider.(*httpspec.Provider),
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for refusal, p := range described {
			res, err := p.ReadPay(t.Context(), body, order())
			believable(t, body, refusal, res, err)
			res, err = p.ReadStatus(t.Context(), body, question())
			believable(t, body, refusal, res, err)
		}
	})
}
