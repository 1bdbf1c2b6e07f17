// Package server answers the plugin protocol with a [core.Set]: the plugin's half of the wire, without the process around it.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/internal/drain"
	"github.com/jalurhq/jalur/plugins/internal/wire"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

var (
	errPanic         = errors.New("the provider's code panicked")
	errDraining      = errors.New("the plugin is shutting down")
	errNotConfigured = errors.New("the plugin has no settings yet")
	errConfigured    = errors.New("the plugin has its settings already")
	errNoProvider    = errors.New("the plugin made no provider")
)

// Server serves one provider. Configure makes it; until then, and after Drain, every call is refused as NotSent.
type Server struct {
	pb.UnimplementedProviderServer

	factory core.Factory
	gate    drain.Gate

	mu  sync.RWMutex
	set core.Set
}

// New gives a server that is not configured yet.
func New(factory core.Factory) *Server { return &Server{factory: factory} }

// Options are what a gRPC server for a [Server] needs: our own deadline margin, message limits, tracing of our own calls.
func Options() []grpc.ServerOption {
	ours := otelgrpc.WithFilter(func(info *stats.RPCTagInfo) bool { return isOurs(info.FullMethodName) })
	return []grpc.ServerOption{
		grpc.StatsHandler(otelgrpc.NewServerHandler(ours)),
		grpc.MaxRecvMsgSize(wire.MaxMessage),
		grpc.MaxSendMsgSize(wire.MaxMessage),
		grpc.UnaryInterceptor(withMargin),
	}
}

// Schema answers with the schema of the settings. Nothing of the author's runs for it.
func (s *Server) Schema(_ context.Context, req *pb.SchemaRequest) (*pb.SchemaResponse, error) {
	schema := &pb.SettingsSchema{Json: s.factory.Schema}
	return &pb.SchemaResponse{Call: req.GetCall(), Answer: &pb.SchemaResponse_Schema{Schema: schema}}, nil
}

// Configure makes the provider, once.
func (s *Server) Configure(_ context.Context, req *pb.ConfigureRequest) (*pb.ConfigureResponse, error) {
	resp := &pb.ConfigureResponse{Call: req.GetCall()}
	_, err := guard("configure", func() (struct{}, error) { return struct{}{}, s.configure(req.GetSettings()) })
	var fault *core.Error
	switch {
	case err == nil:
		resp.Answer = &pb.ConfigureResponse_Configured{Configured: &pb.Configured{}}
	case errors.As(err, &fault):
		resp.Answer = &pb.ConfigureResponse_Fault{Fault: wire.Fault("configure", err)}
	default:
		resp.Answer = &pb.ConfigureResponse_Refused{Refused: wire.SettingsFault(err)}
	}
	return resp, nil
}

func (s *Server) configure(settings []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set.Provider != nil {
		return wire.Unreadable("configure", errConfigured)
	}
	set, err := s.factory.New(settings)
	if err != nil {
		return err
	}
	if set.Provider == nil {
		return wire.Unreadable("configure", errNoProvider)
	}
	s.set = set
	return nil
}

// Drain refuses new calls and waits for those that run.
func (s *Server) Drain(ctx context.Context, req *pb.DrainRequest) (*pb.DrainResponse, error) {
	return &pb.DrainResponse{Call: req.GetCall(), Idle: s.gate.Close(ctx)}, nil
}

// begin counts a call in and gives the set for it. After it comes s.gate.Leave, unless there was an error.
func (s *Server) begin(op string) (core.Set, error) {
	s.mu.RLock()
	set := s.set
	s.mu.RUnlock()
	if set.Provider == nil {
		return core.Set{}, notSent(op, core.CodeTransportNotSent, errNotConfigured)
	}
	if !s.gate.Enter() {
		return core.Set{}, notSent(op, core.CodeTransportNotSent, errDraining)
	}
	return set, nil
}

// notSent is for calls that never reached the provider's code.
func notSent(op string, code core.Code, cause error) error {
	return &core.Error{Op: op, Outcome: core.NotSent, Code: code, Err: cause}
}

// guard runs a call and turns a panic in it into an Unknown, so that one bad answer doesn't end the process and every other call in it. What the
// panic said goes to the log only: it could hold anything.
func guard[T any](op string, call func() (T, error)) (answer T, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			slog.Error("panic in the provider's code", "op", op, "panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
			err = wire.Unreadable(op, errPanic)
		}
	}()
	return call()
}
