package host_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"

	"github.com/jalurhq/jalur/plugins/internal/wire"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

// hostileCommand makes the test binary a plugin that keeps to nothing but the handshake: it is not of our SDK, and each product is another way to do harm. The
// argument after it is its ledger, in which every order stands that it has executed.
const hostileCommand = "be-hostile"

func beHostile(ledger string) {
	floodBeforeHandshake()
	server := &hostile{ledger: ledger, in: os.Stdin, out: os.Stdout, err: os.Stderr} // go-plugin puts pipes of its own in their places
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: wire.Handshake(),
		Plugins:         plugin.PluginSet{wire.PluginName: &hostileService{server: server}},
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, grpc.MaxSendMsgSize(math.MaxInt32), grpc.ForceServerCodecV2(giant{encoding.GetCodecV2(proto.Name)}))...)
		},
		Logger: hclog.NewNullLogger(),
	})
	os.Exit(0)
}

// floodBeforeHandshake prints 16 MiB that look like nothing, or nearly like a handshake.
func floodBeforeHandshake() {
	line := bytes.Repeat([]byte("\x00\xff1|1|uni|"), 1<<16)
	for range 16 {
		os.Stdout.Write(line)
		os.Stdout.WriteString("\n1|1|unix\n{\"@message\":1}\n")
	}
}

type hostileService struct {
	plugin.NetRPCUnsupportedPlugin

	server *hostile
}

func (s *hostileService) GRPCServer(_ *plugin.GRPCBroker, r *grpc.Server) error {
	pb.RegisterProviderServer(r, s.server)
	return nil
}

func (*hostileService) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, io.EOF
}

type hostile struct {
	pb.UnimplementedProviderServer

	ledger   string
	in       *os.File
	out, err *os.File
	mu       sync.Mutex
	lastCall string
	leaked   []*os.File
}

func (*hostile) Configure(_ context.Context, req *pb.ConfigureRequest) (*pb.ConfigureResponse, error) {
	return &pb.ConfigureResponse{Call: req.GetCall(), Answer: &pb.ConfigureResponse_Configured{Configured: &pb.Configured{}}}, nil
}

func (*hostile) Describe(_ context.Context, req *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	description := wire.Description(describeScripted("hostile", "test"))
	return &pb.DescribeResponse{Call: req.GetCall(), Answer: &pb.DescribeResponse_Description{Description: description}}, nil
}

func (h *hostile) Pay(_ context.Context, req *pb.PayRequest) (*pb.PayResponse, error) {
	order := req.GetOrder()
	product, _, _ := strings.Cut(order.GetProduct(), ":")
	result := &pb.Result{
		Outcome: pb.Outcome_OUTCOME_SUCCEEDED, Invoice: "I-1", Product: order.GetProduct(), Account: order.GetAccount(), Amount: order.GetAmount(),
	}
	answer := &pb.PayResponse{Call: req.GetCall(), Answer: &pb.PayResponse_Result{Result: result}}
	switch product {
	case "giant":
		result.Reason = "giant"
	case "other call":
		answer.Call = h.called("")
	case "other product":
		result.Product = "elsewhere"
	case "other account":
		result.Account = "089999999999"
	case "other reference":
		result.Ref = "R-OTHER"
	case "panic":
		panic("nobody recovers")
	case "flood":
		h.floodLog()
	case "leak":
		h.leak()
	case "runaway":
		result.Reason = h.startRunaway()
	case "at random":
		h.atRandom(order.GetRef())
	}
	h.called(req.GetCall())
	return answer, nil
}

// called gives the last call and remembers this one.
func (h *hostile) called(call string) (last string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	last, h.lastCall = h.lastCall, call
	return last
}

// atRandom executes the order and ends the process, or not, in any sequence.
func (h *hostile) atRandom(ref string) {
	if rand.IntN(12) == 0 {
		os.Exit(4)
	}
	file, err := os.OpenFile(h.ledger, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(file, ref)
	file.Close()
	if rand.IntN(12) == 0 {
		os.Exit(5)
	}
}

// leak opens files until none can be opened any more.
func (h *hostile) leak() {
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 256, Max: 256}); err != nil {
		panic(err)
	}
	for {
		file, err := os.Open(os.DevNull)
		if err != nil {
			return
		}
		h.leaked = append(h.leaked, file)
	}
}

// floodLog prints some 40 MiB of what loggers choke on.
func (h *hostile) floodLog() {
	lines := []byte(strings.Repeat(`{"@message":1}`+"\n"+`{"@level":null,"@message":[]}`+"\n"+`{"@message":"half`+"\n\xff\xfe\x00\n", 200))
	for range 1000 {
		h.err.Write(lines)
	}
	for range 20 {
		h.err.Write(append(bytes.Repeat([]byte("\x80A"), 1<<19), '\n'))
	}
}

// startRunaway leaves a process behind that has left our group and holds our streams.
func (h *hostile) startRunaway() string {
	child := exec.Command("/bin/sleep", "1000")
	child.Stdin, child.Stdout, child.Stderr = h.in, h.out, h.err
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := child.Start(); err != nil {
		return err.Error()
	}
	return strconv.Itoa(child.Process.Pid)
}

// giant makes an answer of 1 GiB out of 1 MiB.
type giant struct{ encoding.CodecV2 }

func (g giant) Marshal(v any) (mem.BufferSlice, error) {
	if answer, ok := v.(*pb.PayResponse); !ok || answer.GetResult().GetReason() != "giant" {
		return g.CodecV2.Marshal(v)
	}
	piece := mem.SliceBuffer(make([]byte, 1<<20))
	all := make(mem.BufferSlice, 1<<10)
	for i := range all {
		all[i] = piece
	}
	return all, nil
}
