package wire_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/internal/wire"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

// A message of any bytes is an end only where it says so itself, in a field of its own; an error never is one.
func FuzzPayResponse(f *testing.F) {
	for _, m := range []*pb.PayResponse{
		{}, succeeded(func(*pb.Result) {}), succeeded(func(r *pb.Result) { r.Outcome = 99 }),
		{Answer: &pb.PayResponse_Fault{Fault: &pb.Fault{Outcome: pb.Outcome_OUTCOME_NOT_SENT, Code: "transport_not_sent"}}},
	} {
		data, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m pb.PayResponse
		if proto.Unmarshal(data, &m) != nil {
			return
		}
		res, err := wire.OrderAnswer("pay", &m)
		switch {
		case err == nil && (m.GetResult() == nil || !res.Outcome.IsAnswer()):
			t.Errorf("%v is %s", &m, res.Outcome)
		case err == nil && res.Outcome == core.Succeeded && m.GetResult().GetOutcome() != pb.Outcome_OUTCOME_SUCCEEDED:
			t.Errorf("%v is %s", &m, res.Outcome)
		case err != nil && res.Outcome != core.Unknown:
			t.Errorf("%v is an error and %s", &m, res.Outcome)
		case err != nil && core.OutcomeOf(err) == core.NotSent && m.GetFault().GetOutcome() != pb.Outcome_OUTCOME_NOT_SENT:
			t.Errorf("%v was not sent: %v", &m, err)
		case err != nil && core.OutcomeOf(err).IsAnswer():
			t.Errorf("%v is an error that is an answer: %v", &m, err)
		}
	})
}

// Every other message of any bytes, from a plugin or from a host, is read or refused.
func FuzzMessages(f *testing.F) {
	for _, m := range []proto.Message{
		&pb.Quote{Amount: &pb.Money{Value: "1", Currency: "IDR"}}, &pb.Order{Ref: "R"}, &pb.StatusRequest{Original: &pb.Order{}},
		&pb.BalanceSheet{Balances: []*pb.Balance{{Available: &pb.Money{Value: "1", Currency: "IDR"}}, {}}},
		&pb.Callback{Orders: []*pb.CallbackOrder{{Ref: "R"}}, Status: 200}, &pb.ReadCallbackRequest{Headers: []*pb.Header{{Name: "N", Values: [][]byte{{0xff}}}}},
		&pb.ProductPage{Products: []*pb.Product{{Stock: new(int64(3)), CutOffs: []*pb.DailyWindow{{Start: "23:45"}}, Fee: &pb.Fee{Rate: "0.97"}}}},
	} {
		data, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var quote pb.Quote
		if proto.Unmarshal(data, &quote) == nil {
			if q, err := wire.QuoteFrom(&quote); err == nil && q.Amount.Known() && quote.GetAmount() == nil {
				t.Errorf("%v quotes %v", &quote, q.Amount)
			}
		}
		read(data, &pb.Description{}, wire.DescriptionFrom)
		read(data, &pb.ProductPage{}, wire.ProductPageFrom)
		read(data, &pb.InquireRequest{}, wire.InquireRequestFrom)
		read(data, &pb.Order{}, wire.OrderFrom)
		read(data, &pb.StatusRequest{}, wire.StatusRequestFrom)
		read(data, &pb.Callback{}, sure(wire.CallbackFrom))
		read(data, &pb.ReadCallbackRequest{}, sure(wire.ReadCallbackRequestFrom))
		var sheet pb.BalanceSheet
		if proto.Unmarshal(data, &sheet) == nil {
			if balances, err := wire.BalancesFrom(&sheet); err == nil && len(balances) != len(sheet.GetBalances()) || err != nil && balances != nil {
				t.Errorf("%v is %v, %v", &sheet, balances, err)
			}
		}
	})
}

func read[M proto.Message, V any](data []byte, message M, from func(M) (V, error)) {
	if proto.Unmarshal(data, message) == nil {
		_, _ = from(message)
	}
}
