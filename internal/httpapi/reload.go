package httpapi

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/internal/view"
)

func (s *server) pluginCalls(api huma.API) {
	reload := s.call("reload-provider", http.MethodPost, "/v1/providers/{name}/reload", ScopeAdmin)
	reload.Summary = "Start a provider's plugin anew from the configuration, without a gap"
	reload.Middlewares = append(reload.Middlewares, wholeBody)
	huma.Register(api, reload, s.reload)
}

type reloadInput struct {
	Name string `path:"name" maxLength:"64"`
}

type reloadOutput struct{ Body view.Provider }

// reload answers with the provider as it is then.
func (s *server) reload(ctx context.Context, in *reloadInput) (*reloadOutput, error) {
	isNamed := func(p view.Provider) bool { return p.Name == in.Name }
	if s.Reload == nil || !slices.ContainsFunc(s.shown(ctx).Providers, isNamed) {
		return nil, view.NewProblem(payments.CodeNotFound, "name", "no provider of this name has a plugin here")
	}
	if err := s.Reload(ctx, in.Name); err != nil {
		return nil, view.NewProblem(view.CodeReloadFailed, "", err.Error())
	}
	all := s.shown(ctx).Providers
	return &reloadOutput{all[slices.IndexFunc(all, isNamed)]}, nil
}
