// Package group lets a few writers commit what many callers bring, so that callers who wait share one commit.
package group

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jalurhq/jalur/core/journal"
)

// Errors of a change that no writer took. They come together with [journal.ErrNotWritten].
var (
	ErrClosed = errors.New("the journal is closed")
	ErrBusy   = errors.New("the journal is too slow: no writer was free in time")
)

// maxBatch bounds the changes that are committed together.
const maxBatch = 128

// Entry is a caller's change in a batch. It is answered once.
type Entry[C any] struct {
	Change C
	Gone   func() error // an error where the caller has left
	done   chan error
}

// Answer tells the caller what became of his change.
func (e *Entry[C]) Answer(err error) { e.done <- err }

// Writer makes changes. Its methods are called by one goroutine.
type Writer[C any] interface {
	// Write makes the changes of a batch and answers each.
	Write(batch []*Entry[C])
	Close()
}

// Group hands changes to its writers, a goroutine each.
type Group[C any] struct {
	wait    time.Duration
	queue   chan *Entry[C] // without a buffer: who has sent is in a batch, who hasn't can still leave
	quit    chan struct{}
	running sync.WaitGroup
}

// New starts the writers. wait bounds how long a change waits for its turn; zero: as long as its caller does.
func New[C any](wait time.Duration, writers ...Writer[C]) *Group[C] {
	g := &Group[C]{wait: wait, queue: make(chan *Entry[C]), quit: make(chan struct{})}
	for _, w := range writers {
		g.running.Go(func() { g.run(w) })
	}
	return g
}

// Do makes one change. A caller who leaves while the change waits gets [journal.ErrNotWritten]; once the change is in a batch he waits for the truth.
func (g *Group[C]) Do(ctx context.Context, change C) error {
	if err := ctx.Err(); err != nil {
		return NotWritten(err)
	}
	e := &Entry[C]{Change: change, Gone: ctx.Err, done: make(chan error, 1)}
	select {
	case g.queue <- e: // a writer is free
		return <-e.done
	default:
	}
	late, stop := g.deadline()
	defer stop()
	select {
	case g.queue <- e:
		return <-e.done
	case <-ctx.Done():
		return NotWritten(ctx.Err())
	case <-late:
		return NotWritten(ErrBusy)
	case <-g.quit:
		return NotWritten(ErrClosed)
	}
}

func (g *Group[C]) deadline() (late <-chan time.Time, stop func()) {
	if g.wait == 0 {
		return nil, func() {}
	}
	timer := time.NewTimer(g.wait)
	return timer.C, func() { timer.Stop() }
}

// Close lets the writers finish what they have begun. It is called once.
func (g *Group[C]) Close() {
	close(g.quit)
	g.running.Wait()
}

func (g *Group[C]) run(w Writer[C]) {
	defer w.Close()
	for {
		select {
		case <-g.quit:
			return
		default:
		}
		select {
		case first := <-g.queue:
			w.Write(g.gather(first))
		case <-g.quit:
			return
		}
	}
}

// gather adds those who are waiting already; it waits for nobody.
func (g *Group[C]) gather(first *Entry[C]) []*Entry[C] {
	batch := []*Entry[C]{first}
	for len(batch) < maxBatch {
		select {
		case next := <-g.queue:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

// NotWritten marks an error of a change that provably did not happen.
func NotWritten(err error) error { return fmt.Errorf("%w: %w", journal.ErrNotWritten, err) }

// Refusal sorts the error of a change that was undone: the journal's own errors stay as they are, every other means that nothing was written.
func Refusal(err error) error {
	for _, own := range []error{journal.ErrStale, journal.ErrIllegal, journal.ErrInvoiceTaken, journal.ErrNotFound} {
		if errors.Is(err, own) {
			return err
		}
	}
	return NotWritten(err)
}
