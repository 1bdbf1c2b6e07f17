package journal

import (
	"context"
	"errors"
	"time"
)

// ErrHeld: nothing may be sent on account of this journal, since it may lack payments whose money has moved. It comes together with ErrNotWritten. What was
// sent before is still settled and asked for.
var ErrHeld = errors.New("the journal is held: nothing is sent until an operator accepts it")

// Epoch is one entry of a journal's own history: the databases that it has lived in, and what operators said of them.
type Epoch struct {
	Number int64     `json:"epoch"`
	Home   string    `json:"home"` // the database, as it can be told from a copy; "" where the entry is a hold
	By     string    `json:"by"`
	Why    string    `json:"why"`
	At     time.Time `json:"at"`
}

// Standing says whether a journal may be sent from, and how it came here.
type Standing struct {
	Held   string  `json:"held"` // why nothing is sent; "": it is
	Epochs []Epoch `json:"epochs"`
}

// Holder is what a [Store] may offer beside: it recognises a database that was restored, copied, or has lost its newest changes, and heeds an operator's
// word about it. While it is held, the store refuses every change by which an attempt would be sent, with ErrHeld; reads, and changes that settle what was
// sent before, go on.
type Holder interface {
	// Held says why nothing is sent, or "". It only looks at what is known: callers may ask before each payment.
	Held() string
	// Standing reads the journal's history, the newest epoch last.
	Standing(ctx context.Context) (Standing, error)
	// Hold has nothing sent by any gateway on this journal until Accept. Gateways that run hear of it within seconds.
	Hold(ctx context.Context, by, why string) error
	// Accept is an operator's word that this database is the journal from now on: what the providers have executed and it may lack was compared.
	Accept(ctx context.Context, by, why string) error
}

// Held says why nothing is sent from a store, or ""; of one that is no [Holder] it is "". A store that wraps another one has a method Held that asks for it.
func Held(s Store) string {
	if h, ok := s.(interface{ Held() string }); ok {
		return h.Held()
	}
	return ""
}

// Sends reports whether a payment enters the journal to be sent.
func (p Payment) Sends() bool { return len(p.Attempts) > 0 && p.Last().State == Sending }

// Sends reports whether a change claims an attempt for sending.
func (c Change) Sends() bool {
	return c.Attempt.State == Sending && c.From != Sending || c.Next != nil && c.Next.State == Sending
}
