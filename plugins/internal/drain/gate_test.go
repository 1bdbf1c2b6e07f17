package drain_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jalurhq/jalur/plugins/internal/drain"
)

func TestCloseWaitsForTheLastCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var gate drain.Gate
		for range 2 {
			if !gate.Enter() {
				t.Fatal("an open gate let nobody in")
			}
		}
		closed := make(chan bool, 1)
		go func() { closed <- gate.Close(t.Context()) }()
		synctest.Wait()
		gate.Leave()
		synctest.Wait()
		if len(closed) != 0 {
			t.Fatal("closed with a call inside")
		}
		gate.Leave()
		if !<-closed {
			t.Error("not idle after the last call had left")
		}
		if gate.Enter() {
			t.Error("a closed gate let somebody in")
		}
	})
}

func TestCloseGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var gate drain.Gate
		gate.Enter()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if gate.Close(ctx) {
			t.Error("idle with a call inside")
		}
		gate.Leave()
		if !gate.Close(ctx) {
			t.Error("an empty gate isn't idle")
		}
	})
}
