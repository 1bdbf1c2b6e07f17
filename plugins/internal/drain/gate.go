// Package drain counts the calls that run, so that what serves them can be closed without cutting one.
package drain

import (
	"context"
	"sync"
)

// Gate lets calls in until it is closed. The zero Gate is open. It is safe for use by many goroutines.
type Gate struct {
	mu     sync.Mutex
	inside int
	closed bool
	idle   chan struct{} // made by the first Close, closed when the last call has left
}

// Enter counts a call in; false means that the gate is closed and the call must not begin. After true comes exactly one Leave.
func (g *Gate) Enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.inside++
	return true
}

// Leave counts a call out.
func (g *Gate) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.closed && g.inside == 0 {
		close(g.idle)
	}
}

// Close lets nobody in any more and waits until everybody has left; false means that the context ended first. It may be called again.
func (g *Gate) Close(ctx context.Context) bool {
	idle := g.shut()
	select {
	case <-idle:
		return true
	default:
	}
	select {
	case <-idle:
		return true
	case <-ctx.Done():
		return false
	}
}

func (g *Gate) shut() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.closed = true
		g.idle = make(chan struct{})
		if g.inside == 0 {
			close(g.idle)
		}
	}
	return g.idle
}
