package wire

import (
	"math"

	"github.com/jalurhq/jalur/core"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

// ReadCallbackRequest writes a request of a provider; the error is as in [Order]. Values of headers may hold any bytes, and a signature may cover them.
func ReadCallbackRequest(req core.CallbackRequest) (*pb.ReadCallbackRequest, error) {
	if err := checkText(nil, req.Method, req.Path, req.Query, req.Remote); err != nil {
		return nil, err
	}
	m := &pb.ReadCallbackRequest{Method: req.Method, Path: req.Path, Query: req.Query, Body: req.Body, Remote: req.Remote}
	for name, values := range req.Header {
		if err := checkText(nil, name); err != nil {
			return nil, err
		}
		header := &pb.Header{Name: name}
		for _, value := range values {
			header.Values = append(header.Values, []byte(value))
		}
		m.Headers = append(m.Headers, header)
	}
	return m, nil
}

// ReadCallbackRequestFrom reads a request of a provider.
func ReadCallbackRequestFrom(m *pb.ReadCallbackRequest) core.CallbackRequest {
	return core.CallbackRequest{
		Method: m.GetMethod(), Path: m.GetPath(), Query: m.GetQuery(), Header: headersFrom(m.GetHeaders()), Body: m.GetBody(), Remote: m.GetRemote(),
	}
}

func headersFrom(headers []*pb.Header) map[string][]string {
	if len(headers) == 0 {
		return nil
	}
	read := make(map[string][]string, len(headers))
	for _, header := range headers {
		for _, value := range header.GetValues() {
			read[header.GetName()] = append(read[header.GetName()], string(value))
		}
	}
	return read
}

// Callback writes what a request of a provider says. A status that no number of the wire holds becomes one that no reply can have.
func Callback(c core.Callback) *pb.Callback {
	return &pb.Callback{
		Orders: each(c.Orders, func(o core.CallbackOrder) *pb.CallbackOrder {
			return &pb.CallbackOrder{Ref: text(o.Ref), Quote: text(o.Quote), Invoice: text(string(o.Invoice))}
		}),
		Status:      int32(min(max(c.Status, math.MinInt32), math.MaxInt32)),
		ContentType: text(c.ContentType), Body: c.Body,
	}
}

// CallbackFrom reads what a request of a provider says.
func CallbackFrom(m *pb.Callback) core.Callback {
	return core.Callback{
		Orders: each(m.GetOrders(), func(o *pb.CallbackOrder) core.CallbackOrder {
			return core.CallbackOrder{Ref: o.GetRef(), Quote: o.GetQuote(), Invoice: core.Invoice(o.GetInvoice())}
		}),
		Status: int(m.GetStatus()), ContentType: m.GetContentType(), Body: m.GetBody(),
	}
}

// CancelQuoteRequest writes the token of a quote; the error is as in [Order].
func CancelQuoteRequest(token string) (*pb.CancelQuoteRequest, error) {
	if err := checkText(nil, token); err != nil {
		return nil, err
	}
	return &pb.CancelQuoteRequest{Token: token}, nil
}
