package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/internal/view"
)

func (s *server) caseCalls(api huma.API) {
	list := s.call("list-cases", http.MethodGet, "/v1/cases", ScopeResolve)
	list.Summary = "List what people have to look at, newest first"
	huma.Register(api, list, s.cases)

	closing := s.call("close-case", http.MethodPost, "/v1/cases/{id}/close", ScopeResolve)
	closing.Summary = "Close a case with what was found out and done"
	closing.Middlewares = append(closing.Middlewares, wholeBody)
	huma.Register(api, closing, s.closeCase)
}

type casesInput struct {
	Open    bool   `query:"open" default:"true" doc:"false: the closed ones too."`
	Payment string `query:"payment" maxLength:"64"`
	Limit   int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
	Cursor  string `query:"cursor" doc:"The next of the page before."`
}

type casesOutput struct{ Body view.Cases }

func (s *server) cases(ctx context.Context, in *casesInput) (*casesOutput, error) {
	page, err := s.Service.Cases(ctx, journal.CaseFilter{
		Open: in.Open, Payment: core.PaymentID(in.Payment), Limit: in.Limit, Cursor: in.Cursor,
	})
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	return &casesOutput{view.CasesOf(page)}, nil
}

type closeInput struct {
	ID      string `path:"id" maxLength:"64"`
	RawBody []byte `contentType:"application/json"`
}

type closeOutput struct{ Body view.Closed }

func (s *server) closeCase(ctx context.Context, in *closeInput) (*closeOutput, error) {
	body, err := decode[view.CloseBody](in.RawBody)
	if err != nil {
		return nil, err
	}
	if err := s.Service.CloseCase(ctx, in.ID, caller(ctx).ID, body.Resolution); err != nil {
		return nil, s.failed(ctx, err)
	}
	return &closeOutput{view.Closed{ID: in.ID}}, nil
}
