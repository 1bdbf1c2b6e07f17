package client

import (
	"context"
	"crypto/rand"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/internal/wire"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

var (
	_ core.BalanceReader  = (*Client)(nil)
	_ core.CallbackReader = (*Client)(nil)
	_ core.QuoteCanceller = (*Client)(nil)
)

// Balances implements [core.BalanceReader]. A plugin without it gives an error as [Unsupported]; so in the calls below.
func (c *Client) Balances(ctx context.Context) ([]core.Balance, error) {
	const op = "balances"
	req := &pb.BalancesRequest{Call: rand.Text()}
	resp, err := askOptional(ctx, question[*pb.BalancesRequest, *pb.BalancesResponse]{op, req, c.stub.Balances})
	switch {
	case err != nil:
		return nil, c.hidden(err)
	case resp.GetSheet() == nil:
		return nil, c.hidden(wire.FaultError(op, resp.GetFault()))
	}
	balances, unreadable := wire.BalancesFrom(resp.GetSheet())
	if unreadable != nil {
		return nil, wire.Unreadable(op, unreadable)
	}
	return balances, nil
}

// ReadCallback implements [core.CallbackReader].
func (c *Client) ReadCallback(ctx context.Context, request core.CallbackRequest) (core.Callback, error) {
	const op = "read_callback"
	req, bad := wire.ReadCallbackRequest(request)
	if bad != nil {
		return core.Callback{}, badRequest(op, bad)
	}
	req.Call = rand.Text()
	resp, err := askOptional(ctx, question[*pb.ReadCallbackRequest, *pb.ReadCallbackResponse]{op, req, c.stub.ReadCallback})
	switch {
	case err != nil:
		return core.Callback{}, c.hidden(err)
	case resp.GetCallback() == nil:
		return core.Callback{}, c.hidden(wire.FaultError(op, resp.GetFault()))
	default:
		return wire.CallbackFrom(resp.GetCallback()), nil
	}
}

// CancelQuote implements [core.QuoteCanceller].
func (c *Client) CancelQuote(ctx context.Context, token string) error {
	const op = "cancel_quote"
	req, bad := wire.CancelQuoteRequest(token)
	if bad != nil {
		return badRequest(op, bad)
	}
	req.Call = rand.Text()
	resp, err := askOptional(ctx, question[*pb.CancelQuoteRequest, *pb.CancelQuoteResponse]{op, req, c.stub.CancelQuote})
	switch {
	case err != nil:
		return c.hidden(err)
	case resp.GetCancelled() == nil:
		return c.hidden(wire.FaultError(op, resp.GetFault()))
	default:
		return nil
	}
}
