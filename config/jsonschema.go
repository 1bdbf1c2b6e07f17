package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// rules are JSON Schema keywords with their values.
type rules = map[string]any

// JSONSchema gives the JSON Schema (2020-12) of a configuration file, for editors. plugins are the schemas of the settings, by the shipped plugin's name; nil where
// there is none. An error means that one of them is no JSON object.
func JSONSchema(plugins map[string]json.RawMessage) (json.RawMessage, error) {
	hints := hints(slices.Sorted(maps.Keys(plugins)))
	schema := describe("", reflect.TypeFor[Config](), hints)
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = "Configuration of Jalur"
	defs, cases := rules{}, []any{}
	for _, name := range slices.Sorted(maps.Keys(plugins)) {
		if len(plugins[name]) == 0 {
			continue
		}
		var settings rules
		if err := json.Unmarshal(plugins[name], &settings); err != nil {
			return nil, fmt.Errorf("the schema of plugin %s: %w", name, err)
		}
		delete(settings, "$schema")
		defs["plugin-"+name] = inFile(settings, "#/$defs/plugin-"+name)
		cases = append(cases, pluginCase(name, settings))
	}
	if len(cases) > 0 {
		schema["$defs"] = defs
		within(schema, "providers")["additionalProperties"].(rules)["allOf"] = cases //nolint:errcheck,forcetypeassert // describe made it
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(schema)
	return text.Bytes(), err
}

func within(schema rules, key string) rules {
	return schema["properties"].(rules)[key].(rules) //nolint:errcheck,forcetypeassert // describe made them
}

// pluginCase says what the settings are where the plugin is the one of that name.
func pluginCase(name string, settings rules) rules {
	then := rules{"properties": rules{"settings": rules{"$ref": "#/$defs/plugin-" + name}}}
	if required, _ := settings["required"].([]any); len(required) > 0 {
		then["required"] = []any{"settings"}
	}
	return rules{"if": rules{"properties": rules{"plugin": rules{"const": name}}, "required": []any{"plugin"}}, "then": then}
}

// describe gives the schema of a type. at is its key in the manual's form ("routes[].via[].provider").
func describe(at string, t reflect.Type, hints map[string]rules) rules {
	schema := shape(at, t, hints)
	maps.Copy(schema, hints[at])
	return withPlaceholder(schema)
}

func shape(at string, t reflect.Type, hints map[string]rules) rules {
	switch {
	case isDuration(t):
		return rules{"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`}
	case t.Kind() == reflect.Struct:
		properties := rules{}
		for _, key := range keysOf(t) {
			below, _ := field(t, key)
			properties[key] = describe(strings.TrimPrefix(at+"."+key, "."), below, hints)
		}
		return rules{"type": "object", "properties": properties, "additionalProperties": false}
	case t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Interface:
		return rules{"type": "object"}
	case t.Kind() == reflect.Map:
		return rules{"type": "object", "additionalProperties": describe(at+".NAME", t.Elem(), hints)}
	case t.Kind() == reflect.Slice:
		return rules{"type": "array", "items": describe(at+"[]", t.Elem(), hints)}
	case t.Kind() == reflect.Bool:
		return rules{"type": "boolean"}
	case t.Kind() == reflect.Int:
		return rules{"type": "integer", "exclusiveMinimum": 0}
	case t.Kind() == reflect.Float64:
		return rules{"type": "number", "exclusiveMinimum": 0}
	default:
		return rules{"type": "string"}
	}
}

// inFile is a plugin's schema as it holds in a file: references lead to where it stands now, and a string may hold a placeholder.
func inFile(schema any, base string) any {
	node, ok := schema.(rules)
	if !ok {
		return schema
	}
	node = maps.Clone(node)
	if ref, ok := node["$ref"].(string); ok {
		node["$ref"] = base + strings.TrimPrefix(ref, "#")
	}
	for _, keyword := range []string{"items", "additionalProperties", "then", "else"} {
		if below, ok := node[keyword]; ok {
			node[keyword] = inFile(below, base)
		}
	}
	for _, keyword := range []string{"properties", "patternProperties", "$defs"} {
		if named, ok := node[keyword].(rules); ok {
			named = maps.Clone(named)
			for name, below := range named {
				named[name] = inFile(below, base)
			}
			node[keyword] = named
		}
	}
	for _, keyword := range []string{"allOf", "anyOf", "oneOf", "prefixItems"} {
		if list, ok := node[keyword].([]any); ok {
			list = slices.Clone(list)
			for i, below := range list {
				list[i] = inFile(below, base)
			}
			node[keyword] = list
		}
	}
	return withPlaceholder(node)
}

// withPlaceholder lets a string that must follow a rule be a placeholder instead, since what it stands for is not in the file.
func withPlaceholder(schema rules) rules {
	const placeholder = `\$\{`
	ruled, loose := rules{}, rules{}
	limited := false
	for keyword, value := range schema {
		switch keyword {
		case "title", "description", "default", "examples", "writeOnly", "deprecated":
			loose[keyword] = value
		default:
			ruled[keyword] = value
			limited = limited || slices.Contains([]string{"pattern", "enum", "const", "format", "minLength", "maxLength"}, keyword)
		}
	}
	if !limited || !takesStrings(schema) {
		return schema
	}
	loose["anyOf"] = []any{ruled, rules{"type": "string", "pattern": placeholder}}
	return loose
}

func takesStrings(schema rules) bool {
	switch types := schema["type"].(type) {
	case nil:
		return true
	case []any:
		return slices.Contains(types, any("string"))
	default:
		return types == "string"
	}
}

// hints are what types can't say, by the key in the manual's form.
func hints(plugins []string) map[string]rules {
	sha256 := `^([0-9A-Fa-f]{64})?$`
	all := map[string]rules{
		"journal": {
			"description": "Where payments are recorded: sqlite://FILE or postgres://USER@HOST/DATABASE.", "default": DefaultJournal,
			"pattern": "^(sqlite|postgres|postgresql)://.",
		},
		"spill":          {"description": "A folder that keeps outcomes while the journal can't take them."},
		"providers":      {"description": "The configured providers, by names of yours.", "propertyNames": rules{"pattern": providerName.String()}},
		"providers.NAME": {"required": []any{"plugin"}},
		"providers.NAME.plugin": {
			"description": "A shipped plugin's name, or the path of a plugin binary, with a slash in it.", "minLength": 1,
		},
		"providers.NAME.sha256":           {"description": "Pins the binary: another file is not started.", "default": "", "pattern": sha256},
		"providers.NAME.manifest":         {"description": "A list of the files of a plugin of several files; sha256 then pins the list.", "default": ""},
		"providers.NAME.reload_on_change": {"description": "The plugin is reloaded when its file changes.", "default": false},
		"providers.NAME.limits":           {"description": "What the Go runtime of the plugin's process is told to keep to."},
		"providers.NAME.limits.memory":    {"description": "A soft limit.", "default": "512MiB", "pattern": `^([0-9]+(KiB|MiB|GiB))?$`},
		"providers.NAME.limits.cpus":      {"description": "On how many CPUs it computes at once; left out: on all."},
		"providers.NAME.settings":         {"description": "The plugin's own."},
		"providers.NAME.timeout":          {"description": "For one call.", "default": DefaultTimeout.String()},
		"providers.NAME.breaker":          {"description": "When a provider is left alone for a while."},
		"providers.NAME.breaker.calls":    {"description": "At least this many calls.", "default": DefaultBreakerCalls},
		"providers.NAME.breaker.within":   {"description": "Within this time.", "default": DefaultBreakerWithin.String()},
		"providers.NAME.breaker.ratio":    {"description": "The part of them that were faults.", "default": DefaultBreakerRatio, "maximum": 1},
		"providers.NAME.breaker.open_for": {"description": "For how long it then gets no calls.", "default": DefaultBreakerOpenFor.String()},
		"routes":                          {"description": "Who makes the top-ups of which merchant."},
		"routes[]":                        {"required": []any{"merchant", "via"}},
		"routes[].merchant":               {"description": "A merchant's code, or * for every merchant without a route of its own.", "minLength": 1},
		"routes[].strategy":               {"description": "How lanes are ordered.", "enum": []any{StrategyPriority}, "default": StrategyPriority},
		"routes[].inquire_first":          {"description": "A payment asks for a quote before it pays.", "default": false},
		"routes[].via":                    {"description": "The providers, in the order in which they are tried.", "minItems": 1},
		"routes[].via[]":                  {"required": []any{"provider"}},
		"routes[].via[].provider":         {"description": "The name of a configured provider.", "minLength": 1},
		"routes[].via[].product":          {"description": "The provider's own code for the merchant, where it isn't the merchant's."},
		"server":                          {"description": "The gateway's own HTTP side."},
		"server.listen":                   {"description": "HOST:PORT; a loopback address unless there are clients.", "default": DefaultListen, "pattern": ":[0-9]+$"},
		"server.public_url":               {"description": "Where providers reach /callbacks/{provider}.", "default": "", "pattern": "^(https?://.+)?$"},
		"server.clients":                  {"description": "Who may call."},
		"server.clients[]":                {"required": []any{"id", "secret_sha256", "scopes"}},
		"server.clients[].id":             {"description": "Without spaces and colons.", "pattern": `^[^:\s]+$`},
		"server.clients[].secret_sha256":  {"description": "The SHA-256 of the client's secret.", "pattern": `^[0-9A-Fa-f]{64}$`},
		"server.clients[].scopes":         {"description": "What the client may do.", "minItems": 1},
		"server.clients[].scopes[]":       {"enum": []any{ScopeRead, ScopePay, ScopeResolve, ScopeAdmin}},
		"resolve":                         {"description": "What an operator may say of a payment that nobody knows the outcome of."},
		"resolve.second_person_above":     {"description": "In rupiah: that a larger payment was not executed, two persons must say."},
	}
	if len(plugins) > 0 {
		all["providers.NAME.plugin"] = rules{
			"description": all["providers.NAME.plugin"]["description"], "anyOf": []any{rules{"enum": plugins}, rules{"pattern": `/|\$\{`}},
		}
	}
	return all
}
