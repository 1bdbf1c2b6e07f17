package payments

import (
	"context"
	"errors"
	"strings"

	"github.com/jalurhq/jalur/core/journal"
)

// Cases gives a page of what people have to look at, newest first.
func (s *Service) Cases(ctx context.Context, f journal.CaseFilter) (journal.CasePage, error) {
	page, err := s.store.Cases(ctx, f)
	if err != nil {
		return journal.CasePage{}, readRefusal(err)
	}
	return page, nil
}

// CloseCase closes a case with what a person found out and did. It changes no payment. Refusals: not_found, state_conflict,
// invalid_request.
func (s *Service) CloseCase(ctx context.Context, id, by, resolution string) error {
	resolution = strings.TrimSpace(resolution)
	switch {
	case resolution == "":
		return &Refusal{Code: CodeInvalidRequest, Field: "resolution", Rule: "is required: what was found out and done"}
	case len(resolution) > maxReason:
		return &Refusal{Code: CodeInvalidRequest, Field: "resolution", Rule: "is longer than 500 bytes"}
	}
	err := s.store.CloseCase(ctx, id, "operator:"+by, resolution, s.engine.Clock.Now())
	switch {
	case err == nil:
		return nil
	case errors.Is(err, journal.ErrNotFound):
		return &Refusal{Code: CodeNotFound, Rule: "no such case", Err: err}
	case errors.Is(err, journal.ErrStale):
		return &Refusal{Code: CodeStateConflict, Rule: "the case is closed already", Err: err}
	case errors.Is(err, journal.ErrIllegal):
		return &Refusal{Code: CodeStateConflict, Rule: "the case is a parked payment's task: it closes when the payment is resolved", Err: err}
	default:
		return readRefusal(err)
	}
}
