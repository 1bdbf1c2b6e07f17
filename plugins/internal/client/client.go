// Package client asks a plugin over a gRPC connection: the host's half of the wire, without the process behind it.
package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/internal/wire"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

// ErrOtherCall is a reply that belongs to another call: it says nothing about this one.
var ErrOtherCall = errors.New("the plugin answered another call")

var (
	errGone         = errors.New("the call was over before it began")
	errCannot       = fmt.Errorf("the plugin has no such call: %w", errors.ErrUnsupported)
	errNoConnection = errors.New("nothing of the call left, there was no connection")
)

// A gRPC status of a plugin is shown up to this length, and its headers are taken up to that.
const (
	maxStatusText  = 512
	maxHeaderBytes = 64 << 10
)

// Options are what a gRPC connection to a plugin needs: nothing is sent twice, nothing is redialled after a rest, replies are bounded.
func Options() []grpc.DialOption {
	ours := otelgrpc.WithFilter(func(info *stats.RPCTagInfo) bool { return strings.HasPrefix(info.FullMethodName, wire.ServicePrefix) })
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(wire.MaxMessage), grpc.MaxCallSendMsgSize(wire.MaxMessage)),
		grpc.WithMaxHeaderListSize(maxHeaderBytes),
		grpc.WithDisableRetry(),
		grpc.WithDisableServiceConfig(),
		grpc.WithIdleTimeout(0),
		grpc.WithStatsHandler(otelgrpc.NewClientHandler(ours)),
		grpc.WithStatsHandler(beginWatcher{}),
	}
}

// Client is a [core.Provider] at the other end of a connection. An error of the connection itself is Unknown, whatever it says, unless nothing of
// the call was ever given to a connection.
type Client struct {
	stub pb.ProviderClient
	hide func(string) string
}

// New gives a client. Every text of an error passes through hide, which takes secrets out of it.
func New(conn grpc.ClientConnInterface, hide func(string) string) *Client {
	return &Client{stub: pb.NewProviderClient(conn), hide: hide}
}

// Schema gives the JSON Schema of the settings; nil where the plugin has none. It comes before Configure.
func (c *Client) Schema(ctx context.Context) (json.RawMessage, error) {
	const op = "schema"
	req := &pb.SchemaRequest{Call: rand.Text()}
	resp, err := askOptional(ctx, question[*pb.SchemaRequest, *pb.SchemaResponse]{op, req, c.stub.Schema})
	switch {
	case err != nil && errors.Is(err, errors.ErrUnsupported):
		return nil, nil
	case err != nil:
		return nil, c.hidden(err)
	case resp.GetSchema() == nil:
		return nil, c.hidden(wire.FaultError(op, resp.GetFault()))
	default:
		return resp.GetSchema().GetJson(), nil
	}
}

// Configure hands over the settings. Errors: *core.SettingError, *core.Error.
func (c *Client) Configure(ctx context.Context, settings json.RawMessage) error {
	const op = "configure"
	req := &pb.ConfigureRequest{Call: rand.Text(), Settings: settings}
	resp, err := ask(ctx, question[*pb.ConfigureRequest, *pb.ConfigureResponse]{op, req, c.stub.Configure})
	switch {
	case err != nil:
		return c.hidden(err)
	case resp.GetConfigured() != nil:
		return nil
	case resp.GetRefused() != nil:
		return &core.SettingError{Key: resp.GetRefused().GetKey(), Rule: c.hide(resp.GetRefused().GetRule())}
	default:
		return c.hidden(wire.FaultError(op, resp.GetFault()))
	}
}

// Drain makes the plugin refuse new calls and waits for those that run; it tells whether all have ended.
func (c *Client) Drain(ctx context.Context) (bool, error) {
	req := &pb.DrainRequest{Call: rand.Text()}
	resp, err := ask(ctx, question[*pb.DrainRequest, *pb.DrainResponse]{"drain", req, c.stub.Drain})
	if err != nil {
		return false, c.hidden(err)
	}
	return resp.GetIdle(), nil
}

// question is one call: its name, its request, and the stub's method.
type question[Req, Resp message] struct {
	op  string
	req Req
	rpc func(context.Context, Req, ...grpc.CallOption) (Resp, error)
}

type message interface{ GetCall() string }

// ask makes one call and believes a reply only if it is to this very call.
func ask[Req, Resp message](ctx context.Context, q question[Req, Resp]) (Resp, *core.Error) {
	var none Resp
	if err := ctx.Err(); err != nil {
		return none, &core.Error{Op: q.op, Outcome: core.NotSent, Code: core.CodeTransportNotSent, Err: fmt.Errorf("%w: %w", errGone, err)}
	}
	watched, began := watchBegin(ctx)
	resp, err := q.rpc(watched, q.req)
	switch {
	case err != nil && began.isNotSent():
		return none, &core.Error{Op: q.op, Outcome: core.NotSent, Code: core.CodeTransportNotSent, Err: fmt.Errorf("%w: %w", errNoConnection, noAnswer(ctx, err))}
	case err != nil:
		return none, &core.Error{Op: q.op, Outcome: core.Unknown, Code: core.CodeTransportAfterSend, Err: noAnswer(ctx, err)}
	case resp.GetCall() != q.req.GetCall():
		return none, wire.Unreadable(q.op, ErrOtherCall)
	}
	return resp, nil
}

// askOptional is ask for a call that a plugin need not have: the error then has errors.ErrUnsupported in its chain, and is NotSent.
func askOptional[Req, Resp message](ctx context.Context, q question[Req, Resp]) (Resp, *core.Error) {
	var said codes.Code
	rpc := q.rpc
	q.rpc = func(ctx context.Context, req Req, options ...grpc.CallOption) (Resp, error) {
		resp, err := rpc(ctx, req, options...)
		said = status.Code(err)
		return resp, err
	}
	resp, err := ask(ctx, q)
	if err != nil && said == codes.Unimplemented {
		err = Unsupported(q.op)
	}
	return resp, err
}

// Unsupported is the error of a call that the plugin does not have.
func Unsupported(op string) *core.Error {
	return &core.Error{Op: op, Outcome: core.NotSent, Code: core.CodeBadRequest, Err: errCannot}
}

// noAnswer names the gRPC status. Only the caller's own context makes it one of the context's errors.
func noAnswer(ctx context.Context, err error) error {
	said := status.Convert(err)
	text := said.Message()
	if len(text) > maxStatusText {
		text = strings.ToValidUTF8(text[:maxStatusText], "") + "…"
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("no answer from the plugin: %w", ctx.Err())
	case said.Code() == codes.DeadlineExceeded:
		return fmt.Errorf("no answer from the plugin: %w", context.DeadlineExceeded)
	default:
		return fmt.Errorf("no answer from the plugin: %s: %s", strings.ToLower(said.Code().String()), text) //nolint:err113 // the text is the plugin's
	}
}

// hidden takes secrets out of an error that came from the plugin. Errors of our own making keep their chain.
func (c *Client) hidden(err *core.Error) error {
	if err.Err == nil {
		return err
	}
	if shown := c.hide(err.Err.Error()); shown != err.Err.Error() {
		err.Err = errors.New(shown) //nolint:err113 // the text is the plugin's
	}
	return err
}
