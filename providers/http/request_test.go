package httpspec_test

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/core"
)

// hostile are values that try to break out of their places.
func hostile() []string {
	return []string{
		`","amount":1,"x":"`, `\`, `\u0022`, "a\r\nX-Evil: 1", "a\nb", "../../admin", "..", ".", "a/../b", "%2e%2e%2f", "a?b=c", "a#b", "a&amount=1", "a=b;c=d",
		"</to><amount>1</amount>", "<![CDATA[x]]>", "&quot;", "{order.ref}", "{{", "}", "${HOME}", "\x00", "é", "\u2028", "+", " ", "a b", "%", "'", "' || true || '",
		strings.Repeat("x", 3000),
	}
}

// seen is the request that a server read, or nil.
type seen struct {
	*http.Request

	body string
}

// hostileOrder makes one call with a value in the place of the account and of an extra field, and gives what the server read.
func hostileOrder(t *testing.T, request, value string) *seen {
	t.Helper()
	var got *seen
	up := answering(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if got != nil {
			t.Errorf("a second request: %s", r.URL)
		}
		got = &seen{r, string(body)}
	})
	set := made(t, small(t, up.URL+"/base",
		"  other_merchants: true", "  merchants: [{merchant: GOPAY, pattern: '(?s).*', extra: [{name: zone, pattern: '(?s).*', optional: true}]}]",
		"request: {path: /pay, json: {to: order.account}}", "request: "+request))
	req := order()
	req.Account, req.Extra = core.AccountNumber(value), map[string]string{"zone": value}
	_, err := set.Provider.Pay(t.Context(), req)
	if got == nil && (core.OutcomeOf(err) != core.NotSent || core.CodeOf(err) != core.CodeBadRequest) {
		t.Errorf("%q: nothing was sent, and the error is %v", value, err)
	}
	if got != nil && core.OutcomeOf(err) != core.Unknown {
		t.Errorf("%q was sent, and the error is %v", value, err)
	}
	if err != nil && len(value) > 4 && strings.Contains(err.Error(), value) {
		t.Errorf("the error shows the value: %v", err)
	}
	return got
}

func TestAValueStaysInItsPlace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		request string
		never   string // characters with which a value can't be sent at all
		value   func(*testing.T, *seen) string
	}{
		"json":   {`{path: /pay, json: {to: order.account, amount: 5, deep: [{zone: "order.extra[?'zone'].orValue('')"}]}}`, "", jsonValue},
		"form":   {`{path: /pay, form: {to: order.account, amount: 5}}`, "", formValue},
		"query":  {`{path: /pay, query: {to: order.account, amount: 5}}`, "", queryValue},
		"path":   {`{path: "/pay/{order.account}/now"}`, "\r\n\x00", pathValue},
		"header": {`{path: /pay, headers: {X-To: order.account}}`, "\r\n\x00é\u2028", headerValue},
		"xml":    {`{path: /pay, text: "<pay><to>{order.account}</to></pay>", escape: xml}`, "", xmlValue},
		"line":   {`{path: /pay, text: "TO={order.account}"}`, "\r\n\x00", lineValue},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, value := range hostile() {
				got := hostileOrder(t, c.request, value)
				never := c.never != "" && strings.ContainsAny(value, c.never) || name == "path" && strings.Trim(value, ".") == ""
				if (got == nil) != never {
					t.Errorf("%q was sent: %t", value, got != nil)
				}
				if got != nil {
					wantValue(t, c.value(t, got), value, name)
				}
			}
		})
	}
}

// wantValue knows what can't be carried: HTTP trims headers, and XML has no NUL.
func wantValue(t *testing.T, got, value, place string) {
	t.Helper()
	switch place {
	case "header":
		value = strings.TrimSpace(value)
	case "xml":
		value = strings.ReplaceAll(value, "\x00", "\uFFFD")
	}
	if got != value {
		t.Errorf("%q was sent as %q", value, got)
	}
}

func jsonValue(t *testing.T, r *seen) string {
	t.Helper()
	var body struct {
		To     string              `json:"to"`
		Amount int                 `json:"amount"`
		Deep   []map[string]string `json:"deep"`
	}
	decoder := json.NewDecoder(strings.NewReader(r.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil || body.Amount != 5 || len(body.Deep) != 1 || body.Deep[0]["zone"] != body.To {
		t.Errorf("%s: %v", r.body, err)
	}
	return body.To
}

func formValue(t *testing.T, r *seen) string {
	t.Helper()
	return encodedValue(t, r.body)
}

func queryValue(t *testing.T, r *seen) string {
	t.Helper()
	if r.URL.Path != "/base/pay" {
		t.Errorf("%s", r.URL)
	}
	return encodedValue(t, r.URL.RawQuery)
}

func encodedValue(t *testing.T, encoded string) string {
	t.Helper()
	values, err := url.ParseQuery(encoded)
	if err != nil || len(values) != 2 || len(values["to"]) != 1 || values.Get("amount") != "5" {
		t.Errorf("%s: %v", encoded, err)
	}
	return values.Get("to")
}

func pathValue(t *testing.T, r *seen) string {
	t.Helper()
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), "/base/pay/")
	rest, okToo := strings.CutSuffix(rest, "/now")
	value, err := url.PathUnescape(rest)
	if !ok || !okToo || err != nil || strings.Contains(rest, "/") || r.URL.RawQuery != "" {
		t.Errorf("%s: %v", r.RequestURI, err)
	}
	return value
}

func headerValue(t *testing.T, r *seen) string {
	t.Helper()
	if r.Header.Get("X-Evil") != "" {
		t.Errorf("%v", r.Header)
	}
	return r.Header.Get("X-To")
}

func xmlValue(t *testing.T, r *seen) string {
	t.Helper()
	var body struct {
		To     string `xml:"to"`
		Amount string `xml:"amount"`
	}
	if err := xml.Unmarshal([]byte(r.body), &body); err != nil || body.Amount != "" {
		t.Errorf("%s: %v", r.body, err)
	}
	return body.To
}

func lineValue(_ *testing.T, r *seen) string { return strings.TrimPrefix(r.body, "TO=") }

// What the functions give, as a server reads it.
func TestFunctions(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		`md5('a')`:    "0cc175b9c0f1b6a831c399e269772661",
		`sha1('a')`:   "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8",
		`sha256('a')`: "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
		`hmac_sha256('key', 'The quick brown fox jumps over the lazy dog')`: "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8",
		`hmac_md5('key', 'The quick brown fox jumps over the lazy dog')`:    "80070713463e7749b90c2dc24911e275",
		`hmac_sha1('key', 'The quick brown fox jumps over the lazy dog')`:   "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9",
		`base64('user:pass')`:           "dXNlcjpwYXNz",
		`base64_of_hex('00ff')`:         "AP8=",
		`fixed(order.amount, 2)`:        "100000.00",
		`fixed('12.50', 1)`:             "12.5",
		`fixed('7', 0)`:                 "7",
		`order.amount`:                  "100000",
		`order.currency`:                "IDR",
		`string(int(order.amount) / 7)`: "14285",
		`order.ref.lowerAscii()`:        "01j0000000000000000000000a",
		`vars.unit + '/' + secrets.key`: "rupiah/" + secretKey,
		`date(timestamp('2017-12-31T17:01:10Z'), '%Y-%m-%d %H:%M:%S', 'Asia/Jakarta')`:                      "2018-01-01 00:01:10",
		`date(read_date('20180101000110', '%Y%m%d%H%M%S', 'Asia/Jakarta').value(), '%H:%M', 'UTC')`:         "17:01",
		`string(int(timestamp('2018-01-01T00:00:00Z')))`:                                                    "1514764800",
		`text(12) + text('x') + text(true) + text(null)`:                                                    "12xtrue",
		`id('000') + id('-') + id('007')`:                                                                   "007",
		`rupiah('Rp. 100.000,-')`:                                                                           "100000",
		`rupiah('a lot')`:                                                                                   "",
		`says('0.00') || says('-') || says(null) ? 'yes' : 'no'`:                                            "no",
		`mentions('Saldo TIDAK cukup', ['tidak cukup']) && !mentions('bersaldo', ['saldo']) ? 'yes' : 'no'`: "yes",
		`same_secret('a', 'a') && !same_secret('', '') && !same_secret('a', 'b') ? 'yes' : 'no'`:            "yes",
		`text(pick({'a': 1}, ['b', 'a']))`:                                                                  "1",
		`holds_key([{'x': {'status': 1}}], ['status']) ? 'yes' : 'no'`:                                      "yes",
	} {
		var got string
		up := answering(t, func(_ http.ResponseWriter, r *http.Request) { got = r.FormValue("v") })
		set := made(t, small(t, up.URL, "json: {to: order.account}", "form: {v: "+quoted(expression)+"}"))
		if _, err := set.Provider.Pay(t.Context(), order()); got != want {
			t.Errorf("%s gives %q, want %q (%v)", expression, got, want, err)
		}
	}
}

func quoted(text string) string {
	encoded, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(encoded)
}

// An expression that fails before anything was sent has sent nothing, and tells no value.
func TestARequestThatCantBeBuilt(t *testing.T) {
	t.Parallel()
	up := saying(t, http.StatusOK, "{}")
	for _, expression := range []string{
		`string(int(secrets.key))`, `order.extra['zone']`, `base64_of_hex(secrets.key)`, `fixed('1.234', 2)`, `date(now, '%Q', 'UTC')`, `date(now, '%Y', 'Atlantis')`,
		`text(money('x', 'IDR'))`, `text({'a': 1})`, `text(pick({'a': 1, 'b': 2}, ['a', 'b']))`, `text([1, 2])`, `text(pick('x', ['a']))`,
		// too much of it
		`[1,2,3,4,5,6,7,8,9,10].map(a, [1,2,3,4,5,6,7,8,9,10].map(b, [1,2,3,4,5,6,7,8,9,10].map(c, [1,2,3,4,5,6,7,8,9,10].map(d, ` +
			`[1,2,3,4,5,6,7,8,9,10].map(e, [1,2,3,4,5,6,7,8,9,10].map(f, [1,2,3,4,5,6,7,8,9,10].map(g, a+b+c+d+e+f+g))))))).size() > 0 ? 'x' : 'y'`,
	} {
		set := made(t, small(t, up.URL, "json: {to: order.account}", "form: {v: "+quoted(expression)+"}"))
		_, err := set.Provider.Pay(t.Context(), order())
		if core.OutcomeOf(err) != core.NotSent || core.CodeOf(err) != core.CodeBadRequest || strings.Contains(err.Error(), secretKey) {
			t.Errorf("%s: %v", expression, err)
		}
	}
	if n := up.calls.Load(); n != 0 {
		t.Errorf("%d calls", n)
	}
}

// Numbers and other values stand in JSON as what they are, and what gives nothing is left out.
func TestJSONBody(t *testing.T) {
	t.Parallel()
	var got string
	up := answering(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = string(body)
	})
	set := made(t, small(t, up.URL, "json: {to: order.account}", `json: {a: int(order.amount), b: "number(fixed(order.amount, 2))", c: true, d: 5, e: null,`+
		` f: ["order.quote == '' ? optional.none() : optional.of(order.quote)", 1], g: "optional.none()", h: "{'x': [1, 'y']}", i: 12345678901234567890}`))
	if _, err := set.Provider.Pay(t.Context(), order()); err == nil {
		t.Error("nothing was believed")
	}
	const want = `{"a":100000,"b":100000.00,"c":true,"d":5,"e":null,"f":[null,1],"h":{"x":[1,"y"]},"i":12345678901234567890}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// No error shows the URL, in whose query a secret may stand.
func TestNoErrorShowsTheQuery(t *testing.T) {
	t.Parallel()
	closed := saying(t, http.StatusOK, "{}")
	closed.Close()
	hangingUp := answering(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for url, want := range map[string]core.Outcome{closed.URL: core.NotSent, hangingUp.URL: core.Unknown} {
		p := made(t, small(t, url, "path: /pay,", "path: /pay, query: {key: secrets.key, to: order.account},")).Provider
		_, err := p.Pay(t.Context(), order())
		if err == nil || core.OutcomeOf(err) != want || strings.Contains(err.Error(), secretKey) || strings.Contains(err.Error(), "0812345678") {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
