package wire

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/jalurhq/jalur/core"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

var (
	errNotText = errors.New("not valid text (UTF-8)")
	errNoOrder = errors.New("no order in the request")
)

// Order writes an order. Its error means that the order can't be sent to a plugin at all: a field of it is not valid text.
func Order(req core.PayRequest) (*pb.Order, error) {
	if err := checkText(req.Extra, req.Ref, string(req.Merchant), req.Product, string(req.Account), req.Quote, req.CallbackURL); err != nil {
		return nil, err
	}
	return &pb.Order{
		Ref: req.Ref, Merchant: string(req.Merchant), Product: req.Product, Account: string(req.Account), Amount: money(req.Amount),
		Quote: req.Quote, MaxCost: money(req.MaxCost), Extra: req.Extra, SendBeforeNs: int64(req.SendBefore),
		CallbackUrl: req.CallbackURL,
	}, nil
}

// OrderFrom reads an order.
func OrderFrom(m *pb.Order) (core.PayRequest, error) {
	if m == nil {
		return core.PayRequest{}, fmt.Errorf("%w: %w", ErrUnreadable, errNoOrder)
	}
	var r reader
	return core.PayRequest{
		Ref: m.GetRef(), Merchant: core.MerchantCode(m.GetMerchant()), Product: m.GetProduct(), Account: core.AccountNumber(m.GetAccount()),
		Amount: r.money("amount", m.GetAmount()), Quote: m.GetQuote(), MaxCost: r.money("max_cost", m.GetMaxCost()), Extra: m.GetExtra(),
		SendBefore: time.Duration(m.GetSendBeforeNs()), CallbackURL: m.GetCallbackUrl(),
	}, r.err
}

// StatusRequest writes a question about an order; the error is as in [Order].
func StatusRequest(req core.StatusRequest) (*pb.StatusRequest, error) {
	original, err := Order(req.Original)
	if err == nil {
		err = checkText(nil, string(req.Invoice))
	}
	if err != nil {
		return nil, err
	}
	return &pb.StatusRequest{Invoice: string(req.Invoice), Original: original, FirstSentAt: timestamp(req.FirstSentAt)}, nil
}

// StatusRequestFrom reads a question about an order.
func StatusRequestFrom(m *pb.StatusRequest) (core.StatusRequest, error) {
	original, err := OrderFrom(m.GetOriginal())
	if err != nil {
		return core.StatusRequest{}, err
	}
	var r reader
	return core.StatusRequest{
		Invoice: core.Invoice(m.GetInvoice()), Original: original, FirstSentAt: r.time("first_sent_at", m.GetFirstSentAt()),
	}, r.err
}

// checkText refuses what protobuf would refuse to send, before anything is sent.
func checkText(extra map[string]string, fields ...string) error {
	for _, s := range slices.Concat(fields, slices.Collect(maps.Keys(extra)), slices.Collect(maps.Values(extra))) {
		if !utf8.ValidString(s) {
			return fmt.Errorf("a field of the request is %w", errNotText)
		}
	}
	return nil
}
