package config

import (
	"math"
	"reflect"
	"strings"
	"time"
	"unicode"
)

const tagName = "koanf"

func isDuration(t reflect.Type) bool { return t == reflect.TypeFor[time.Duration]() }

// field gives the type of a setting by its key in the file.
func field(t reflect.Type, key string) (reflect.Type, bool) {
	for f := range t.Fields() {
		if f.Tag.Get(tagName) == key && key != "-" {
			return f.Type, true
		}
	}
	return nil, false
}

// keysOf lists the keys that a struct takes in the file.
func keysOf(t reflect.Type) []string {
	var keys []string
	for f := range t.Fields() {
		if key := f.Tag.Get(tagName); key != "" && key != "-" {
			keys = append(keys, key)
		}
	}
	return keys
}

// shaper holds a tree of loaded values against the types of [Config]. What doesn't fit is reported and taken out, so that the rest can be decoded and
// checked further.
type shaper struct{ found *findings }

// fit gives the value as its type wants it; ok is false where it was reported or is absent.
func (s shaper) fit(at path, value any, t reflect.Type) (fitted any, ok bool) {
	if value == nil {
		return nil, false
	}
	switch {
	case t.Kind() == reflect.Struct:
		return s.fitStruct(at, value, t)
	case t.Kind() == reflect.Map:
		return s.fitMap(at, value, t)
	case t.Kind() == reflect.Slice:
		return s.fitList(at, value, t)
	case t.Kind() == reflect.Interface:
		return s.fitAny(at, value)
	default:
		return s.fitScalar(at, value, t)
	}
}

func (s shaper) fitStruct(at path, value any, t reflect.Type) (any, bool) {
	in, ok := value.(map[string]any)
	if !ok {
		return s.wrong(at, value, "a map of settings")
	}
	out := make(map[string]any, len(in))
	for key, v := range in {
		fieldType, known := field(t, key)
		if !known {
			s.found.add(at.child(key), "unknown key"+suggest(key, keysOf(t)))
			continue
		}
		if fitted, ok := s.fit(at.child(key), v, fieldType); ok {
			out[key] = fitted
		}
	}
	return out, true
}

// fitMap keeps the key of an element that was reported: a provider with a mistake in it is still configured.
func (s shaper) fitMap(at path, value any, t reflect.Type) (any, bool) {
	in, ok := value.(map[string]any)
	if !ok {
		return s.wrong(at, value, "a map")
	}
	out := make(map[string]any, len(in))
	for key, v := range in {
		fitted, ok := s.fit(at.child(key), v, t.Elem())
		switch {
		case strings.ContainsFunc(key, unicode.IsControl):
			s.found.add(at.child(key), "a key can't hold control characters")
		case ok:
			out[key] = fitted
		case t.Elem().Kind() == reflect.Struct:
			out[key] = map[string]any{}
		case v == nil:
			out[key] = nil
		}
	}
	return out, true
}

func (s shaper) fitList(at path, value any, t reflect.Type) (any, bool) {
	in, ok := value.([]any)
	if !ok {
		return s.wrong(at, value, "a list")
	}
	out := make([]any, len(in))
	for i, v := range in {
		fitted, ok := s.fit(at.item(i), v, t.Elem())
		if !ok {
			fitted = reflect.Zero(t.Elem()).Interface()
		}
		if !ok && t.Elem().Kind() == reflect.Struct {
			fitted = map[string]any{}
		}
		out[i] = fitted
	}
	return out, true
}

// fitAny takes what a plugin can be told: strings, numbers, true and false, lists and maps of these.
func (s shaper) fitAny(at path, value any) (any, bool) {
	switch v := value.(type) {
	case map[string]any:
		return s.fitMap(at, v, reflect.TypeFor[map[string]any]())
	case []any:
		return s.fitList(at, v, reflect.TypeFor[[]any]())
	case string, bool, int:
		return v, true
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0) || s.report(at, "must be a finite number")
	default:
		return nil, s.report(at, "must be a string, a number, true, false, a list or a map, not "+kindOf(value)+"; put it in quotes")
	}
}

func (s shaper) fitScalar(at path, value any, t reflect.Type) (any, bool) {
	kind := t.Kind()
	fits := false
	switch v := value.(type) {
	case string:
		if isDuration(t) {
			return v, s.duration(at, v)
		}
		fits = kind == reflect.String
	case bool:
		fits = kind == reflect.Bool
	case int:
		fits = kind == reflect.Int || kind == reflect.Float64
	case float64:
		fits = kind == reflect.Float64
	}
	if !fits {
		return s.wrong(at, value, wanted(t))
	}
	return value, isPositive(value) || s.report(at, rulePositive)
}

// isPositive holds for every number that a gateway is told; what is no number counts as one.
func isPositive(value any) bool {
	switch v := value.(type) {
	case int:
		return v > 0
	case float64:
		return v > 0
	default:
		return true
	}
}

func (s shaper) duration(at path, text string) bool {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return s.report(at, "must be "+wantDuration)
	case d <= 0:
		return s.report(at, rulePositive)
	default:
		return true
	}
}

// report adds an error and is false, so that it can stand for "ok".
func (s shaper) report(at path, rule string) bool {
	s.found.add(at, rule)
	return false
}

func (s shaper) wrong(at path, value any, want string) (any, bool) {
	rule := "must be " + want + ", not " + kindOf(value)
	if want == wantString {
		rule += "; put it in quotes"
	}
	return nil, s.report(at, rule)
}

const (
	wantString   = "a string"
	wantDuration = `a duration with its unit, such as "30s"`
	rulePositive = "must be more than 0"
)

func wanted(t reflect.Type) string {
	switch {
	case isDuration(t):
		return wantDuration
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Int:
		return "a whole number"
	case t.Kind() == reflect.Float64:
		return "a number"
	default:
		return wantString
	}
}

func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "nothing"
	case string:
		return wantString
	case bool:
		return "true or false"
	case int, int64, uint64:
		return "a whole number"
	case float64:
		return "a number"
	case map[string]any, map[any]any:
		return "a map"
	case []any:
		return "a list"
	default:
		return "a date or time"
	}
}

// plain gives a loaded value the few types that all three formats share: a whole number is an int whichever parser read it. JSON knows no whole numbers,
// so there a float without a fraction counts as one.
func plain(value any, wholeFloats bool) any {
	const exact = 1 << 53 // above, a float isn't exact
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			v[key] = plain(item, wholeFloats)
		}
	case []any:
		for i, item := range v {
			v[i] = plain(item, wholeFloats)
		}
	case int64:
		return int(v)
	case float64:
		if wholeFloats && v == math.Trunc(v) && math.Abs(v) < exact {
			return int(v)
		}
	}
	return value
}
