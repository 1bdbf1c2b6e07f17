package payments

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/reconciler"
	"github.com/jalurhq/jalur/core/router"
)

// Why a callback was not taken.
var (
	// ErrNoCallbacks: there is no such provider, or it sends none.
	ErrNoCallbacks = errors.New("no provider calls back here")
	// ErrUnverified: it wasn't the provider who sent it.
	ErrUnverified = errors.New("it can't be shown that the provider sent it")
	// ErrUnreadable: it says nothing that its provider's code could read.
	ErrUnreadable = errors.New("it can't be read")
	// ErrCallbackBusy: it can't be dealt with just now; the provider may send it again.
	ErrCallbackBusy = errors.New("it can't be dealt with now: send it again")
)

// The bounds of what strangers can cause.
const (
	callbackTime = 5 * time.Second
	readers      = 16  // callbacks of one provider that are read at once
	maxNamed     = 100 // orders in one callback
	lookBacks    = 64  // questions about orders that are done, waiting or asked, over all providers
)

// slots are a bound on how much is done at once. Who finds none goes away.
type slots chan struct{}

func (s slots) take() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s slots) free() { <-s }

// calledBack is what a Service keeps for callbacks.
type calledBack struct {
	reading map[string]slots // by provider
	back    slots
	ctx     context.Context //nolint:containedctx // the service's own: questions end with it
}

func newCalledBack(ctx context.Context, providers map[string]router.Provider) calledBack {
	c := calledBack{reading: map[string]slots{}, back: make(slots, lookBacks), ctx: ctx}
	for name, p := range providers {
		if p.Callbacks != nil {
			c.reading[name] = make(slots, readers)
		}
	}
	return c
}

// Callback hands a request that claims to be a provider's to that provider's code, and has the orders asked for that it names. Nothing that it says is believed. It gives
// what the provider wants to hear. Errors: ErrNoCallbacks, ErrUnverified, ErrUnreadable, ErrCallbackBusy, a [*Refusal].
func (s *Service) Callback(ctx context.Context, provider string, req core.CallbackRequest) (core.Callback, error) {
	p, ok := s.router.Provider(provider)
	if !ok || p.Callbacks == nil {
		return core.Callback{}, ErrNoCallbacks
	}
	turn := s.called.reading[provider]
	if !turn.take() {
		return core.Callback{}, fmt.Errorf("%d of %s are read already: %w", readers, provider, ErrCallbackBusy)
	}
	defer turn.free()
	ctx, cancel := context.WithTimeout(ctx, callbackTime)
	defer cancel()
	said, err := p.Callbacks.ReadCallback(ctx, req)
	if err != nil {
		return core.Callback{}, callbackError(err)
	}
	for _, order := range said.Orders[:min(len(said.Orders), maxNamed)] {
		if err := s.prompt(ctx, provider, order); err != nil {
			return core.Callback{}, fmt.Errorf("%w: %w", ErrCallbackBusy, err)
		}
	}
	return said, nil
}

func callbackError(err error) error {
	if errors.Is(err, errors.ErrUnsupported) {
		return ErrNoCallbacks
	}
	switch core.CodeOf(err) {
	case core.CodeAuth:
		return fmt.Errorf("%w: %w", ErrUnverified, err)
	case core.CodeBadRequest:
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	default: // its code is down, or failed over it: no reason to lose it
		return fmt.Errorf("%w: %w", ErrCallbackBusy, err)
	}
}

func (s *Service) prompt(ctx context.Context, provider string, order core.CallbackOrder) error {
	p, did, err := s.reconciler.Prompt(ctx, provider, order)
	if err != nil {
		return err
	}
	s.log.LogAttrs(ctx, slog.LevelDebug, "a provider called back", slog.String("provider", provider),
		slog.String("payment", string(p.ID)), slog.String("did", string(did)))
	if did == reconciler.PromptedDone {
		return s.lookBack(p)
	}
	return nil
}

// lookBack asks in the background: the provider isn't kept waiting by a question to itself.
func (s *Service) lookBack(p journal.Payment) error {
	if !s.called.back.take() {
		return fmt.Errorf("%d questions wait already", lookBacks)
	}
	err := s.begin(func() {
		defer s.called.back.free()
		if err := s.reconciler.LookBack(s.called.ctx, p); err != nil && s.called.ctx.Err() == nil {
			s.log.LogAttrs(s.called.ctx, slog.LevelError, "reconciler", slog.String("payment", string(p.ID)), slog.String("err", err.Error()))
		}
	})
	if err != nil {
		s.called.back.free()
	}
	return err
}
