package apiclient

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/internal/view"
)

// Cases gives a page of what people have to look at, newest first.
func (c *Client) Cases(ctx context.Context, f journal.CaseFilter) (view.Cases, error) {
	query := queryOf(map[string]string{"open": strconv.FormatBool(f.Open), "payment": string(f.Payment), "cursor": f.Cursor})
	if f.Limit > 0 {
		query.Set("limit", strconv.Itoa(f.Limit))
	}
	var page view.Cases
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/v1/cases", query: query}, &page)
	return page, err
}

// CloseCase closes a case with what was found out and done.
func (c *Client) CloseCase(ctx context.Context, id, resolution string) (view.Closed, error) {
	var closed view.Closed
	_, err := c.do(ctx, call{
		method: http.MethodPost, path: "/v1/cases/" + url.PathEscape(id) + "/close", body: view.CloseBody{Resolution: resolution},
	}, &closed)
	return closed, err
}
