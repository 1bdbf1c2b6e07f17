package payments

import (
	"context"
	"errors"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/router"
)

// Inquiry gives a client's inquiry by its id. Refusals: not_found, journal_unavailable.
func (s *Service) Inquiry(ctx context.Context, client, id string) (journal.Inquiry, error) {
	q, err := s.store.Inquiry(ctx, client, id)
	if errors.Is(err, journal.ErrNotFound) {
		return q, &Refusal{Code: CodeNotFound, Rule: "no such inquiry", Err: err}
	}
	if err != nil {
		return q, readRefusal(err)
	}
	return q, nil
}

// CancelInquiry gives up a client's inquiry, so that its provider holds no money for it any more. Doing so again is no error. Refusals: not_found; state_conflict where
// it is being paid, was paid, or can't be given up; provider_refused, provider_unavailable, journal_unavailable.
func (s *Service) CancelInquiry(ctx context.Context, client, id string) (journal.Inquiry, error) {
	q, err := s.Inquiry(ctx, client, id)
	if err != nil {
		return q, err
	}
	p, err := s.canceller(ctx, q)
	if err != nil {
		return q, err
	}
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	if err := p.Quotes.CancelQuote(ctx, q.Token); err != nil {
		return q, cancelRefusal(err)
	}
	return q, nil
}

// canceller gives the provider that an inquiry can be given up at, unless it is somebody's payment.
func (s *Service) canceller(ctx context.Context, q journal.Inquiry) (router.Provider, error) {
	p, ok := s.router.Provider(q.Provider)
	if !ok || p.Quotes == nil || q.Token == "" {
		return p, cannotCancel(nil)
	}
	d, err := p.Describe(ctx)
	if err != nil {
		return p, &Refusal{Code: CodeProviderUnavailable, Rule: "the provider could not be asked: " + err.Error(), Err: err}
	}
	_, err = s.store.Find(ctx, journal.Named{Provider: q.Provider, Instance: d.Instance, CallbackOrder: core.CallbackOrder{Quote: q.Token}})
	switch {
	case err == nil:
		return p, &Refusal{Code: CodeStateConflict, Rule: "the inquiry is being paid, or was paid: it can't be given up"}
	case errors.Is(err, journal.ErrNotFound):
		return p, nil
	default:
		return p, readRefusal(err)
	}
}

func cannotCancel(err error) error {
	return &Refusal{Code: CodeStateConflict, Rule: "the inquiry can't be given up: its provider holds nothing that could be given back early", Err: err}
}

func cancelRefusal(err error) error {
	if errors.Is(err, errors.ErrUnsupported) {
		return cannotCancel(err)
	}
	if said, ok := errors.AsType[*core.Error](err); ok && said.Outcome == core.Declined {
		return &Refusal{Code: CodeProviderRefused, Rule: "the provider did not give it up: " + said.Error(), Err: err}
	}
	return &Refusal{Code: CodeProviderUnavailable, Rule: "nobody can say whether it was given up; do it again: " + err.Error(), Err: err}
}
