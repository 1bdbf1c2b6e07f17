package server

import (
	"context"
	"strings"
	"time"

	"google.golang.org/grpc"

	"github.com/jalurhq/jalur/plugins/internal/wire"
)

// The provider's deadline lies this much before the caller's, so that the plugin's own word on what happened (was a byte sent?) still arrives:
// a twentieth of the time that is left, at most a quarter of a second.
const (
	marginShare = 20
	marginMax   = 250 * time.Millisecond
)

// withMargin leaves go-plugin's own calls alone.
func withMargin(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	deadline, set := ctx.Deadline()
	if !set || !isOurs(info.FullMethod) {
		return handler(ctx, req)
	}
	margin := min(time.Until(deadline)/marginShare, marginMax)
	ctx, cancel := context.WithDeadline(ctx, deadline.Add(-margin))
	defer cancel()
	return handler(ctx, req)
}

func isOurs(method string) bool { return strings.HasPrefix(method, wire.ServicePrefix) }
