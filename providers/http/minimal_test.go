package httpspec_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/core"
)

// minimal is a description with nothing in it that could be left out. The tests change it.
const minimal = `
vars: {unit: "rupiah"}
secrets: [key]
describe:
  name: small
  account: secrets.key
  ref: {mode: replay}
  status_by: [ref]
  other_merchants: true
reasons:
  rules:
    - {is: [17, "A1"], code: deposit_empty}
    - {words: [tutup], code: cut_off}
    - {regex: '^E[0-9]+$', code: product_down}
    - {is: DUP, code: duplicate_ref}
    - {is: MAYBE, code: declined, refusal: false}
list_products:
  static: [{code: GOPAY}]
pay:
  request: {path: /pay, json: {to: order.account}}
  fields: &fields
    provider_code: body.?rc
    reason: body.?message
    invoice: body.?id
    reference: body.?sn
    ref: body.?ref
    product: body.?product
    account: body.?account
    amount: body.?amount
    cost: body.?cost
    provider_time: "read_date(body.?at, '%Y-%m-%d %H:%M:%S', 'Asia/Jakarta')"
    details: {note: "text(body.?note)"}
  cases:
    - {when: body.state == 'done', outcome: succeeded}
    - {when: body.state == 'wait', outcome: pending}
    - {when: body.state == 'back', outcome: refunded}
    - {when: body.state == 'no', outcome: declined}
    - {when: body.state == 'broke', outcome: declined, code: deposit_empty}
    - {when: body.state == 'hm', outcome: unknown, code: rate_limited}
    - {when: body.deep.deeper, outcome: succeeded}
status:
  request: {method: GET, path: "/orders/{order.ref}"}
  fields: *fields
  cases:
    - {when: body.state == 'done', outcome: succeeded}
    - {when: body.state == 'none', outcome: unknown, code: not_found}
`

const secretKey = "geheim-42"

// small gives settings around a description in which pairs of texts were replaced.
func small(t testing.TB, baseURL string, oldnew ...string) json.RawMessage {
	t.Helper()
	text := minimal
	for i := 0; i < len(oldnew); i += 2 {
		if !strings.Contains(text, oldnew[i]) {
			t.Fatalf("the description has no %q", oldnew[i])
		}
		text = strings.Replace(text, oldnew[i], oldnew[i+1], 1)
	}
	return smallSettings(t, map[string]any{"base_url": baseURL, "spec": text})
}

func smallSettings(t testing.TB, change map[string]any) json.RawMessage {
	t.Helper()
	all := map[string]any{"base_url": "http://127.0.0.1:1", "spec": minimal, "secrets": map[string]any{"key": secretKey}}
	maps.Copy(all, change)
	raw, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

const echo = `"ref":"01J0000000000000000000000A","product":"GOPAY","account":"0812345678","amount":100000`

func TestVerdicts(t *testing.T) {
	t.Parallel()
	up := repeating(t)
	p := made(t, small(t, up.URL)).Provider
	for body, want := range map[string]struct {
		outcome core.Outcome
		code    core.Code
	}{
		`{"state":"done",` + echo + `}`:                                        {core.Succeeded, ""},
		`{"state":"wait",` + echo + `}`:                                        {core.Pending, ""},
		`{"state":"back",` + echo + `}`:                                        {core.Refunded, core.CodeRefunded},
		`{"state":"no","rc":17}`:                                               {core.Declined, core.CodeDepositEmpty},
		`{"state":"no","rc":"17"}`:                                             {core.Declined, core.CodeDepositEmpty},
		`{"state":"no","message":"Sedang TUTUP!"}`:                             {core.Declined, core.CodeCutOff},
		`{"state":"no","message":"E77"}`:                                       {core.Declined, core.CodeProductDown},
		`{"state":"broke","message":"never heard of"}`:                         {core.Declined, core.CodeDepositEmpty},
		`{"state":"no","rc":"never heard of"}`:                                 {core.Unknown, core.CodeInternal},
		`{"state":"no"}`:                                                       {core.Unknown, core.CodeInternal},
		`{"state":"no","rc":"DUP"}`:                                            {core.Unknown, core.CodeDuplicateRef},
		`{"state":"no","rc":"MAYBE"}`:                                          {core.Unknown, core.CodeDeclined},
		`{"state":"broke","rc":"DUP"}`:                                         {core.Unknown, core.CodeDuplicateRef},
		`{"state":"hm","rc":17}`:                                               {core.Unknown, core.CodeRateLimited},
		`{"state":"else",` + echo + `}`:                                        {core.Unknown, core.CodeInternal}, // body.deep isn't there
		`{"state":"else","deep":{"deeper":false},` + echo + `}`:                {core.Unknown, core.CodeInternal}, // no case
		`{"state":"else","deep":{"deeper":"true"},` + echo + `}`:               {core.Unknown, core.CodeInternal}, // no bool
		`{"state":"else","deep":{"deeper":true},` + echo + `}`:                 {core.Succeeded, ""},
		`{` + echo + `}`:                                                       {core.Unknown, core.CodeInternal}, // no state
		`{"state":"done","id":{"a":1},` + echo + `}`:                           {core.Unknown, core.CodeInternal}, // a field of another type
		`{"state":"done","id":1.5,` + echo + `}`:                               {core.Unknown, core.CodeInternal},
		`{"state":"done","id":123456789012345678,` + echo + `}`:                {core.Succeeded, ""},
		`{"state":"done","id":123456789012345678901234567890,` + echo + `}`:    {core.Succeeded, ""},
		`{"state":"done","cost":"a lot",` + echo + `}`:                         {core.Unknown, core.CodeInternal},
		`{"state":"done","at":"yesterday",` + echo + `}`:                       {core.Succeeded, ""},
		`{"state":"done","state":"no",` + echo + `}`:                           {core.Unknown, core.CodeInternal},
		`{"state":"done","state":"done",` + echo + `}`:                         {core.Succeeded, ""},
		`{"state":"done","product":"GOPAY","account":"0812345678"}`:            {core.Unknown, core.CodeInternal}, // no amount
		`{"state":"done","product":"GOPAY","amount":100000}`:                   {core.Unknown, core.CodeInternal}, // no account
		`{"state":"done","account":"0812345678","amount":"100000"}`:            {core.Unknown, core.CodeInternal}, // no product
		strings.Replace(`{"state":"done",`+echo+`}`, `5678`, `5679`, 1):        {core.Unknown, core.CodeInternal},
		strings.Replace(`{"state":"done",`+echo+`}`, `0A`, `0B`, 1):            {core.Unknown, core.CodeInternal},
		strings.Replace(`{"state":"done",`+echo+`}`, `100000`, `1e5`, 1):       {core.Unknown, core.CodeInternal},
		strings.Replace(`{"state":"done",`+echo+`}`, `100000`, `99999`, 1):     {core.Unknown, core.CodeInternal},
		strings.Replace(`{"state":"done",`+echo+`}`, `100000`, `1e5`, 1) + ` `: {core.Unknown, core.CodeInternal},
		`{"state":"done",` + echo + `} and more`:                               {core.Unknown, core.CodeTransportAfterSend},
		`[{"state":"done",` + echo + `}]`:                                      {core.Unknown, core.CodeInternal},
		`"done"`:                                                               {core.Unknown, core.CodeInternal},
		`null`:                                                                 {core.Unknown, core.CodeInternal},
		``:                                                                     {core.Unknown, core.CodeTransportAfterSend},
		strings.Repeat("[", 100) + strings.Repeat("]", 100):                    {core.Unknown, core.CodeTransportAfterSend},
	} {
		up.body.Store(&body)
		res, err := p.Pay(t.Context(), order())
		outcome, code := res.Outcome, res.Code
		if err != nil {
			outcome, code = core.OutcomeOf(err), core.CodeOf(err)
		}
		if outcome != want.outcome || code != want.code || err != nil && res.Outcome != core.Unknown {
			t.Errorf("%s: %s/%s (%v), want %s/%s", body, outcome, code, err, want.outcome, want.code)
		}
	}
}

// What is seen of an answer that isn't believed is kept as evidence.
func TestEvidence(t *testing.T) {
	t.Parallel()
	up := repeating(t)
	p := made(t, small(t, up.URL)).Provider
	body := `{"state":"never heard of","deep":{"deeper":false},"id":77,"id ":1,"note":"the key is geheim-42",` + echo + `,"cost":true}`
	up.body.Store(&body)
	res, err := p.Pay(t.Context(), order())
	if core.OutcomeOf(err) != core.Unknown || res.Invoice != "77" || res.Account != "0812345678" || res.Details["note"] != "the key is ***" {
		t.Errorf("%+v, %v", res, err)
	}
	if strings.Contains(err.Error(), "true") || !strings.Contains(err.Error(), "spec.pay.fields.cost") {
		t.Errorf("the error names a value, or not the key: %v", err)
	}
}

// An amount is what the digits say, and an invoice has all of its digits.
func TestNumbersStayExact(t *testing.T) {
	t.Parallel()
	up := repeating(t)
	p := made(t, small(t, up.URL, "describe:\n", "describe:\n  currency: USD\n")).Provider
	req := order()
	req.Amount = parsed(t, "90071992547409.93", "USD")
	for number, invoice := range map[string]core.Invoice{
		"9007199254740993": "9007199254740993", "123456789012345678901234567890": "123456789012345678901234567890", `"007"`: "007",
	} {
		body := `{"state":"done","id":` + number + `,"cost":0.1,` + strings.Replace(echo, "100000", "90071992547409.93", 1) + `}`
		up.body.Store(&body)
		res, err := p.Pay(t.Context(), req)
		if err != nil || res.Invoice != invoice || !res.Amount.Equal(req.Amount) || !res.Cost.Equal(parsed(t, "0.1", "USD")) {
			t.Errorf("%s: %+v, %v", number, res, err)
		}
	}
}

func parsed(t testing.TB, value, currency string) core.Money {
	t.Helper()
	amount, err := core.ParseMoney(value, currency)
	if err != nil {
		t.Fatal(err)
	}
	return amount
}
