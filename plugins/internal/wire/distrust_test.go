package wire_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/internal/wire"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

func succeeded(change func(*pb.Result)) *pb.PayResponse {
	res := &pb.Result{Outcome: pb.Outcome_OUTCOME_SUCCEEDED, Invoice: "I-1", Amount: &pb.Money{Value: "100", Currency: "IDR"}}
	change(res)
	return &pb.PayResponse{Answer: &pb.PayResponse_Result{Result: res}}
}

func TestOneUnreadablePartSpoilsTheAnswer(t *testing.T) {
	t.Parallel()
	cases := map[string]*pb.PayResponse{
		"no reply":         nil,
		"no answer":        {Call: "x"},
		"empty result":     {Answer: &pb.PayResponse_Result{Result: &pb.Result{}}},
		"nil result":       {Answer: &pb.PayResponse_Result{}},
		"outcome off list": succeeded(func(r *pb.Result) { r.Outcome = 6 }),
		"outcome negative": succeeded(func(r *pb.Result) { r.Outcome = -1 }),
		"outcome wraps":    succeeded(func(r *pb.Result) { r.Outcome = 256 + 4 }),
		"not sent result":  succeeded(func(r *pb.Result) { r.Outcome = pb.Outcome_OUTCOME_NOT_SENT }),
		"amount no number": succeeded(func(r *pb.Result) { r.Amount.Value = "1e5" }),
		"amount no value":  succeeded(func(r *pb.Result) { r.Amount.Value = "" }),
		"amount too large": succeeded(func(r *pb.Result) { r.Amount.Value = "9223372036854775808" }),
		"no currency":      succeeded(func(r *pb.Result) { r.Amount.Currency = "" }),
		"cost no number":   succeeded(func(r *pb.Result) { r.Cost = &pb.Money{Value: "x", Currency: "IDR"} }),
		"balance":          succeeded(func(r *pb.Result) { r.BalanceAfter = &pb.Money{Value: "1.", Currency: "IDR"} }),
		"time":             succeeded(func(r *pb.Result) { r.ProviderTime = &timestamppb.Timestamp{Nanos: -5} }),
		"fault not sent, bad evidence": {
			Answer:   &pb.PayResponse_Fault{Fault: &pb.Fault{Outcome: pb.Outcome_OUTCOME_NOT_SENT}},
			Evidence: &pb.Result{Amount: &pb.Money{Value: "?"}},
		},
	}
	for name, reply := range cases {
		res, err := wire.OrderAnswer("pay", reply)
		if err == nil || res.Outcome != core.Unknown || core.OutcomeOf(err) != core.Unknown {
			t.Errorf("%s: %+v, %v", name, res, err)
		}
	}
	if res, err := wire.OrderAnswer("pay", succeeded(func(*pb.Result) {})); err != nil || res.Outcome != core.Succeeded {
		t.Errorf("a good answer: %+v, %v", res, err)
	}
}

func TestNumbersAndCodesOffTheListFailSafe(t *testing.T) {
	t.Parallel()
	fault := wire.FaultError("pay", &pb.Fault{Outcome: 99, Code: "made_up", Text: "so"})
	if fault.Outcome != core.Unknown || fault.Code != core.CodeInternal {
		t.Errorf("%v", fault)
	}
	if res, err := wire.ResultFrom(&pb.Result{Outcome: pb.Outcome_OUTCOME_DECLINED, Code: "made_up"}); err != nil || res.Code != core.CodeInternal {
		t.Errorf("%+v, %v", res, err)
	}
	d, err := wire.DescriptionFrom(&pb.Description{Ref: &pb.RefSpec{Mode: 9}})
	if err != nil || d.Ref.Mode != core.RefNone {
		t.Errorf("%+v, %v", d.Ref, err)
	}
	if _, err := wire.ProductPageFrom(&pb.ProductPage{Products: []*pb.Product{{}, {Cashback: &pb.Money{Value: "x"}}}}); !errors.Is(err, wire.ErrUnreadable) {
		t.Errorf("%v", err)
	}
	if _, err := wire.OrderFrom(nil); !errors.Is(err, wire.ErrUnreadable) {
		t.Errorf("%v", err)
	}
}

func TestOneUnreadableBalanceSpoilsAll(t *testing.T) {
	t.Parallel()
	good := &pb.Balance{Available: &pb.Money{Value: "10", Currency: "IDR"}}
	for name, bad := range map[string]*pb.Balance{
		"available": {Available: &pb.Money{Value: "1e5", Currency: "IDR"}},
		"holding":   {Holding: &pb.Money{Value: "5"}},
		"credit":    {Credit: &pb.Money{Currency: "IDR"}},
	} {
		balances, err := wire.BalancesFrom(&pb.BalanceSheet{Balances: []*pb.Balance{good, bad}})
		if !errors.Is(err, wire.ErrUnreadable) || balances != nil {
			t.Errorf("%s: %v, %v", name, balances, err)
		}
	}
	if balances, err := wire.BalancesFrom(&pb.BalanceSheet{Balances: []*pb.Balance{good, nil}}); err != nil || len(balances) != 2 {
		t.Errorf("%v, %v", balances, err)
	}
}

func TestCallbacksCarryAnyBytesWhereSignaturesAreMadeOfThem(t *testing.T) {
	t.Parallel()
	sent := core.CallbackRequest{Header: map[string][]string{"X-Sig": {"\xff\x00", ""}}, Body: []byte("\xfe")}
	m, err := wire.ReadCallbackRequest(sent)
	if err != nil {
		t.Fatal(err)
	}
	if got := wire.ReadCallbackRequestFrom(m); !reflect.DeepEqual(got, sent) {
		t.Errorf("%+v", got)
	}
	for _, bad := range []core.CallbackRequest{
		{Method: "\xff"}, {Path: "\xff"}, {Query: "\xff"}, {Remote: "\xff"}, {Header: map[string][]string{"\xff": {"x"}}},
	} {
		if _, err := wire.ReadCallbackRequest(bad); err == nil {
			t.Errorf("%+v could be sent", bad)
		}
	}
	if got := wire.CallbackFrom(wire.Callback(core.Callback{Status: 1 << 40})); got.Status < 600 {
		t.Errorf("a status that no number holds became %d", got.Status)
	}
	if got := wire.Callback(core.Callback{ContentType: "\xff", Orders: []core.CallbackOrder{{Ref: "\xff"}}}); !utf8.ValidString(got.GetContentType()) || !utf8.ValidString(got.GetOrders()[0].GetRef()) {
		t.Errorf("%v can't be sent", got)
	}
}

func TestAnErrorThatWrapsKeepsItsWords(t *testing.T) {
	t.Parallel()
	inner := &core.Error{Op: "pay", Outcome: core.NotSent, Code: core.CodeTransportNotSent, Err: errors.New("dial refused")}
	got := wire.FaultError("pay", wire.Fault("pay", fmt.Errorf("second address: %w", inner)))
	if got.Outcome != core.NotSent || got.Error() != "pay: not_sent: transport_not_sent: second address: pay: not_sent: transport_not_sent: dial refused" {
		t.Errorf("%v", got)
	}
	if got := wire.FaultError("pay", wire.Fault("pay", errors.New("plain"))); got.Outcome != core.Unknown || got.Code != core.CodeInternal {
		t.Errorf("%v", got)
	}
}

func TestTheHandshakeIsFoundBehindNoise(t *testing.T) {
	t.Parallel()
	const line = "1|1|unix|/tmp/x/plugin1|grpc|abc"
	cases := map[string]struct {
		noise string
		found bool
	}{
		line + "\n":             {"", true},
		"loading... " + line:    {"loading... ", true},
		"5" + line + "\n":       {"5", true},
		"hello\n":               {"hello\n", false},
		"1|2|3\n":               {"1|2|3\n", false},
		"1|1|carrier|pigeon|\n": {"1|1|carrier|pigeon|\n", false},
	}
	for text, tc := range cases {
		noise, handshake, found := wire.FindHandshake([]byte(text))
		if found != tc.found || string(noise) != tc.noise || found && string(handshake) != line {
			t.Errorf("%q: %q, %q, %v", text, noise, handshake, found)
		}
	}
}
