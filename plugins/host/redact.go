package host

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/jalurhq/jalur/core"
)

// A text shorter than this is too common to be hidden wherever it stands.
const minSecret = 4

// Digits that look like an account number: eight or more in a row, or groups as people write phone numbers.
var accountLike = regexp.MustCompile(`\d{8,}|\d{2,4}(?:[ -]\d{3,5}){2,}`)

// redactor hides secrets, also as URLs, JSON and base64 write them, and masks what looks like an account number. It is safe for use by many goroutines.
type redactor struct{ hidden atomic.Pointer[hidden] }

type hidden struct {
	values  []string
	secrets *strings.Replacer
	longest int
}

func newRedactor(secrets []string) *redactor {
	r := &redactor{}
	r.hidden.Store(hiding(secrets))
	return r
}

// also hides further secrets.
func (r *redactor) also(secrets []string) {
	for {
		last := r.hidden.Load()
		added := slices.DeleteFunc(slices.Clone(secrets), func(s string) bool { return slices.Contains(last.values, s) })
		if len(added) == 0 || r.hidden.CompareAndSwap(last, hiding(slices.Concat(last.values, added))) {
			return
		}
	}
}

func hiding(secrets []string) *hidden {
	var forms []string
	for _, secret := range secrets {
		if len(secret) >= minSecret {
			forms = append(forms, secret, url.QueryEscape(secret), url.PathEscape(secret), inJSON(secret),
				base64.StdEncoding.EncodeToString([]byte(secret)))
		}
	}
	// The replacer takes the first form that matches at a place, so the longer ones come first.
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	h := &hidden{values: secrets}
	pairs := make([]string, 0, 2*len(forms))
	for _, form := range forms {
		pairs = append(pairs, form, "[redacted]")
		h.longest = max(h.longest, len(form))
	}
	h.secrets = strings.NewReplacer(pairs...)
	return h
}

func inJSON(secret string) string {
	quoted, err := json.Marshal(secret)
	if err != nil {
		return secret
	}
	return strings.Trim(string(quoted), `"`)
}

func (r *redactor) text(s string) string {
	return accountLike.ReplaceAllStringFunc(r.hidden.Load().secrets.Replace(s), func(number string) string {
		return core.AccountNumber(number).String()
	})
}

// cut hides as text does in a line whose end is missing: a secret could have begun there, so as much as the longest is dropped.
func (r *redactor) cut(s string) string {
	shown := r.text(s)
	return strings.ToValidUTF8(shown[:max(0, len(shown)-r.hidden.Load().longest)], "") + "…"
}
