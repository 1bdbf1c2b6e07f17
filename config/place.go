package config

import (
	"strconv"
	"strings"
	"unicode"
)

// delim parts the names in a [path]. No key can hold it: control characters are refused.
const delim = "\x1f"

// path is where a value stands: each name with delim before it, an element of a list as "[0]".
type path string

const root path = ""

func (p path) child(name string) path { return p + delim + path(name) }

func (p path) item(i int) path { return p.child("[" + strconv.Itoa(i) + "]") }

func (p path) parent() path {
	if i := strings.LastIndex(string(p), delim); i >= 0 {
		return p[:i]
	}
	return root
}

func (p path) names() []string {
	if p == root {
		return nil
	}
	return strings.Split(string(p[len(delim):]), delim)
}

// String gives the path as people write it: routes[0].via[1].provider.
func (p path) String() string {
	var b strings.Builder
	for _, name := range p.names() {
		switch {
		case isIndex(name):
			b.WriteString(name)
		case !isPlain(name):
			b.WriteString("[" + strconv.Quote(name) + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(name)
		}
	}
	return b.String()
}

func isIndex(name string) bool {
	return strings.HasPrefix(name, "[") && strings.HasSuffix(name, "]")
}

// isPlain reports whether a name reads well between full stops.
func isPlain(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return strings.ContainsRune(`."[]:`, r) || unicode.IsSpace(r) || !unicode.IsPrint(r)
	})
}

// place is where a value was written.
type place struct {
	file         string
	line, column int
}

// source remembers where values were written and which came through a placeholder. A nil source knows nothing.
type source struct {
	file   string
	places map[path]place
	hidden map[path]bool
}

func newSource(file string) *source {
	return &source{file: file, places: map[path]place{}, hidden: map[path]bool{}}
}

// place gives the position of a value, or of the nearest thing around it that has one.
func (s *source) place(at path) place {
	if s == nil {
		return place{}
	}
	for {
		if found, ok := s.places[at]; ok {
			return found
		}
		if at == root {
			return place{file: s.file}
		}
		at = at.parent()
	}
}

func (w place) errorAbout(at path, rule string) *Error {
	return &Error{File: w.file, Line: w.line, Column: w.column, Key: at.String(), Rule: rule}
}

// quote shows a value in an error, unless it came through a placeholder.
func (s *source) quote(at path, value string) string {
	if s != nil && s.hidden[at] {
		return "the value of the placeholder"
	}
	return strconv.Quote(value)
}
