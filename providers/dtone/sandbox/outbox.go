package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// Limits of callbacks.
const (
	mostTries    = 5
	callbackTime = 5 * time.Second
	lookEvery    = 50 * time.Millisecond
)

// letter is a callback that is to be sent.
type letter struct {
	id    int64
	due   time.Time
	tries int
	fault callbackFault
}

// outbox sends the callbacks of transactions that have ended. It looks at the sandbox's own clock.
type outbox struct {
	box    *Sandbox
	cancel context.CancelFunc
	ended  chan struct{}

	mu      sync.Mutex
	letters []letter
}

func newOutbox(box *Sandbox) *outbox {
	ctx, cancel := context.WithCancel(context.Background())
	o := &outbox{box: box, cancel: cancel, ended: make(chan struct{})}
	go o.run(ctx)
	return o
}

func (o *outbox) stop() {
	o.cancel()
	<-o.ended
}

func (o *outbox) run(ctx context.Context) {
	defer close(o.ended)
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			o.deliver(ctx)
		}
	}
}

// plan puts down the callbacks of a transaction that was confirmed.
func (o *outbox) plan(t transaction, f callbackFault) {
	if t.Callback == "" || t.ConfirmedAt.IsZero() || f.lost {
		return
	}
	due := []time.Time{t.DoneAt}
	if !t.ReversedAt.IsZero() {
		due = append(due, t.ReversedAt)
	}
	if f.twice {
		due = append(due, due...)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, at := range due {
		if f.late {
			at = at.Add(o.box.cfg.LateBy)
		}
		o.letters = append(o.letters, letter{id: t.ID, due: at, fault: f})
	}
}

// deliver sends what is due, and puts down again what was not taken.
func (o *outbox) deliver(ctx context.Context) {
	now := o.box.cfg.Now()
	o.mu.Lock()
	var due, kept []letter
	for _, l := range o.letters {
		if reached(l.due, now) {
			due = append(due, l)
		} else {
			kept = append(kept, l)
		}
	}
	o.letters = kept
	o.mu.Unlock()
	for _, l := range due {
		if l.tries++; o.send(ctx, l) || l.tries >= mostTries || ctx.Err() != nil {
			continue
		}
		l.due = now.Add(o.box.cfg.RetryAfter)
		o.mu.Lock()
		o.letters = append(o.letters, l)
		o.mu.Unlock()
	}
}

// send posts the transaction as it is now, and reports whether it was taken.
func (o *outbox) send(ctx context.Context, l letter) bool {
	t, found := o.box.book.find(l.id)
	if !found {
		return true // the ledger was emptied
	}
	shown := t.shown(o.box.products[t.Product], o.box.cfg.Now())
	target := t.Callback
	if l.fault.wrong {
		target += "x"
	}
	if l.fault.lying {
		shown["status"] = status(declined, className(declined))
	}
	body, err := json.Marshal(shown)
	if err != nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, callbackTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return true // no address
	}
	req.Header.Set("Content-Type", "application/json")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode < http.StatusMultipleChoices
}
