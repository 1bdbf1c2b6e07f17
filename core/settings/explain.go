package settings

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// explainer says in our own words what the validator found. The validator's own could show a value.
type explainer struct {
	settings any
	doc      any
}

// all gives the rules at the ends of the tree of errors.
func (x explainer) all(broken *jsonschema.ValidationError) []Problem {
	switch broken.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf:
		return x.nearest(broken)
	case *kind.Not, *kind.Contains, *kind.PropertyNames:
		return x.own(broken)
	}
	if len(broken.Causes) == 0 {
		return x.own(broken)
	}
	var problems []Problem
	for _, cause := range broken.Causes {
		problems = append(problems, x.all(cause)...)
	}
	return problems
}

// nearest explains a choice by the branch that the settings come nearest to: the one whose first broken rule lies deepest.
func (x explainer) nearest(broken *jsonschema.ValidationError) []Problem {
	var best []Problem
	deepest := len(broken.InstanceLocation)
	for _, cause := range broken.Causes {
		if depth := shallowest(cause); depth > deepest {
			best, deepest = x.all(cause), depth
		}
	}
	if best == nil {
		return x.own(broken)
	}
	return best
}

func shallowest(broken *jsonschema.ValidationError) int {
	if len(broken.Causes) == 0 {
		return len(broken.InstanceLocation)
	}
	least := shallowest(broken.Causes[0])
	for _, cause := range broken.Causes[1:] {
		least = min(least, shallowest(cause))
	}
	return least
}

// own explains one rule.
func (x explainer) own(broken *jsonschema.ValidationError) []Problem {
	where := broken.InstanceLocation
	switch k := broken.ErrorKind.(type) {
	case *kind.Required:
		return x.each(where, k.Missing, "is required")
	case *kind.DependentRequired:
		return x.each(where, k.Missing, "is required beside "+k.Prop)
	case *kind.AdditionalProperties:
		return x.each(where, k.Properties, "is not known"+x.known(broken.SchemaURL))
	default:
		return []Problem{{Key: x.key(where), Rule: rule(broken.ErrorKind)}}
	}
}

func (x explainer) each(where, names []string, rule string) []Problem {
	problems := make([]Problem, len(names))
	for i, name := range names {
		problems[i] = Problem{Key: x.key(append(slices.Clone(where), name)), Rule: rule}
	}
	return problems
}

// known lists the keys that stand in the schema at that place.
func (x explainer) known(schemaURL string) string {
	_, pointer, _ := strings.Cut(schemaURL, "#")
	node, _ := at(x.doc, "#"+pointer).(map[string]any)
	properties, _ := node["properties"].(map[string]any)
	if len(properties) == 0 {
		return ""
	}
	return "; there are " + strings.Join(slices.Sorted(maps.Keys(properties)), ", ")
}

// key writes a place as people do: reasons[0].code.
func (x explainer) key(where []string) string {
	var b strings.Builder
	value := x.settings
	for _, token := range where {
		switch v := value.(type) {
		case []any:
			b.WriteString("[" + token + "]")
			value = item(v, token)
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(token)
			members, _ := v.(map[string]any)
			value = members[token]
		}
	}
	return b.String()
}

func item(list []any, token string) any {
	i, err := strconv.Atoi(token)
	if err != nil || i < 0 || i >= len(list) {
		return nil
	}
	return list[i]
}

// rule names what must hold. It shows what stands in the schema and nothing of the settings.
func rule(broken jsonschema.ErrorKind) string {
	switch k := broken.(type) {
	case *kind.Type:
		return "must be " + types(k.Want)
	case *kind.Enum:
		return "must be one of " + values(k.Want)
	case *kind.Const:
		return "must be " + values([]any{k.Want})
	case *kind.Pattern:
		return "must look like " + k.Want
	case *kind.Format:
		return "must be a valid " + k.Want
	case *kind.FalseSchema, *kind.Not, *kind.PropertyNames:
		return "is not allowed"
	case *kind.AnyOf:
		return "fits none of the forms that it may have"
	case *kind.OneOf:
		return "must fit exactly one of the forms that it may have"
	case *kind.UniqueItems:
		return "must not hold an entry twice"
	case *kind.MultipleOf:
		return "must be a multiple of " + number(k.Want)
	default:
		return size(broken)
	}
}

func size(broken jsonschema.ErrorKind) string {
	switch k := broken.(type) {
	case *kind.Minimum:
		return "must be at least " + number(k.Want)
	case *kind.Maximum:
		return "must be at most " + number(k.Want)
	case *kind.ExclusiveMinimum:
		return "must be more than " + number(k.Want)
	case *kind.ExclusiveMaximum:
		return "must be less than " + number(k.Want)
	case *kind.MinLength:
		return atLeast(k.Want, "characters")
	case *kind.MaxLength:
		return fmt.Sprintf("must have at most %d characters", k.Want)
	case *kind.MinItems:
		return atLeast(k.Want, "entries")
	case *kind.MaxItems:
		return fmt.Sprintf("must have at most %d entries", k.Want)
	case *kind.MinProperties:
		return atLeast(k.Want, "settings")
	case *kind.MaxProperties:
		return fmt.Sprintf("must have at most %d settings", k.Want)
	default:
		return "breaks the rule " + strings.Join(broken.KeywordPath(), " ") + " of its schema"
	}
}

func atLeast(n int, what string) string {
	if n == 1 {
		return "must not be empty"
	}
	return fmt.Sprintf("must have at least %d %s", n, what)
}

func types(names []string) string {
	spoken := make([]string, len(names))
	for i, name := range names {
		switch name {
		case "object":
			spoken[i] = "a map"
		case "array":
			spoken[i] = "a list"
		case "integer":
			spoken[i] = "a whole number"
		case "boolean":
			spoken[i] = "true or false"
		case "null":
			spoken[i] = "null"
		default:
			spoken[i] = "a " + name
		}
	}
	return strings.Join(spoken, " or ")
}

func values(all []any) string {
	const most = 100
	var written []string
	for _, value := range all {
		if len(written) == most {
			written = append(written, "…")
			break
		}
		if text := fmt.Sprint(value); !slices.Contains(written, text) {
			written = append(written, text)
		}
	}
	return strings.Join(written, ", ")
}

func number(r *big.Rat) string {
	digits, exact := r.FloatPrec()
	if !exact {
		return r.RatString()
	}
	return r.FloatString(digits)
}
