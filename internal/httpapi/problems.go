package httpapi

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/internal/view"
)

const jsonType = "application/json"

// wordProblem gives every problem its final form: those that huma made of parameters become ours, and those of a pay say what is
// known of the money. It is part of this API's own configuration, so that huma's package-wide error constructor stays as it is.
func wordProblem(ctx huma.Context, _ string, body any) (any, error) {
	switch b := body.(type) {
	case *huma.ErrorModel:
		return ofPay(ctx.Operation(), problemOf(b)), nil
	case *view.Problem:
		return ofPay(ctx.Operation(), b), nil
	default:
		return body, nil
	}
}

// problemOf words what huma found wrong with path, query or header.
func problemOf(found *huma.ErrorModel) *view.Problem {
	broken := make([]view.FieldError, 0, len(found.Errors))
	for _, e := range found.Errors {
		_, field, _ := strings.Cut(e.Location, ".")
		broken = append(broken, view.FieldError{Field: field, Rule: "is refused: " + e.Message})
	}
	switch {
	case found.Status == http.StatusBadRequest:
		return view.NewProblem(view.CodeMalformedJSON, "", found.Detail)
	case len(broken) == 0:
		return view.ProblemOf(found)
	default:
		return view.FieldProblem(payments.CodeInvalidRequest, broken...)
	}
}

// ofPay adds what is known of the money. Every refusal of a pay comes before anything is sent; after a failure of our own nobody knows.
func ofPay(op *huma.Operation, p *view.Problem) *view.Problem {
	if op.OperationID != opPay || p.Outcome != "" {
		return p
	}
	said := *p
	said.Outcome = core.NotSent.String()
	if p.Code == view.CodeInternal {
		said.Outcome = core.Unknown.String()
	}
	return &said
}

// refuse answers a call of the API before its handler.
func refuse(ctx huma.Context, p *view.Problem) {
	_, w := humago.Unwrap(ctx)
	writeProblem(w, ofPay(ctx.Operation(), p))
}

func writeProblem(w http.ResponseWriter, p *view.Problem) {
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	w.Header().Set("Content-Type", view.ProblemType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) //nolint:errchkjson // it always can be; the caller may be gone
}

// worded answers in our own words where the mux knows no such path or method.
func worded(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		said := muted{header: http.Header{}}
		mux.ServeHTTP(&said, r)
		if said.status != http.StatusMethodNotAllowed {
			writeProblem(w, view.NewProblem(payments.CodeNotFound, "", "no such path; / lists the calls"))
			return
		}
		w.Header().Set("Allow", said.header.Get("Allow"))
		writeProblem(w, view.NewProblem(view.CodeMethodNotAllowed, "", "this path takes "+said.header.Get("Allow")))
	})
}

// muted keeps what the mux would have said.
type muted struct {
	header http.Header
	status int
}

func (m *muted) Header() http.Header         { return m.header }
func (m *muted) Write(b []byte) (int, error) { return len(b), nil }
func (m *muted) WriteHeader(status int)      { m.status = status }
