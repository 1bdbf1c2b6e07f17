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

func newLiar(t *testing.T) (*client.Client, liar) {
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
	served := liar{calls: make(chan string, 100)}
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
			plugin, asked := newLiar(t)
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
	plugin, asked := newLiar(t)
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
	plugin, asked := newLiar(t)
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
