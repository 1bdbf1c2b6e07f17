// Package settings holds a provider's settings against their JSON Schema (2020-12), in words that name the key and never show a value.
package settings

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Schema is a compiled schema. The nil Schema takes any object. It is safe for use by many goroutines.
type Schema struct {
	compiled *jsonschema.Schema
	doc      any
}

// Problem is one rule that the settings break.
type Problem struct {
	Key  string // as people write it ("breaker.calls", "reasons[0].code"); "" where it is the settings as a whole
	Rule string // "must be one of form, json, query"
}

const (
	location    = "mem:///settings"
	maxProblems = 100
)

var (
	errElsewhere = errors.New("a schema of settings refers to nothing outside of itself")
	errTrailing  = errors.New("something follows the JSON value")
)

// Compile reads a schema that somebody else may have written: it is bounded in size and in what it makes a check cost, and loads nothing. Empty: the nil Schema.
func Compile(raw json.RawMessage) (*Schema, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, nil //nolint:nilnil // no schema is a schema
	}
	if len(raw) > maxBytes {
		return nil, fmt.Errorf("schema of the settings: %w", errTooLarge)
	}
	doc, err := decode(raw)
	if err == nil {
		err = bounded(doc)
	}
	if err != nil {
		return nil, fmt.Errorf("schema of the settings: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.UseLoader(nothing{})
	compiler.AssertFormat()
	if err := compiler.AddResource(location, doc); err != nil {
		return nil, fmt.Errorf("schema of the settings: %w", err)
	}
	compiled, err := compiler.Compile(location)
	if err != nil {
		return nil, fmt.Errorf("schema of the settings: %w", err)
	}
	return &Schema{compiled: compiled, doc: doc}, nil
}

// nothing is the loader of everything that is not in the schema itself.
type nothing struct{}

func (nothing) Load(string) (any, error) { return nil, errElsewhere }

func decode(raw []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errTrailing
	}
	return value, nil
}

// Check gives what is wrong with settings, sorted by key; nothing: they fit. No settings at all, and null, are {}; a null in an object counts as left out.
func (s *Schema) Check(settings json.RawMessage) []Problem {
	value, ok := object(settings)
	if !ok {
		return []Problem{{Rule: "must be an object"}}
	}
	if s == nil {
		return nil
	}
	err := s.compiled.Validate(value)
	if err == nil {
		return nil
	}
	broken, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return []Problem{{Rule: "can't be held against their schema"}}
	}
	problems := explainer{settings: value, doc: s.doc}.all(broken)
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Rule, b.Rule)) })
	problems = slices.Compact(problems)
	return problems[:min(len(problems), maxProblems)]
}

func object(settings json.RawMessage) (map[string]any, bool) {
	if len(bytes.TrimSpace(settings)) == 0 {
		return map[string]any{}, true
	}
	value, err := decode(settings)
	switch found := withoutNulls(value).(type) {
	case nil:
		return map[string]any{}, err == nil
	case map[string]any:
		return found, err == nil
	default:
		return nil, false
	}
}

func withoutNulls(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			if item == nil {
				delete(v, key)
				continue
			}
			v[key] = withoutNulls(item)
		}
	case []any:
		for i, item := range v {
			v[i] = withoutNulls(item)
		}
	}
	return value
}

// Secrets gives the values, strings and numbers, of the settings that the schema says are secrets ("writeOnly": true).
func (s *Schema) Secrets(settings json.RawMessage) []string {
	value, ok := object(settings)
	if s == nil || !ok {
		return nil
	}
	found := secrets{doc: s.doc}
	found.below(s.doc, value)
	slices.Sort(found.values)
	return slices.Compact(found.values)
}

// secrets goes through settings along their schema. Every branch of a choice counts: rather hide too much.
type secrets struct {
	doc    any
	values []string
}

func (s *secrets) below(schema, value any) {
	node, ok := schema.(map[string]any)
	if !ok {
		return
	}
	if node["writeOnly"] == true {
		s.whole(value)
		return
	}
	if ref, ok := node["$ref"].(string); ok {
		s.below(at(s.doc, ref), value)
	}
	for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
		branches, _ := node[keyword].([]any)
		for _, branch := range branches {
			s.below(branch, value)
		}
	}
	for _, keyword := range []string{"if", "then", "else"} {
		s.below(node[keyword], value)
	}
	s.members(node, value)
}

func (s *secrets) members(node map[string]any, value any) {
	switch v := value.(type) {
	case map[string]any:
		properties, _ := node["properties"].(map[string]any)
		patterns, _ := node["patternProperties"].(map[string]any)
		for name, member := range v {
			s.below(properties[name], member)
			for _, schema := range patterns {
				s.below(schema, member)
			}
			s.below(node["additionalProperties"], member)
		}
	case []any:
		for _, item := range v {
			s.below(node["items"], item)
		}
	}
}

func (s *secrets) whole(value any) {
	switch v := value.(type) {
	case string:
		s.values = append(s.values, v)
	case json.Number:
		s.values = append(s.values, v.String())
	case map[string]any:
		for _, member := range v {
			s.whole(member)
		}
	case []any:
		for _, item := range v {
			s.whole(item)
		}
	}
}

// at follows a reference ("#/$defs/name") within a document; nil where it leads nowhere.
func at(doc any, ref string) any {
	pointer, _ := strings.CutPrefix(ref, "#")
	for _, token := range strings.Split(pointer, "/")[1:] {
		switch node := doc.(type) {
		case map[string]any:
			doc = node[strings.NewReplacer("~1", "/", "~0", "~").Replace(token)]
		case []any:
			doc = item(node, token)
		default:
			return nil
		}
	}
	return doc
}
