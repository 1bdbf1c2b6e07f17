package httpspec

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/jalurhq/jalur/core"
)

// sameProduct compares codes in any case, with "_" or any number of spaces between words.
func sameProduct(a, b string) bool { return foldProduct(a) == foldProduct(b) }

func foldProduct(code string) string {
	return strings.Join(strings.Fields(strings.ToLower(strings.ReplaceAll(code, "_", " "))), " ")
}

var phoneSpelling = regexp.MustCompile(`^(?:\+62|62|0)?(8[0-9]{6,12})$`)

// sameAccount compares numbers as a provider may spell them: with spaces and dashes, in any case, and an Indonesian phone number with +62, 62, 0 or, as
// a JSON number, with nothing before its 8.
func sameAccount(a, b string) bool {
	a, b = foldAccount(a), foldAccount(b)
	phoneA, phoneB := phoneSpelling.FindStringSubmatch(a), phoneSpelling.FindStringSubmatch(b)
	if phoneA != nil && phoneB != nil {
		return phoneA[1] == phoneB[1]
	}
	return a == b
}

func foldAccount(number string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(number))
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

// longNumber finds what may be an account number in free text: nine digits in a row, a phone number, a card number in groups of four.
var longNumber = regexp.MustCompile(`[0-9]{9,}|(?:\+62|62|0)8[0-9 -]{5,}[0-9]|(?:[0-9]{4}[ -]){3,4}[0-9]{2,4}`)

// cleaner takes secrets out of a provider's words.
type cleaner []string

// text masks long numbers as well, since reasons end up in errors and logs.
func (c cleaner) text(said string) string {
	return longNumber.ReplaceAllStringFunc(c.redact(said), func(n string) string { return core.AccountNumber(n).String() })
}

func (c cleaner) redact(said string) string {
	for _, secret := range c {
		if secret != "" {
			said = strings.ReplaceAll(said, secret, "***")
		}
	}
	return said
}
