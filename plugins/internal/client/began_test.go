package client_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/stats"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/internal/client"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

// told counts the headers that gRPC has told of.
type told struct {
	stats.Handler

	headers atomic.Int64
}

func (h *told) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (h *told) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (h *told) HandleConn(context.Context, stats.ConnStats)                       {}
func (h *told) HandleRPC(_ context.Context, event stats.RPCStats) {
	if _, ok := event.(*stats.OutHeader); ok {
		h.headers.Add(1)
	}
}

// doubting is a plugin that counts the calls whose headers had not been told of when they arrived.
type doubting struct {
	pb.UnimplementedProviderServer

	told    *told
	arrived atomic.Int64
	early   atomic.Int64
}

func (d *doubting) Pay(_ context.Context, req *pb.PayRequest) (*pb.PayResponse, error) {
	if d.told.headers.Load() < d.arrived.Add(1) {
		d.early.Add(1)
	}
	return &pb.PayResponse{Call: req.GetCall()}, nil
}

// serveOn gives a connection to a server at a socket, with options over those of every plugin.
func serveOn(t *testing.T, plugin pb.ProviderServer, options ...grpc.DialOption) (conn *grpc.ClientConn, stop func()) {
	t.Helper()
	dir, err := os.MkdirTemp("", "began")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	over := grpc.NewServer()
	pb.RegisterProviderServer(over, plugin)
	done := make(chan struct{})
	go func() { over.Serve(listener); close(done) }()
	stop = func() { over.Stop(); <-done }
	t.Cleanup(stop)
	conn, err = grpc.NewClient("unix:"+socket, append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, stop
}

func same(s string) string { return s }

func TestNothingArrivesBeforeItsHeadersWereTold(t *testing.T) {
	t.Parallel()
	seen := &told{}
	plugin := &doubting{told: seen}
	conn, _ := serveOn(t, plugin, append(client.Options(), grpc.WithStatsHandler(seen))...)
	asking := client.New(conn, same)
	var callers sync.WaitGroup
	for range 64 {
		callers.Go(func() {
			for range 50 {
				asking.Pay(t.Context(), core.PayRequest{Product: "x"})
			}
		})
	}
	callers.Wait()
	if plugin.arrived.Load() != 64*50 || plugin.early.Load() != 0 {
		t.Errorf("%d calls, %d before their headers were told", plugin.arrived.Load(), plugin.early.Load())
	}
}

func TestWithoutAConnectionNothingWasSent(t *testing.T) {
	t.Parallel()
	plugin := &doubting{told: &told{}}
	conn, stop := serveOn(t, plugin, client.Options()...)
	asking := client.New(conn, same)
	if _, err := asking.Pay(t.Context(), core.PayRequest{Product: "x"}); core.OutcomeOf(err) != core.Unknown {
		t.Errorf("an empty answer: %v", err)
	}
	stop()
	// Until the connection's end is noticed a call may have been given to it; after that none is.
	for {
		_, err := asking.Pay(t.Context(), core.PayRequest{Product: "x"})
		if core.OutcomeOf(err) == core.NotSent {
			if core.CodeOf(err) != core.CodeTransportNotSent {
				t.Errorf("%v", err)
			}
			break
		}
		if core.OutcomeOf(err) != core.Unknown || t.Context().Err() != nil {
			t.Fatalf("%v", err)
		}
	}
	if plugin.arrived.Load() != 1 {
		t.Errorf("%d calls arrived", plugin.arrived.Load())
	}
}

// silent takes calls and never answers.
type silent struct {
	pb.UnimplementedProviderServer

	arrived chan struct{}
}

func (s silent) Pay(ctx context.Context, _ *pb.PayRequest) (*pb.PayResponse, error) {
	close(s.arrived)
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestWhatHasArrivedIsNeverNotSent(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(stop, cancel func()){
		"the server's end": func(stop, _ func()) { stop() },
		"the caller's":     func(_, cancel func()) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plugin := silent{arrived: make(chan struct{})}
			conn, stop := serveOn(t, plugin, client.Options()...)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			go func() { <-plugin.arrived; end(stop, cancel) }()
			if _, err := client.New(conn, same).Pay(ctx, core.PayRequest{Product: "x"}); core.OutcomeOf(err) != core.Unknown {
				t.Errorf("%v", err)
			}
		})
	}
}

// A connection that was made without our options tells nothing, so nothing is known.
func TestWithoutOurHandlerNothingIsKnown(t *testing.T) {
	t.Parallel()
	conn, stop := serveOn(t, &doubting{told: &told{}})
	stop()
	if _, err := client.New(conn, same).Pay(t.Context(), core.PayRequest{Product: "x"}); core.OutcomeOf(err) != core.Unknown {
		t.Errorf("%v", err)
	}
}
