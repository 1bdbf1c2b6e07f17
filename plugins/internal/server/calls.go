package server

import (
	"context"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/internal/wire"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

// Describe answers with the provider's own description.
func (s *Server) Describe(ctx context.Context, req *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	resp := &pb.DescribeResponse{Call: req.GetCall()}
	d, err := call(s, "describe", func(set core.Set) (core.Descriptor, error) { return set.Provider.Describe(ctx) })
	if err != nil {
		resp.Answer = &pb.DescribeResponse_Fault{Fault: wire.Fault("describe", err)}
		return resp, nil
	}
	resp.Answer = &pb.DescribeResponse_Description{Description: wire.Description(d)}
	return resp, nil
}

// ListProducts answers with a page.
func (s *Server) ListProducts(ctx context.Context, req *pb.ListProductsRequest) (*pb.ListProductsResponse, error) {
	resp := &pb.ListProductsResponse{Call: req.GetCall()}
	page, err := call(s, "list_products", func(set core.Set) (core.ProductPage, error) {
		return set.Provider.ListProducts(ctx, wire.ListProductsRequestFrom(req))
	})
	if err != nil {
		resp.Answer = &pb.ListProductsResponse_Fault{Fault: wire.Fault("list_products", err)}
		return resp, nil
	}
	resp.Answer = &pb.ListProductsResponse_Page{Page: wire.ProductPage(page)}
	return resp, nil
}

// Inquire answers with a quote.
func (s *Server) Inquire(ctx context.Context, req *pb.InquireRequest) (*pb.InquireResponse, error) {
	resp := &pb.InquireResponse{Call: req.GetCall()}
	quote, err := call(s, "inquire", func(set core.Set) (core.Quote, error) {
		inquiry, err := wire.InquireRequestFrom(req)
		if err != nil {
			return core.Quote{}, notSent("inquire", core.CodeBadRequest, err)
		}
		return set.Provider.Inquire(ctx, inquiry)
	})
	if err != nil {
		resp.Answer = &pb.InquireResponse_Fault{Fault: wire.Fault("inquire", err)}
		return resp, nil
	}
	resp.Answer = &pb.InquireResponse_Quote{Quote: wire.Quote(quote)}
	return resp, nil
}

// Pay answers with a result, or with a fault and the evidence beside it.
func (s *Server) Pay(ctx context.Context, req *pb.PayRequest) (*pb.PayResponse, error) {
	resp := &pb.PayResponse{Call: req.GetCall()}
	res, err := call(s, "pay", func(set core.Set) (core.Result, error) {
		order, err := wire.OrderFrom(req.GetOrder())
		if err != nil {
			return core.Result{}, notSent("pay", core.CodeBadRequest, err)
		}
		return set.Provider.Pay(ctx, order)
	})
	if err != nil {
		resp.Answer, resp.Evidence = &pb.PayResponse_Fault{Fault: wire.Fault("pay", err)}, wire.Result(res)
		return resp, nil
	}
	resp.Answer = &pb.PayResponse_Result{Result: wire.Result(res)}
	return resp, nil
}

// Status answers as Pay does.
func (s *Server) Status(ctx context.Context, req *pb.StatusRequest) (*pb.StatusResponse, error) {
	resp := &pb.StatusResponse{Call: req.GetCall()}
	res, err := call(s, "status", func(set core.Set) (core.Result, error) {
		question, err := wire.StatusRequestFrom(req)
		if err != nil {
			return core.Result{}, &core.Error{Op: "status", Code: core.CodeBadRequest, Err: err}
		}
		return set.Provider.Status(ctx, question)
	})
	if err != nil {
		resp.Answer, resp.Evidence = &pb.StatusResponse_Fault{Fault: wire.Fault("status", err)}, wire.Result(res)
		return resp, nil
	}
	resp.Answer = &pb.StatusResponse_Result{Result: wire.Result(res)}
	return resp, nil
}

// call runs one call of the provider between the gate's Enter and Leave.
func call[T any](s *Server, op string, do func(core.Set) (T, error)) (T, error) {
	set, err := s.begin(op)
	if err != nil {
		var none T
		return none, err
	}
	defer s.gate.Leave()
	return guard(op, func() (T, error) { return do(set) })
}
