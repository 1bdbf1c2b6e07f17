package client

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc/stats"
)

type beganKey struct{}

// beginning is what is known of whether a call's headers were given to a connection.
//
// gRPC tells a stats handler of the headers (OutHeader) in the goroutine of the call, after it has put them in the queue of a connection and before it goes on to
// the message; nothing is sent of a stream whose headers were not put there. So once the call has returned, without OutHeader in any of its attempts, no
// connection ever had anything of it: it failed for want of one, as in the moments between a process's death and our notice. With OutHeader nothing is
// known, and without our handler nothing either. TestNothingArrivesBeforeItsHeadersWereTold would show a gRPC that tells of the headers late.
type beginning struct {
	watched atomic.Bool // our handler saw an attempt begin
	told    atomic.Bool // it was told of headers
}

// watchBegin gives a context for one call, and what is known of its beginning.
func watchBegin(ctx context.Context) (context.Context, *beginning) {
	b := &beginning{}
	return context.WithValue(ctx, beganKey{}, b), b
}

// isNotSent is to be asked once the call has returned.
func (b *beginning) isNotSent() bool { return b.watched.Load() && !b.told.Load() }

// beginWatcher is the stats handler that notes it.
type beginWatcher struct{}

// HandleRPC implements [stats.Handler].
func (beginWatcher) HandleRPC(ctx context.Context, event stats.RPCStats) {
	b, ok := ctx.Value(beganKey{}).(*beginning)
	if _, headers := event.(*stats.OutHeader); ok && headers {
		b.told.Store(true)
	}
}

// TagRPC implements [stats.Handler].
func (beginWatcher) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context {
	if b, ok := ctx.Value(beganKey{}).(*beginning); ok {
		b.watched.Store(true)
	}
	return ctx
}

// TagConn implements [stats.Handler].
func (beginWatcher) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements [stats.Handler].
func (beginWatcher) HandleConn(context.Context, stats.ConnStats) {}
