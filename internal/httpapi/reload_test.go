package httpapi_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/internal/httpapi"
	"github.com/jalurhq/jalur/internal/httpapi/apitest"
	"github.com/jalurhq/jalur/internal/view"
)

func TestAPluginIsReloadedByName(t *testing.T) {
	t.Parallel()
	var asked []string
	g := apitest.Start(t, apitest.Config{Edit: func(c *httpapi.Config) {
		c.Reload = func(_ context.Context, provider string) error {
			if asked = append(asked, provider); len(asked) > 1 {
				return errors.New("provider fake: the new one crashed")
			}
			return nil
		}
	}})
	r := call(t, g, "POST /v1/providers/fake/reload", "", nil)
	if p := into[view.Provider](t, r); r.status != 200 || p.Name != "fake" || p.Capabilities == nil || p.Health.State != "ready" {
		t.Errorf("%d %s", r.status, r.text)
	}
	if p := isProblem(t, call(t, g, "POST /v1/providers/fake/reload", "", nil), 422, "reload_failed"); !strings.Contains(p.Detail, "the new one crashed") {
		t.Errorf("%+v", p)
	}
	isProblem(t, call(t, g, "POST /v1/providers/other/reload", "", nil), 404, "not_found")
	if len(asked) != 2 || asked[0] != "fake" {
		t.Errorf("%q", asked)
	}
	none := apitest.Start(t, apitest.Config{})
	isProblem(t, call(t, none, "POST /v1/providers/fake/reload", "", nil), 404, "not_found")
}
