package server

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/internal/wire"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

// errCannot is how a plugin says that it has no such call, whatever language it is written in.
var errCannot = status.Error(codes.Unimplemented, "this provider has no such call")

// Balances answers with what the provider holds.
func (s *Server) Balances(ctx context.Context, req *pb.BalancesRequest) (*pb.BalancesResponse, error) {
	resp := &pb.BalancesResponse{Call: req.GetCall()}
	balances, err := call(s, "balances", func(set core.Set) ([]core.Balance, error) {
		if set.Balances == nil {
			return nil, errCannot
		}
		return set.Balances.Balances(ctx)
	})
	switch {
	case errors.Is(err, errCannot):
		return nil, errCannot
	case err != nil:
		resp.Answer = &pb.BalancesResponse_Fault{Fault: wire.Fault("balances", err)}
	default:
		resp.Answer = &pb.BalancesResponse_Sheet{Sheet: wire.BalanceSheet(balances)}
	}
	return resp, nil
}

// ReadCallback answers with what the provider's own request says.
func (s *Server) ReadCallback(ctx context.Context, req *pb.ReadCallbackRequest) (*pb.ReadCallbackResponse, error) {
	resp := &pb.ReadCallbackResponse{Call: req.GetCall()}
	callback, err := call(s, "read_callback", func(set core.Set) (core.Callback, error) {
		if set.Callbacks == nil {
			return core.Callback{}, errCannot
		}
		return set.Callbacks.ReadCallback(ctx, wire.ReadCallbackRequestFrom(req))
	})
	switch {
	case errors.Is(err, errCannot):
		return nil, errCannot
	case err != nil:
		resp.Answer = &pb.ReadCallbackResponse_Fault{Fault: wire.Fault("read_callback", err)}
	default:
		resp.Answer = &pb.ReadCallbackResponse_Callback{Callback: wire.Callback(callback)}
	}
	return resp, nil
}

// CancelQuote answers when the quote holds nothing any more.
func (s *Server) CancelQuote(ctx context.Context, req *pb.CancelQuoteRequest) (*pb.CancelQuoteResponse, error) {
	resp := &pb.CancelQuoteResponse{Call: req.GetCall()}
	_, err := call(s, "cancel_quote", func(set core.Set) (struct{}, error) {
		if set.Quotes == nil {
			return struct{}{}, errCannot
		}
		return struct{}{}, set.Quotes.CancelQuote(ctx, req.GetToken())
	})
	switch {
	case errors.Is(err, errCannot):
		return nil, errCannot
	case err != nil:
		resp.Answer = &pb.CancelQuoteResponse_Fault{Fault: wire.Fault("cancel_quote", err)}
	default:
		resp.Answer = &pb.CancelQuoteResponse_Cancelled{Cancelled: &pb.QuoteCancelled{}}
	}
	return resp, nil
}
