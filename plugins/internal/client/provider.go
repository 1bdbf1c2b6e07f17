package client

import (
	"context"
	"crypto/rand"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/internal/wire"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

var _ core.Provider = (*Client)(nil)

// Describe implements [core.Provider].
func (c *Client) Describe(ctx context.Context) (core.Descriptor, error) {
	const op = "describe"
	req := &pb.DescribeRequest{Call: rand.Text()}
	resp, err := ask(ctx, question[*pb.DescribeRequest, *pb.DescribeResponse]{op, req, c.stub.Describe})
	switch {
	case err != nil:
		return core.Descriptor{}, c.hidden(err)
	case resp.GetDescription() == nil:
		return core.Descriptor{}, c.hidden(wire.FaultError(op, resp.GetFault()))
	}
	d, unreadable := wire.DescriptionFrom(resp.GetDescription())
	if unreadable != nil {
		return core.Descriptor{}, wire.Unreadable(op, unreadable)
	}
	return d, nil
}

// ListProducts implements [core.Provider].
func (c *Client) ListProducts(ctx context.Context, filter core.ProductFilter) (core.ProductPage, error) {
	const op = "list_products"
	req, bad := wire.ListProductsRequest(filter)
	if bad != nil {
		return core.ProductPage{}, badRequest(op, bad)
	}
	req.Call = rand.Text()
	resp, err := ask(ctx, question[*pb.ListProductsRequest, *pb.ListProductsResponse]{op, req, c.stub.ListProducts})
	switch {
	case err != nil:
		return core.ProductPage{}, c.hidden(err)
	case resp.GetPage() == nil:
		return core.ProductPage{}, c.hidden(wire.FaultError(op, resp.GetFault()))
	}
	page, unreadable := wire.ProductPageFrom(resp.GetPage())
	if unreadable != nil {
		return core.ProductPage{}, wire.Unreadable(op, unreadable)
	}
	return page, nil
}

// Inquire implements [core.Provider].
func (c *Client) Inquire(ctx context.Context, inquiry core.InquiryRequest) (core.Quote, error) {
	const op = "inquire"
	req, bad := wire.InquireRequest(inquiry)
	if bad != nil {
		return core.Quote{}, badRequest(op, bad)
	}
	req.Call = rand.Text()
	resp, err := ask(ctx, question[*pb.InquireRequest, *pb.InquireResponse]{op, req, c.stub.Inquire})
	switch {
	case err != nil:
		return core.Quote{}, c.hidden(err)
	case resp.GetQuote() == nil:
		return core.Quote{}, c.hidden(wire.FaultError(op, resp.GetFault()))
	}
	quote, unreadable := wire.QuoteFrom(resp.GetQuote())
	if unreadable != nil {
		return core.Quote{}, wire.Unreadable(op, unreadable)
	}
	return quote, nil
}

// Pay implements [core.Provider]. Its errors are NotSent only before the call to the plugin has begun, or on the plugin's own word.
func (c *Client) Pay(ctx context.Context, order core.PayRequest) (core.Result, error) {
	const op = "pay"
	written, bad := wire.Order(order)
	if bad != nil {
		return core.Result{}, badRequest(op, bad)
	}
	req := &pb.PayRequest{Call: rand.Text(), Order: written}
	resp, err := ask(ctx, question[*pb.PayRequest, *pb.PayResponse]{op, req, c.stub.Pay})
	if err != nil {
		return core.Result{}, c.hidden(err)
	}
	return c.answer(op, resp)
}

// Status implements [core.Provider].
func (c *Client) Status(ctx context.Context, order core.StatusRequest) (core.Result, error) {
	const op = "status"
	req, bad := wire.StatusRequest(order)
	if bad != nil {
		return core.Result{}, badRequest(op, bad)
	}
	req.Call = rand.Text()
	resp, err := ask(ctx, question[*pb.StatusRequest, *pb.StatusResponse]{op, req, c.stub.Status})
	if err != nil {
		return core.Result{}, c.hidden(err)
	}
	return c.answer(op, resp)
}

func (c *Client) answer(op string, reply wire.OrderReply) (core.Result, error) {
	res, err := wire.OrderAnswer(op, reply)
	if err != nil {
		return res, c.hidden(err)
	}
	return res, nil
}

// badRequest is a request that was never sent: protobuf would not have taken it.
func badRequest(op string, cause error) error {
	return &core.Error{Op: op, Outcome: core.NotSent, Code: core.CodeBadRequest, Err: cause}
}
