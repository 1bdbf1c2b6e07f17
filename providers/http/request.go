package httpspec

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/jalurhq/jalur/core"
)

var errRequest = errors.New("the request can't be built")

// request makes HTTP requests of one call.
type request struct {
	method  string
	baseURL string
	path    template
	query   map[string]*expression
	headers map[string]*expression
	body    body
}

// body is at most one of its fields.
type body struct {
	form map[string]*expression
	json map[string]any // expressions in the places of values
	text template
	xml  bool // how values stand in the text
	kind string
}

// The content types.
const (
	typeForm = "application/x-www-form-urlencoded"
	typeJSON = "application/json"
	typeXML  = "text/xml; charset=utf-8"
	typeText = "text/plain; charset=utf-8"
)

// merged adds what all requests have. What a call says itself stands.
func (r requestSpec) merged(all requestSpec) requestSpec {
	r.Query, r.Headers = merge(all.Query, r.Query), merge(all.Headers, r.Headers)
	if r.Method == "" {
		r.Method = all.Method
	}
	if r.Text != "" {
		return r
	}
	if r.JSON == nil {
		r.Form = merge(all.Form, r.Form)
	}
	if r.Form == nil {
		r.JSON = merge(all.JSON, r.JSON)
	}
	return r
}

func merge(all, own map[string]any) map[string]any {
	if all == nil {
		return own
	}
	merged := maps.Clone(all)
	maps.Copy(merged, own)
	return merged
}

// compile checks a request of a description.
func (r requestSpec) compile(key, baseURL string, sc scope) (*request, error) {
	made := &request{method: r.Method, baseURL: baseURL}
	if made.method == "" {
		made.method = http.MethodPost
	}
	methods := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	if !slices.Contains(methods, made.method) {
		return nil, &core.SettingError{Key: key + ".method", Rule: "must be one of " + strings.Join(methods, ", ")}
	}
	if err := r.compilePath(key, sc, made); err != nil {
		return nil, err
	}
	var err error
	if made.query, err = sc.compileAll(key+".query", r.Query); err != nil {
		return nil, err
	}
	if made.headers, err = sc.compileAll(key+".headers", r.Headers); err != nil {
		return nil, err
	}
	for name := range r.Headers {
		if !isHeader(name) {
			return nil, &core.SettingError{Key: key + ".headers." + name, Rule: "must be the name of a header, and of none that HTTP itself needs"}
		}
	}
	made.body, err = r.compileBody(key, sc)
	return made, err
}

func (r requestSpec) compilePath(key string, sc scope, into *request) error {
	if r.Path != "" && !strings.HasPrefix(r.Path, "/") {
		return &core.SettingError{Key: key + ".path", Rule: "must start with a slash"}
	}
	var err error
	if into.path, err = parseTemplate(key+".path", r.Path, sc); err != nil {
		return err
	}
	for _, part := range into.path {
		if strings.ContainsFunc(part.literal, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune(`?#\%`, c) }) || strings.Contains(part.literal, "..") {
			return &core.SettingError{Key: key + ".path", Rule: "must be plain: no blanks, %, ?, #, backslashes and double full stops; a query stands under query"}
		}
	}
	return nil
}

func (r requestSpec) compileBody(key string, sc scope) (body, error) {
	var made body
	given := 0
	for _, has := range []bool{r.Form != nil, r.JSON != nil, r.Text != ""} {
		if has {
			given++
		}
	}
	var err error
	switch {
	case given > 1:
		return made, &core.SettingError{Key: key, Rule: "must have one of form, json and text"}
	case r.Form != nil:
		made.kind = typeForm
		made.form, err = sc.compileAll(key+".form", r.Form)
	case r.JSON != nil:
		made.kind = typeJSON
		var tree any
		tree, err = compileTree(key+".json", r.JSON, sc)
		made.json, _ = tree.(map[string]any)
	case r.Text != "":
		err = made.compileText(key, r, sc)
	}
	return made, err
}

func (b *body) compileText(key string, r requestSpec, sc scope) error {
	switch r.Escape {
	case "xml":
		b.xml, b.kind = true, typeXML
	case "", "line":
		b.kind = typeText
	default:
		return &core.SettingError{Key: key + ".escape", Rule: "must be line or xml"}
	}
	var err error
	b.text, err = parseTemplate(key+".text", r.Text, sc)
	return err
}

// compileTree puts expressions where a JSON tree has strings. Numbers, true, false and null stand for themselves.
func compileTree(key string, tree any, sc scope) (any, error) {
	var err error
	switch v := tree.(type) {
	case string:
		return sc.compile(key, v, kindValue)
	case map[string]any:
		made := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if made[name], err = compileTree(key+"."+name, v[name], sc); err != nil {
				return nil, err
			}
		}
		return made, nil
	case []any:
		made := make([]any, len(v))
		for i, item := range v {
			if made[i], err = compileTree(at(key, i), item, sc); err != nil {
				return nil, err
			}
		}
		return made, nil
	default:
		return v, nil
	}
}

// isHeader refuses what the transport sets, and what could make two requests of one.
func isHeader(name string) bool {
	if name == "" || strings.ContainsFunc(name, func(c rune) bool { return c != '-' && c != '_' && !isAlphanumeric(c) }) {
		return false
	}
	return !slices.Contains([]string{
		"Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "Te", "Trailer", "Expect", "Proxy-Connection", "Accept-Encoding",
	}, http.CanonicalHeaderKey(name))
}

func isAlphanumeric(c rune) bool {
	return c < unicode.MaxASCII && (unicode.IsLetter(c) || unicode.IsDigit(c))
}

// build makes the request. No error shows the URL or a value; all are NotSent.
func (r *request) build(ctx context.Context, variables map[string]any) (*http.Request, error) {
	made, err := r.assemble(ctx, variables)
	if err != nil {
		return nil, &core.Error{Outcome: core.NotSent, Code: core.CodeBadRequest, Err: err}
	}
	return made, nil
}

func (r *request) assemble(ctx context.Context, variables map[string]any) (*http.Request, error) {
	path, err := r.path.fill(ctx, variables, segment)
	if err != nil {
		return nil, err
	}
	query, err := values(ctx, r.query, variables)
	if err != nil {
		return nil, err
	}
	target := r.baseURL + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	content, err := r.body.encode(ctx, variables)
	if err != nil {
		return nil, err
	}
	made, err := http.NewRequestWithContext(ctx, r.method, target, content)
	if err != nil {
		return nil, errRequest // the cause would show the URL
	}
	made.Header.Set("Accept", typeJSON)
	if r.body.kind != "" {
		made.Header.Set("Content-Type", r.body.kind)
	}
	return made, r.setHeaders(ctx, made.Header, variables)
}

func (r *request) setHeaders(ctx context.Context, header http.Header, variables map[string]any) error {
	headers, err := values(ctx, r.headers, variables)
	if err != nil {
		return err
	}
	for name := range headers {
		value := headers.Get(name)
		if strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c > '~' }) {
			return fmt.Errorf("%w: a header's value must be plain text on one line", errRequest)
		}
		header.Set(name, value)
	}
	return nil
}

// values evaluates expressions by name. One that gives nothing leaves its name out.
func values(ctx context.Context, from map[string]*expression, variables map[string]any) (url.Values, error) {
	made := url.Values{}
	for name, e := range from {
		value, err := e.eval(ctx, variables)
		if err != nil {
			return nil, err
		}
		text, ok := textOf(value)
		if !ok {
			return nil, fmt.Errorf("%w: %s: %w", errExpression, e.key, errType)
		}
		if value != nil {
			made.Set(name, text)
		}
	}
	return made, nil
}

func (b body) encode(ctx context.Context, variables map[string]any) (io.Reader, error) {
	switch b.kind {
	case "":
		return http.NoBody, nil
	case typeForm:
		form, err := values(ctx, b.form, variables)
		return strings.NewReader(form.Encode()), err
	case typeJSON:
		tree, err := fillTree(ctx, b.json, variables)
		if err != nil {
			return nil, err
		}
		encoded, err := json.Marshal(tree)
		if err != nil {
			return nil, errRequest
		}
		return bytes.NewReader(encoded), nil
	default:
		escape := line
		if b.xml {
			escape = inXML
		}
		text, err := b.text.fill(ctx, variables, escape)
		return strings.NewReader(text), err
	}
}

// fillTree evaluates the expressions of a JSON tree. A member whose expression gives nothing is left out.
func fillTree(ctx context.Context, tree any, variables map[string]any) (any, error) {
	switch v := tree.(type) {
	case *expression:
		value, err := v.eval(ctx, variables)
		return encodable(value), err
	case map[string]any:
		made := map[string]any{}
		for name, inner := range v {
			value, err := fillTree(ctx, inner, variables)
			if err != nil {
				return nil, err
			}
			if _, computed := inner.(*expression); value != nil || !computed {
				made[name] = value
			}
		}
		return made, nil
	case []any:
		made := make([]any, len(v))
		for i, inner := range v {
			value, err := fillTree(ctx, inner, variables)
			if err != nil {
				return nil, err
			}
			made[i] = value
		}
		return made, nil
	default:
		return encodable(v), nil
	}
}

// encodable makes JSON numbers of numbers.
func encodable(value any) any {
	switch v := value.(type) {
	case number:
		return json.Number(v)
	case money:
		return core.Money(v).Value()
	case map[string]any:
		made := map[string]any{}
		for name, inner := range v {
			made[name] = encodable(inner)
		}
		return made
	case []any:
		made := make([]any, len(v))
		for i, inner := range v {
			made[i] = encodable(inner)
		}
		return made
	default:
		return v
	}
}

// template is text with expressions in braces in it.
type template []part

// part is a literal, or an expression.
type part struct {
	literal string
	value   *expression
}

// parseTemplate reads "/orders/{invoice}/status". An expression in it has no braces of its own; "{{" and "}}" are plain braces.
func parseTemplate(key, text string, sc scope) (template, error) {
	var made template
	for text != "" {
		i := strings.IndexAny(text, "{}")
		if i < 0 {
			return append(made, part{literal: text}), nil
		}
		made = append(made, part{literal: text[:i]})
		brace := text[i]
		text = text[i+1:]
		if text != "" && text[0] == brace {
			made, text = append(made, part{literal: string(brace)}), text[1:]
			continue
		}
		source, rest, closed := strings.Cut(text, "}")
		if brace == '}' || !closed {
			return nil, &core.SettingError{Key: key, Rule: "has a brace without its pair; a plain brace is written twice"}
		}
		value, err := sc.compile(key, source, kindText)
		if err != nil {
			return nil, err
		}
		made, text = append(made, part{value: value}), rest
	}
	return made, nil
}

// fill puts values into their places, each as escape writes it.
func (t template) fill(ctx context.Context, variables map[string]any, escape func(string) (string, error)) (string, error) {
	var out strings.Builder
	for _, p := range t {
		if p.value == nil {
			out.WriteString(p.literal)
			continue
		}
		text, err := p.value.text(ctx, variables)
		if err != nil {
			return "", err
		}
		escaped, err := escape(text)
		if err != nil {
			return "", fmt.Errorf("%w: %s", err, p.value.key)
		}
		out.WriteString(escaped)
	}
	return out.String(), nil
}

var (
	errSegment = errors.New("a value can't stand in a path")
	errLine    = errors.New("a value can't stand in a line of text")
)

// segment writes a value as a part of one element of a path: a slash in it stays in that element.
func segment(value string) (string, error) {
	if value == "" || strings.Trim(value, ".") == "" || strings.ContainsFunc(value, unicode.IsControl) {
		return "", errSegment
	}
	return url.PathEscape(value), nil
}

// line takes what has no control characters.
func line(value string) (string, error) {
	if strings.ContainsFunc(value, unicode.IsControl) {
		return "", errLine
	}
	return value, nil
}

func inXML(value string) (string, error) {
	var out strings.Builder
	if err := xml.EscapeText(&out, []byte(value)); err != nil {
		return "", errLine
	}
	return out.String(), nil
}
