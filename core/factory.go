package core

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Factory is what a provider's package exports: how its settings must look, and what makes a provider of them.
type Factory struct {
	// Schema is the JSON Schema (2020-12) of the settings, an object. Properties with "writeOnly": true are secrets. nil: anything goes.
	Schema json.RawMessage
	// New makes a provider from its settings, a JSON object. It calls no provider. An error means that the settings are wrong; one in whose chain is a
	// [*SettingError], or another with its method SettingKey, names the setting that is to blame.
	New func(settings json.RawMessage) (Set, error)
}

// SettingError is a setting that is missing, unknown or wrong. It never shows a value.
type SettingError struct {
	Key  string // as the configuration names it ("reasons[0].code"); empty: the settings as a whole
	Rule string // what holds for it ("must be 0 or 1")
}

// Error gives `setting "direct" must be 0 or 1`.
func (e *SettingError) Error() string {
	if e.Key == "" {
		return "the settings " + e.Rule
	}
	return fmt.Sprintf("setting %q %s", e.Key, e.Rule)
}

// SettingKey gives Key: a configuration loader finds the line by it.
func (e *SettingError) SettingKey() string { return e.Key }

// ReadSettings reads a JSON object by what reads each of its keys. A key that is null counts as left out; one that nobody reads is an error. Errors: [*SettingError], and
// those of known.
func ReadSettings[C any](raw json.RawMessage, known map[string]func(*C, json.RawMessage) error) (C, error) {
	var read, none C
	given := map[string]json.RawMessage{}
	if len(bytes.TrimSpace(raw)) > 0 && json.Unmarshal(raw, &given) != nil {
		return none, &SettingError{Rule: "must be an object"}
	}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		into, ok := known[key]
		if !ok {
			names := slices.Sorted(maps.Keys(known))
			return none, &SettingError{Key: key, Rule: "is not known; there are " + strings.Join(names, ", ")}
		}
		if string(given[key]) == "null" {
			continue
		}
		if err := into(&read, given[key]); err != nil {
			return none, err
		}
	}
	return read, nil
}

// ReadText reads a setting that is a string.
func ReadText(key string, raw json.RawMessage, into *string) error {
	if json.Unmarshal(raw, into) != nil {
		return &SettingError{Key: key, Rule: "must be a string"}
	}
	return nil
}
