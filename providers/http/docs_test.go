package httpspec_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/config"
	httpspec "github.com/jalurhq/jalur/providers/http"
)

const page = "../../docs/providers/http.md"

// takes builds every provider of a configuration.
func takes(t *testing.T, name string, text []byte) {
	t.Helper()
	env := []string{"MMBC_USERNAME=toko", "MMBC_PASSWORD=rahasia", "EXAMPLE_KEY=rahasia"}
	c, err := config.Parse(name, text, config.Options{Env: env})
	if err != nil {
		t.Fatal(err)
	}
	for provider, p := range c.Providers {
		raw, err := json.Marshal(p.Settings)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := httpspec.New(raw); err != nil || p.Plugin != "http" {
			t.Errorf("%s with the plugin %s: %v", provider, p.Plugin, err)
		}
	}
}

func TestTheManualsExample(t *testing.T) {
	t.Parallel()
	_, rest, found := strings.Cut(string(read(t, page)), "```yaml\n")
	example, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("the manual has no example")
	}
	takes(t, "jalur.yaml", []byte(example))
}

func TestTheExamplesConfiguration(t *testing.T) {
	t.Parallel()
	const file = "../../examples/http/jalur.yaml"
	takes(t, file, read(t, file))
}

// The manual names every key that the schema has.
func TestTheManualHasEveryKey(t *testing.T) {
	t.Parallel()
	manual := string(read(t, page))
	var schema any
	if err := json.Unmarshal(httpspec.Factory().Schema, &schema); err != nil {
		t.Fatal(err)
	}
	keys := properties(schema)
	if len(keys) < 60 {
		t.Fatalf("only %v", keys)
	}
	for _, key := range keys {
		if !strings.Contains(manual, "`"+key) && !strings.Contains(manual, "."+key+"`") {
			t.Errorf("the manual doesn't name %s", key)
		}
	}
}

// properties gives the names of all properties in a schema, once each.
func properties(schema any) []string {
	found := map[string]bool{}
	var look func(any)
	look = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			if named, ok := v["properties"].(map[string]any); ok {
				for name := range named {
					found[name] = true
				}
			}
			for _, inner := range v {
				look(inner)
			}
		case []any:
			for _, inner := range v {
				look(inner)
			}
		}
	}
	look(schema)
	return slices.Sorted(maps.Keys(found))
}
