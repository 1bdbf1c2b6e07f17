package simulation

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/payments"
)

// skewMost is how far the wall clocks of two gateways may be apart without a jump.
const skewMost = 6 * time.Second

// mostAge is the most that may lie between the claim in the journal and the first byte.
const mostAge = 2 * time.Second

// checker holds a history against the invariants, from the outside: the journal's rows and events, the ledger, what callers were told, and what
// reached the providers. It knows nothing of how the engine works.
type checker struct {
	w         *World
	rules     map[[2]journal.State]rule
	violation string

	payments map[string]core.PaymentID // by key
	claimed  map[string]time.Duration  // when an attempt was made to be sent
	sends    map[string]int            // by reference
	invoices map[string]string         // who has one
	tries    map[string]int            // of the operator, without faults
	read     map[string]int            // how many events of an attempt have been looked at
	told     []acknowledgement
	ends     map[string]time.Duration // when an attempt came to its end
	spilled  []journal.Spilled        // every outcome that was durable in a spill
}

// acknowledgement is what a caller was told.
type acknowledgement struct {
	payment core.PaymentID
	state   journal.PaymentState
}

func newChecker(w *World) *checker {
	c := &checker{
		w: w, rules: map[[2]journal.State]rule{}, payments: map[string]core.PaymentID{}, claimed: map[string]time.Duration{},
		sends: map[string]int{}, invoices: map[string]string{}, tries: map[string]int{}, read: map[string]int{},
		ends: map[string]time.Duration{},
	}
	for _, r := range rules() {
		c.rules[[2]journal.State{r.from, r.to}] = r
	}
	return c
}

// violatef notes the first thing that is wrong; what follows from it is not looked at.
func (c *checker) violatef(format string, args ...any) {
	if c.violation == "" {
		c.violation = fmt.Sprintf(format, args...)
		c.w.trace.addf(c.w, "VIOLATION %s", c.violation)
	}
}

// wrote is told of every write of the journal, after it.
func (c *checker) wrote(e entry) {
	a := e.after
	c.w.trace.mix(uint64(a.Fence), uint64(len(a.State)), uint64(len(c.w.book.order)))
	if e.before == nil {
		c.made(e)
	} else {
		c.changed(e)
	}
	c.ended(e)
	c.trail(a.ID)
	c.tasked(a)
	c.parkedLate(e)
	c.alone(a)
	c.ownInvoice(a)
	c.againstLedger(a)
}

// made: one payment a key; an attempt after another one only where that one failed and lets another be tried.
func (c *checker) made(e entry) {
	a, p := e.after, e.payment
	if known := c.payments[keyOf(p)]; known != "" && known != p.ID {
		c.violatef("key %s has two payments, %s and %s", p.Key, short(known), short(p.ID))
	}
	c.payments[keyOf(p)] = p.ID
	if a.State == journal.Sending {
		c.claimed[a.ID] = c.w.boot
	}
	if a.State == journal.Sending && a.NextAt.Sub(a.StartedAt) < c.timeout(a) {
		c.violatef("attempt %s has a lease of %s, shorter than its provider's time-out", short(a.ID), a.NextAt.Sub(a.StartedAt))
	}
	if a.N == 1 {
		return
	}
	before := c.attempt(a.PaymentID, a.N-1)
	if before == nil || before.attempt.State != journal.Failed {
		c.violatef("attempt %s follows one that has not failed", short(a.ID))
		return
	}
	last := before.events[len(before.events)-1]
	if said := readEvidence(last); !passes(said.Code) {
		c.violatef("attempt %s follows a refusal with %q, which lets no other provider be tried", short(a.ID), said.Code)
	}
}

func (c *checker) timeout(a journal.Attempt) time.Duration {
	if company := c.w.companyOf(a); company != nil {
		return company.timeout
	}
	return 0
}

func (c *checker) attempt(p core.PaymentID, n int) *sheet {
	for _, s := range c.w.book.order {
		if s.attempt.PaymentID == p && s.attempt.N == n {
			return s
		}
	}
	return nil
}

// changed: under the state and the fence that the writer knew, never backwards, and never what is at its end.
func (c *checker) changed(e entry) {
	was, now := *e.before, e.after
	switch {
	case e.from != was.State || e.fence != was.Fence:
		c.violatef("attempt %s was %s under fence %d, and was changed by a writer who knew %s under %d", short(now.ID), was.State, was.Fence, e.from, e.fence)
	case now.Fence < was.Fence:
		c.violatef("attempt %s went from fence %d back to %d", short(now.ID), was.Fence, now.Fence)
	case e.claimed && now.Fence != was.Fence+1:
		c.violatef("a claim left attempt %s under fence %d", short(now.ID), now.Fence)
	case e.claimed && e.claimNow.After(c.w.latest):
		c.violatef("attempt %s was claimed for a time that no clock has shown", short(now.ID))
	case was.State == journal.Failed || was.State == journal.Refunded || was.State == journal.Confirmed && now.State == journal.Confirmed:
		c.violatef("attempt %s is %s and was written over", short(now.ID), was.State)
	case was.Provider != now.Provider || was.Instance != now.Instance || was.N != now.N || was.PaymentID != now.PaymentID:
		c.violatef("attempt %s became another one", short(now.ID))
	case was.Invoice != "" && now.Invoice == "":
		c.violatef("attempt %s lost its invoice %s", short(now.ID), was.Invoice)
	case was.Invoice != "" && now.Invoice != was.Invoice && now.State != journal.Confirmed && now.State != journal.Refunded && was.State != journal.Unknown:
		c.violatef("attempt %s was %s and became %q", short(now.ID), was.Invoice, now.Invoice)
	}
}

// trail: the events of an attempt are a gapless chain of legal steps to the state that it is in.
func (c *checker) trail(id string) {
	s := c.w.book.sheets[id]
	state, fence := journal.State(""), int64(0)
	for i, e := range s.events {
		if e.From != state {
			c.violatef("attempt %s: event %d says from %q, and it was %q", short(id), e.ID, e.From, state)
		}
		if e.Fence < fence {
			c.violatef("attempt %s: event %d has fence %d after %d", short(id), e.ID, e.Fence, fence)
		}
		if i >= c.read[id] {
			c.step(e, fence)
		}
		state, fence = e.To, e.Fence
	}
	c.read[id] = len(s.events)
	if state != s.attempt.State {
		c.violatef("attempt %s is %s, and its events end in %q", short(id), s.attempt.State, state)
	}
}

// step holds one event against the table.
func (c *checker) step(e journal.Event, before int64) {
	r, legal := c.rules[[2]journal.State{e.From, e.To}]
	who, _, _ := strings.Cut(e.Actor, ":")
	c.w.count(stepName(e.From, e.To, who))
	switch {
	case !legal:
		c.violatef("attempt %s: from %q to %s is no legal change", short(e.AttemptID), e.From, e.To)
	case !slices.Contains(r.who, who):
		c.violatef("attempt %s: from %s to %s is not for the %s", short(e.AttemptID), e.From, e.To, e.Actor)
	case r.said != nil && !slices.Contains(r.said, readEvidence(e).Outcome):
		c.violatef("attempt %s: from %s to %s on the word %s", short(e.AttemptID), e.From, e.To, readEvidence(e).Outcome)
	case e.From == journal.Unknown && e.To == journal.Failed && who == asker && !c.provesAbsence(e):
		c.violatef("attempt %s failed, and its provider has not proven that it has no such order", short(e.AttemptID))
	case r.sameFence && e.Fence != before:
		c.violatef("attempt %s: from %s to %s under fence %d, by a sender of fence %d", short(e.AttemptID), e.From, e.To, e.Fence, before)
	}
}

// provesAbsence: "no such order" counts only of a provider that names its quarantine, and after it.
func (c *checker) provesAbsence(e journal.Event) bool {
	company := c.w.companyOf(c.w.book.sheets[e.AttemptID].attempt)
	if company == nil {
		return false
	}
	d := company.desc
	return d.Quarantine > 0 && d.StatusBy.Has(core.ByRef) && !d.StatusResubmits && readEvidence(e).Code == core.CodeNotFound &&
		c.w.boot-c.claimed[e.AttemptID] >= d.Quarantine
}

func stepName(from, to journal.State, who string) string {
	return fmt.Sprintf("steps from %q to %s by the %s", from, to, who)
}

type evidence struct {
	Outcome core.Outcome `json:"outcome"`
	Code    core.Code    `json:"code"`
	Invoice core.Invoice `json:"invoice"`
}

func readEvidence(e journal.Event) evidence {
	var said evidence
	if e.Evidence == nil || json.Unmarshal(e.Evidence, &said) != nil {
		return evidence{}
	}
	return said
}

// alone: at most one attempt of a payment may have moved money.
func (c *checker) alone(a journal.Attempt) {
	live := 0
	for _, s := range c.w.book.order {
		if s.attempt.PaymentID == a.PaymentID && s.attempt.State.Live() {
			live++
		}
	}
	if live > 1 {
		c.violatef("payment %s has %d live attempts", short(a.PaymentID), live)
	}
}

func (c *checker) ownInvoice(a journal.Attempt) {
	if a.Invoice == "" {
		return
	}
	if holder := c.invoices[invoiceKey(a)]; holder != "" && holder != a.ID && c.holds(holder, a) {
		c.violatef("attempts %s and %s both have invoice %s", short(holder), short(a.ID), a.Invoice)
	}
	c.invoices[invoiceKey(a)] = a.ID
}

func (c *checker) holds(id string, a journal.Attempt) bool {
	s := c.w.book.sheets[id]
	return s != nil && s.attempt.Invoice == a.Invoice
}

// againstLedger: confirmed means that it moved, once; failed means that it did not, or was given back.
func (c *checker) againstLedger(a journal.Attempt) {
	moved := c.w.ledger.of(a.ID)
	switch {
	case a.State == journal.Confirmed && moved.executed != 1:
		c.violatef("attempt %s is confirmed and was executed %d times", short(a.ID), moved.executed)
	case a.State == journal.Refunded && (moved.executed != 1 || moved.returned != 1):
		c.violatef("attempt %s is refunded, was executed %d times and given back %d times", short(a.ID), moved.executed, moved.returned)
	case a.State == journal.Failed && moved.executed > moved.returned:
		c.violatef("attempt %s is failed and was executed", short(a.ID))
	}
}

// firstByte is told when a request leaves a gateway.
func (c *checker) firstByte(company *company, req core.PayRequest) {
	c.sends[req.Ref]++
	s := c.w.book.sheets[req.Ref]
	switch {
	case s == nil:
		c.violatef("%s was sent, and the journal has no such attempt", short(req.Ref))
	case c.sends[req.Ref] > 1:
		c.violatef("attempt %s was sent %d times", short(req.Ref), c.sends[req.Ref])
	case !s.attempt.State.Live():
		c.violatef("attempt %s was sent when it was %s", short(req.Ref), s.attempt.State)
	case s.attempt.Instance != company.desc.Instance:
		c.violatef("attempt %s is of %s and was sent to %s", short(req.Ref), s.attempt.Instance, company.desc.Instance)
	case c.w.boot-c.claimed[req.Ref] > mostAge:
		c.violatef("attempt %s was sent %s after its claim", short(req.Ref), c.w.boot-c.claimed[req.Ref])
	}
}

// sentAgain is told when a question leaves a gateway that may book the order.
func (c *checker) sentAgain(company *company, ref string) {
	s := c.w.book.sheets[ref]
	if s == nil || !slices.Contains([]journal.State{journal.Accepted, journal.Unknown, journal.Parked, journal.Confirmed, journal.Refunded}, s.attempt.State) {
		c.violatef("attempt %s was sent again, and nobody may ask for it", short(ref))
	}
	if age := c.w.boot - c.claimed[ref]; age > company.desc.StatusMaxAge+c.w.jumps+skewMost+mostAge {
		c.violatef("attempt %s was sent again %s after its claim", short(ref), age)
	}
}

// executed is told when money moves.
func (c *checker) executed(ref string) {
	s := c.w.book.sheets[ref]
	if s == nil {
		c.violatef("%s was executed, and the journal has no such attempt", short(ref))
		return
	}
	times := 0
	for _, other := range c.w.book.order {
		if other.attempt.PaymentID == s.attempt.PaymentID {
			times += c.w.ledger.of(other.attempt.ID).executed
		}
	}
	if times > 1 {
		c.violatef("payment %s was executed %d times", short(s.attempt.PaymentID), times)
	}
	c.againstLedger(s.attempt)
}

// asked is told when a provider is asked for an order.
func (c *checker) asked(l *lane, req core.StatusRequest) {
	s := c.w.book.sheets[req.Original.Ref]
	d := l.company.desc
	switch {
	case s == nil:
		c.violatef("%s was asked for, and the journal has no such attempt", short(req.Original.Ref))
	case s.attempt.Instance != d.Instance:
		c.violatef("attempt %s is of %s, and %s was asked for it", short(req.Original.Ref), s.attempt.Instance, d.Instance)
	case req.Invoice == "" && !d.StatusBy.Has(core.ByRef):
		c.violatef("attempt %s was asked for at %s without an invoice", short(req.Original.Ref), d.Instance)
	}
}

// acknowledged is told when a caller gets a reply. What he was told is in the journal then, is about his order, and is never taken back.
func (c *checker) acknowledged(g *Gateway, o payments.Order, p journal.Payment) {
	c.w.trace.addf(c.w, "%s: tells key %s: %s is %s", g.name, o.Key, short(p.ID), p.State())
	c.w.count("callers told")
	if c.w.book.payments[p.ID] == nil {
		c.violatef("key %s was told of payment %s, which the journal doesn't have", o.Key, short(p.ID))
	}
	if !p.Amount.Equal(o.Amount) || p.Account != o.Account {
		c.violatef("key %s ordered %s and was told of %s", o.Key, o.Amount, p.Amount)
	}
	c.told = append(c.told, acknowledgement{p.ID, p.State()})
	if c.payments[keyOf(p)] != p.ID {
		c.violatef("key %s was told of %s, and is %s", o.Key, short(p.ID), short(c.payments[keyOf(p)]))
	}
}

// sent is told when a sender that lived on has finished: what it was told is written down, whatever the journal went through.
func (c *checker) sent(g *Gateway, id core.PaymentID, err error) {
	if g.poisoned {
		for attempt := range g.unwritten {
			if c.w.book.sheets[attempt].attempt.PaymentID == id {
				c.outlives(g, attempt)
			}
		}
		return
	}
	for _, s := range c.w.book.order {
		a := s.attempt
		told, mine := g.told[a.ID]
		if a.PaymentID != id || !mine {
			continue
		}
		switch {
		case a.State == journal.Sending && (believed(told.Outcome) || a.Owner == g.name):
			c.violatef("%s was told %s of attempt %s and went on without writing it down: %v", g.name, told.Outcome, short(a.ID), err)
		case a.State == journal.Unknown && believed(told.Outcome) && !c.strangers(told.Result, a):
			c.violatef("%s was told %s of attempt %s, which is left unknown: %v", g.name, told.Outcome, short(a.ID), err)
		case a.State == journal.Parked && believed(told.Outcome) && told.Outcome != core.Pending && !c.strangers(told.Result, a):
			c.violatef("%s was told %s of attempt %s, which is left parked: %v", g.name, told.Outcome, short(a.ID), err)
		}
		c.reported(g, a, told)
		c.strangerReported(g, a, told)
	}
}

// outlives is told when a sender writes again what the journal did not take at once, or gives it up: by then it is in the spill.
func (c *checker) outlives(g *Gateway, attempt string) {
	open := c.w.book.sheets[attempt].attempt.State == journal.Sending
	if open && g.unwritten[attempt] && !g.reserve.holds(attempt) && !g.reserve.refused[attempt] {
		c.violatef("%s was told of attempt %s, could not write it down, and has not spilled it", g.name, short(attempt))
	}
}

// believed: the outcomes that end not knowing.
func believed(o core.Outcome) bool {
	return o == core.Succeeded || o == core.Refunded || o == core.Pending
}

// strangers reports whether an answer carries an invoice that another attempt has: then nobody can say whose it is.
func (c *checker) strangers(told core.Result, a journal.Attempt) bool {
	a.Invoice = told.Invoice
	holder := c.invoices[invoiceKey(a)]
	return holder != "" && holder != a.ID && c.holds(holder, a)
}

// finish looks at the whole once more, when everything is quiet.
func (c *checker) finish() {
	b := c.w.book
	for _, s := range b.order {
		c.trail(s.attempt.ID)
		c.againstLedger(s.attempt)
		c.resolved(s.attempt)
	}
	for _, told := range c.spilled {
		a := b.sheets[told.Attempt].attempt
		if a.State == journal.Unknown && believed(told.Result.Outcome) && !c.strangers(told.Result, a) {
			c.violatef("%s of attempt %s was spilled, and it is left unknown", told.Result.Outcome, short(a.ID))
		}
	}
	for _, ack := range c.told {
		if b.payments[ack.payment] == nil {
			c.violatef("payment %s was acknowledged and is gone", short(ack.payment))
			continue
		}
		now := b.load(ack.payment).State()
		if ack.state.Final() && now != ack.state && (ack.state != journal.StateSucceeded || now != journal.StateRefunded) {
			c.violatef("payment %s was told to be %s and is %s", short(ack.payment), ack.state, now)
		}
	}
	for ref, entry := range c.w.ledger.lines {
		if b.sheets[ref] == nil && entry.executed > 0 {
			c.violatef("%s was executed, and the journal has no such attempt", short(ref))
		}
	}
}

// resolved: what is left open is with a person, because nobody can be asked.
func (c *checker) resolved(a journal.Attempt) {
	switch a.State {
	case journal.Confirmed, journal.Refunded, journal.Failed:
	case journal.Parked:
		c.tasked(a)
		c.w.count("left to a person")
	case journal.Unknown:
		c.violatef("attempt %s is left unknown, and no person was told", short(a.ID))
	default:
		c.violatef("attempt %s is left %s", short(a.ID), a.State)
	}
}
