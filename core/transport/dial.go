package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jalurhq/jalur/core/internal/faultpoint"
)

var errSecondConn = errors.New("a request that moves money gets one connection only")

// dialer makes the connections of one transport. With a gate it makes a single one, which the gate guards.
type dialer struct {
	timeout time.Duration
	tls     *tls.Config
	gate    *gate
}

func (d dialer) plain(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	conn, err := d.connect(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return d.guard(conn), nil
}

// secure does the handshake itself, so that the gate stands above TLS: the first byte that it sees is the request's.
func (d dialer) secure(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	conn, err := d.connect(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	secured := tls.Client(conn, d.tlsFor(addr))
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // the handshake's error says more
		return nil, fmt.Errorf("tls handshake: %w", err)
	}
	return d.guard(secured), nil
}

func (d dialer) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	if d.gate != nil && d.gate.dialled.Swap(true) {
		return nil, errSecondConn
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return conn, nil
}

func (d dialer) tlsFor(addr string) *tls.Config {
	cfg := d.tls.Clone()
	cfg.NextProtos = []string{"http/1.1"}
	if host, _, err := net.SplitHostPort(addr); err == nil && cfg.ServerName == "" {
		cfg.ServerName = host
	}
	return cfg
}

func (d dialer) guard(conn net.Conn) net.Conn {
	if d.gate == nil {
		return conn
	}
	return guardedConn{Conn: conn, gate: d.gate}
}

// gate decides, once, whether the first byte of a request may still leave. Its refusal is final: after it no byte ever passes, so it proves
// that nothing was sent.
type gate struct {
	limit time.Duration // 0: none
	now   func() time.Duration

	dialled atomic.Bool
	once    sync.Once
	late    atomic.Bool
}

func (g *gate) open() bool {
	g.once.Do(func() { g.late.Store(g.limit != 0 && g.now() > g.limit) })
	return !g.late.Load()
}

func (g *gate) refused() bool { return g != nil && g.late.Load() }

// guardedConn asks the gate before each write. It has no ReadFrom, so Write is the only way out.
type guardedConn struct {
	net.Conn

	gate *gate
}

func (c guardedConn) Write(b []byte) (int, error) {
	faultpoint.At("connected")
	if !c.gate.open() {
		return 0, ErrTooLate
	}
	faultpoint.At("before-first-byte")
	n, err := c.Conn.Write(b)
	faultpoint.At("request-written")
	return n, err
}
