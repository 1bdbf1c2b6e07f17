package mmbc

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/jalurhq/jalur/core"
)

// rule gives a code to a reason that has, for each entry of all, one of its phrases. Make it with [when].
type rule struct {
	all  [][]string // phrases as [words] gives them
	code core.Code
}

func when(code core.Code, all ...[]string) rule {
	made := rule{code: code}
	for _, alternatives := range all {
		phrases := make([]string, 0, len(alternatives))
		for _, phrase := range alternatives {
			phrases = append(phrases, words(phrase))
		}
		made.all = append(made.all, phrases)
	}
	return made
}

// holds takes a reason as [words] gives it.
func (r rule) holds(said string) bool {
	for _, phrases := range r.all {
		if !slices.ContainsFunc(phrases, func(phrase string) bool { return strings.Contains(said, phrase) }) {
			return false
		}
	}
	return len(r.all) > 0
}

// words gives a text as its words in lower case with one space around each, so that a phrase given the same way is found as whole words
// only. A text without words is "".
func words(text string) string {
	fields := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if len(fields) == 0 {
		return ""
	}
	return " " + strings.Join(fields, " ") + " "
}

// builtIn is the table of known reasons, in English and Indonesian. The provider has no codes, only this text. The first rule that holds
// decides, and the operator's own come before these:
//
//  1. auth first, since a wrong password says nothing about the rest of the order;
//  2. deposit_empty before amount_invalid: "saldo kurang dari minimal" is about the deposit;
//  3. account_invalid before product_unknown: the provider calls the customer's number "nomor pelanggan akun merchant", and a wrong number is
//     wrong everywhere, while an unknown product is tried elsewhere.
func builtIn() []rule {
	return []rule{
		when(core.CodeAuth, []string{"request with your user", "password", "no dummy", "kata sandi"}),
		when(core.CodeDepositEmpty,
			[]string{"saldo", "balance", "deposit"},
			[]string{"tidak cukup", "tidak mencukupi", "kurang", "habis", "not enough", "not sufficient", "insufficient"}),
		when(core.CodeAmountInvalid, []string{"minimal", "minimum"}),
		when(core.CodeAccountInvalid,
			[]string{"nomor", "akun", "number", "account"},
			[]string{"salah", "tidak", "wrong", "invalid", "not"}),
		when(core.CodeProductUnknown, []string{"merchant"}, []string{"tidak", "not", "unknown"}),
	}
}

// stillRunning are refusals that contradict themselves: the order may yet be carried out.
func stillRunning() rule {
	return when(core.CodeInternal, []string{
		"sedang diproses", "masih diproses", "dalam proses", "sedang proses", "masih proses",
		"in process", "in progress", "being processed", "still processing", "pending",
	})
}

// statusTable comes before the table of reasons where a status call was refused: the provider doesn't know the invoice.
func statusTable() []rule {
	return []rule{when(core.CodeNotFound,
		[]string{"invoice", "transaksi", "transaction"},
		[]string{"tidak", "belum", "not", "no", "unknown", "invalid"})}
}

// reasonTable gives the operator's rules and then the built-in ones.
func reasonTable(own []Reason) []rule {
	table := make([]rule, 0, len(own))
	for _, reason := range own {
		all := make([][]string, 0, len(reason.Match))
		for _, phrase := range reason.Match {
			all = append(all, []string{phrase})
		}
		table = append(table, when(reason.Code, all...))
	}
	return append(table, builtIn()...)
}

// classify gives the code of the first rule that holds, else the fallback.
func classify(table []rule, reason string, fallback core.Code) core.Code {
	said := words(reason)
	for _, known := range table {
		if known.holds(said) {
			return known.code
		}
	}
	return fallback
}

// declineCodes are the codes that a refusal can have: those under which nothing moved.
func declineCodes() []core.Code {
	return slices.DeleteFunc(core.Codes(), func(code core.Code) bool { return !mayDecline(code) })
}

func mayDecline(code core.Code) bool {
	switch code {
	case core.CodeInternal, core.CodeNotFound, core.CodeRefunded, core.CodeDuplicateRef, core.CodeDuplicateElsewhere,
		core.CodeUpstreamTimeout, core.CodeTransportNotSent, core.CodeTransportAfterSend:
		return false
	default:
		return code.Valid()
	}
}

func joinCodes(codes []core.Code) string {
	names := make([]string, 0, len(codes))
	for _, code := range codes {
		names = append(names, string(code))
	}
	return strings.Join(names, ", ")
}

// sampleUser stands in the provider's own sample reason ("No dummy!") and is nobody's secret.
const sampleUser = "dummy"

// longNumber finds what may be an account number in free text: nine digits in a row, a phone number, a card number in groups of four.
var longNumber = regexp.MustCompile(`[0-9]{9,}|(?:\+62|62|0)8[0-9 -]{5,}[0-9]|(?:[0-9]{4}[ -]){3,4}[0-9]{2,4}`)

// clean takes credentials out of the provider's words and masks long numbers, since reasons end up in errors and logs.
func clean(text string, secrets []string) string {
	mask := func(number string) string { return core.AccountNumber(number).String() }
	return longNumber.ReplaceAllStringFunc(redact(text, secrets), mask)
}

// redact takes credentials out of a text.
func redact(text string, secrets []string) string {
	for _, secret := range secrets {
		if secret != "" && secret != sampleUser {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}
