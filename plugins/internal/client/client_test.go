package client_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/internal/client"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

// liar is a plugin in no language of ours: it answers with whatever the order's product stands for.
type liar struct {
	pb.UnimplementedProviderServer

	calls chan string
	says  string // in the calls that a plugin need not have
}

func (l liar) Pay(_ context.Context, req *pb.PayRequest) (*pb.PayResponse, error) {
	l.calls <- req.GetCall()
	good := &pb.PayResponse_Result{Result: &pb.Result{Outcome: pb.Outcome_OUTCOME_SUCCEEDED, Invoice: "I-1"}}
	switch product := req.GetOrder().GetProduct(); product {
	case "other call":
		return &pb.PayResponse{Call: "another", Answer: good}, nil
	case "no call":
		return &pb.PayResponse{Answer: good}, nil
	case "empty":
		return &pb.PayResponse{}, nil
	case "secret":
		return &pb.PayResponse{Call: req.GetCall(), Answer: &pb.PayResponse_Fault{Fault: &pb.Fault{Text: "login hunter2 failed"}}}, nil
	case "good":
		return &pb.PayResponse{Call: req.GetCall(), Answer: good}, nil
	default:
		var code codes.Code
		if err := code.UnmarshalJSON([]byte(`"` + product + `"`)); err != nil {
			return nil, err
		}
		return nil, status.Error(code, "login hunter2 failed "+strings.Repeat("é", 2000))
	}
}

func (l liar) Schema(_ context.Context, req *pb.SchemaRequest) (*pb.SchemaResponse, error) {
	l.calls <- req.GetCall()
	switch l.says {
	case "other call":
		return &pb.SchemaResponse{Call: "another", Answer: &pb.SchemaResponse_Schema{Schema: &pb.SettingsSchema{}}}, nil
	case "fault":
		return &pb.SchemaResponse{Call: req.GetCall(), Answer: &pb.SchemaResponse_Fault{Fault: &pb.Fault{Text: "hunter2"}}}, nil
	case "empty":
		return &pb.SchemaResponse{Call: req.GetCall()}, nil
	case "unavailable":
		return nil, status.Error(codes.Unavailable, "hunter2")
	default:
		return l.UnimplementedProviderServer.Schema(context.Background(), req)
	}
}

func (l liar) Balances(_ context.Context, req *pb.BalancesRequest) (*pb.BalancesResponse, error) {
	l.calls <- req.GetCall()
	bad := &pb.BalanceSheet{Balances: []*pb.Balance{{Available: &pb.Money{Value: "x", Currency: "IDR"}}}}
	switch l.says {
	case "other call":
		return &pb.BalancesResponse{Call: "another", Answer: &pb.BalancesResponse_Sheet{Sheet: &pb.BalanceSheet{}}}, nil
	case "fault":
		return &pb.BalancesResponse{Call: req.GetCall(), Answer: &pb.BalancesResponse_Fault{Fault: &pb.Fault{Text: "hunter2"}}}, nil
	case "unreadable":
		return &pb.BalancesResponse{Call: req.GetCall(), Answer: &pb.BalancesResponse_Sheet{Sheet: bad}}, nil
	case "empty":
		return &pb.BalancesResponse{Call: req.GetCall()}, nil
	case "unavailable":
		return nil, status.Error(codes.Unavailable, "hunter2")
	default:
		return l.UnimplementedProviderServer.Balances(context.Background(), req)
	}
}

func (l liar) ReadCallback(_ context.Context, req *pb.ReadCallbackRequest) (*pb.ReadCallbackResponse, error) {
	l.calls <- req.GetCall()
	switch l.says {
	case "other call":
		return &pb.ReadCallbackResponse{Call: "another", Answer: &pb.ReadCallbackResponse_Callback{Callback: &pb.Callback{}}}, nil
	case "fault":
		return &pb.ReadCallbackResponse{Call: req.GetCall(), Answer: &pb.ReadCallbackResponse_Fault{Fault: &pb.Fault{Text: "hunter2"}}}, nil
	case "empty":
		return &pb.ReadCallbackResponse{Call: req.GetCall()}, nil
	case "unavailable":
		return nil, status.Error(codes.Unavailable, "hunter2")
	default:
		return l.UnimplementedProviderServer.ReadCallback(context.Background(), req)
	}
}

func (l liar) CancelQuote(_ context.Context, req *pb.CancelQuoteRequest) (*pb.CancelQuoteResponse, error) {
	l.calls <- req.GetCall()
	switch l.says {
	case "other call":
		return &pb.CancelQuoteResponse{Call: "another", Answer: &pb.CancelQuoteResponse_Cancelled{}}, nil
	case "fault":
		return &pb.CancelQuoteResponse{Call: req.GetCall(), Answer: &pb.CancelQuoteResponse_Fault{Fault: &pb.Fault{Text: "hunter2"}}}, nil
	case "empty":
		return &pb.CancelQuoteResponse{Call: req.GetCall()}, nil
	case "unavailable":
		return nil, status.Error(codes.Unavailable, "hunter2")
	default:
		return l.UnimplementedProviderServer.CancelQuote(context.Background(), req)
	}
}

// besides are the calls that a plugin need not have.
func besides(plugin *client.Client) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"schema":   func(ctx context.Context) error { _, err := plugin.Schema(ctx); return err },
		"balances": func(ctx context.Context) error { _, err := plugin.Balances(ctx); return err },
		"read_callback": func(ctx context.Context) error {
			_, err := plugin.ReadCallback(ctx, core.CallbackRequest{})
			return err
		},
		"cancel_quote": func(ctx context.Context) error { return plugin.CancelQuote(ctx, "T") },
	}
}

func TestWhatAnOlderPluginDoesNotKnowItCannot(t *testing.T) {
	t.Parallel()
	plugin, _ := newLiar(t, "unimplemented")
	for op, call := range besides(plugin) {
		err := call(t.Context())
		if op == "schema" {
			if schema, err := plugin.Schema(t.Context()); schema != nil || err != nil {
				t.Errorf("%s, %v", schema, err)
			}
			continue
		}
		if !errors.Is(err, errors.ErrUnsupported) || core.OutcomeOf(err) != core.NotSent {
			t.Errorf("%s: %v", op, err)
		}
	}
}

func TestBesideAnswersAreNotBelievedEither(t *testing.T) {
	t.Parallel()
	for _, says := range []string{"other call", "fault", "empty", "unavailable", "unreadable"} {
		plugin, asked := newLiar(t, says)
		for op, call := range besides(plugin) {
			if says == "unreadable" && op != "balances" {
				continue
			}
			err := call(t.Context())
			if err == nil || errors.Is(err, errors.ErrUnsupported) || core.OutcomeOf(err) != core.Unknown || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s, %s: %v", says, op, err)
			}
			if len(asked.calls) != 1 {
				t.Errorf("%s, %s: asked %d times", says, op, len(asked.calls))
			}
			<-asked.calls
		}
	}
}

func newLiar(t *testing.T, says string) (*client.Client, liar) {
	t.Helper()
	dir, err := os.MkdirTemp("", "liar")
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	served := liar{calls: make(chan string, 100), says: says}
	over := grpc.NewServer()
	pb.RegisterProviderServer(over, served)
	done := make(chan error, 1)
	go func() { done <- over.Serve(listener) }()
	conn, err := grpc.NewClient("unix:"+socket, append(client.Options(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		over.Stop()
		if err := <-done; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			t.Error(err)
		}
		if err := errors.Join(conn.Close(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	return client.New(conn, func(s string) string { return strings.ReplaceAll(s, "hunter2", "[redacted]") }), served
}

func TestPayIsAskedOnceAndOtherwiseUnknown(t *testing.T) {
	t.Parallel()
	transport := []string{
		"UNAVAILABLE", "CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "UNIMPLEMENTED", "INTERNAL", "ABORTED", "UNKNOWN", "NOT_FOUND",
		"FAILED_PRECONDITION", "UNAUTHENTICATED",
	}
	for _, product := range append(transport, "other call", "no call", "empty", "secret") {
		t.Run(product, func(t *testing.T) {
			t.Parallel()
			plugin, asked := newLiar(t, "")
			res, err := plugin.Pay(t.Context(), core.PayRequest{Product: product})
			if err == nil || res.Outcome != core.Unknown || core.OutcomeOf(err) != core.Unknown || res.Invoice != "" {
				t.Errorf("%+v, %v", res, err)
			}
			if afterSend := core.CodeOf(err) == core.CodeTransportAfterSend; afterSend != (product == strings.ToUpper(product)) {
				t.Errorf("code %s", core.CodeOf(err))
			}
			if len(asked.calls) != 1 {
				t.Errorf("asked %d times", len(asked.calls))
			}
			if text := err.Error(); strings.Contains(text, "hunter2") || len(text) > 1000 {
				t.Errorf("the error says %q", text)
			}
			if errors.Is(err, context.Canceled) {
				t.Error("the caller did not cancel")
			}
		})
	}
}

func TestEveryCallHasANumberOfItsOwn(t *testing.T) {
	t.Parallel()
	plugin, asked := newLiar(t, "")
	seen := map[string]bool{"": true}
	for range 50 {
		if res, err := plugin.Pay(t.Context(), core.PayRequest{Product: "good"}); err != nil || res.Outcome != core.Succeeded {
			t.Fatalf("%+v, %v", res, err)
		}
		call := <-asked.calls
		if seen[call] {
			t.Fatalf("%q again", call)
		}
		seen[call] = true
	}
}

func TestNotSentWhereTheCallHadNotBegun(t *testing.T) {
	t.Parallel()
	plugin, asked := newLiar(t, "")
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, gone := plugin.Pay(over, core.PayRequest{Product: "good"})
	_, bad := plugin.Pay(t.Context(), core.PayRequest{Product: "\xff"})
	if core.OutcomeOf(gone) != core.NotSent || !errors.Is(gone, context.Canceled) || core.OutcomeOf(bad) != core.NotSent {
		t.Errorf("%v; %v", gone, bad)
	}
	if len(asked.calls) != 0 {
		t.Error("it was asked")
	}
}
