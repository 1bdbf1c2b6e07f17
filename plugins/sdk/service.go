package sdk

import (
	"context"
	"errors"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/jalurhq/jalur/plugins/internal/server"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

var errServesOnly = errors.New("this side serves only")

// service hangs our server into go-plugin's.
type service struct {
	plugin.NetRPCUnsupportedPlugin

	server *server.Server
}

// GRPCServer implements [plugin.GRPCPlugin].
func (s *service) GRPCServer(_ *plugin.GRPCBroker, registrar *grpc.Server) error {
	pb.RegisterProviderServer(registrar, s.server)
	return nil
}

// GRPCClient implements [plugin.GRPCPlugin].
func (s *service) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errServesOnly
}
