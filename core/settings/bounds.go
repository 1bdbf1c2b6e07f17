package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// A schema may be this large, and name this many rules once its references have been followed.
const (
	maxBytes = 256 << 10
	maxRules = 20_000
)

const dialect = "https://json-schema.org/draft/2020-12/schema"

var (
	errTooLarge = fmt.Errorf("larger than %d bytes", maxBytes)
	errTooMany  = fmt.Errorf("more than %d rules, its references followed", maxRules)
	errReferTo  = errors.New(`a reference must be "#/…", must lead to a part of the same schema, and must not come back to itself`)
	errKeyword  = errors.New("a schema of settings has no $id, $anchor, $dynamicAnchor, $dynamicRef and $vocabulary")
	errDialect  = errors.New("must be of the dialect " + dialect)
	errNumber   = errors.New("a number in it is too large or too small")
)

// longExponent finds numbers that would cost more to write out than anybody wants to spend.
var longExponent = regexp.MustCompile(`[eE][+-]?\d{3,}`)

// bounded refuses a schema that could make a check endless or load something.
func bounded(raw json.RawMessage, doc any) error {
	if len(raw) > maxBytes {
		return errTooLarge
	}
	if node, ok := doc.(map[string]any); ok {
		if said, given := node["$schema"]; given && said != dialect {
			return errDialect
		}
	}
	return (&scale{doc: doc, known: map[string]int{}, open: map[string]bool{}}).check()
}

// scale weighs a schema: each node counts once for each way that leads to it.
type scale struct {
	doc   any
	known map[string]int  // the weight behind a reference
	open  map[string]bool // references that are being followed
	err   error
}

func (s *scale) check() error {
	if s.weigh(s.doc) > maxRules && s.err == nil {
		s.err = errTooMany
	}
	return s.err
}

func (s *scale) fail(err error) int {
	if s.err == nil {
		s.err = err
	}
	return maxRules
}

func (s *scale) weigh(value any) int {
	weight := 1
	switch v := value.(type) {
	case map[string]any:
		for key, member := range v {
			weight += s.keyword(key, member)
		}
	case []any:
		for _, item := range v {
			weight += s.weigh(item)
		}
	case json.Number:
		if longExponent.MatchString(v.String()) {
			return s.fail(errNumber)
		}
	}
	return min(weight, maxRules+1)
}

// keyword takes a string under one of these names for the keyword. A setting of that name has a schema there, which is no string.
func (s *scale) keyword(key string, member any) int {
	text, isText := member.(string)
	switch {
	case isText && key == "$ref":
		return s.follow(text)
	case isText && (key == "$id" || key == "$anchor" || key == "$dynamicAnchor" || key == "$dynamicRef"), key == "$vocabulary":
		return s.fail(errKeyword)
	default:
		return s.weigh(member)
	}
}

func (s *scale) follow(ref string) int {
	if weight, ok := s.known[ref]; ok {
		return weight
	}
	target := at(s.doc, ref)
	if !strings.HasPrefix(ref, "#/") || target == nil || s.open[ref] {
		return s.fail(errReferTo)
	}
	s.open[ref] = true
	weight := s.weigh(target)
	delete(s.open, ref)
	s.known[ref] = weight
	return weight
}
