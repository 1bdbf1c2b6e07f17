package config_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/jalurhq/jalur/config"
	"github.com/jalurhq/jalur/core/settings"
	"github.com/jalurhq/jalur/providers/mmbc"
)

func published(t *testing.T) json.RawMessage {
	t.Helper()
	schema, err := config.JSONSchema(map[string]json.RawMessage{"mmbc": mmbc.Factory().Schema, "plain": nil, "nested": json.RawMessage(`{
		"$defs": {"n": {"type": "object", "properties": {"n": {"type": "integer"}}}}, "properties": {"deep": {"$ref": "#/$defs/n"}}
	}`)})
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// problems holds a file in YAML against the published schema, as an editor does.
func problems(t *testing.T, text string) []string {
	t.Helper()
	schema, err := settings.Compile(published(t))
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	file, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, problem := range schema.Check(file) {
		found = append(found, problem.Key+": "+problem.Rule)
	}
	return found
}

func TestEditorsTakeWhatTheGatewayTakes(t *testing.T) {
	t.Parallel()
	texts := map[string]string{}
	for _, sample := range withInfo(blocks(manual(t)), "yaml") {
		texts[fmt.Sprintf("the manual, line %d", sample.line)] = sample.text
	}
	file, err := os.ReadFile(filepath.Join("samples", "jalur.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	texts["samples/jalur.yaml"] = string(file)
	texts["placeholders"] = `
providers:
  a: {plugin: "${P}", sha256: "${H}", timeout: "${T}", settings: {any: thing}}
  b: {plugin: mmbc, settings: {base_url: "${U}/json", username: "${N}", password: "${file:x}", direct: "${D}", encoding: "${E}", reasons: [{match: "${M}", code: "${C}"}]}}
  c: {plugin: ./mine, settings: {base_url: 7}}
  d: {plugin: plain}
  e: {plugin: nested, settings: {deep: {n: 1}}}`
	for name, text := range texts {
		if found := problems(t, text); len(found) > 0 {
			t.Errorf("%s: %q", name, found)
		}
	}
}

func TestEditorsSeeWhatIsWrong(t *testing.T) {
	t.Parallel()
	const good = "settings: {base_url: http://x, username: u, password: p"
	for text, want := range map[string]string{
		`journl: x`:                                                    "journl: is not known",
		`journal: mysql://x`:                                           "journal: ",
		`providers: {"a b": {plugin: mmbc}}`:                           "providers",
		`providers: {a: {}}`:                                           "providers.a.plugin: is required",
		`providers: {a: {plugin: mmcb}}`:                               "providers.a.plugin: ",
		`providers: {a: {plugin: mmbc}}`:                               "providers.a.settings: is required",
		`providers: {a: {plugin: mmbc, settings: {}}}`:                 "providers.a.settings.base_url: is required",
		`providers: {a: {plugin: mmbc, ` + good + `, x: 1}}}`:          "providers.a.settings.x: is not known",
		`providers: {a: {plugin: mmbc, ` + good + `, direct: 2}}}`:     "providers.a.settings.direct: ",
		`providers: {a: {plugin: mmbc, ` + good + `, encoding: xml}}}`: "providers.a.settings.encoding: ",
		`providers: {a: {plugin: mmbc, ` + good + `, reasons: [{match: x, code: internal}]}}}`:          "providers.a.settings.reasons[0].code: ",
		`providers: {a: {plugin: nested, settings: {deep: {n: x}}}}`:                                    "providers.a.settings.deep.n: must be a whole number",
		`providers: {a: {plugin: ./a, timeout: 30}}`:                                                    "providers.a.timeout: ",
		`providers: {a: {plugin: ./a, timeout: 30 s}}`:                                                  "providers.a.timeout: ",
		`providers: {a: {plugin: ./a, breaker: {calls: 0}}}`:                                            "providers.a.breaker.calls: must be more than 0",
		`providers: {a: {plugin: ./a, breaker: {ratio: 1.5}}}`:                                          "providers.a.breaker.ratio: must be at most 1",
		`routes: [{merchant: X}]`:                                                                       "routes[0].via: is required",
		`routes: [{merchant: X, via: []}]`:                                                              "routes[0].via: must not be empty",
		`routes: [{merchant: X, via: [{}]}]`:                                                            "routes[0].via[0].provider: is required",
		`routes: [{merchant: X, strategy: best, via: [{provider: a}]}]`:                                 "routes[0].strategy: ",
		`server: {listen: here}`:                                                                        "server.listen: ",
		`server: {clients: [{id: a, secret_sha256: x, scopes: [pay]}]}`:                                 "server.clients[0].secret_sha256: ",
		`server: {clients: [{id: a, secret_sha256: "` + strings.Repeat("a", 64) + `", scopes: [all]}]}`: "server.clients[0].scopes[0]: ",
	} {
		found := problems(t, text)
		if !slices.ContainsFunc(found, func(s string) bool { return strings.HasPrefix(s, want) }) {
			t.Errorf("%s: %q", text, found)
		}
	}
}

func TestThePublishedSchemaDescribesEveryKey(t *testing.T) {
	t.Parallel()
	var schema map[string]any
	if err := json.Unmarshal(published(t), &schema); err != nil {
		t.Fatal(err)
	}
	known := keys("", reflect.TypeFor[config.Config]())
	for _, key := range known {
		if description, _ := nodeAt(schema, key)["description"].(string); description == "" {
			t.Errorf("%s is not described", key)
		}
	}
	for _, hinted := range config.HintedKeys() {
		if !slices.ContainsFunc(known, func(key string) bool { return key == hinted || strings.HasPrefix(key, hinted) }) && !strings.HasSuffix(hinted, "[]") {
			t.Errorf("something is said of %s, and there is no such key", hinted)
		}
	}
}

// nodeAt gives the part of a schema for a key in the manual's form; nil where it says nothing of it.
func nodeAt(node map[string]any, key string) map[string]any {
	for name := range strings.SplitSeq(strings.ReplaceAll(key, "[]", ".[]"), ".") {
		switch name {
		case "[]":
			node, _ = node["items"].(map[string]any)
		case "NAME":
			node, _ = node["additionalProperties"].(map[string]any)
		default:
			properties, _ := node["properties"].(map[string]any)
			node, _ = properties[name].(map[string]any)
		}
	}
	return node
}

func TestASchemaThatIsNoneIsNotPublished(t *testing.T) {
	t.Parallel()
	if _, err := config.JSONSchema(map[string]json.RawMessage{"mmbc": json.RawMessage(`[]`)}); err == nil || !strings.Contains(err.Error(), "mmbc") {
		t.Errorf("%v", err)
	}
}
