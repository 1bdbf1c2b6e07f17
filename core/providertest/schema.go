package providertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// schema is what the suite reads of a JSON Schema of settings.
type schema struct {
	Dialect    string                     `json:"$schema"`
	Type       string                     `json:"type"`
	Properties map[string]json.RawMessage `json:"properties"`
	Required   []string                   `json:"required"`
	Additional *json.RawMessage           `json:"additionalProperties"`
}

func readSchema(raw json.RawMessage) (schema, error) {
	var s schema
	if len(raw) == 0 {
		return s, nil
	}
	err := json.Unmarshal(raw, &s)
	return s, err
}

// problems tells what is wrong with a schema that these settings are good under.
func (s schema) problems(settings json.RawMessage) []string {
	var found []string
	note := func(wrong bool, format string, args ...any) {
		if wrong {
			found = append(found, fmt.Sprintf(format, args...))
		}
	}
	note(s.Dialect != "" && !strings.HasPrefix(s.Dialect, "https://json-schema.org/draft/2020-12/"), "it is not of JSON Schema 2020-12")
	note(s.Type != "object", `its type is %q, not "object"`, s.Type)
	note(len(s.Properties) == 0, "it names no properties")
	note(s.Additional == nil || string(*s.Additional) != "false", "additionalProperties is not false, so that a misspelt key would pass")
	for _, key := range s.Required {
		_, known := s.Properties[key]
		note(!known, "it requires %q, which is not among its properties", key)
	}
	given := keys(settings)
	for _, key := range given {
		_, known := s.Properties[key]
		note(!known, "the good settings have %q, which is not among its properties", key)
	}
	for _, key := range s.Required {
		note(!slices.Contains(given, key), "it requires %q, which the good settings don't have", key)
	}
	return found
}

func object(settings json.RawMessage) map[string]json.RawMessage {
	values := map[string]json.RawMessage{}
	_ = json.Unmarshal(settings, &values) // that it is an object the harness has checked
	return values
}

func keys(settings json.RawMessage) []string { return slices.Sorted(maps.Keys(object(settings))) }

// without and plus give the settings with a key less or more.
func without(settings json.RawMessage, key string) json.RawMessage {
	values := object(settings)
	delete(values, key)
	return pack(values)
}

func plus(settings json.RawMessage, key, value string) json.RawMessage {
	values := object(settings)
	values[key] = json.RawMessage(value)
	return pack(values)
}

func pack(values map[string]json.RawMessage) json.RawMessage {
	packed, err := json.Marshal(values)
	if err != nil { // each value was JSON before
		return json.RawMessage("{}")
	}
	return packed
}

// namesKey reports whether an error says which setting is to blame.
func namesKey(err error, key string) bool {
	var keyed interface{ SettingKey() string }
	return errors.As(err, &keyed) && keyed.SettingKey() == key
}
