package httpspec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
)

const deepest = 64 // arrays and objects within each other

// What makes an answer unfit to be believed.
var (
	errNotJSON  = errors.New("the answer is not JSON")
	errConflict = errors.New("the answer contradicts itself")
)

// decoder makes of JSON what expressions see: map[string]any, []any, string, int64, number and bool. Strings are trimmed. A member that is null, or one
// of the words for nothing, is left out.
type decoder struct {
	foldKeys bool
	nothing  []string // in any case
	asIs     bool     // settings: strings are not trimmed, and a null is a value

	conflicts map[string]string // keys that came with two values, and these
}

// decode reads one JSON value and nothing after it. With errConflict the value is there, without what was said twice.
func (d *decoder) decode(body []byte) (any, error) {
	body = bytes.TrimPrefix(body, []byte("\uFEFF"))
	if !json.Valid(body) {
		return nil, errNotJSON
	}
	tokens := json.NewDecoder(bytes.NewReader(body))
	tokens.UseNumber()
	value, err := d.value(tokens, 0)
	if err != nil {
		return nil, errNotJSON
	}
	if len(d.conflicts) > 0 {
		return value, errConflict
	}
	return value, nil
}

func (d *decoder) value(tokens *json.Decoder, depth int) (any, error) {
	token, err := tokens.Token()
	if err != nil {
		return nil, fmt.Errorf("value: %w", err)
	}
	switch v := token.(type) {
	case json.Delim:
		if depth == deepest {
			return nil, io.ErrShortBuffer
		}
		if v == '[' {
			return d.list(tokens, depth+1)
		}
		return d.object(tokens, depth+1)
	case json.Number:
		return numeric(v.String()), nil
	case string:
		if d.asIs {
			return v, nil
		}
		return strings.TrimSpace(v), nil
	default:
		return v, nil
	}
}

func (d *decoder) list(tokens *json.Decoder, depth int) (any, error) {
	list := []any{}
	for tokens.More() {
		item, err := d.value(tokens, depth)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	_, err := tokens.Token()
	return list, err //nolint:wrapcheck // decode says what it is
}

func (d *decoder) object(tokens *json.Decoder, depth int) (any, error) {
	object, seen := map[string]any{}, map[string]any{}
	for tokens.More() {
		token, err := tokens.Token()
		if err != nil {
			return nil, fmt.Errorf("key: %w", err)
		}
		key, _ := token.(string)
		value, err := d.value(tokens, depth)
		if err != nil {
			return nil, err
		}
		d.put(object, seen, key, value)
	}
	_, err := tokens.Token()
	return object, err //nolint:wrapcheck // decode says what it is
}

// put adds a member. The same key again with the same value is no conflict.
func (d *decoder) put(object, seen map[string]any, key string, value any) {
	if d.foldKeys {
		key = foldKey(key)
	}
	if d.isNothing(value) {
		return
	}
	before, twice := seen[key]
	if twice && !same(before, value) {
		delete(object, key)
		if d.conflicts == nil {
			d.conflicts = map[string]string{}
		}
		d.conflicts[key] = show(before) + " | " + show(value)
		return
	}
	object[key], seen[key] = value, value
}

func (d *decoder) isNothing(value any) bool {
	text, ok := value.(string)
	if !ok {
		return value == nil && !d.asIs
	}
	for _, word := range d.nothing {
		if strings.EqualFold(text, word) {
			return true
		}
	}
	return false
}

// numeric keeps a number as it is written, unless it is whole and has room in 64 bits.
func numeric(literal string) any {
	if whole, err := strconv.ParseInt(literal, 10, 64); err == nil && literal != "-0" {
		return whole
	}
	return number(literal)
}

// foldKey makes one key of all its spellings: lower case, and only letters and digits.
func foldKey(key string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, key)
}

func same(a, b any) bool { return show(a) == show(b) }

// show gives a scalar as the answer has it, and arrays and objects as JSON.
func show(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case number:
		return string(v)
	case int64:
		return strconv.FormatInt(v, 10)
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return string(text)
	}
}
