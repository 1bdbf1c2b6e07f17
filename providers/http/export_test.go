package httpspec

import (
	"context"
	"net/http"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
)

// ReadPay gives the tests what becomes of an answer to a Pay, without HTTP around it.
func (p *Provider) ReadPay(ctx context.Context, body []byte, req core.PayRequest) (core.Result, error) {
	reply := transport.Reply{Status: http.StatusOK, Body: body}
	return p.settle(ctx, p.pay.answer, reply, question{order: req, variables: p.order(req)})
}

// ReadStatus is ReadPay of a Status.
func (p *Provider) ReadStatus(ctx context.Context, body []byte, req core.StatusRequest) (core.Result, error) {
	variables := p.order(req.Original)
	variables["invoice"] = string(req.Invoice)
	reply := transport.Reply{Status: http.StatusOK, Body: body}
	return p.settle(ctx, p.status.answer, reply, question{order: req.Original, invoice: req.Invoice, variables: variables})
}
