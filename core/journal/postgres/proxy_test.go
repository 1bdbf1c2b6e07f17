package postgres_test

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// fate is what a proxy does to the next commit.
type fate int32

const (
	pass       fate = iota
	loseReply       // the server commits, and nobody hears of it
	loseItself      // the server never hears of it
)

// proxy stands before a server and breaks connections at a commit.
type proxy struct {
	listener net.Listener
	server   string
	next     atomic.Int32
	running  sync.WaitGroup
}

// through gives the address of a database by way of a proxy.
func through(t *testing.T, dsn string) (*proxy, string) {
	t.Helper()
	address, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, server: address.Host}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		listener.Close()
		p.running.Wait()
	})
	address.Host = listener.Addr().String()
	return p, address.String()
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.serve(client) })
	}
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer server.Close()
	var deaf atomic.Bool
	p.running.Go(func() {
		defer client.Close()
		buffer := make([]byte, 1<<16)
		for {
			n, err := server.Read(buffer)
			if err != nil || deaf.Load() {
				return
			}
			client.Write(buffer[:n])
		}
	})
	buffer := make([]byte, 1<<16)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if bytes.Contains(buffer[:n], []byte("commit\x00")) {
			switch fate(p.next.Swap(int32(pass))) {
			case pass:
			case loseItself:
				return
			case loseReply:
				deaf.Store(true)
				server.Write(buffer[:n])
				io.Copy(io.Discard, client) // until the other direction has heard the answer and hung up
				return
			}
		}
		server.Write(buffer[:n])
	}
}
