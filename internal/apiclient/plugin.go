package apiclient

import (
	"context"
	"net/http"
	"net/url"

	"github.com/jalurhq/jalur/internal/view"
)

// ReloadPlugin has a provider's plugin started anew from the gateway's configuration, and gives the provider as it is then.
func (c *Client) ReloadPlugin(ctx context.Context, provider string) (view.Provider, error) {
	var reloaded view.Provider
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/providers/" + url.PathEscape(provider) + "/reload"}, &reloaded)
	return reloaded, err
}
