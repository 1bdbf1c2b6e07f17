// Package journaltest is the behaviour that every [journal.Store] must show, whatever database is behind it.
package journaltest

import (
	"testing"

	"github.com/jalurhq/jalur/core/journal"
)

// Suite is what a store is tested with.
type Suite struct {
	// Open gives a store on an empty journal of its own, and closes it when the test ends.
	Open func(t *testing.T) journal.Store
	// Reopen closes a store and opens the same journal again. Without it nothing is tested that needs it.
	Reopen func(t *testing.T, s journal.Store) journal.Store
}

// Run tests the stores that open gives.
func Run(t *testing.T, open func(t *testing.T) journal.Store) {
	t.Helper()
	Suite{Open: open}.Run(t)
}

// Run runs every test of the suite.
func (s Suite) Run(t *testing.T) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, journal.Store){
		"submit gives back what it was given":          submitExact,
		"submit under a used key":                      submitReplay,
		"submit under one key by two clients":          submitTwoClients,
		"submit under one key 200 times at once":       submitTogether,
		"submit records every step":                    submitSteps,
		"submit refuses what is no first attempt":      submitRefusals,
		"every pair of states":                         applyPairs,
		"apply gives back what it was given":           applyExact,
		"apply under another state or fence":           applyStale,
		"apply to what isn't there":                    applyStranger,
		"apply refuses a lower fence":                  applyLowerFence,
		"one of many changes wins":                     applyTogether,
		"staying in a state is no event":               applyStay,
		"fail-over":                                    failOver,
		"fail-over that is refused changes nothing":    failOverWhole,
		"an invoice belongs to one attempt":            invoiceOnce,
		"a quote is paid once":                         quoteOnce,
		"a quote is paid once, by many at once":        quoteTogether,
		"an attempt as its provider names it":          findNamed,
		"claim what is due":                            claimDue,
		"claim once":                                   claimOnce,
		"claim what is due too late":                   claimBeyond,
		"claim the oldest first, up to the limit":      claimLimit,
		"a writer from before a claim changes nothing": claimFences,
		"claim the last attempt only":                  claimLast,
		"what is parked has a task":                    parkedHasTask,
		"parked by many at once":                       parkedOnceMany,
		"a case beside a change":                       caseBesideChange,
		"a case beside a fail-over":                    caseBesideFailOver,
		"a case of what is at its end":                 caseAtTheEnd,
		"a case that can't be":                         caseRefusals,
		"close a case":                                 closeCase,
		"a task closes with its attempt":               closeTask,
		"list cases":                                   listCases,
		"list by every field":                          listFilters,
		"list 1,000 payments of one moment":            listPages,
		"list with a strange cursor":                   listStrangeCursor,
		"what isn't there":                             notFound,
		"a name that no database has":                  strangeNames,
		"an inquiry":                                   inquiries,
		"a caller who has left":                        leftCaller,
		"ping":                                         ping,
		"a closed store":                               closed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, s.Open(t))
		})
	}
	if s.Reopen != nil {
		t.Run("what was acknowledged is there after opening anew", func(t *testing.T) {
			t.Parallel()
			s.durable(t)
		})
	}
}
