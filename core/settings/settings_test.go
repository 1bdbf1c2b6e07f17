package settings_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/core/settings"
)

const sample = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"type": "object",
	"additionalProperties": false,
	"required": ["url"],
	"$defs": {"ratio": {"type": "number", "exclusiveMinimum": 0, "maximum": 0.5}},
	"properties": {
		"url": {"type": "string", "pattern": "^https?://"},
		"password": {"type": "string", "minLength": 4, "writeOnly": true},
		"pin": {"type": ["string", "integer"], "writeOnly": true},
		"mode": {"enum": ["form", "json", 1, "1"]},
		"breaker": {"type": "object", "additionalProperties": false, "properties": {"ratio": {"$ref": "#/$defs/ratio"}, "calls": {"type": "integer", "minimum": 1}}},
		"reasons": {
			"type": "array", "maxItems": 2,
			"items": {"type": "object", "required": ["match"], "properties": {"match": {"type": "string", "minLength": 1}, "key": {"writeOnly": true}}}
		},
		"either": {"anyOf": [{"type": "string"}, {"type": "object", "properties": {"n": {"type": "integer"}}}]},
		"proxies": {"type": "object", "additionalProperties": {"type": "object", "properties": {"secret": {"type": "string", "writeOnly": true}}}}
	},
	"dependentRequired": {"pin": ["password"]}
}`

func compile(t testing.TB, raw string) *settings.Schema {
	t.Helper()
	schema, err := settings.Compile(json.RawMessage(raw))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestWhatIsWrongNamesItsKeyAndRule(t *testing.T) {
	t.Parallel()
	schema := compile(t, sample)
	cases := map[string][]string{
		`{"url":"http://x"}`:                    nil,
		`{"url":"http://x","mode":null}`:        nil,
		`{"url":"http://x","mode":1}`:           nil,
		`{"url":"http://x","either":{"n":1}}`:   nil,
		``:                                      {"url: is required"},
		`null`:                                  {"url: is required"},
		`{"url":null}`:                          {"url: is required"},
		`[]`:                                    {": must be an object"},
		`{`:                                     {": must be an object"},
		`{"url":"http://x"}{}`:                  {": must be an object"},
		`{"url":7}`:                             {"url: must be a string"},
		`{"url":"geheim"}`:                      {"url: must look like ^https?://"},
		`{"url":"http://x","mode":"geheim"}`:    {"mode: must be one of form, json, 1"},
		`{"url":"http://x","password":"geh"}`:   {"password: must have at least 4 characters"},
		`{"url":"http://x","pin":true}`:         {"password: is required beside pin", "pin: must be a whole number or a string"},
		`{"url":"http://x","breaker":{"n":1}}`:  {"breaker.n: is not known; there are calls, ratio"},
		`{"url":"http://x","breaker":[]}`:       {"breaker: must be a map"},
		`{"url":"http://x","either":1}`:         {"either: fits none of the forms that it may have"},
		`{"url":"http://x","either":{"n":"x"}}`: {"either.n: must be a whole number"},
		`{"url":"http://x","reasons":[{"match":"x"},{"match":""}]}`:      {"reasons[1].match: must not be empty"},
		`{"url":"http://x","reasons":[{"match":null},{"match":"x"},{}]}`: {"reasons: must have at most 2 entries", "reasons[0].match: is required", "reasons[2].match: is required"},
		`{"url":"http://x","breaker":{"ratio":0,"calls":0}}`:             {"breaker.calls: must be at least 1", "breaker.ratio: must be more than 0"},
		`{"url":"http://x","breaker":{"ratio":0.75}}`:                    {"breaker.ratio: must be at most 0.5"},
		`{"url":"http://x","breaker":{"calls":1.5}}`:                     {"breaker.calls: must be a whole number"},
		`{"uri":"http://x"}`: {
			"uri: is not known; there are breaker, either, mode, password, pin, proxies, reasons, url", "url: is required",
		},
	}
	for given, want := range cases {
		var got []string
		for _, problem := range schema.Check(json.RawMessage(given)) {
			got = append(got, problem.Key+": "+problem.Rule)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\n got %q\nwant %q", given, got, want)
		}
		if strings.Contains(strings.Join(got, "\n"), "geh") {
			t.Errorf("%s: a value is shown: %q", given, got)
		}
	}
}

func TestNoSchemaTakesAnyObject(t *testing.T) {
	t.Parallel()
	schema := compile(t, " ")
	if found := schema.Check(json.RawMessage(`{"a":1}`)); found != nil || schema.Secrets(json.RawMessage(`{"a":"b"}`)) != nil {
		t.Errorf("%v", found)
	}
	if found := schema.Check(json.RawMessage(`3`)); len(found) != 1 {
		t.Errorf("%v", found)
	}
}

func TestSecretsAreWhatTheSchemaCallsSo(t *testing.T) {
	t.Parallel()
	given := `{"url":"http://x","password":"geheim","pin":123456,"mode":"form",
		"reasons":[{"match":"m","key":["one",{"two":"three"}]}],"proxies":{"any":{"secret":"four","user":"u"}}}`
	got := compile(t, sample).Secrets(json.RawMessage(given))
	if want := []string{"123456", "four", "geheim", "one", "three"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	branches := compile(t, `{"$defs":{"s":{"writeOnly":true}},"oneOf":[{"properties":{"a":{"$ref":"#/$defs/s"}}},{"properties":{"b":{"allOf":[{"writeOnly":true}]}}}]}`)
	if got := branches.Secrets(json.RawMessage(`{"a":"x","b":"y"}`)); !slices.Equal(got, []string{"x", "y"}) {
		t.Errorf("%q", got)
	}
}

func TestASchemaThatCouldDoHarmIsRefused(t *testing.T) {
	t.Parallel()
	var doubling strings.Builder
	for n := range 40 {
		fmt.Fprintf(&doubling, `"d%d":{"allOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]},`, n, n+1, n+1)
	}
	var chain strings.Builder
	for n := range 100 {
		fmt.Fprintf(&chain, `"c%03d":{"items":{"$ref":"#/$defs/c%03d"}},`, n, n+1)
	}
	cases := map[string]string{
		"deep":                strings.Repeat(`{"not":`, 5000) + `{}` + strings.Repeat(`}`, 5000),
		"deep by references":  `{"$defs":{` + chain.String() + `"c100":{}}}`,
		"a costly pattern":    `{"pattern":"` + strings.Repeat("(a{0,900}b)", 30) + `"}`,
		"costly names":        `{"patternProperties":{"((a{0,100}){0,9}){0,30}":{}}}`,
		"no JSON":             `{`,
		"two values":          `{} {}`,
		"no schema":           `"text"`,
		"too large":           `{"title":"` + strings.Repeat("x", 256<<10) + `"}`,
		"another dialect":     `{"$schema":"http://json-schema.org/draft-07/schema#"}`,
		"another document":    `{"$ref":"https://json-schema.org/draft/2020-12/schema"}`,
		"a file":              `{"properties":{"a":{"$ref":"file:///etc/passwd"}}}`,
		"a file, relative":    `{"properties":{"a":{"$ref":"/etc/passwd"}}}`,
		"a base of its own":   `{"$id":"file:///etc/passwd"}`,
		"an anchor":           `{"$anchor":"a"}`,
		"a dynamic reference": `{"$dynamicRef":"#a"}`,
		"nowhere":             `{"$ref":"#/$defs/none"}`,
		"itself":              `{"$ref":"#"}`,
		"itself, by a way":    `{"$defs":{"a":{"properties":{"x":{"$ref":"#/$defs/b"}}},"b":{"items":{"$ref":"#/$defs/a"}}},"$ref":"#/$defs/a"}`,
		"doubling":            `{"$defs":{` + doubling.String() + `"d40":{}},"$ref":"#/$defs/d0"}`,
		"a huge number":       `{"maximum":1e999999999}`,
		"a tiny number":       `{"multipleOf":1E-999999999}`,
		"a bad pattern":       `{"pattern":"("}`,
		"a bad type":          `{"type":"money"}`,
	}
	for name, raw := range cases {
		if schema, err := settings.Compile(json.RawMessage(raw)); err == nil {
			t.Errorf("%s: taken: %v", name, schema.Check(json.RawMessage(`{}`)))
		}
	}
}

func TestASettingMayHaveTheNameOfAKeyword(t *testing.T) {
	t.Parallel()
	schema := compile(t, `{"properties":{"$id":{"type":"string"},"$ref":{"type":"integer"}},"additionalProperties":false}`)
	if found := schema.Check(json.RawMessage(`{"$id":"x","$ref":1}`)); len(found) != 0 {
		t.Errorf("%v", found)
	}
	if found := schema.Check(json.RawMessage(`{"$id":1,"$ref":"x"}`)); len(found) != 2 {
		t.Errorf("%v", found)
	}
}

// A schema and settings of any bytes are refused or compared; neither takes long nor shows a value.
func FuzzCheck(f *testing.F) {
	f.Add([]byte(sample), []byte(`{"url":"http://x","breaker":{"ratio":2}}`))
	f.Add([]byte(`{"not":{"contains":{"const":1}},"propertyNames":{"pattern":"a"}}`), []byte(`{"a":[1]}`))
	f.Add([]byte(`{"unevaluatedProperties":false,"if":{"required":["a"]},"then":{"properties":{"a":{}}}}`), []byte(`{"a":1,"b":2}`))
	f.Add([]byte(`{"format":"date-time","uniqueItems":true,"prefixItems":[true,false],"contentSchema":{}}`), []byte(`{"a":null}`))
	f.Fuzz(func(t *testing.T, schema, given []byte) {
		compiled, err := settings.Compile(schema)
		if err != nil {
			return
		}
		for _, problem := range compiled.Check(given) {
			if problem.Rule == "" {
				t.Errorf("%q: a problem without a rule", given)
			}
		}
		compiled.Secrets(given)
	})
}
