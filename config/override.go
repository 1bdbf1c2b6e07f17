package config

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/v2"
	"go.yaml.in/yaml/v3"
)

// envPrefix begins the environment variables that override values; envSeparator stands between the names of a key.
const (
	envPrefix     = "JALUR__"
	envSeparator  = "__"
	flagSeparator = "."
	flagFile      = "command line"
)

// overrider turns the names of overrides into paths of the loaded configuration, and their values into what stands there.
type overrider struct {
	loaded map[string]any // what the file said
	found  *findings
	set    map[path]bool
}

// env loads the environment variables that override values into k.
func (o overrider) env(k *koanf.Koanf, environ []string) error {
	provider := env.Provider(delim, env.Opt{
		Prefix:      envPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			return o.one("$"+name, o.target(strings.TrimPrefix(name, envPrefix), envNaming()), value)
		},
	})
	if err := k.Load(provider, nil); err != nil {
		return fmt.Errorf("environment: %w", err)
	}
	return nil
}

// flags loads values from the command line into k.
func (o overrider) flags(k *koanf.Koanf, values map[string]any) error {
	clear(o.set) // a flag wins over the environment
	flat := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		key, value := o.one(flagFile, o.target(name, flagNaming()), values[name])
		if key != "" {
			flat[key] = value
		}
	}
	if err := k.Load(confmap.Provider(flat, delim), nil); err != nil {
		return fmt.Errorf("command line: %w", err)
	}
	return nil
}

// one gives the key and value to load, or an empty key where the override was reported.
func (o overrider) one(from string, t target, value any) (string, any) {
	where := place{file: from}
	if t.rule != "" {
		o.found.addHere(where, t.at, t.rule)
		return "", nil
	}
	if first := o.found.src.place(t.at); o.set[t.at] && first.file != from {
		o.found.addHere(where, t.at, "set by "+first.file+" too")
		return "", nil
	}
	o.set[t.at] = true
	o.found.src.places[t.at] = where
	return strings.TrimPrefix(string(t.at), delim), t.convert(value)
}

// target is the place that an override names: a value, or the rule that the name breaks.
type target struct {
	at   path
	typ  reflect.Type
	old  any // what the file says there
	rule string
}

// target goes down the types of the configuration, and down what the file says where names are free.
func (o overrider) target(name string, how naming) target {
	t := target{at: root, typ: reflect.TypeFor[Config](), old: o.loaded}
	for rest := name; ; {
		keys, left := how.pick(rest, t.known())
		if len(keys) == 0 && t.takesAnyKey() {
			keys, left = how.fresh(rest)
		}
		switch {
		case len(keys) == 0:
			return t.unknown(how, rest)
		case len(keys) > 1:
			t.rule = "more than one key of that name: " + strings.Join(keys, ", ")
			return t
		}
		t = t.child(keys[0])
		if rest = left; rest == "" || t.isList() {
			return t.scalar()
		}
	}
}

func (t target) unknown(how naming, rest string) target {
	head, _, _ := strings.Cut(rest, how.separator)
	t.rule = "no key of that name" + suggest(how.fold(head), t.known())
	if head != "" {
		t.at = t.at.child(how.fold(head))
	}
	return t
}

// takesAnyKey reports whether this is a provider's settings, or something in them.
func (t target) takesAnyKey() bool {
	kind := t.typ.Kind()
	return kind == reflect.Interface || kind == reflect.Map && t.typ.Elem().Kind() == reflect.Interface
}

func (t target) isList() bool {
	_, isList := t.old.([]any)
	return isList || t.typ.Kind() == reflect.Slice
}

// naming is how overrides spell the keys of the configuration.
type naming struct {
	separator string
	fold      func(string) string // makes names comparable; keeps their length
}

func envNaming() naming  { return naming{separator: envSeparator, fold: fold} }
func flagNaming() naming { return naming{separator: flagSeparator, fold: strings.Clone} }

// pick finds the longest known keys that the rest of a name begins with; more than one where they differ in nothing that the naming tells apart.
func (n naming) pick(rest string, known []string) (keys []string, left string) {
	longest := 0
	for _, key := range known {
		if key == "" || len(key) < longest || !strings.HasPrefix(n.fold(rest)+n.separator, n.fold(key)+n.separator) {
			continue
		}
		if len(key) > longest {
			keys, longest = nil, len(key)
		}
		keys = append(keys, key)
		left = strings.TrimPrefix(rest[len(key):], n.separator)
	}
	return keys, left
}

// fresh takes the next name as the key of a setting that the file doesn't have.
func (n naming) fresh(rest string) (keys []string, left string) {
	head, left, _ := strings.Cut(rest, n.separator)
	if head == "" {
		return nil, ""
	}
	return []string{n.fold(head)}, left
}

// known lists the keys below a target.
func (t target) known() []string {
	if t.typ.Kind() == reflect.Struct {
		return keysOf(t.typ)
	}
	existing, _ := t.old.(map[string]any)
	return slices.Sorted(maps.Keys(existing))
}

func (t target) child(key string) target {
	existing, _ := t.old.(map[string]any)
	next := target{at: t.at.child(key), old: existing[key], typ: reflect.TypeFor[any]()}
	switch {
	case t.typ.Kind() == reflect.Struct:
		next.typ, _ = field(t.typ, key)
	case t.typ.Kind() == reflect.Map:
		next.typ = t.typ.Elem()
	}
	return next
}

// scalar adds the rule that a target breaks which is no single value.
func (t target) scalar() target {
	_, oldMap := t.old.(map[string]any)
	kind := t.typ.Kind()
	switch {
	case t.isList():
		t.rule = "a list can't be overridden; set it in the file"
	case oldMap || kind == reflect.Struct || kind == reflect.Map:
		t.rule = "a group of settings can't be overridden, only a single value"
	}
	return t
}

// fold makes names comparable with those of environment variables: lower case, and "_" for whatever else.
func fold(name string) string {
	folded := []byte(strings.ToLower(name))
	if len(folded) != len(name) {
		folded = []byte(name)
	}
	for i, c := range folded {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			folded[i] = '_'
		}
	}
	return string(folded)
}

// convert gives the value the type that the target wants. What stands in quotes is always a string.
func (t target) convert(value any) any {
	switch v := value.(type) {
	case time.Duration:
		return v.String()
	case string:
		if text, quoted := unquote(v); quoted {
			return text
		}
		if t.wantsText() {
			return v
		}
		return scalar(v)
	default:
		return plain(value, false)
	}
}

// wantsText reports whether a bare value stays a string here: because it must be one, because the file has one, or because it is a secret.
func (t target) wantsText() bool {
	if t.typ.Kind() == reflect.Interface {
		names := t.at.names()
		_, isText := t.old.(string)
		return isText || isSecretName(names[len(names)-1])
	}
	return isDuration(t.typ) || t.typ.Kind() == reflect.String
}

// unquote reads a quoted YAML scalar.
func unquote(text string) (string, bool) {
	const quotes = 2
	if len(text) < quotes || text[0] != text[len(text)-1] || (text[0] != '"' && text[0] != '\'') {
		return "", false
	}
	var out string
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		return "", false
	}
	return out, true
}

// scalar reads a bare YAML scalar. What would not be written back the same (00812, 1e5) stays a string: it is a code, no number.
func scalar(text string) any {
	if n, err := strconv.Atoi(text); err == nil && strconv.Itoa(n) == text {
		return n
	}
	f, err := strconv.ParseFloat(text, 64)
	if err == nil && !math.IsInf(f, 0) && strconv.FormatFloat(f, 'f', -1, 64) == text {
		return f
	}
	switch text {
	case "true", "True", "TRUE":
		return true
	case "false", "False", "FALSE":
		return false
	default:
		return text
	}
}
