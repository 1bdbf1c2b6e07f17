package wire

import (
	"fmt"

	"github.com/jalurhq/jalur/core"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

// Result writes an answer about an order.
func Result(res core.Result) *pb.Result {
	return &pb.Result{
		Outcome: outcome(res.Outcome), Code: text(string(res.Code)), ProviderCode: text(res.ProviderCode), Reason: text(res.Reason),
		Invoice: text(string(res.Invoice)), Reference: text(res.Reference), Product: text(res.Product), Account: text(string(res.Account)),
		Amount: money(res.Amount), ReceiverName: text(res.ReceiverName), Cost: money(res.Cost), Cashback: money(res.Cashback),
		BalanceAfter: money(res.BalanceAfter), ProviderTime: timestamp(res.ProviderTime), Details: textMap(res.Details), Ref: text(res.Ref),
	}
}

// ResultFrom reads an answer about an order. Where a part can't be read, the outcome is Unknown and the rest is evidence.
func ResultFrom(m *pb.Result) (core.Result, error) {
	var r reader
	res := core.Result{
		Outcome: outcomeFrom(m.GetOutcome()), Code: codeFrom(m.GetCode()), ProviderCode: m.GetProviderCode(), Reason: m.GetReason(),
		Invoice: core.Invoice(m.GetInvoice()), Reference: m.GetReference(), Product: m.GetProduct(), Account: core.AccountNumber(m.GetAccount()),
		Amount: r.money("amount", m.GetAmount()), ReceiverName: m.GetReceiverName(), Cost: r.money("cost", m.GetCost()),
		Cashback: r.money("cashback", m.GetCashback()), BalanceAfter: r.money("balance_after", m.GetBalanceAfter()),
		ProviderTime: r.time("provider_time", m.GetProviderTime()), Details: m.GetDetails(), Ref: m.GetRef(),
	}
	if r.err != nil {
		res.Outcome, res.Code = core.Unknown, core.CodeInternal
	}
	return res, r.err
}

// OrderReply is what the replies to Pay and Status have in common.
type OrderReply interface {
	GetResult() *pb.Result
	GetFault() *pb.Fault
	GetEvidence() *pb.Result
}

// OrderAnswer reads the reply to Pay or Status as [core.Provider] answers: a result, or an error with the evidence beside it.
func OrderAnswer(op string, reply OrderReply) (core.Result, *core.Error) {
	if reply.GetResult() == nil {
		evidence, unreadable := ResultFrom(reply.GetEvidence())
		fault := FaultError(op, reply.GetFault())
		if unreadable != nil {
			fault.Outcome = core.Unknown
		}
		evidence.Outcome = core.Unknown
		return evidence, fault
	}
	res, err := ResultFrom(reply.GetResult())
	if err == nil && !res.Outcome.IsAnswer() {
		err = fmt.Errorf("outcome %s in a result: %w", res.Outcome, ErrUnreadable)
		res.Outcome = core.Unknown
	}
	if err != nil {
		return res, Unreadable(op, err)
	}
	return res, nil
}
