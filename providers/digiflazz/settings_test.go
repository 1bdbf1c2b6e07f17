package digiflazz_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/providers/digiflazz"
)

const required = `"base_url":"https://api.digiflazz.com/v1/","username":"toko","api_key":"rahasia"`

func TestSettings(t *testing.T) {
	t.Parallel()
	made, err := digiflazz.Factory().New(json.RawMessage(`{` + required + `,"webhook_secret":"s","testing":"true",` +
		`"denominations":{"xld10":10000,"s5":"5000"},"codes":{"63":"duplicate_elsewhere"}}`))
	if err != nil || made.Provider == nil || made.Balances == nil || made.Callbacks == nil || made.Quotes != nil {
		t.Fatalf("%+v, %v", made, err)
	}
	d, err := made.Provider.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := core.CheckDescriptor(d); err != nil {
		t.Error(err)
	}
	same(t, "merchants", d.Merchants, []core.MerchantSpec{
		{Merchant: "s5", Amounts: core.AmountSpec{Min: core.IDR(5000), Max: core.IDR(5000)}},
		{Merchant: "xld10", Amounts: core.AmountSpec{Min: core.IDR(10_000), Max: core.IDR(10_000)}},
	})
	const day = 24 * time.Hour
	if d.Ref != (core.RefSpec{Mode: core.RefReplay, Retention: 90 * day}) || d.StatusBy != core.ByRef || !d.StatusResubmits || d.StatusGap != time.Minute ||
		d.StatusMaxAge != 89*day || d.Quarantine != 0 || d.QuoteRequired || !d.MaxCost || !d.AmountInProduct || !d.TellsBalances || !d.SendsCallbacks || d.CancelsQuotes {
		t.Errorf("%+v", d)
	}
}

func TestInstances(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, change := range []string{`"testing":false`, `"testing":true`, `"username":"other"`, `"base_url":"http://127.0.0.1:1"`} {
		made, err := digiflazz.Factory().New(json.RawMessage(`{` + required + `,` + change + `}`))
		if err != nil {
			t.Fatal(err)
		}
		d, _ := made.Provider.Describe(t.Context())
		if seen[d.Instance] != "" {
			t.Errorf("%s and %s are both %s", change, seen[d.Instance], d.Instance)
		}
		seen[d.Instance] = change
	}
	made, err := digiflazz.Factory().New(json.RawMessage(`{` + required + `,"api_key":"a new one"}`))
	if err != nil {
		t.Fatal(err)
	}
	if d, _ := made.Provider.Describe(t.Context()); seen[d.Instance] == "" {
		t.Error("a new key makes another account of it")
	}
}

func TestWrongSettings(t *testing.T) {
	t.Parallel()
	for settings, key := range map[string]string{
		`[]`:                                "",
		`{"username":"toko","api_key":"k"}`: "base_url",
		`{"base_url":"https://x/v1","api_key":"k"}`:                 "username",
		`{"base_url":"https://x/v1","username":"u"}`:                "api_key",
		`{"base_url":"ftp://x","username":"u","api_key":"k"}`:       "base_url",
		`{"base_url":"https://u:p@x","username":"u","api_key":"k"}`: "base_url",
		`{` + required + `,"colour":"red"}`:                         "colour",
		`{` + required + `,"api_key":1}`:                            "api_key",
		`{` + required + `,"testing":"perhaps"}`:                    "testing",
		`{` + required + `,"denominations":[]}`:                     "denominations",
		`{` + required + `,"denominations":{"a":0}}`:                "denominations.a",
		`{` + required + `,"denominations":{"a":10.5}}`:             "denominations.a",
		`{` + required + `,"denominations":{"a":null}}`:             "denominations.a",
		`{` + required + `,"codes":{"55":1}}`:                       "codes",
		`{` + required + `,"codes":{"00":"declined"}}`:              "codes.00",
		`{` + required + `,"codes":{"03":"declined"}}`:              "codes.03",
		`{` + required + `,"codes":{"47":"declined"}}`:              "codes.47",
		`{` + required + `,"codes":{"98":"declined"}}`:              "codes.98",
		`{` + required + `,"codes":{"54":"product_down"}}`:          "codes.54",
		`{` + required + `,"codes":{"54":"refunded"}}`:              "codes.54",
		`{` + required + `,"codes":{"54":"nonsense"}}`:              "codes.54",
	} {
		_, err := digiflazz.Factory().New(json.RawMessage(settings))
		var wrong *core.SettingError
		if !errors.As(err, &wrong) || wrong.SettingKey() != key {
			t.Errorf("%s: %v", settings, err)
		}
	}
}

// The schema says of each setting what it is, and which are secrets.
func TestSchema(t *testing.T) {
	t.Parallel()
	var schema struct {
		Required             []string `json:"required"`
		AdditionalProperties *bool    `json:"additionalProperties"`
		Properties           map[string]struct {
			Description string `json:"description"`
			WriteOnly   bool   `json:"writeOnly"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(digiflazz.Factory().Schema, &schema); err != nil {
		t.Fatal(err)
	}
	if schema.AdditionalProperties == nil || *schema.AdditionalProperties {
		t.Error("anything goes")
	}
	same(t, "required", schema.Required, []string{"base_url", "username", "api_key"})
	for name, property := range schema.Properties {
		if property.Description == "" || property.WriteOnly != slices.Contains([]string{"api_key", "webhook_secret"}, name) {
			t.Errorf("%s: %+v", name, property)
		}
		_, err := digiflazz.ParseSettings(json.RawMessage(`{"` + name + `":null}`))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	same(t, "settings", len(schema.Properties), 7)
}
