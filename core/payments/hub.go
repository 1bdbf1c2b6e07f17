package payments

import (
	"sync"

	"github.com/jalurhq/jalur/core"
)

// hub wakes those who wait for a payment to change.
type hub struct {
	mu      sync.Mutex
	waiting map[core.PaymentID]*watch
}

type watch struct {
	changed chan struct{}
	callers int
}

func newHub() *hub { return &hub{waiting: map[core.PaymentID]*watch{}} }

// watch gives a channel that is closed at the payment's next change. release is to be called when the caller waits no more.
func (h *hub) watch(id core.PaymentID) (changed <-chan struct{}, release func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := h.waiting[id]
	if w == nil {
		w = &watch{changed: make(chan struct{})}
		h.waiting[id] = w
	}
	w.callers++
	return w.changed, func() { h.release(id, w) }
}

func (h *hub) release(id core.PaymentID, w *watch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w.callers--
	if w.callers == 0 && h.waiting[id] == w {
		delete(h.waiting, id)
	}
}

// changed wakes everybody who waits for the payment.
func (h *hub) changed(id core.PaymentID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if w := h.waiting[id]; w != nil {
		close(w.changed)
		delete(h.waiting, id)
	}
}
