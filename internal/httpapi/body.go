package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/internal/view"
)

const (
	maxBody  = 64 << 10
	bodyTime = 10 * time.Second
)

// wholeBody reads a call's body before its handler runs. The time limit is taken off again after it: left on, it would
// end the wait of a caller who wants to hear a payment's final state.
func wholeBody(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	body, problem := readBody(w, r)
	if problem != nil {
		w.Header().Set("Connection", "close")
		refuse(ctx, problem)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	next(ctx)
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *view.Problem) {
	if kind := r.Header.Get("Content-Type"); kind != "" {
		if media, _, err := mime.ParseMediaType(kind); err != nil || media != jsonType {
			return nil, view.NewProblem(view.CodeUnsupportedMediaType, "", "the body must be application/json")
		}
	}
	return readUpTo(w, r, maxBody)
}

// readUpTo reads a body of any kind within its bounds of size and time.
func readUpTo(w http.ResponseWriter, r *http.Request, most int64) ([]byte, *view.Problem) {
	deadline := http.NewResponseController(w)
	_ = deadline.SetReadDeadline(time.Now().Add(bodyTime)) // a writer that has none needs none
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	_ = deadline.SetReadDeadline(time.Time{})
	slow, timeout := errors.AsType[net.Error](err)
	switch {
	case timeout && slow.Timeout():
		return nil, view.NewProblem(view.CodeBodyTimeout, "", fmt.Sprintf("the body took longer than %s", bodyTime))
	case err != nil:
		return nil, view.NewProblem(view.CodeMalformedJSON, "", "the body broke off")
	case int64(len(body)) > most:
		return nil, view.NewProblem(view.CodeBodyTooLarge, "", fmt.Sprintf("the body is larger than %d bytes", most))
	}
	return body, nil
}

// decode reads one JSON object into a struct of view, strictly: a field that the struct doesn't have, in exactly this spelling,
// or that stands twice is refused by its name. No number becomes a float. The error is a [*view.Problem].
func decode[T any](body []byte) (T, error) {
	var value T
	members, err := membersOf(body)
	if err != nil {
		return value, err
	}
	fields := fieldsOf(reflect.ValueOf(&value).Elem())
	var faults []fault
	for _, m := range members {
		if f, ok := fields.set(m); !ok {
			faults = append(faults, f)
		}
	}
	if len(faults) > 0 {
		return value, problemOfFaults(faults)
	}
	return value, nil
}

// fault is one field that can't be taken.
type fault struct {
	view.FieldError

	code payments.Code
}

// problemOfFaults has the code of the one fault; several are an invalid request.
func problemOfFaults(faults []fault) error {
	code := faults[0].code
	broken := make([]view.FieldError, len(faults))
	for i, f := range faults {
		broken[i] = f.FieldError
		if f.code != code {
			code = payments.CodeInvalidRequest
		}
	}
	return view.FieldProblem(code, broken...)
}

type member struct {
	name  string
	value json.RawMessage
}

// membersOf takes an object apart without interpreting its values.
func membersOf(body []byte) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return nil, malformed(body, err)
	}
	var members []member
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, malformed(body, err)
		}
		text, _ := name.(string) // in an object the decoder gives nothing else
		m := member{name: text}
		if err := d.Decode(&m.value); err != nil {
			return nil, malformed(body, err)
		}
		members = append(members, m)
	}
	if _, err := d.Token(); err != nil {
		return nil, malformed(body, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, malformed(body, errors.New("something follows the object"))
	}
	return members, nil
}

func malformed(body []byte, err error) error {
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		err = errors.New("the body is empty")
	case err == nil:
		err = errors.New("the body is not an object")
	}
	return view.NewProblem(view.CodeMalformedJSON, "", "the body must be one JSON object: "+err.Error())
}

// field is where a member's value goes.
type field struct {
	value reflect.Value
	seen  bool
}

type fields map[string]*field

// fieldsOf gives the fields of a struct by their JSON names.
func fieldsOf(value reflect.Value) fields {
	all := make(fields, value.NumField())
	for i := range value.NumField() {
		name, _, _ := strings.Cut(value.Type().Field(i).Tag.Get("json"), ",")
		all[name] = &field{value: value.Field(i)}
	}
	return all
}

func (fs fields) set(m member) (fault, bool) {
	f := fs[m.name]
	switch {
	case f == nil:
		return fault{view.FieldError{Field: m.name, Rule: "is no field of this call"}, payments.CodeInvalidRequest}, false
	case f.seen:
		return fault{view.FieldError{Field: m.name, Rule: "stands twice"}, payments.CodeInvalidRequest}, false
	}
	f.seen = true
	if err := json.Unmarshal(m.value, f.value.Addr().Interface()); err != nil {
		return fault{view.FieldError{Field: m.name, Rule: ruleOf(f.value)}, codeOf(m.name, f.value)}, false
	}
	return fault{}, true
}

const moneyRule = `must be a decimal number of rupiah as 100000 or "100000", or {"value":"100000","currency":"IDR"}`

func ruleOf(value reflect.Value) string {
	if value.Type() == reflect.TypeFor[core.Money]() {
		return moneyRule
	}
	switch value.Kind() {
	case reflect.Bool:
		return "must be true or false"
	case reflect.Int:
		return "must be a whole number"
	case reflect.Map:
		return "must be an object of strings"
	default:
		return "must be a string"
	}
}

func codeOf(name string, value reflect.Value) payments.Code {
	switch {
	case value.Type() == reflect.TypeFor[core.Money]():
		return payments.CodeAmountInvalid
	case name == "account":
		return payments.CodeAccountInvalid
	default:
		return payments.CodeInvalidRequest
	}
}
