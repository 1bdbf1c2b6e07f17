package httpspec_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	httpspec "github.com/jalurhq/jalur/providers/http"
)

func ExampleFactory() {
	settings := json.RawMessage(`{
		"base_url": "https://api.example.com/v1",
		"secrets": {"key": "secret"},
		"spec": {
			"secrets": ["key"],
			"describe": {"name": "example", "account": "secrets.key", "ref": {"mode": "replay"}, "status_by": ["ref"], "other_merchants": true},
			"list_products": {"static": [{"code": "GOPAY", "fee": "amount+1500"}]},
			"pay": {
				"request": {"path": "/orders", "headers": {"X-Key": "secrets.key"}, "json": {"ref": "order.ref", "to": "order.account"}},
				"fields": {"product": "body.product", "account": "body.to", "amount": "body.amount"},
				"cases": [{"when": "body.done", "outcome": "succeeded"}]
			},
			"status": {
				"request": {"method": "GET", "path": "/orders/{order.reff}"},
				"fields": {"product": "body.product", "account": "body.to", "amount": "body.amount"},
				"cases": [{"when": "body.done", "outcome": "succeeded"}]
			}
		}
	}`)
	_, err := httpspec.Factory().New(settings)
	fmt.Println(err)
	_, err = httpspec.Factory().New(json.RawMessage(strings.Replace(string(settings), "order.reff", "order.ref", 1)))
	fmt.Println(err)
	// Output:
	// setting "spec.status.request.path" is no good expression: column 1: there are only order.account, order.amount, order.callback_url, order.currency, order.extra, order.max_cost, order.merchant, order.product, order.quote, order.ref
	// <nil>
}

func wantWrong(t *testing.T, raw json.RawMessage, key string) {
	t.Helper()
	_, err := httpspec.New(raw)
	var wrong interface{ SettingKey() string }
	if !errors.As(err, &wrong) || wrong.SettingKey() != key {
		t.Errorf("got %v, want a fault in %q", err, key)
		return
	}
	if strings.Contains(err.Error(), secretKey) {
		t.Errorf("the error shows a secret: %v", err)
	}
}

func TestWrongSettings(t *testing.T) {
	t.Parallel()
	for key, change := range map[string]map[string]any{
		"base_url":     {"base_url": ""},
		"base_url ":    {"base_url": "ftp://x"},
		"base_url  ":   {"base_url": "http://user:geheim-42@x"},
		"base_url   ":  {"base_url": "http://x?key=geheim-42"},
		"base_url    ": {"base_url": 5},
		"colour":       {"colour": "red"},
		"vars.other":   {"vars": map[string]any{"other": "x"}},
		"vars.unit":    {"vars": map[string]any{"unit": []any{1}}},
		"vars.unit ":   {"vars": map[string]any{"unit": 0.5}},
		"secrets.key":  {"secrets": map[string]any{}},
		"secrets.pin":  {"secrets": map[string]any{"key": "x", "pin": "1"}},
		"spec":         {"spec": nil},
		"spec ":        {"spec": 5},
		"spec  ":       {"spec": "a: [b"},
		"spec   ":      {"spec": "- a"},
		"max_body":     {"max_body": -1},
		"max_body ":    {"max_body": 1 << 40},
	} {
		wantWrong(t, smallSettings(t, change), strings.TrimSpace(key))
	}
	for _, raw := range []string{``, `null`, `[]`, `{`, `{} {}`} {
		if _, err := httpspec.New(json.RawMessage(raw)); err == nil {
			t.Errorf("%q was taken", raw)
		}
	}
}

// Each pair is a text of the description and what stands in its place; the key is to blame.
func TestWrongDescriptions(t *testing.T) {
	t.Parallel()
	const lastCase = "    - {when: body.state == 'none', outcome: unknown, code: not_found}"
	for _, c := range []struct{ key, before, after string }{
		{"spec.vars.unit-1", "unit:", "unit-1:"},
		{"vars.unit", `unit: "rupiah"`, "unit: null"},
		{"spec.secrets[1]", "secrets: [key]", "secrets: [key, a-b]"},
		{"spec.colour", "vars:", "colour: red\nvars:"},
		{"spec.describe.colour", "  name: small", "  name: small\n  colour: red"},
		{"spec.describe.Name", "  name: small", "  name: small\n  Name: red"},
		{"spec.describe.name", "  name: small", "  version: '1'"},
		{"spec.describe.account", "  account: secrets.key", "  version: '1'"},
		{"spec.describe.account", "account: secrets.key", "account: secrets.pin"},
		{"spec.describe.account", "account: secrets.key", "account: now"},
		{"spec.describe.ref.mode", "mode: replay", "mode: maybe"},
		{"spec.describe.ref.mode", "ref: {mode: replay}", "ref: {}"},
		{"spec.describe.ref.retention", "mode: replay", "mode: replay, retention: 90 days"},
		{"spec.describe.ref.retention", "mode: replay", "mode: replay, retention: 90"},
		{"spec.describe.ref.max_len", "mode: replay", "mode: replay, max_len: -1"},
		{"spec.describe.status_by", "[ref]", "[]"},
		{"spec.describe.status_by", "[ref]", "[phone]"},
		{"spec.describe.status_by", "mode: replay", "mode: none"},
		{"spec.describe.status_resubmits", "mode: replay}", "mode: replay}\n  status_resubmits: true"},
		{"spec.describe.status_resubmits", "mode: replay}", "mode: label, retention: 9h}\n  status_resubmits: true\n  status_max_age: 8h"},
		{"spec.describe.status_max_age", "mode: replay}", "mode: replay, retention: 9h}\n  status_resubmits: true"},
		{"spec.describe.status_max_age", "mode: replay}", "mode: replay, retention: 9h}\n  status_resubmits: true\n  status_max_age: 9h"},
		{"spec.describe.quarantine", "mode: replay}", "mode: label}\n  quarantine: 5m"},
		{"spec.describe.quarantine", "mode: replay}", "mode: replay, retention: 9h}\n  status_resubmits: true\n  status_max_age: 8h\n  quarantine: 5m"},
		{"spec.describe.quote_required", "mode: replay}", "mode: replay}\n  quote_required: true"},
		{"spec.describe.merchants", "  other_merchants: true", "  version: '1'"},
		{"spec.describe.merchants[0].merchant", "  other_merchants: true", "  merchants: [{kind: phone number}]"},
		{"spec.describe.merchants[0].pattern", "  other_merchants: true", "  merchants: [{merchant: A, pattern: '('}]"},
		{"spec.describe.merchants[0].extra[0].pattern", "  other_merchants: true", "  merchants: [{merchant: A, extra: [{name: a, pattern: '('}]}]"},
		{"spec.describe.merchants[0].amounts.min", "  other_merchants: true", "  merchants: [{merchant: A, amounts: {min: 0.5}}]"},
		{"spec.describe.amounts.max", "mode: replay}", "mode: replay}\n  amounts: {min: 10, max: 9}"},
		{"spec.describe.amounts.step", "mode: replay}", "mode: replay}\n  amounts: {step: 0}"},
		{"spec.describe.amounts.min", "mode: replay}", "mode: replay}\n  currency: rupiah\n  amounts: {min: 1}"},
		{"spec.reading.keys", "reasons:", "reading: {keys: loose}\nreasons:"},
		{"spec.reading.spelling", "reasons:", "reading: {spelling: folded}\nreasons:"},
		{"spec.reasons.unlisted", "reasons:", "reasons:\n  unlisted: pending"},
		{"spec.reasons.rules[0].code", "code: deposit_empty}", "code: empty}"},
		{"spec.reasons.rules[0]", "{is: [17, \"A1\"], code", "{code"},
		{"spec.reasons.rules[0]", "{is: [17, \"A1\"], code", "{is: a, regex: b, code"},
		{"spec.reasons.rules[0].is", "[17, \"A1\"]", "[[17]]"},
		{"spec.reasons.rules[0].refusal", "code: deposit_empty}", "code: duplicate_ref, refusal: true}"},
		{"spec.reasons.rules[1].words", "[tutup]", "['!']"},
		{"spec.reasons.rules[2].regex", "'^E[0-9]+$'", "'('"},
		{"spec.list_products", "list_products:\n  static: [{code: GOPAY}]\n", ""},
		{"spec.list_products.static", "  static: [{code: GOPAY}]", "  static: [{code: GOPAY}]\n  items: body"},
		{"spec.request", "reasons:", "request: {path: /all}\nreasons:"},
		{"spec.list_products.static[0].code", "[{code: GOPAY}]", "[{name: GOPAY}]"},
		{"spec.list_products.static[0].price", "[{code: GOPAY}]", "[{code: GOPAY, price: free}]"},
		{"spec.list_products.cases", "  static: [{code: GOPAY}]", "  request: {path: /list}"},
		{"spec.list_products.items", "  static: [{code: GOPAY}]", "  request: {path: /list}\n  cases: [{when: true, outcome: ok}]\n  items: status"},
		{"spec.list_products.item.code", "  static: [{code: GOPAY}]", "  request: {path: /list}\n  cases: [{when: true, outcome: ok}]\n  items: body"},
		{"spec.list_products.item.colour", "  static: [{code: GOPAY}]", "  request: {path: /list}\n  cases: [{when: true, outcome: ok}]\n  items: body\n  item: {code: item.a, colour: item.b}"},
		{"spec.list_products.item.price", "  static: [{code: GOPAY}]", "  request: {path: /list}\n  cases: [{when: true, outcome: ok}]\n  items: body\n  item: {code: item.a, price: 1.5}"},
		{"spec.list_products.next", "  static: [{code: GOPAY}]", "  request: {path: /list}\n  cases: [{when: true, outcome: ok}]\n  items: body\n  item: {code: item.a}\n  next: 'true'"},
		{"spec.pay.request.path", "path: /pay", "path: pay"},
		{"spec.pay.request.path", "path: /pay", "path: '/pay?a=1'"},
		{"spec.pay.request.path", "path: /pay", "path: /../pay"},
		{"spec.pay.request.path", "path: /pay", `path: "/pay/{order.ref"`},
		{"spec.pay.request.path", "path: /pay", `path: "/pay/}"`},
		{"spec.pay.request.path", "path: /pay", `path: "/pay/{}"`},
		{"spec.pay.request.path", "path: /pay", `path: "/pay/{order.extra}"`},
		{"spec.pay.request.method", "path: /pay", "path: /pay, method: CONNECT"},
		{"spec.pay.request", "path: /pay", "path: /pay, form: {a: order.ref}"},
		{"spec.pay.request.headers.Host", "path: /pay", "path: /pay, headers: {Host: order.ref}"},
		{"spec.pay.request.headers.transfer-encoding", "path: /pay", "path: /pay, headers: {transfer-encoding: order.ref}"},
		{"spec.pay.request.headers.X A", "path: /pay", "path: /pay, headers: {X A: order.ref}"},
		{"spec.pay.request.headers.X", "path: /pay", "path: /pay, headers: {X: invoice}"},
		{"spec.pay.request.headers.X", "path: /pay", "path: /pay, headers: {X: [a]}"},
		{"spec.pay.request.query.a", "path: /pay", "path: /pay, query: {a: true}"},
		{"spec.pay.request.json.to", "{to: order.account}", "{to: order.acount}"},
		{"spec.pay.request.json.to", "{to: order.account}", "{to: secrets.pin}"},
		{"spec.pay.request.json.to", "{to: order.account}", "{to: 'order.account +'}"},
		{"spec.pay.request.json.to", "{to: order.account}", "{to: \"double('1.5')\"}"},
		{"spec.pay.request.json.to", "{to: order.account}", "{to: now}"},
		{"spec.pay.request.json.to", "{to: order.account}", "{to: body.x}"},
		{"spec.pay.request.json.to[0].a", "{to: order.account}", "{to: [{a: order}]}"},
		{"spec.pay.request.escape", "json: {to: order.account}", "text: a, escape: json"},
		{"spec.pay.statuses[0]", "  fields: &fields", "  statuses: [302]\n  fields: &fields"},
		{"spec.pay.statuses[0]", "  fields: &fields", "  statuses: ['200']\n  fields: &fields"},
		{"spec.pay.select", "  fields: &fields", "  select: secrets.key\n  fields: &fields"},
		{"spec.pay.fields.colour", "    invoice: body.?id", "    colour: body.?id"},
		{"spec.pay.fields.account", "    account: body.?account", "    account: order.account"},
		{"spec.pay.fields.account", "    account: body.?account", "    account: secrets.key"},
		{"spec.pay.fields.account", "    account: body.?account\n", ""},
		{"spec.pay.fields.amount", "    amount: body.?amount\n", ""},
		{"spec.pay.fields.product", "    product: body.?product\n", ""},
		{"spec.pay.fields.amount", "    amount: body.?amount", "    amount: body.a == 1"},
		{"spec.pay.fields.amount", "    amount: body.?amount", "    amount: '1.5'"},
		{"spec.pay.fields.invoice", "    invoice: body.?id", "    invoice: true"},
		{"spec.pay.fields.provider_time", "provider_time: \"read_date(body.?at, '%Y-%m-%d %H:%M:%S', 'Asia/Jakarta')\"", "provider_time: \"'2018'\""},
		{"spec.pay.fields.details", `details: {note: "text(body.?note)"}`, "details: body.note"},
		{"spec.pay.fields.details.note", `"text(body.?note)"`, "order.ref"},
		{"spec.pay.cases", "  cases:\n    - {when: body.state == 'done', outcome: succeeded}\n    - {when: body.state == 'wait', outcome: pending}\n    - {when: body.state == 'back', outcome: refunded}\n    - {when: body.state == 'no', outcome: declined}\n    - {when: body.state == 'broke', outcome: declined, code: deposit_empty}\n    - {when: body.state == 'hm', outcome: unknown, code: rate_limited}\n    - {when: body.deep.deeper, outcome: succeeded}\n", ""},
		{"spec.pay.cases[0].outcome", "outcome: succeeded", "outcome: not_sent"},
		{"spec.pay.cases[0].outcome", "outcome: succeeded", "outcome: ok"},
		{"spec.pay.cases[0].code", "outcome: succeeded", "outcome: succeeded, code: declined"},
		{"spec.pay.cases[0].when", "when: body.state == 'done'", "when: body.state +"},
		{"spec.pay.cases[0].when", "when: body.state == 'done'", "when: text(body.state)"},
		{"spec.pay.cases[0].when", "when: body.state == 'done'", "when: said.colour == ''"},
		{"spec.pay.cases[0].when", "when: body.state == 'done'", "when: ''"},
		{"spec.pay.cases[0].when", "when: body.state == 'done'", "when: 5"},
		{"spec.pay.cases[4].code", "code: deposit_empty}\n    - {when: body.state == 'hm'", "code: not_found}\n    - {when: body.state == 'hm'"},
		{"spec.status.cases[1].code", "code: not_found", "code: lost"},
		{"spec.status.cases[1].outcome", "outcome: unknown, code: not_found", "outcome: accepted"},
		{"spec.balance.cases", lastCase, lastCase + "\nbalance: {request: {path: /b}}"},
		{"spec.balance.fields.account", lastCase, lastCase + "\nbalance: {fields: {account: body.a}, cases: [{when: true, outcome: ok}]}"},
		{"spec.balance.request.path", lastCase, lastCase + "\nbalance: {request: {path: '/{order.ref}'}, cases: [{when: true, outcome: ok}]}"},
		{"spec.balance.cases[0].outcome", lastCase, lastCase + "\nbalance: {cases: [{when: true, outcome: succeeded}]}"},
		{"spec.callback.verified", lastCase, lastCase + "\ncallback: {fields: {ref: body.ref}}"},
		{"spec.callback.verified", lastCase, lastCase + "\ncallback: {verified: raw, fields: {ref: body.ref}}"},
		{"spec.callback.fields", lastCase, lastCase + "\ncallback: {verified: true}"},
		{"spec.callback.fields.amount", lastCase, lastCase + "\ncallback: {verified: true, fields: {amount: body.a}}"},
	} {
		t.Run(c.key+"/"+c.after, func(t *testing.T) {
			t.Parallel()
			wantWrong(t, small(t, "http://127.0.0.1:1", c.before, c.after), c.key)
		})
	}
}

// A description in the settings and one in a file are the same.
func TestADescriptionMayStandInTheSettings(t *testing.T) {
	t.Parallel()
	inline := map[string]any{
		"secrets":       []any{"key"},
		"describe":      map[string]any{"name": "a", "account": "secrets.key", "ref": map[string]any{"mode": "replay"}, "status_by": []any{"ref"}, "other_merchants": true},
		"list_products": map[string]any{"static": []any{map[string]any{"code": "A", "price": 5000}}},
	}
	call := map[string]any{
		"fields": map[string]any{"product": "body.p", "account": "body.a", "amount": "body.m"},
		"cases":  []any{map[string]any{"when": true, "outcome": "pending"}},
	}
	inline["pay"], inline["status"] = call, call
	if _, err := httpspec.New(smallSettings(t, map[string]any{"spec": inline})); err != nil {
		t.Error(err)
	}
	delete(inline, "pay")
	wantWrong(t, smallSettings(t, map[string]any{"spec": inline}), "spec.pay")
}
