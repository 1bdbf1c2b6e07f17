package simulation

import (
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
)

// heard is what a gateway was told of an attempt, and when.
type heard struct {
	core.Result

	at time.Duration
}

// tasked: what is parked has an open task, and nothing else has.
func (c *checker) tasked(a journal.Attempt) {
	switch open := c.w.book.hasCase(a.ID, journal.CaseParked, true); {
	case a.State == journal.Parked && !open:
		c.violatef("attempt %s is parked, and nobody has the task", short(a.ID))
	case a.State != journal.Parked && open:
		c.violatef("attempt %s is %s, and its task is open", short(a.ID), a.State)
	}
}

// parkedLate: before a day is over, only what nobody can be asked for is parked.
func (c *checker) parkedLate(e entry) {
	a, company := e.after, c.w.companyOf(e.after)
	if e.before == nil || e.before.State == journal.Parked || a.State != journal.Parked || company == nil {
		return
	}
	askable := a.Invoice != "" || company.desc.StatusBy.Has(core.ByRef)
	paused := time.Minute + c.w.profile.longest // between the look at the clock and the claim
	if age := c.w.boot - c.claimed[a.ID] + paused; askable && age < almostDay && c.w.profile.jumps == 0 {
		c.violatef("attempt %s was parked after %s, and %s could be asked", short(a.ID), age, a.Provider)
	}
}

// almostDay is a day, less what two clocks may differ by, and what a write of the intent may take that comes late.
const almostDay = 24*time.Hour - time.Hour

// ended notes when an attempt came to its end.
func (c *checker) ended(e entry) {
	was := e.before != nil && e.before.State.Payment().Final()
	if !was && e.after.State.Payment().Final() {
		c.ends[e.after.ID] = c.w.boot
	}
}

// reported: what a gateway was told after an attempt had come to its end, and what can't be true together with that end, has a case.
func (c *checker) reported(g *Gateway, a journal.Attempt, told heard) {
	end, over := c.ends[a.ID]
	if !over || told.at < end || !conflicts(a.State, told.Outcome) {
		return
	}
	c.w.count("contradictions")
	book := c.w.book
	if !book.hasCase(a.ID, journal.CaseContradiction, false) && !book.hasCase(a.ID, journal.CaseInvoiceTaken, false) {
		c.violatef("%s was told %s of attempt %s, which is %s, and nobody has heard of it", g.name, told.Outcome, short(a.ID), a.State)
	}
}

// conflicts reports whether a provider's word can't be true together with an end, by the specification's words.
func conflicts(end journal.State, said core.Outcome) bool {
	nothing := said == core.Declined || said == core.NotSent
	switch end {
	case journal.Failed:
		return said == core.Succeeded || said == core.Pending || said == core.Refunded
	case journal.Confirmed:
		return nothing || said == core.Refunded
	case journal.Refunded:
		return nothing
	case journal.Created, journal.Sending, journal.Accepted, journal.Unknown, journal.Parked:
		return false
	}
	return false
}

// strangerReported: an answer with another attempt's invoice leaves its attempt unknown, and has a case.
func (c *checker) strangerReported(g *Gateway, a journal.Attempt, told heard) {
	open := a.State == journal.Unknown || a.State == journal.Parked
	if open && believed(told.Outcome) && c.strangers(told.Result, a) && !c.w.book.hasCase(a.ID, journal.CaseInvoiceTaken, false) {
		c.violatef("%s was told of attempt %s with another one's invoice, and nobody has heard of it", g.name, short(a.ID))
	}
}

// lookKey names the place, in a context, where one look of a reconciler keeps what it is told.
type lookKey struct{}

// looked is told when a gateway has looked at what was due, and has come to the end of it.
func (c *checker) looked(g *Gateway, id string, told heard) {
	if s := c.w.book.sheets[id]; s != nil && !g.poisoned {
		c.reported(g, s.attempt, told)
	}
}
