package sandbox

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/jalurhq/jalur/providers/sandbox"
)

// serveControl answers what is not part of the provider's API.
func (s *Sandbox) serveControl(w http.ResponseWriter, r *http.Request, path string) {
	r = r.Clone(r.Context())
	r.URL.Path = "/" + path
	sandbox.Control{
		Faults: s.faults, About: about(), Options: Options(), Ledger: s.ledgerOf, EmptyLedger: s.book.reset, Reset: s.Reset,
	}.ServeHTTP(w, r)
}

func (s *Sandbox) ledgerOf(account string) any {
	if account == "" {
		return s.Ledger()
	}
	return s.Ledger().Of(account)
}

func about() string {
	return `MMBC Multipayment sandbox. It moves no money.

The provider's calls, as POST, under ` + basePath + `/ and under /:
  ` + strings.Join(calls(), ", ") + `
`
}

// Options lists faults, test numbers, spellings and values as plain text, for a command's help.
func Options() string {
	var text strings.Builder
	text.WriteString(catalogue().Options())
	text.WriteString("\nAccount numbers, by their last digits:\n")
	for _, number := range TestNumbers() {
		fmt.Fprintf(&text, "  %s  %s\n", number.Tail, number.Text)
	}
	fmt.Fprintf(&text, "\nSpellings of keys: %v\nForms of values: %v\n", Spellings(), ValueForms())
	return text.String()
}
