package payments

import (
	"context"
	"slices"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/clock"
	"github.com/jalurhq/jalur/core/journal"
)

// clocksAgree is how finely the journal's time is told from this process's wall clock: clocks that are nearer to one another count as the same.
const clocksAgree = 10 * time.Second

// longestPause is longer than anything that is not a lease is put off for. What is due later was written while somebody set the wall clock, between the reading of the one
// and of the other.
const longestPause = time.Hour

// leased is the journal whose times of the next look, and so its leases, are kept by the journal's own time. A wall clock that is wrong, or that is set, then neither
// ends a lease early nor lets one last for hours. All other times are the wall clock's.
type leased struct {
	journal.Store

	time  journal.Timekeeper
	clock clock.Clock
}

// newLeased gives the store as it is where it keeps no time.
func newLeased(store journal.Store, c clock.Clock) journal.Store {
	if keeper, ok := store.(journal.Timekeeper); ok {
		return leased{store, keeper, c}
	}
	return store
}

// ahead is how far the journal's time is ahead of the wall clock just now.
func (l leased) ahead() time.Duration { return l.time.Time().Sub(l.clock.Now()).Round(clocksAgree) }

// moved gives the attempts with the times of their next look moved.
func moved(attempts []journal.Attempt, by time.Duration) []journal.Attempt {
	if by == 0 {
		return attempts
	}
	attempts = slices.Clone(attempts)
	for i := range attempts {
		attempts[i].NextAt = movedTime(attempts[i].NextAt, by)
	}
	return attempts
}

func movedTime(t time.Time, by time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(by)
}

func movedAll(payments []journal.Payment, by time.Duration) []journal.Payment {
	for i := range payments {
		payments[i].Attempts = moved(payments[i].Attempts, by)
	}
	return payments
}

// Submit implements [journal.Store].
func (l leased) Submit(ctx context.Context, p journal.Payment, cause journal.Cause) (journal.Payment, bool, error) {
	ahead := l.ahead()
	p.Attempts = moved(p.Attempts, ahead)
	recorded, created, err := l.Store.Submit(ctx, p, cause)
	recorded.Attempts = moved(recorded.Attempts, -ahead)
	return recorded, created, err
}

// Apply implements [journal.Store].
func (l leased) Apply(ctx context.Context, c journal.Change) error {
	ahead := l.ahead()
	c.Attempt.NextAt = movedTime(c.Attempt.NextAt, ahead)
	if c.Next != nil {
		next := *c.Next
		next.NextAt = movedTime(next.NextAt, ahead)
		c.Next = &next
	}
	return l.Store.Apply(ctx, c)
}

// ClaimDue implements [journal.Store].
func (l leased) ClaimDue(ctx context.Context, c journal.Claim) ([]journal.Payment, error) {
	ahead := l.ahead()
	c.Now, c.Until = c.Now.Add(ahead), c.Until.Add(ahead)
	c.Beyond = c.Until.Add(longestPause)
	due, err := l.Store.ClaimDue(ctx, c)
	return movedAll(due, -ahead), err
}

// Payment implements [journal.Store].
func (l leased) Payment(ctx context.Context, id core.PaymentID) (journal.Payment, error) {
	p, err := l.Store.Payment(ctx, id)
	p.Attempts = moved(p.Attempts, -l.ahead())
	return p, err
}

// ByKey implements [journal.Store].
func (l leased) ByKey(ctx context.Context, client string, key core.Key) (journal.Payment, error) {
	p, err := l.Store.ByKey(ctx, client, key)
	p.Attempts = moved(p.Attempts, -l.ahead())
	return p, err
}

// Find implements [journal.Store].
func (l leased) Find(ctx context.Context, n journal.Named) (journal.Payment, error) {
	p, err := l.Store.Find(ctx, n)
	p.Attempts = moved(p.Attempts, -l.ahead())
	return p, err
}

// List implements [journal.Store].
func (l leased) List(ctx context.Context, f journal.Filter) (journal.Page, error) {
	page, err := l.Store.List(ctx, f)
	page.Payments = movedAll(page.Payments, -l.ahead())
	return page, err
}

// Held passes on what [journal.Held] asks for.
func (l leased) Held() string { return journal.Held(l.Store) }
