package host

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/jalurhq/jalur/core"
)

// A text shorter than this is too common to be hidden wherever it stands.
const minSecret = 4

// Digits that look like an account number: eight or more in a row, or groups as people write phone numbers.
var accountLike = regexp.MustCompile(`\d{8,}|\d{2,4}(?:[ -]\d{3,5}){2,}`)

// redactor hides secrets, also as URLs, JSON and base64 write them, and masks what looks like an account number.
type redactor struct {
	secrets *strings.Replacer
	longest int
}

func newRedactor(secrets []string) *redactor {
	var forms []string
	for _, secret := range secrets {
		if len(secret) >= minSecret {
			forms = append(forms, secret, url.QueryEscape(secret), url.PathEscape(secret), inJSON(secret),
				base64.StdEncoding.EncodeToString([]byte(secret)))
		}
	}
	// The replacer takes the first form that matches at a place, so the longer ones come first.
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	r := &redactor{}
	pairs := make([]string, 0, 2*len(forms))
	for _, form := range forms {
		pairs = append(pairs, form, "[redacted]")
		r.longest = max(r.longest, len(form))
	}
	r.secrets = strings.NewReplacer(pairs...)
	return r
}

func inJSON(secret string) string {
	quoted, err := json.Marshal(secret)
	if err != nil {
		return secret
	}
	return strings.Trim(string(quoted), `"`)
}

func (r *redactor) text(s string) string {
	return accountLike.ReplaceAllStringFunc(r.secrets.Replace(s), func(number string) string {
		return core.AccountNumber(number).String()
	})
}

// cut hides as text does in a line whose end is missing: a secret could have begun there, so as much as the longest is dropped.
func (r *redactor) cut(s string) string {
	hidden := r.text(s)
	return strings.ToValidUTF8(hidden[:max(0, len(hidden)-r.longest)], "") + "…"
}
