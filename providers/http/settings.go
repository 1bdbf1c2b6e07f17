package httpspec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"go.yaml.in/yaml/v3"

	"github.com/jalurhq/jalur/core"
)

const specKey = "spec"

// parse reads the settings and the description in them.
func parse(raw json.RawMessage) (settings, spec, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		raw = json.RawMessage("{}")
	}
	given, err := (&decoder{asIs: true}).decode(raw)
	object, ok := given.(map[string]any)
	if err != nil || !ok {
		return settings{}, spec{}, &core.SettingError{Rule: "must be an object"}
	}
	var set settings
	if err := fit("", object, &set); err != nil {
		return settings{}, spec{}, err
	}
	described, err := set.described()
	if err != nil {
		return settings{}, spec{}, err
	}
	var s spec
	if err := fit(specKey, described, &s); err != nil {
		return settings{}, spec{}, err
	}
	return set, s, set.check(&s)
}

// described gives the description as a map, wherever it stands.
func (s settings) described() (map[string]any, error) {
	switch v := s.Spec.(type) {
	case map[string]any:
		return v, nil
	case string:
		return fromYAML(v)
	case nil:
		return nil, &core.SettingError{Key: specKey, Rule: "is required"}
	default:
		return nil, &core.SettingError{Key: specKey, Rule: "must be a description, or the text of a YAML file that holds one"}
	}
}

func fromYAML(text string) (map[string]any, error) {
	var parsed any
	if err := yaml.Unmarshal([]byte(text), &parsed); err != nil {
		return nil, &core.SettingError{Key: specKey, Rule: "is no good YAML: " + strings.Join(strings.Fields(err.Error()), " ")}
	}
	encoded, err := json.Marshal(parsed)
	if err != nil {
		return nil, &core.SettingError{Key: specKey, Rule: "must have strings for keys, and values that JSON can hold"}
	}
	value, err := (&decoder{asIs: true}).decode(encoded)
	object, ok := value.(map[string]any)
	if err != nil || !ok {
		return nil, &core.SettingError{Key: specKey, Rule: "must be a map"}
	}
	return object, nil
}

// fit puts a map into a struct. Keys that the struct doesn't have, and values of other types, are errors.
func fit(at string, from map[string]any, into any) error {
	var meta mapstructure.Metadata
	made, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{Result: into, Metadata: &meta, DecodeHook: readDuration, MatchName: sameName})
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	if err := made.Decode(from); err != nil {
		return misfit(at, err)
	}
	if len(meta.Unused) > 0 {
		return &core.SettingError{Key: below(at, slices.Min(meta.Unused)), Rule: "is not known"}
	}
	return nil
}

func misfit(at string, err error) error {
	rule := "is of the wrong type"
	wrong, ok := errors.AsType[*mapstructure.DecodeError](err)
	if !ok {
		return &core.SettingError{Key: at, Rule: rule}
	}
	if errors.Is(err, errDuration) {
		rule = `must be a duration with its unit, such as "60s"`
	} else if typed, ok := errors.AsType[*mapstructure.UnconvertibleTypeError](err); ok {
		rule = "must be " + kindName(typed.Expected.Type())
	}
	return &core.SettingError{Key: below(at, wrong.Name()), Rule: rule}
}

func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Map, reflect.Struct:
		return "a map"
	case reflect.Slice:
		return "a list"
	default:
		return "a whole number"
	}
}

func below(at, key string) string { return strings.TrimPrefix(at+"."+key, ".") }

func sameName(key, field string) bool { return key == field }

var errDuration = errors.New("no duration")

func readDuration(_, to reflect.Type, value any) (any, error) {
	if to != reflect.TypeFor[time.Duration]() {
		return value, nil
	}
	text, _ := value.(string)
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return nil, errDuration
	}
	return d, nil
}

// check holds vars and secrets against what the description declares, and fills in its defaults.
func (s *settings) check(described *spec) error {
	if err := checkBaseURL(s.BaseURL); err != nil {
		return err
	}
	s.BaseURL = strings.TrimRight(s.BaseURL, "/")
	declared := map[string]any{}
	maps.Copy(declared, described.Vars)
	for _, name := range slices.Sorted(maps.Keys(s.Vars)) {
		if _, known := described.Vars[name]; !known {
			return &core.SettingError{Key: "vars." + name, Rule: "is not declared by the description" + listed(slices.Sorted(maps.Keys(described.Vars)))}
		}
		declared[name] = s.Vars[name]
	}
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		if err := checkVar(name, declared[name]); err != nil {
			return err
		}
	}
	s.Vars = declared
	return s.checkSecrets(described.Secrets)
}

func (s *settings) checkSecrets(declared []string) error {
	for _, name := range slices.Sorted(maps.Keys(s.Secrets)) {
		if !slices.Contains(declared, name) {
			return &core.SettingError{Key: "secrets." + name, Rule: "is not declared by the description" + listed(declared)}
		}
	}
	for i, name := range declared {
		switch {
		case !isName(name):
			return &core.SettingError{Key: fmt.Sprintf("%s.secrets[%d]", specKey, i), Rule: ruleName}
		case s.Secrets[name] == "":
			return &core.SettingError{Key: "secrets." + name, Rule: "is required"}
		}
	}
	return nil
}

const ruleName = "must be a name of letters, digits and _"

func checkVar(name string, value any) error {
	if !isName(name) {
		return &core.SettingError{Key: specKey + ".vars." + name, Rule: ruleName}
	}
	if value == nil {
		return &core.SettingError{Key: "vars." + name, Rule: "is required"}
	}
	_, isText := textOf(value)
	if _, isBool := value.(bool); !isText && !isBool {
		return &core.SettingError{Key: "vars." + name, Rule: "must be a string, a whole number, true or false"}
	}
	return nil
}

func isName(name string) bool {
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

func listed(names []string) string {
	if len(names) == 0 {
		return ", which declares none"
	}
	return "; it declares " + strings.Join(names, ", ")
}

func checkBaseURL(base string) error {
	if base == "" {
		return &core.SettingError{Key: "base_url", Rule: "is required"}
	}
	u, err := url.Parse(base)
	wrong := err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" ||
		u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != ""
	if wrong {
		return &core.SettingError{Key: "base_url", Rule: "must be an http or https URL without user, query and fragment"}
	}
	return nil
}

// at names an element of a list.
func at(key string, i int) string { return key + "[" + strconv.Itoa(i) + "]" }
