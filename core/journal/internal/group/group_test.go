package group_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/internal/group"
)

// slow takes a second for each batch, and answers even numbers with success.
type slow struct {
	batches []int
	closed  bool
}

var errOdd = errors.New("odd")

func (s *slow) Write(batch []*group.Entry[int]) {
	time.Sleep(time.Second)
	s.batches = append(s.batches, len(batch))
	for _, e := range batch {
		if e.Change%2 == 1 {
			e.Answer(errOdd)
		} else {
			e.Answer(nil)
		}
	}
}

func (s *slow) Close() { s.closed = true }

func TestThoseWhoWaitShareABatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &slow{}
		g := group.New[int](0, w)
		var callers sync.WaitGroup
		for i := range 300 {
			callers.Go(func() {
				if err := g.Do(t.Context(), i); errors.Is(err, errOdd) != (i%2 == 1) {
					t.Errorf("%d: %v", i, err)
				}
			})
			if i == 0 {
				synctest.Wait() // the first is alone in its batch
			}
		}
		callers.Wait()
		g.Close()
		if len(w.batches) != 4 || w.batches[0] != 1 || w.batches[1] != 128 || w.batches[2] != 128 || w.batches[3] != 43 || !w.closed {
			t.Errorf("batches of %v, closed %v", w.batches, w.closed)
		}
	})
}

func TestNotTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := group.New[int](100*time.Millisecond, &slow{})
		var callers sync.WaitGroup
		callers.Go(func() {
			if err := g.Do(t.Context(), 0); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		leaving, leave := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer leave()
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for want, ctx := range map[error]context.Context{
			group.ErrBusy: t.Context(), context.DeadlineExceeded: leaving, context.Canceled: gone,
		} {
			if err := g.Do(ctx, 0); !errors.Is(err, want) || !errors.Is(err, journal.ErrNotWritten) {
				t.Errorf("%v, not %v", err, want)
			}
		}
		callers.Wait()
		g.Close()
		if err := g.Do(t.Context(), 0); !errors.Is(err, group.ErrClosed) || !errors.Is(err, journal.ErrNotWritten) {
			t.Errorf("after the end: %v", err)
		}
	})
}
