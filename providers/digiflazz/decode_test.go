package digiflazz_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/providers/digiflazz"
)

// row is a line of the provider's table of codes, with what each call is to make of it.
type row struct {
	rc     string
	status string
	pay    core.Outcome
	asked  core.Outcome // sooner than a minute after it was sent
	later  core.Outcome
	code   core.Code
}

// formed is a refusal of an order that there is, unformed one of a request, which tells nothing of an order that was sent before.
func formed(rc string, code core.Code) row {
	return row{rc, "Gagal", core.Declined, core.Declined, core.Declined, code}
}

func unformed(rc string, code core.Code) row {
	return row{rc, "Gagal", core.Declined, core.Unknown, core.Unknown, code}
}

func doubted(rc, status string, code core.Code) row {
	return row{rc, status, core.Unknown, core.Unknown, core.Unknown, code}
}

func table() []row {
	return []row{
		{"00", "Sukses", core.Succeeded, core.Succeeded, core.Succeeded, ""},
		{"01", "Gagal", core.Unknown, core.Unknown, core.Declined, core.CodeUpstreamTimeout},
		formed("02", core.CodeDeclined),
		{"03", "Pending", core.Pending, core.Pending, core.Pending, ""},
		unformed("40", core.CodeBadRequest),
		unformed("41", core.CodeAuth),
		unformed("42", core.CodeAuth),
		unformed("43", core.CodeProductUnknown),
		unformed("44", core.CodeDepositEmpty),
		unformed("45", core.CodeIPNotAllowed),
		doubted("47", "Gagal", core.CodeDuplicateElsewhere),
		doubted("49", "Gagal", core.CodeDuplicateRef),
		doubted("50", "Gagal", core.CodeNotFound),
		formed("51", core.CodeAccountInvalid),
		formed("52", core.CodeAccountInvalid),
		formed("53", core.CodeProductDown),
		formed("54", core.CodeAccountInvalid),
		formed("55", core.CodeProductDown),
		unformed("56", core.CodeProductDown),
		formed("57", core.CodeAccountInvalid),
		formed("58", core.CodeCutOff),
		formed("59", core.CodeAccountInvalid),
		formed("60", core.CodeBillUnavailable),
		unformed("61", core.CodeDepositEmpty),
		unformed("62", core.CodeProductDown),
		unformed("63", core.CodeRepeatTooSoon),
		unformed("64", core.CodeDeclined),
		unformed("65", core.CodeRepeatTooSoon),
		unformed("66", core.CodeCutOff),
		unformed("67", core.CodeProductDown),
		unformed("68", core.CodeOutOfStock),
		unformed("69", core.CodePriceAboveLimit),
		{"70", "Gagal", core.Unknown, core.Unknown, core.Declined, core.CodeUpstreamTimeout},
		formed("71", core.CodeProductDown),
		formed("72", core.CodeDeclined),
		formed("73", core.CodeDeclined),
		{"74", "Gagal", core.Refunded, core.Refunded, core.Refunded, core.CodeRefunded},
		unformed("80", core.CodeAccountSuspended),
		unformed("81", core.CodeAccountSuspended),
		unformed("82", core.CodeAccountSuspended),
		unformed("83", core.CodeRateLimited),
		formed("84", core.CodeAmountInvalid),
		unformed("85", core.CodeRateLimited), // about how often it was asked, although the provider forms an order
		unformed("86", core.CodeRateLimited),
		unformed("87", core.CodeAmountInvalid),
		unformed("88", core.CodeAccountSuspended),
		doubted("99", "Pending", core.CodeInternal),
	}
}

func decoder() digiflazz.Decoder {
	return digiflazz.NewDecoder(digiflazz.Config{Username: user, APIKey: key, WebhookSecret: secret})
}

// transaction is an answer about order(number, 1).
func transaction(status, rc string) string {
	return fmt.Sprintf(`{"data":{"ref_id":%q,"customer_no":%q,"buyer_sku_code":"xld10","message":"pesan untuk %s","status":%q,"rc":%q,`+
		`"buyer_last_saldo":990000,"sn":"1234567890","price":10000,"tele":"@telegram","wa":"081234512345"}}`, order(number, 1).Ref, number, number, status, rc)
}

func outcome(res core.Result, err error) (core.Outcome, core.Code) {
	if err != nil {
		return core.OutcomeOf(err), core.CodeOf(err)
	}
	return res.Outcome, res.Code
}

func TestEveryCode(t *testing.T) {
	t.Parallel()
	d, seen := decoder(), []string{}
	for _, row := range table() {
		seen = append(seen, row.rc)
		body := []byte(transaction(row.status, row.rc))
		for stage, want := range map[string]core.Outcome{"pay": row.pay, "asked": row.asked, "later": row.later} {
			read := map[string]func([]byte, core.PayRequest) (core.Result, error){"pay": d.Pay, "asked": d.Asked, "later": d.AskedLater}[stage]
			res, err := read(body, order(number, 1))
			got, code := outcome(res, err)
			if got != want || code != row.code {
				t.Errorf("rc %s, %s: %s %q (%v), want %s %q", row.rc, stage, got, code, err, want, row.code)
			}
			if res.ProviderCode != row.rc || strings.Contains(fmt.Sprint(err)+res.Reason, number) {
				t.Errorf("rc %s, %s: %q, %v", row.rc, stage, res.ProviderCode, err)
			}
		}
	}
	documented := digiflazz.Codes()
	slices.Sort(documented)
	same(t, "the table", seen, documented)
}

// The status is trusted first. Where the code says otherwise, or one of them isn't documented, it waits for a person.
func TestStatusAndCodeThatDisagree(t *testing.T) {
	t.Parallel()
	d := decoder()
	documented := map[string]string{}
	for _, row := range table() {
		documented[row.rc] = row.status
	}
	for _, status := range []string{"Sukses", "Pending", "Gagal", "Proses"} {
		for _, rc := range append(digiflazz.Codes(), "98", "xx", "100") {
			if documented[rc] == status || status == "Gagal" && rc == "99" {
				continue
			}
			res, err := d.Pay([]byte(transaction(status, rc)), order(number, 1))
			if err != nil || res.Outcome != core.Pending || !strings.HasPrefix(res.Reason, "not understood") || res.Reference != "" {
				t.Errorf("%s with %s: %s %q, %v", status, rc, res.Outcome, res.Reason, err)
			}
		}
	}
}

func TestWhatAnAnswerTells(t *testing.T) {
	t.Parallel()
	res, err := decoder().Pay([]byte(transaction("Sukses", "00")), order(number, 1))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "reference", res.Reference, "1234567890")
	same(t, "invoice", res.Invoice, order(number, 1).Ref)
	same(t, "cost", res.Cost, core.IDR(10_000))
	same(t, "balance", res.BalanceAfter, core.IDR(990_000))
	same(t, "amount", res.Amount.Known(), false)
	same(t, "details", res.Details, map[string]string{"sn": "1234567890", "tele": "@telegram", "wa": "081234512345"})
	if _, err := core.CheckResult(core.Descriptor{StatusBy: core.ByRef, AmountInProduct: true}, order(number, 1), res); err != nil {
		t.Error(err)
	}
}

func TestAnswersThatAreNotBelieved(t *testing.T) {
	t.Parallel()
	whole := transaction("Sukses", "00")
	for name, test := range map[string]struct {
		body string
		code core.Code
	}{
		"no json":           {"<html>", core.CodeTransportAfterSend},
		"empty":             {"", core.CodeTransportAfterSend},
		"half":              {whole[:len(whole)/2], core.CodeTransportAfterSend},
		"two":               {whole + whole, core.CodeTransportAfterSend},
		"array":             {"[" + whole + "]", core.CodeInternal},
		"no data":           {strings.TrimSuffix(strings.TrimPrefix(whole, `{"data":`), "}"), core.CodeInternal},
		"data is text":      {`{"data":"Sukses"}`, core.CodeInternal},
		"data is null":      {`{"data":null}`, core.CodeInternal},
		"data is a list":    {`{"data":[]}`, core.CodeInternal},
		"no status":         {strings.Replace(whole, `"status"`, `"state"`, 1), core.CodeInternal},
		"no status, but 41": {`{"data":{"rc":"41","message":"Signature tidak valid"}}`, core.CodeAuth},
		"no rc":             {strings.Replace(whole, `"rc"`, `"cr"`, 1), core.CodeInternal},
		"no ref":            {strings.Replace(whole, `"ref_id"`, `"id"`, 1), core.CodeInternal},
		"no account":        {strings.Replace(whole, `"customer_no"`, `"no"`, 1), core.CodeInternal},
		"no product":        {strings.Replace(whole, `"buyer_sku_code"`, `"sku"`, 1), core.CodeInternal},
		"two statuses":      {strings.Replace(whole, `"rc"`, `"status":"Gagal","rc"`, 1), core.CodeInternal},
	} {
		res, err := decoder().Pay([]byte(test.body), order(number, 1))
		if got, code := outcome(res, err); err == nil || got != core.Unknown || code != test.code || res.Outcome != core.Unknown {
			t.Errorf("%s: %s %q, %v", name, got, code, err)
		}
	}
}

// Another order's answer is about another order, whatever it says.
func TestAnotherOrdersAnswer(t *testing.T) {
	t.Parallel()
	check := core.Descriptor{StatusBy: core.ByRef, AmountInProduct: true}
	for name, asked := range map[string]core.PayRequest{"reference": order(number, 2), "account": order("0899", 1)} {
		for _, status := range []string{"Sukses", "Gagal"} {
			res, err := decoder().Pay([]byte(transaction(status, map[string]string{"Sukses": "00", "Gagal": "02"}[status])), asked)
			if err == nil {
				_, err = core.CheckResult(check, asked, res)
			}
			if !errors.Is(err, core.ErrContradiction) {
				t.Errorf("another %s, %s: %v", name, status, err)
			}
		}
	}
}

func TestNumbersInEveryForm(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"10000": "10000 IDR", "10000.0": "10000 IDR", "4995.88": "4995.88 IDR", "3.2671946E8": "326719460 IDR", "1e4": "10000 IDR", "-500": "-500 IDR",
		"10.000": "", "Rp 10.000": "", "": "", "1e-4": "", "1e99": "", "NaN": "", "10,000": "", "99989150.5": "99989150.5 IDR",
	} {
		same(t, text, digiflazz.Money(text).String(), want)
	}
	body := strings.NewReplacer(`"rc":"00"`, `"rc":0`, `"price":10000`, `"price":"10000"`, `990000`, `"990000.25"`,
		`"customer_no":"`+number+`"`, `"customer_no":`+strings.TrimLeft(number, "0")).Replace(transaction("Sukses", "00"))
	res, err := decoder().Pay([]byte(body), order(number, 1))
	if err != nil || res.Outcome != core.Succeeded || res.Account != number || res.Cost != core.IDR(10_000) || res.BalanceAfter.Value() != "990000.25" {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestFaceFromTheName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Xl 10.000": "10000", "Go Pay 100.000": "100000", "Telkomsel Rp.5.000": "", "Voucher Rp 1.000.000": "1000000", "PLN 20.000": "20000",
		"Telkomsel 5": "", "Data 10.000 MB": "", "5.000 - 10.000": "", "10000": "", "Indosat 10.00": "",
	} {
		same(t, name, digiflazz.Face("Pulsa", name).Value(), want)
	}
	for _, category := range []string{"Games", "Data", ""} {
		same(t, category, digiflazz.Face(category, "Xl 10.000").Value(), "")
	}
}

func TestOwnClassesOfCodes(t *testing.T) {
	t.Parallel()
	d := digiflazz.NewDecoder(digiflazz.Config{Codes: map[string]core.Code{
		"55": core.CodeDeclined, "63": core.CodeDuplicateElsewhere, "02": core.CodeUpstreamTimeout,
	}})
	for rc, want := range map[string]struct {
		outcome core.Outcome
		code    core.Code
	}{
		"55": {core.Declined, core.CodeDeclined}, "63": {core.Unknown, core.CodeDuplicateElsewhere}, "02": {core.Unknown, core.CodeUpstreamTimeout},
	} {
		got, code := outcome(d.Pay([]byte(transaction("Gagal", rc)), order(number, 1)))
		if got != want.outcome || code != want.code {
			t.Errorf("%s: %s %q", rc, got, code)
		}
	}
	for _, rc := range digiflazz.Codes() {
		for _, code := range digiflazz.Stricter(rc) {
			d := digiflazz.NewDecoder(digiflazz.Config{Codes: map[string]core.Code{rc: code}})
			was, wasCode := outcome(decoder().Pay([]byte(transaction("Gagal", rc)), order(number, 1)))
			got, gotCode := outcome(d.Pay([]byte(transaction("Gagal", rc)), order(number, 1)))
			if got != was && got != core.Unknown || got.NothingMoved() && gotCode.AnotherProviderMayDiffer() && !wasCode.AnotherProviderMayDiffer() {
				t.Errorf("%s as %s: %s after %s", rc, code, got, was)
			}
		}
	}
}

// What isn't believed names nothing that could be taken for the order's own.
func TestEvidenceOfAnotherOrder(t *testing.T) {
	t.Parallel()
	body := strings.Replace(transaction("Gagal", "01"), order("", 1).Ref, "SOMEBODYELSES", 1)
	res, err := decoder().Pay([]byte(body), order(number, 1))
	if err == nil || res.Invoice != "" || res.Ref != "" || res.Details["returned_invoice"] != "SOMEBODYELSES" {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestSecretsAreTakenOutOfReasons(t *testing.T) {
	t.Parallel()
	body := strings.Replace(transaction("Gagal", "41"), "pesan", "sign of "+key+" and "+secret, 1)
	res, err := decoder().Asked([]byte(body), order(number, 1))
	if text := fmt.Sprint(res, err); strings.Contains(text, key) || strings.Contains(text, secret) || !strings.Contains(text, "sign of *** and ***") {
		t.Error(text)
	}
}
