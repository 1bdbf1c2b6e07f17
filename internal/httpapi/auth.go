package httpapi

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/internal/view"
)

type callerKey struct{}

// caller gives the client of a call that require has let in.
func caller(ctx context.Context) Client {
	c, _ := ctx.Value(callerKey{}).(Client)
	return c
}

// whose gives the client whose payments the caller may read.
func whose(c Client) string {
	if c.seesAll() {
		return payments.AnyClient
	}
	return c.ID
}

// require lets in who may do what the scope stands for.
func (s *server) require(scope string) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		client, problem := s.identify(ctx.Header("Authorization"))
		if problem == nil && !client.May(scope) {
			problem = view.NewProblem(view.CodeForbidden, "", "this client may not: it lacks the scope "+scope)
		}
		noteClient(ctx.Context(), client.ID)
		if problem != nil {
			refuse(ctx, problem)
			return
		}
		next(huma.WithValue(ctx, callerKey{}, client))
	}
}

// identify gives the client of an Authorization header. Where no clients are configured, everybody is the one user.
func (s *server) identify(header string) (Client, *view.Problem) {
	if len(s.Clients) == 0 {
		return Client{Scopes: []string{ScopeAdmin}}, nil
	}
	scheme, credentials, _ := strings.Cut(header, " ")
	id, secret, ok := strings.Cut(strings.TrimSpace(credentials), ":")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return Client{}, view.NewProblem(view.CodeUnauthorized, "", "the header Authorization: Bearer ID:SECRET is required")
	}
	client, err := s.Clients.Verify(id, secret)
	if err != nil {
		return Client{}, view.NewProblem(view.CodeUnauthorized, "", err.Error())
	}
	return client, nil
}

// guarded keeps browsers out where no secret does: a page of some other site could otherwise make this machine's browser order top-ups,
// by a form or by giving its own name this machine's address. The Host must be a loopback name, and the call must not come from another site.
func (s *server) guarded(next http.Handler) http.Handler {
	if len(s.Clients) > 0 {
		return next
	}
	sites := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !loopback(r.Host):
			writeProblem(w, view.NewProblem(view.CodeForbidden, "", "without clients the gateway answers to localhost only"))
		case sites.Check(r) != nil:
			writeProblem(w, view.NewProblem(view.CodeForbidden, "", "without clients the gateway takes nothing from other sites"))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func loopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}
