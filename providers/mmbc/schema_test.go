package mmbc_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/core/settings"
	"github.com/jalurhq/jalur/providers/mmbc"
)

// schemaNode is the part of a JSON Schema that is looked at here.
type schemaNode struct {
	Description string                `json:"description"`
	Required    []string              `json:"required"`
	Properties  map[string]schemaNode `json:"properties"`
	Items       *schemaNode           `json:"items"`
	Enum        []any                 `json:"enum"`
	WriteOnly   bool                  `json:"writeOnly"`
	More        *bool                 `json:"additionalProperties"`
}

func schemaOf(t *testing.T) schemaNode {
	t.Helper()
	var node schemaNode
	if err := json.Unmarshal(mmbc.Factory().Schema, &node); err != nil {
		t.Fatal(err)
	}
	return node
}

func TestTheSchemaHasTheSettingsThatTheCodeReads(t *testing.T) {
	t.Parallel()
	node := schemaOf(t)
	reason := node.Properties["reasons"].Items
	for _, object := range []struct {
		name string
		node schemaNode
		read []string
	}{{"settings", node, mmbc.SettingNames()}, {"reasons[]", *reason, fieldNames(reflect.TypeFor[mmbc.Reason]())}} {
		if got := slices.Sorted(maps.Keys(object.node.Properties)); !slices.Equal(got, object.read) {
			t.Errorf("%s: the schema has %q, the code reads %q", object.name, got, object.read)
		}
		if object.node.More == nil || *object.node.More {
			t.Errorf("%s: the schema takes settings that it doesn't name", object.name)
		}
		for name, property := range object.node.Properties {
			if property.Description == "" {
				t.Errorf("%s: %s is not described", object.name, name)
			}
			if secret := name == "password"; property.WriteOnly != secret {
				t.Errorf("%s: %s is a secret: %v", object.name, name, property.WriteOnly)
			}
		}
	}
	var codes []any
	for _, code := range mmbc.DeclineCodes() {
		codes = append(codes, string(code))
	}
	if got := reason.Properties["code"].Enum; !reflect.DeepEqual(got, codes) {
		t.Errorf("the schema has the codes %v, the code takes %v", got, codes)
	}
}

func fieldNames(typ reflect.Type) []string {
	var names []string
	for field := range typ.Fields() {
		names = append(names, strings.ToLower(field.Name))
	}
	return slices.Sorted(slices.Values(names))
}

// verdicts are settings that lack nothing but what each case says.
func verdicts() map[string]bool {
	const rest = `"username":"u","password":"p"`
	cases := map[string]bool{
		``: false, `null`: false, `[]`: false, `{}`: false, `3`: false,
		`{"base_url":"http://x"}`: false, `{"base_url":"http://x","username":"u"}`: false, `{` + rest + `}`: false,
		`{"base_url":"http://x","username":"","password":"p"}`:   false,
		`{"base_url":"http://x","username":"u","password":null}`: false,
		`{"base_url":"http://x","username":"u","password":1}`:    false,
	}
	for url, good := range map[string]bool{
		"http://x": true, "https://x/": true, "HTTPS://X.example:8443/json/multipayment": true, "http://127.0.0.1:9901/json": true, "http://[::1]:80/a@b": true,
		"": false, "x": false, "klikmbc.co.id/json": false, "ftp://x": false, "http://": false, "http:///json": false, "http://u:p@x": false, "http://u@x/": false,
		"http://x?a=b": false, "http://x/?": false, "http://x#f": false, "http://x y": false, "http://x:abc": false, "http://[::1": false, "http://%zz": false,
	} {
		cases[`{"base_url":"`+url+`",`+rest+`}`] = good
	}
	for extra, good := range map[string]bool{
		`"direct":0`: true, `"direct":1`: true, `"direct":"0"`: true, `"direct":"1"`: true, `"direct":null`: true, `"direct":2`: false, `"direct":"yes"`: false, `"direct":true`: false,
		`"encoding":"form"`: true, `"encoding":"json"`: true, `"encoding":"query"`: true, `"encoding":null`: true, `"encoding":""`: false, `"encoding":"xml"`: false, `"encoding":1`: false,
		`"reasons":[]`: true, `"reasons":null`: true, `"reasons":{}`: false, `"reasons":[null]`: false, `"reasons":[1]`: false, `"reasons":"x"`: false,
		`"reasons":[{"match":"x","code":"auth"}]`: true, `"reasons":[{"match":["x","y 1"],"code":"cut_off"}]`: true, `"reasons":[{"match":"é","code":"auth"}]`: true,
		`"reasons":[{"match":"x"}]`: false, `"reasons":[{"code":"auth"}]`: false, `"reasons":[{"match":"!","code":"auth"}]`: false, `"reasons":[{"match":[],"code":"auth"}]`: false,
		`"reasons":[{"match":["x","-"],"code":"auth"}]`: false, `"reasons":[{"match":[1],"code":"auth"}]`: false, `"reasons":[{"match":1,"code":"auth"}]`: false,
		`"reasons":[{"match":null,"code":"auth"}]`: false, `"reasons":[{"match":"x","code":"internal"}]`: false, `"reasons":[{"match":"x","code":"auth","codes":1}]`: false,
		`"pasword":"p"`: false, `"Direct":1`: false,
	} {
		cases[`{"base_url":"http://x",`+rest+`,`+extra+`}`] = good
	}
	return cases
}

func TestSchemaAndCodeAgree(t *testing.T) {
	t.Parallel()
	factory := mmbc.Factory()
	schema, err := settings.Compile(factory.Schema)
	if err != nil {
		t.Fatal(err)
	}
	for given, good := range verdicts() {
		problems := schema.Check(json.RawMessage(given))
		if fits := len(problems) == 0; fits != good {
			t.Errorf("%s: the schema says %v", given, problems)
		}
		if _, err := factory.New(json.RawMessage(given)); (err == nil) != good {
			t.Errorf("%s: the code says %v", given, err)
		}
	}
	for name, property := range schemaOf(t).Properties {
		if property.WriteOnly && len(schema.Secrets(json.RawMessage(`{"`+name+`":"geheim"}`))) != 1 {
			t.Errorf("%s is not hidden", name)
		}
	}
}
