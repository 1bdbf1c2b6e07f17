package payments

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/jalurhq/jalur/core/internal/mutant"
	"github.com/jalurhq/jalur/core/journal"
)

// How what was left in the spill is brought into the journal.
const (
	replayFirstPause = 50 * time.Millisecond
	replayLastPause  = 5 * time.Second
	// replayTries is how often a journal that takes other writes is given a change that it refuses, before others go on without it.
	replayTries = 20
)

// errElsewhere: somebody else has claimed the attempt and will say soon what he takes it for.
var errElsewhere = errors.New("somebody else is looking at the attempt")

// leftover is an outcome of a process that is gone, on its way into the journal.
type leftover struct {
	journal.Kept

	told bool // that it could not be settled
}

// Replay brings the outcomes that processes which are gone have left in the spill into the journal: as their sender would, or as late answers where somebody has
// taken their attempts over. It sends nothing. It is called before anything else looks at attempts that are due, so that nobody gives up what is known, and
// from time to time; by one caller at a time.
//
// It returns when each of them is settled, waits for somebody else, or was refused again and again by a journal that takes other writes; or when the context
// ends. It gives how many are still left, for the next call.
func (e *Engine) Replay(ctx context.Context) (left int) {
	if mutant.On("spill-forgotten") {
		return 0
	}
	e.takeOver(ctx)
	tries := 0
	for pause := replayFirstPause; len(e.left) > 0; pause = min(2*pause, replayLastPause) {
		refused, err := e.replayAll(ctx)
		if err == nil {
			tries++
		}
		if err == nil && !refused || tries >= replayTries || errors.Is(err, journal.ErrPoisoned) {
			break
		}
		if e.Clock.Sleep(ctx, pause) != nil {
			break
		}
	}
	return len(e.left)
}

// takeOver finds what was left since the last time.
func (e *Engine) takeOver(ctx context.Context) {
	kept, err := e.Spill.Left()
	if err != nil {
		e.Log.LogAttrs(ctx, slog.LevelError, "the spill was not read whole", slog.String("err", err.Error()))
	}
	for _, k := range kept {
		e.left = append(e.left, &leftover{Kept: k})
	}
}

// replayAll tries each once. refused: the journal did not take one of them, and may yet. The error is that it takes no writes at all: then nothing was
// settled. A write that comes after a look at the journal proves what was seen.
func (e *Engine) replayAll(ctx context.Context) (refused bool, err error) {
	var done []func()
	var open []*leftover
	for _, l := range e.left {
		problem := e.replayOne(ctx, l.Spilled)
		if problem == nil {
			done = append(done, l.Settled)
			continue
		}
		open = append(open, l)
		refused = refused || !errors.Is(problem, errElsewhere) && !errors.Is(problem, journal.ErrNotFound) && !errors.Is(problem, journal.ErrIllegal)
		e.complain(ctx, l, problem)
	}
	if err := e.Store.Ping(ctx); err != nil {
		return true, fmt.Errorf("journal: %w", err)
	}
	e.left = open
	for _, settled := range done {
		settled()
	}
	return refused, nil
}

// complain says once that an outcome could not be settled.
func (e *Engine) complain(ctx context.Context, l *leftover, problem error) {
	if l.told {
		return
	}
	l.told = true
	e.Log.LogAttrs(ctx, slog.LevelError, "an outcome in the spill is not settled yet", slog.String("payment", string(l.Payment)),
		slog.String("attempt", l.Attempt), slog.String("outcome", l.Result.Outcome.String()), slog.String("invoice", string(l.Result.Invoice)),
		slog.String("err", problem.Error()))
}

// replayOne settles one outcome. Nil: the journal has it, or needs it no more.
func (e *Engine) replayOne(ctx context.Context, s journal.Spilled) error {
	p, err := e.Store.Payment(ctx, s.Payment)
	if err != nil {
		return err
	}
	n := slices.IndexFunc(p.Attempts, func(a journal.Attempt) bool { return a.ID == s.Attempt })
	if n < 0 {
		return fmt.Errorf("attempt %s: %w", s.Attempt, journal.ErrNotFound)
	}
	last := p.Last()
	p.Attempts = p.Attempts[:n+1]
	for c := (&claim{payment: p}); ; {
		change, needed, err := e.replayChange(ctx, last, c, s)
		if err != nil || !needed {
			return err
		}
		if err := e.Store.Apply(ctx, change); !errors.Is(err, journal.ErrInvoiceTaken) {
			return err
		}
		c.found, s.Result = e.foundInvoice(ctx, c, s.Result), strangersInvoice(s.Result)
	}
}

// replayChange gives what an outcome changes: about its attempt, which is the claim's, where that is still being sent under its fence; else as a late answer,
// where it is still the payment's last.
func (e *Engine) replayChange(ctx context.Context, last journal.Attempt, c *claim, s journal.Spilled) (change journal.Change, needed bool, err error) {
	was := c.payment.Last()
	cause := journal.Cause{Actor: "sender", Why: "kept in the spill while the journal was away", Evidence: journal.Evidence(s.Result)}
	change = journal.Change{From: was.State, FromFence: was.Fence, Cause: cause, Case: c.found}
	if was.State == journal.Sending {
		if was.Fence != s.Fence {
			return change, false, errElsewhere
		}
		change.Attempt = e.spilledChange(was, s)
		return change, true, nil
	}
	change, needed = e.lateChange(ctx, last, c, s.Result)
	change.Cause = cause
	if mutant.On("spilled-failed-late") && was.State == journal.Unknown && s.Result.Outcome.NothingMoved() {
		change.Attempt, needed = e.spilledChange(was, s), true
	}
	if !needed && was.Outcome != s.Result.Outcome {
		e.uselessAnswer(ctx, was, s.Result)
	}
	return change, needed, nil
}

// spilledChange gives the attempt as its sender would have written it, but that no other lane is tried, and that the reconciler looks at it at once where it is
// not resolved.
func (e *Engine) spilledChange(was journal.Attempt, s journal.Spilled) journal.Attempt {
	a := was.Told(s.Result)
	a.State, a.EndedAt, a.UpdatedAt, a.NextAt = stateOf(s.Result.Outcome), s.At, e.Clock.Now(), time.Time{}
	a.Owner = ""
	if a.State == journal.Accepted || a.State == journal.Unknown {
		a.NextAt = a.UpdatedAt
	}
	return a
}
