package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// Names of the parameters, which are names of the answers' fields as well where both have them.
const (
	keyUsername = "username"
	keyPassword = "password"
	keyMerchant = "merchant_code"
	keyAccount  = "merchant_accountnumber"
	keyAmount   = "amount"
	keyDirect   = "direct"
	keyInvoice  = "invoice"
)

const (
	maxRequestBytes = 64 << 10
	maxAmount       = 1_000_000_000_000
)

// params are a call's parameters, wherever in the request they stood.
type params map[string]string

// readParams takes the query string and the body, which is an object where it begins with a brace and a form otherwise. The body wins.
func readParams(r *http.Request) (params, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	if len(body) > maxRequestBytes {
		return nil, errors.New("the request is too long")
	}
	p := params{}
	p.addValues(r.URL.Query())
	if body = bytes.TrimSpace(body); bytes.HasPrefix(body, []byte("{")) {
		return p, p.addJSON(body)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return p, fmt.Errorf("read the form: %w", err)
	}
	p.addValues(form)
	return p, nil
}

func (p params) addValues(values url.Values) {
	for key := range values {
		p[key] = values.Get(key)
	}
}

func (p params) addJSON(body []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return fmt.Errorf("read the object: %w", err)
	}
	for key, value := range object {
		switch v := value.(type) {
		case string:
			p[key] = v
		case json.Number:
			p[key] = v.String()
		default:
			return fmt.Errorf("%s is neither text nor a number", key)
		}
	}
	return nil
}

// missing names the first parameter that has no value, or gives "".
func (p params) missing(names ...string) string {
	for _, name := range names {
		if p[name] == "" {
			return name
		}
	}
	return ""
}

// rupiah reads an amount of plain digits.
func (p params) rupiah() (int64, bool) {
	amount, err := strconv.ParseUint(p[keyAmount], 10, 63)
	if err != nil || amount > maxAmount {
		return 0, false
	}
	return int64(amount), true
}

// direct reads 0 or 1; ok is false for anything else.
func (p params) direct(fallback int) (direct, ok bool) {
	value := p[keyDirect]
	if value == "" {
		value = strconv.Itoa(fallback)
	}
	return value == "1", value == "0" || value == "1"
}
