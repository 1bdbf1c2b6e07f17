package dtone_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/providers/dtone"
)

const good = `"base_url":"https://dvs-api.dtone.com/v1/","key":"fake_apikey","secret":"fake_apisecret"`

func TestSettings(t *testing.T) {
	t.Parallel()
	set, err := dtone.Factory().New(json.RawMessage(`{` + good + `,"firm_quotes":"true","calling_code":62,"country":"IDN","quarantine":"15m",
		"products":{"7001":{"account":"none","extra":["sender.lastname"]}},"codes":{"1003101":"product_down","EXCEPTION":"declined"}}`))
	if err != nil {
		t.Fatal(err)
	}
	d, err := set.Provider.Describe(t.Context())
	if err != nil || d.Quarantine != 15*time.Minute || !d.CancelsQuotes || set.Quotes == nil || !strings.HasPrefix(d.Instance, "dvs-api.dtone.com/v1#") {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestWrongSettings(t *testing.T) {
	t.Parallel()
	for given, key := range map[string]string{
		`[]`: "", `{`: "", `{}`: "base_url", `{"base_url":"https://x","key":"a"}`: "secret", `{"base_url":"https://x","secret":"a"}`: "key",
		`{"base_url":5}`:              "base_url",
		`{` + good + `,"bas_url":""}`: "bas_url",
		`{"base_url":"ftp://x","key":"geheim","secret":"geheim"}`:                    "base_url",
		`{"base_url":"https://u:geheim@x","key":"geheim","secret":"geheim"}`:         "base_url",
		`{"base_url":"https://x","key":"ge:heim","secret":"geheim"}`:                 "key",
		`{` + good + `,"firm_quotes":"yes"}`:                                         "firm_quotes",
		`{` + good + `,"calling_code":"0062"}`:                                       "calling_code",
		`{` + good + `,"country":"ID"}`:                                              "country",
		`{` + good + `,"quarantine":5}`:                                              "quarantine",
		`{` + good + `,"quarantine":"soon"}`:                                         "quarantine",
		`{` + good + `,"quarantine":"-5m"}`:                                          "quarantine",
		`{` + good + `,"products":[]}`:                                               "products",
		`{` + good + `,"products":{"GOPAY":{}}}`:                                     "products.GOPAY",
		`{` + good + `,"products":{"1":{"acount":"none"}}}`:                          "products.1.acount",
		`{` + good + `,"products":{"1":{"account":5}}}`:                              "products.1.account",
		`{` + good + `,"products":{"1":{"account":"Mobile Number"}}}`:                "products.1.account",
		`{` + good + `,"products":{"1":{"extra":"x"}}}`:                              "products.1.extra",
		`{` + good + `,"products":{"1":{"extra":["payer.name"]}}}`:                   "products.1.extra",
		`{` + good + `,"codes":["x"]}`:                                               "codes",
		`{` + good + `,"codes":{"1003101":"sunny"}}`:                                 "codes.1003101",
		`{` + good + `,"codes":{"1003101":"duplicate_ref"}}`:                         "codes.1003101",
		`{` + good + `,"codes":{"1007001":"declined"}}`:                              "codes.1007001",
		`{` + good + `,"codes":{"1009001":"product_down","1009503":"product_down"}}`: "codes.1009001",
	} {
		_, err := dtone.Factory().New(json.RawMessage(given))
		wrong, ok := errors.AsType[*core.SettingError](err)
		if !ok || wrong.SettingKey() != key || strings.Contains(err.Error(), "geheim") || strings.Contains(err.Error(), "fake") {
			t.Errorf("%s: %v", given, err)
		}
	}
}

// The schema names each setting, with a description, and marks the secrets.
func TestSchema(t *testing.T) {
	t.Parallel()
	var schema struct {
		Type       string   `json:"type"`
		Additional *bool    `json:"additionalProperties"`
		Required   []string `json:"required"`
		Properties map[string]struct {
			Description string `json:"description"`
			WriteOnly   bool   `json:"writeOnly"`
			Additional  struct {
				Enum []core.Code `json:"enum"`
			} `json:"additionalProperties"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(dtone.Factory().Schema, &schema); err != nil {
		t.Fatal(err)
	}
	known := slices.Sorted(maps.Keys(dtone.Settings()))
	if schema.Type != "object" || schema.Additional == nil || *schema.Additional || !slices.Equal(known, slices.Sorted(maps.Keys(schema.Properties))) {
		t.Errorf("%+v", schema)
	}
	for name, property := range schema.Properties {
		if property.Description == "" || property.WriteOnly != (name == "key" || name == "secret") {
			t.Errorf("%s: %+v", name, property)
		}
	}
	if !slices.Equal(schema.Required, []string{"base_url", "key", "secret"}) {
		t.Errorf("required are %v", schema.Required)
	}
	allowed := schema.Properties["codes"].Additional.Enum
	for _, code := range core.Codes() {
		_, err := dtone.Factory().New(json.RawMessage(`{` + good + `,"codes":{"1003101":"` + string(code) + `"}}`))
		if slices.Contains(allowed, code) != (err == nil) {
			t.Errorf("the schema and the settings differ about %s: %v", code, err)
		}
	}
}
