package dtone_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
	"github.com/jalurhq/jalur/providers/dtone"
)

type want struct {
	outcome core.Outcome
	code    core.Code
}

func (w want) check(t *testing.T, res core.Result, err error) {
	t.Helper()
	got := want{outcome(res, err), res.Code}
	if err != nil {
		got.code = core.CodeOf(err)
	}
	if got != w {
		t.Errorf("%s %s (%v), want %s %s", got.outcome, got.code, err, w.outcome, w.code)
	}
}

// errorCodes is the API's table, by the outcome of an order that is answered with the code.
func errorCodes() map[string]want {
	table := map[string]want{
		"1007001": {core.Unknown, core.CodeDuplicateRef}, "1007002": {core.Unknown, core.CodeDuplicateRef},
		"1008004": {core.Unknown, core.CodeNotFound}, "1009001": {core.Unknown, core.CodeInternal}, "1009503": {core.Unknown, core.CodeMaintenance},
	}
	for code, refused := range map[string]core.Code{
		"1000400": core.CodeBadRequest, "1000401": core.CodeAuth, "1000404": core.CodeProductUnknown, "1000429": core.CodeRateLimited,
		"1003001": core.CodeProductUnknown, "1003002": core.CodeAmountInvalid, "1003003": core.CodeAmountInvalid, "1003101": core.CodeProductUnknown,
		"1003201": core.CodeBadRequest, "1003301": core.CodeBadRequest, "1005003": core.CodeAccountInvalid, "1005004": core.CodeBadRequest,
		"1005005": core.CodeBadRequest, "1005006": core.CodeBadRequest, "1005503": core.CodeBadRequest, "1006001": core.CodeDepositEmpty,
		"1006003": core.CodeBadRequest, "1006009": core.CodeDepositEmpty, "1006503": core.CodeBadRequest, "1007004": core.CodeQuoteExpired,
		"1007005": core.CodeQuoteExpired, "1007007": core.CodeBadRequest, "1007500": core.CodeBadRequest,
	} {
		table[code] = want{core.Declined, refused}
	}
	return table
}

func errorBody(codes ...string) []byte {
	var list []string
	for _, code := range codes {
		list = append(list, fmt.Sprintf(`{"code":%s,"message":"no, +6281234567890"}`, code))
	}
	return []byte(`{"errors":[` + strings.Join(list, ",") + `]}`)
}

// An answer is judged by its code, whatever the HTTP status.
func TestEveryErrorCodeOfAnOrder(t *testing.T) {
	t.Parallel()
	table := errorCodes()
	if len(table) != len(dtone.APICodes())+len(dtone.OpenCodes()) {
		t.Errorf("%d codes are tested of %d", len(table), len(dtone.APICodes())+len(dtone.OpenCodes()))
	}
	for code, want := range table {
		for _, status := range []int{http.StatusBadRequest, http.StatusInternalServerError} {
			t.Run(fmt.Sprintf("%s/%d", code, status), func(t *testing.T) {
				t.Parallel()
				res, err := dtone.NewDecoder().Taken(transport.Reply{Status: status, Body: errorBody(code)}, order(t))
				want.check(t, res, err)
				if res.ProviderCode != code || strings.Contains(fmt.Sprint(res.Reason, err), "81234567") {
					t.Errorf("%+v, %v", res, err)
				}
			})
		}
	}
}

func TestErrorsThatProveNothing(t *testing.T) {
	t.Parallel()
	cases := map[string]transport.Reply{
		"a code that nobody knows":   {Status: 400, Body: errorBody("1999999")},
		"one of two is open":         {Status: 400, Body: errorBody("1006001", "1009001")},
		"a refusal with 200":         {Status: 200, Body: errorBody("1006001")},
		"a refusal with 307":         {Status: 307, Body: errorBody("1006001")},
		"a refusal of a transaction": {Status: 400, Body: []byte(`{"id":1,"errors":[{"code":1006001}]}`)},
		"no errors":                  {Status: 400, Body: []byte(`{"errors":[]}`)},
		"no code":                    {Status: 400, Body: []byte(`{"errors":[{"message":"insufficient balance"}]}`)},
		"two lists":                  {Status: 400, Body: []byte(`{"errors":[{"code":1006001}],"Errors":[{"code":1009001}]}`)},
		"429 by a proxy":             {Status: 429, Body: []byte("<html>")},
		"401 by a proxy":             {Status: 401, Body: []byte("")},
		"500 html":                   {Status: 500, Body: []byte("<html>")},
		"something behind it":        {Status: 400, Body: append(errorBody("1006001"), "{}"...)},
	}
	for name, reply := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res, err := dtone.NewDecoder().Taken(reply, order(t))
			if err == nil || core.OutcomeOf(err) != core.Unknown || res.Outcome != core.Unknown {
				t.Errorf("%+v, %v", res, err)
			}
		})
	}
}

func TestAnOperatorsOwnCodes(t *testing.T) {
	t.Parallel()
	r := playing(t, quick(), func(cfg *dtone.Config) {
		cfg.Codes = map[string]core.Code{"1003101": core.CodeProductDown, "BARRED-CREDIT-PARTY": core.CodeDeclined}
	})
	r.fault("error-1003101", "")
	res, err := r.pay(order(t))
	want{core.Declined, core.CodeProductDown}.check(t, res, err)
	r.fault("end-REJECTED-BARRED-CREDIT-PARTY", "")
	res, err = r.pay(order(t))
	want{core.Declined, core.CodeDeclined}.check(t, res, err)
}

// transactionOf is what the API answers about the usual order, with a status.
func transactionOf(t *testing.T, class int, word, message string) map[string]any {
	t.Helper()
	return map[string]any{
		"id": 2237512891, "external_id": ref, "creation_date": "2026-03-01T12:00:00.123456789Z",
		"status":  map[string]any{"id": class * 10000, "message": message, "class": map[string]any{"id": class, "message": word}},
		"product": map[string]any{"id": 6035}, "credit_party_identifier": map[string]string{"mobile_number": number},
		"prices": map[string]any{"wholesale": map[string]any{"unit_type": "CURRENCY", "unit": "USD", "amount": 3.6, "fee": 0}},
	}
}

func body(t *testing.T, value any) []byte {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func TestEveryClass(t *testing.T) {
	t.Parallel()
	for class, want := range map[int]struct {
		word string
		want
	}{
		1: {"CREATED", want{core.Pending, ""}}, 2: {"CONFIRMED", want{core.Pending, ""}}, 3: {"REJECTED", want{core.Declined, core.CodeDeclined}},
		4: {"CANCELLED", want{core.Declined, core.CodeDeclined}}, 5: {"SUBMITTED", want{core.Pending, ""}}, 7: {"COMPLETED", want{core.Succeeded, ""}},
		8: {"REVERSED", want{core.Refunded, core.CodeRefunded}}, 9: {"DECLINED", want{core.Declined, core.CodeDeclined}},
		6: {"THINKING", want{core.Pending, ""}}, 0: {"", want{core.Pending, ""}}, 77: {"COMPLETED-PERHAPS", want{core.Unknown, core.CodeInternal}},
	} {
		t.Run(fmt.Sprint(class), func(t *testing.T) {
			t.Parallel()
			said := body(t, transactionOf(t, class, want.word, want.word))
			for _, status := range []int{200, 201, 202} {
				res, err := dtone.NewDecoder().Taken(transport.Reply{Status: status, Body: said}, order(t))
				want.check(t, res, err)
			}
			if got, err := dtone.NewDecoder().Taken(transport.Reply{Status: 500, Body: said}, order(t)); err == nil {
				t.Errorf("%s with the status 500", got.Outcome)
			}
		})
	}
}

func TestEveryMessage(t *testing.T) {
	t.Parallel()
	table := map[string]core.Code{
		"INVALID-CREDIT-PARTY": core.CodeAccountInvalid, "BARRED-CREDIT-PARTY": core.CodeAccountInvalid, "INELIGIBLE-CREDIT-PARTY": core.CodeAccountInvalid,
		"INVALID-DEBIT-PARTY": core.CodeBadRequest, "BARRED-DEBIT-PARTY": core.CodeBadRequest,
		"LIMITATIONS-ON-OPERATOR-AMOUNT": core.CodeRepeatTooSoon, "LIMITATIONS-ON-OPERATOR-QUANTITY": core.CodeRepeatTooSoon,
		"LIMITATIONS-ON-CREDIT-PARTY-AMOUNT": core.CodeRepeatTooSoon, "LIMITATIONS-ON-CREDIT-PARTY-QUANTITY": core.CodeRepeatTooSoon,
		"LIMITATIONS-ON-CUSTOMER-AMOUNT": core.CodeRepeatTooSoon, "LIMITATIONS-ON-CUSTOMER-QUANTITY": core.CodeRepeatTooSoon,
		"DUPLICATED-TRANSACTION": core.CodeRepeatTooSoon, "OPERATOR-CURRENTLY-UNAVAILABLE": core.CodeProductDown,
		"INSUFFICIENT-BALANCE": core.CodeDepositEmpty, "EXCEPTION": core.CodeUpstreamTimeout, "": core.CodeDeclined,
	}
	if known := slices.Sorted(maps.Keys(dtone.StatusCodes())); !slices.Equal(known, slices.Sorted(maps.Keys(table))) {
		t.Errorf("known are %v", known)
	}
	table["NEVER-HEARD-OF"] = core.CodeDeclined
	for suffix, code := range table {
		for class, word := range map[int]string{3: "REJECTED", 9: "DECLINED"} {
			message := strings.TrimSuffix(word+"-"+suffix, "-")
			res, err := dtone.NewDecoder().Order(body(t, transactionOf(t, class, word, message)), order(t))
			want{core.Declined, code}.check(t, res, err)
			if _, err := core.CheckResult(core.Descriptor{StatusBy: core.ByRef, AmountInProduct: true}, order(t), res); err != nil || res.Reason != message {
				t.Errorf("%s: %q, %v", message, res.Reason, err)
			}
		}
	}
}
