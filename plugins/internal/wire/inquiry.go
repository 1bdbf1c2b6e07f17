package wire

import (
	"github.com/jalurhq/jalur/core"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

// InquireRequest writes an inquiry; the error is as in [Order].
func InquireRequest(req core.InquiryRequest) (*pb.InquireRequest, error) {
	if err := checkText(req.Extra, req.Ref, string(req.Merchant), req.Product, string(req.Account), req.CallbackURL); err != nil {
		return nil, err
	}
	return &pb.InquireRequest{
		Ref: req.Ref, Merchant: string(req.Merchant), Product: req.Product, Account: string(req.Account), Amount: money(req.Amount), Extra: req.Extra,
		CallbackUrl: req.CallbackURL,
	}, nil
}

// InquireRequestFrom reads an inquiry.
func InquireRequestFrom(m *pb.InquireRequest) (core.InquiryRequest, error) {
	var r reader
	return core.InquiryRequest{
		Ref: m.GetRef(), Merchant: core.MerchantCode(m.GetMerchant()), Product: m.GetProduct(), Account: core.AccountNumber(m.GetAccount()),
		Amount: r.money("amount", m.GetAmount()), Extra: m.GetExtra(), CallbackURL: m.GetCallbackUrl(),
	}, r.err
}

// Quote writes an answer to an inquiry.
func Quote(q core.Quote) *pb.Quote {
	return &pb.Quote{
		Token: text(q.Token), ExpiresAt: timestamp(q.ExpiresAt), Product: text(q.Product), Account: text(string(q.Account)),
		ReceiverName: text(q.ReceiverName), Amount: money(q.Amount), Cost: money(q.Cost), Cashback: money(q.Cashback), Details: textMap(q.Details),
		Reserves: q.Reserves,
	}
}

// QuoteFrom reads an answer to an inquiry.
func QuoteFrom(m *pb.Quote) (core.Quote, error) {
	var r reader
	quote := core.Quote{
		Token: m.GetToken(), ExpiresAt: r.time("expires_at", m.GetExpiresAt()), Product: m.GetProduct(), Account: core.AccountNumber(m.GetAccount()),
		ReceiverName: m.GetReceiverName(), Amount: r.money("amount", m.GetAmount()), Cost: r.money("cost", m.GetCost()),
		Cashback: r.money("cashback", m.GetCashback()), Details: m.GetDetails(), Reserves: m.GetReserves(),
	}
	if r.err != nil {
		return core.Quote{}, r.err
	}
	return quote, nil
}
