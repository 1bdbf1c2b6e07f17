package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Spelling is how an answer's keys are written. The page is a scan that lost characters, so nobody knows for sure.
type Spelling string

// The spellings.
const (
	SpellingUnderscore Spelling = "underscore" // merchant_code
	SpellingSpace      Spelling = "space"      // merchant code
	SpellingMercant    Spelling = "mercant"    // mercant_code
	SpellingTitle      Spelling = "title"      // Merchant_Code
	SpellingScan       Spelling = "scan"       // as the scan has it: spaces, and "mercant code" in the inquiry's answer
)

// Spellings lists them.
func Spellings() []Spelling {
	return []Spelling{SpellingUnderscore, SpellingSpace, SpellingMercant, SpellingTitle, SpellingScan}
}

func (s Spelling) check() error {
	if !slices.Contains(Spellings(), s) {
		return fmt.Errorf("spelling %q is not one of %v", s, Spellings())
	}
	return nil
}

// Values is how an answer's amounts, invoice and reference are written.
type Values string

// The ways to write them.
const (
	ValuesString Values = "string" // "100000"
	ValuesNumber Values = "number" // 100000; invoice and reference are numbers, too
	ValuesDotted Values = "dotted" // "100.000"
	ValuesRupiah Values = "rp"     // "Rp. 100.000"
)

// ValueForms lists them.
func ValueForms() []Values { return []Values{ValuesString, ValuesNumber, ValuesDotted, ValuesRupiah} }

func (v Values) check() error {
	if !slices.Contains(ValueForms(), v) {
		return fmt.Errorf("values %q is not one of %v", v, ValueForms())
	}
	return nil
}

// Names of fields that only answers have.
const (
	keyResult    = "result"
	keyReason    = "reason"
	keyDebet     = "debet"
	keyCashback  = "cashback"
	keyStatus    = "status"
	keyReference = "reference"
	keyReceiver  = "receiver_name"
	keyReceived  = "receiver_accountnumber"
)

const (
	resultOK = "ok"
	resultNo = "no"
)

// rupiah is an amount in an answer, digits a number that isn't one. A field's value is one of these or a string.
type (
	rupiah int64
	digits string
)

// field is one key and value of an answer; the order matters to readers.
type field struct {
	key   string
	value any
}

// reply is an answer before it is spelled: an object of fields, or a list of objects.
type reply struct {
	status int
	fields []field
	list   [][]field
	isList bool
	order  order // that it is about; zero for a refusal and where there is none
}

func (r reply) get(key string) any {
	for _, f := range r.fields {
		if f.key == key {
			return f.value
		}
	}
	return nil
}

// with gives the reply with a value replaced; a key that it doesn't have is left alone.
func (r reply) with(key string, value any) reply {
	r.fields = slices.Clone(r.fields)
	for i := range r.fields {
		if r.fields[i].key == key {
			r.fields[i].value = value
		}
	}
	return r
}

func (r reply) without(keys ...string) reply {
	r.fields = slices.DeleteFunc(slices.Clone(r.fields), func(f field) bool { return slices.Contains(keys, f.key) })
	return r
}

// style is how one sandbox writes.
type style struct {
	spelling Spelling
	values   Values
}

func (s style) encode(call string, r reply) []byte {
	if !r.isList {
		return s.object(call, r.fields)
	}
	objects := make([][]byte, len(r.list))
	for i, fields := range r.list {
		objects[i] = s.object(call, fields)
	}
	return slices.Concat([]byte("["), bytes.Join(objects, []byte(",")), []byte("]"))
}

func (s style) object(call string, fields []field) []byte {
	pairs := make([][]byte, len(fields))
	for i, f := range fields {
		pairs[i] = slices.Concat(quote(s.key(call, f.key)), []byte(":"), s.value(f.value))
	}
	return slices.Concat([]byte("{"), bytes.Join(pairs, []byte(",")), []byte("}"))
}

func (s style) key(call, key string) string {
	switch s.spelling {
	case SpellingUnderscore:
		return key
	case SpellingSpace:
		return strings.ReplaceAll(key, "_", " ")
	case SpellingMercant:
		return strings.ReplaceAll(key, "merchant", "mercant")
	case SpellingTitle:
		return title(key)
	case SpellingScan:
		if call == callInquiry {
			key = strings.ReplaceAll(key, "merchant", "mercant")
		}
		return strings.ReplaceAll(key, "_", " ")
	default:
		return key
	}
}

func title(key string) string {
	words := strings.Split(key, "_")
	for i, word := range words {
		words[i] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "_")
}

func (s style) value(value any) []byte {
	switch v := value.(type) {
	case rupiah:
		return s.amount(int64(v))
	case digits:
		if s.values == ValuesNumber && v != "" {
			return []byte(v)
		}
		return quote(string(v))
	default:
		return quote(fmt.Sprint(v))
	}
}

func (s style) amount(n int64) []byte {
	plain := strconv.FormatInt(n, 10)
	switch s.values {
	case ValuesNumber:
		return []byte(plain)
	case ValuesDotted:
		return quote(dotted(plain))
	case ValuesRupiah:
		return quote("Rp. " + dotted(plain))
	case ValuesString:
		return quote(plain)
	default:
		return quote(plain)
	}
}

// dotted groups digits by three.
func dotted(plain string) string {
	const group = 3
	for at := len(plain) - group; at > 0; at -= group {
		plain = plain[:at] + "." + plain[at:]
	}
	return plain
}

func quote(text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		return []byte(`""`) // a string always has a JSON form
	}
	return quoted
}
