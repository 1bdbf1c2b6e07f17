package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// A schema may be this large, and, once its references have been followed, be nested this deep and name this many rules. A pattern counts by its length, with its
// repetitions written out.
const (
	maxBytes = 256 << 10
	maxDepth = 64
	maxRules = 20_000
)

const dialect = "https://json-schema.org/draft/2020-12/schema"

var (
	errTooLarge = fmt.Errorf("larger than %d bytes", maxBytes)
	errTooDeep  = fmt.Errorf("nested deeper than %d, its references followed", maxDepth)
	errTooMany  = fmt.Errorf("more than %d rules, its references followed", maxRules)
	errReferTo  = errors.New(`a reference must be "#/…", must lead to a part of the same schema, and must not come back to itself`)
	errKeyword  = errors.New("a schema of settings has no $id, $anchor, $dynamicAnchor, $dynamicRef and $vocabulary")
	errDialect  = errors.New("must be of the dialect " + dialect)
	errNumber   = errors.New("a number in it is too large or too small")
)

// longExponent finds numbers that would cost more to write out than anybody wants to spend.
var longExponent = regexp.MustCompile(`[eE][+-]?\d{3,}`)

// bounded refuses a schema that could make a check endless or load something.
func bounded(doc any) error {
	if node, ok := doc.(map[string]any); ok {
		if said, given := node["$schema"]; given && said != dialect {
			return errDialect
		}
	}
	s := &scale{doc: doc, known: map[string]weight{}, open: map[string]bool{}}
	s.add(weight{}, s.weigh(doc))
	return s.err
}

// weight is how many rules a part of a schema has, each counted once for each way that leads to it, and how deep it is.
type weight struct{ rules, depth int }

// scale weighs a schema. After the first error it weighs no more.
type scale struct {
	doc   any
	known map[string]weight // behind a reference
	open  map[string]bool   // references that are being followed
	err   error
}

func (s *scale) fail(err error) weight {
	if s.err == nil {
		s.err = err
	}
	return weight{}
}

// add puts a part one level below the whole.
func (s *scale) add(whole, part weight) weight {
	sum := weight{rules: whole.rules + part.rules, depth: max(whole.depth, part.depth+1)}
	switch {
	case sum.rules > maxRules:
		return s.fail(errTooMany)
	case sum.depth > maxDepth:
		return s.fail(errTooDeep)
	default:
		return sum
	}
}

func (s *scale) weigh(value any) weight {
	total := weight{rules: 1}
	switch v := value.(type) {
	case map[string]any:
		for key, member := range v {
			if s.err == nil {
				total = s.add(total, s.keyword(key, member))
			}
		}
	case []any:
		for _, item := range v {
			if s.err == nil {
				total = s.add(total, s.weigh(item))
			}
		}
	case json.Number:
		if longExponent.MatchString(v.String()) {
			return s.fail(errNumber)
		}
	}
	return total
}

// keyword takes a string under one of these names for the keyword. A setting of that name has a schema there, which is no string.
func (s *scale) keyword(key string, member any) weight {
	text, isText := member.(string)
	switch {
	case isText && key == "$ref":
		return s.follow(text)
	case isText && key == "pattern":
		return weight{rules: patternSize(text)}
	case key == "patternProperties":
		return s.patterns(member)
	case isText && (key == "$id" || key == "$anchor" || key == "$dynamicAnchor" || key == "$dynamicRef"), key == "$vocabulary":
		return s.fail(errKeyword)
	default:
		return s.weigh(member)
	}
}

func (s *scale) patterns(member any) weight {
	total := s.weigh(member)
	named, _ := member.(map[string]any)
	for pattern := range named {
		total = s.add(total, weight{rules: patternSize(pattern)})
	}
	return total
}

func (s *scale) follow(ref string) weight {
	if behind, ok := s.known[ref]; ok {
		return behind
	}
	target := at(s.doc, ref)
	if !strings.HasPrefix(ref, "#/") || target == nil || s.open[ref] {
		return s.fail(errReferTo)
	}
	s.open[ref] = true
	behind := s.weigh(target)
	delete(s.open, ref)
	s.known[ref] = behind
	return behind
}

// patternSize is how long a regular expression is with its repetitions written out. One that can't be read costs nothing: the compiler refuses it.
func patternSize(text string) int {
	expression, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return 1
	}
	return length(expression)
}

func length(expression *syntax.Regexp) int {
	size := 1
	if expression.Op == syntax.OpLiteral {
		size = len(expression.Rune)
	}
	for _, below := range expression.Sub {
		size += length(below)
	}
	if expression.Op == syntax.OpRepeat {
		size *= max(expression.Min, expression.Max, 1)
	}
	return min(size, maxRules+1)
}
