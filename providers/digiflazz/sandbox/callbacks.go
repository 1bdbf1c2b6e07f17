package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the provider's own signature
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/jalurhq/jalur/providers/sandbox"
)

// Events of a callback.
const (
	eventCreate = "create"
	eventUpdate = "update"
)

const (
	agentPrepaid = "Digiflazz-Hookshot"
	agentBill    = "Digiflazz-Pasca-Hookshot"

	deliveryTime = 10 * time.Second       // one callback
	runEvery     = 100 * time.Millisecond // Run looks for what is due
)

// hookFault is what is wrong with the callbacks of an order.
type hookFault struct{ first, twice, reordered, forged, none bool }

// hook is a callback that is to be sent.
type hook struct {
	due    time.Time
	event  string
	order  order
	url    string
	forged bool
}

// hooks are those that are to be sent.
type hooks struct {
	cfg Config

	mu      sync.Mutex
	waiting []hook
	sending sync.Mutex // one sends at a time, so that their order is kept
}

func newHooks(cfg Config) *hooks { return &hooks{cfg: cfg} }

// plan notes the callbacks of an order that was just made.
func (h *hooks) plan(o order, cbURL string, f fault) {
	if cbURL == "" {
		cbURL = h.cfg.CallbackURL
	}
	if cbURL == "" || f.hooks.none {
		return
	}
	create := hook{due: o.At, event: eventCreate, order: o, url: cbURL, forged: f.hooks.forged}
	update := create
	update.due, update.event = o.SettledAt, eventUpdate
	planned := []hook{create}
	if o.SettledAt.After(o.At) {
		planned = append(planned, update)
	}
	if f.hooks.reordered {
		create.due = update.due
		planned = []hook{update, create}
	}
	if !o.RefundAt.IsZero() {
		refunded := update
		refunded.due = o.RefundAt
		planned = append(planned, refunded)
	}
	if f.hooks.twice {
		planned = append(planned, planned...)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting = append(h.waiting, planned...)
}

// due takes those whose time has come.
func (h *hooks) due() []hook {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.cfg.Now()
	var due []hook
	waiting := h.waiting[:0]
	for _, planned := range h.waiting {
		if reached(planned.due, now) {
			due = append(due, planned)
		} else {
			waiting = append(waiting, planned)
		}
	}
	h.waiting = waiting
	return due
}

func (h *hooks) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting = nil
}

// Run sends callbacks as they come due, until the context ends or the sandbox is closed.
func (s *Sandbox) Run(ctx context.Context) {
	ticker := time.NewTicker(runEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.Deliver(ctx)
		case <-ctx.Done():
			return
		case <-s.closed:
			return
		}
	}
}

// Deliver sends the callbacks that are due now, and gives how many were taken. They are sent once: it is the receiver who asks where one is lost.
func (s *Sandbox) Deliver(ctx context.Context) (taken int) {
	s.hooks.sending.Lock()
	defer s.hooks.sending.Unlock()
	for _, h := range s.hooks.due() {
		at := h.due
		if h.event == eventCreate {
			at = h.order.At
		}
		if s.post(ctx, h, s.cfg.Values.encode(s.show(h.order, at))) {
			taken++
		}
	}
	return taken
}

// post sends one callback and reports whether it was taken.
func (s *Sandbox) post(ctx context.Context, h hook, body []byte) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deliveryTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Close = true
	req.Header.Set("Content-Type", sandbox.JSONType)
	req.Header.Set("User-Agent", agentPrepaid)
	if h.order.Postpaid {
		req.Header.Set("User-Agent", agentBill)
	}
	req.Header.Set("X-Digiflazz-Event", h.event)
	if secret := s.cfg.WebhookSecret; secret != "" {
		if h.forged {
			secret += "?"
		}
		req.Header.Set("X-Hub-Signature", "sha1="+signature(secret, body))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode < http.StatusMultipleChoices
}

func signature(secret string, body []byte) string {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// servePing sends a ping, as the vendor's POST report/hooks/ID/pings does.
func (s *Sandbox) servePing(ctx context.Context, x sandbox.Exchange, path string) {
	id, ok := strings.CutSuffix(strings.TrimPrefix(path, "report/hooks/"), "/pings")
	if !ok || x.R.Method != http.MethodPost || s.cfg.CallbackURL == "" {
		http.NotFound(x.W, x.R)
		return
	}
	ping, _ := json.Marshal(map[string]any{ //nolint:errchkjson // it is made of text and a number
		"sed": "Ping", "hook_id": id, "hook": map[string]any{"url": s.cfg.CallbackURL, "secret": s.cfg.WebhookSecret != "", "type": "json", "status": 1},
	})
	status := http.StatusBadGateway
	if s.post(ctx, hook{event: "ping", url: s.cfg.CallbackURL}, ping) {
		status = http.StatusOK
	}
	sandbox.Write(x.W, status, sandbox.JSONType, ping)
}
