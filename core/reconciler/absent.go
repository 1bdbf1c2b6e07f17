package reconciler

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/internal/mutant"
	"github.com/jalurhq/jalur/core/journal"
)

// lastByte is how long after the first "no such order" a byte of it may still leave: the sender's own limit on its machine's clock, and as much again many times over.
const lastByte = time.Minute

// forgetAfter is how long a "no such order" is remembered at most. By then the attempt is parked.
const forgetAfter = 2 * parkAfter

// absences remembers since when a provider says "no such order", and nothing else, of an attempt. It is kept by the machine's boot-time clock, in memory: the wall
// clock may be set, and a process that starts anew begins anew.
type absences struct {
	mu     sync.Mutex
	since  map[string]time.Duration // by attempt
	pruned time.Duration
}

// proven reports whether the provider's word that it has no such order, asked for at a time and given at another, proves that there is none: it must have been said
// by our reference, to this process, and again after the provider's own quarantine.
func (s *absences) proven(a journal.Attempt, d core.Descriptor, asked, told time.Duration) bool {
	if !tellsAbsence(a, d) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	first, said := s.since[a.ID]
	if !said {
		s.remember(a.ID, told)
		return false
	}
	return asked-first >= d.Quarantine+lastByte || mutant.On("quarantine-ignored")
}

// tellsAbsence reports whether "no such order" can ever be proof.
func tellsAbsence(a journal.Attempt, d core.Descriptor) bool {
	worth := d.Ref.Mode == core.RefReplay || d.Ref.Mode == core.RefRejectDuplicate
	return a.State == journal.Unknown && a.Invoice == "" && d.StatusBy.Has(core.ByRef) && worth && !d.StatusResubmits && d.Quarantine > 0
}

func (s *absences) remember(id string, told time.Duration) {
	if s.since == nil {
		s.since = map[string]time.Duration{}
	}
	if told-s.pruned > forgetAfter { // of those that somebody else resolved
		maps.DeleteFunc(s.since, func(_ string, first time.Duration) bool { return told-first > forgetAfter })
		s.pruned = told
	}
	s.since[id] = told
}

func (s *absences) forget(a journal.Attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.since, a.ID)
}

// absence fails an attempt that the provider has proven not to have. The fence under which it was asked for forbids that anybody else has learned more.
func (r *Reconciler) absence(ctx context.Context, a journal.Attempt, d core.Descriptor) error {
	reason := "the provider has no such order, said again after " + d.Quarantine.String()
	said := core.Result{Outcome: core.Declined, Code: core.CodeNotFound, Reason: reason}
	next := a.Told(said)
	next.State, next.NextAt, next.Checks = journal.Failed, time.Time{}, a.Checks+1
	r.absent.forget(a)
	return r.apply(ctx, a, next, journal.Cause{Actor: "reconciler", Why: reason, Evidence: journal.Evidence(said)})
}
