package rules

import (
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/jalurhq/jalur/core/journal"
)

// Question is a filter in the words of SQL statements.
type Question struct {
	Since    int64 // microseconds since 1970
	BeforeAt int64
	BeforeID string
	State    string // of the last attempt: one of two; both empty: any
	StateToo string
	Size     int // of the page; one more is to be asked for, which tells whether there is a next page
}

// Ask words a filter. Errors: [journal.ErrCursor].
func Ask(f journal.Filter) (Question, error) {
	q := Question{Since: math.MinInt64, BeforeAt: math.MaxInt64, Size: size(f.Limit)}
	if !f.Since.IsZero() {
		q.Since = f.Since.UnixMicro()
	}
	q.State, q.StateToo = states(f.State)
	if f.Cursor == "" {
		return q, nil
	}
	var err error
	q.BeforeAt, q.BeforeID, err = readCursor(f.Cursor)
	return q, err
}

// states gives the attempt states that a payment's state stands for; there are at most two. A state that isn't on the list stands for none.
func states(s journal.PaymentState) (state, too string) {
	if s == "" {
		return "", ""
	}
	of := s.Attempts()
	if len(of) == 0 {
		return string(s), string(s)
	}
	return string(of[0]), string(of[len(of)-1])
}

func size(asked int) int {
	if asked <= 0 {
		return journal.DefaultPage
	}
	return min(asked, journal.MaxPage)
}

// Page puts the payments that were found into the order of their ids and cuts off the one too many. A payment without an attempt, which no program writes, is
// not among those found and is passed over.
func Page(ids []string, found []journal.Payment, size int) journal.Page {
	place := make(map[string]int, len(ids))
	for i, id := range ids {
		place[id] = i
	}
	slices.SortFunc(found, func(a, b journal.Payment) int { return place[string(a.ID)] - place[string(b.ID)] })
	if len(ids) <= size {
		return journal.Page{Payments: found}
	}
	found = slices.DeleteFunc(found, func(p journal.Payment) bool { return place[string(p.ID)] >= size })
	if len(found) == 0 {
		return journal.Page{}
	}
	return journal.Page{Payments: found, Next: cursor(found[len(found)-1])}
}

func cursor(p journal.Payment) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.CreatedAt.UnixMicro(), 10) + ":" + string(p.ID)))
}

func readCursor(text string) (at int64, id string, err error) {
	plain, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		var number string
		number, id, _ = strings.Cut(string(plain), ":")
		at, err = strconv.ParseInt(number, 10, 64)
	}
	if err != nil {
		return 0, "", fmt.Errorf("page %q: %w", text, journal.ErrCursor)
	}
	return at, id, nil
}

// CaseQuestion is a filter of cases in the words of SQL statements.
type CaseQuestion struct {
	Before int64 // the number that all are below
	Size   int   // of the page; one more is to be asked for
}

// AskCases words a filter. Errors: [journal.ErrCursor].
func AskCases(f journal.CaseFilter) (CaseQuestion, error) {
	q := CaseQuestion{Before: math.MaxInt64, Size: size(f.Limit)}
	if f.Cursor == "" {
		return q, nil
	}
	before, err := strconv.ParseInt(f.Cursor, 10, 64)
	if err != nil {
		return q, fmt.Errorf("page %q: %w", f.Cursor, journal.ErrCursor)
	}
	q.Before = before
	return q, nil
}

// CasePage cuts off the one too many.
func CasePage(found []journal.Case, size int) journal.CasePage {
	if len(found) <= size {
		return journal.CasePage{Cases: found}
	}
	return journal.CasePage{Cases: found[:size], Next: found[size-1].ID}
}

// CaseNumber gives the number that a case's id stands for. Errors: [journal.ErrNotFound].
func CaseNumber(id string) (int64, error) {
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil || strconv.FormatInt(number, 10) != id {
		return 0, fmt.Errorf("case %q: %w", id, journal.ErrNotFound)
	}
	return number, nil
}
