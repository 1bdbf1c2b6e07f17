package host_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/jalurhq/jalur/core"
)

// scripted is a provider that misbehaves in Pay as the product says.
type scripted struct {
	Secret string `json:"secret"`
	File   string `json:"file"`

	Version  string `json:"version"`
	Instance string `json:"instance"` // default "test"
}

func newScripted(settings json.RawMessage) (core.Set, error) {
	s := &scripted{}
	if err := json.Unmarshal(settings, s); err != nil {
		return core.Set{}, err
	}
	if exists(s.File + ".crash") {
		os.Exit(3)
	}
	if exists(s.File + ".refuse") {
		return core.Set{}, badSettingError{}
	}
	return core.Set{Provider: s}, nil
}

func (s *scripted) Describe(context.Context) (core.Descriptor, error) {
	d := describeScripted("scripted", cmp.Or(s.Instance, "test"))
	d.Version = s.Version
	return d, nil
}

func describeScripted(name, instance string) core.Descriptor {
	return core.Descriptor{Name: name, Version: "1", Instance: instance, StatusBy: core.ByInvoice, OtherMerchants: true}
}

func (s *scripted) ListProducts(context.Context, core.ProductFilter) (core.ProductPage, error) {
	return core.ProductPage{Products: []core.Product{{Code: "ok", Available: true}}}, nil
}

func (s *scripted) Inquire(_ context.Context, req core.InquiryRequest) (core.Quote, error) {
	return core.Quote{Account: req.Account, Amount: req.Amount}, nil
}

func (s *scripted) Status(_ context.Context, req core.StatusRequest) (core.Result, error) {
	return echo(req.Original), nil
}

func echo(req core.PayRequest) core.Result {
	return core.Result{Outcome: core.Succeeded, Invoice: "I-1", Product: req.Product, Account: req.Account, Amount: req.Amount}
}

func (s *scripted) Pay(ctx context.Context, req core.PayRequest) (core.Result, error) {
	res := echo(req)
	switch req.Product {
	case "panic":
		panic("at the disco")
	case "exit":
		os.Exit(7)
	case "hang":
		select {}
	case "until file":
		s.untilFile()
	case "other amount":
		res.Amount = core.IDR(1)
	case "zero":
		return core.Result{}, nil
	case "flood":
		res.Reason = strings.Repeat("x", 8<<20)
	case "noise":
		s.noise(req)
	case "child":
		res.Reason = startChild()
	case "slow":
		time.Sleep(20 * time.Millisecond)
	case "look around":
		res.Details = map[string]string{"env": strings.Join(os.Environ(), "\n"), "args": strings.Join(os.Args, " ")}
	case "wait":
		<-ctx.Done()
		return core.Result{}, &core.Error{Op: "pay", Outcome: core.NotSent, Code: core.CodeTransportNotSent, Err: ctx.Err()}
	}
	return res, nil
}

func (s *scripted) untilFile() {
	if err := os.WriteFile(s.File+".begun", nil, 0o600); err != nil {
		panic(err)
	}
	for {
		if _, err := os.Stat(s.File); err == nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// noise prints all that hosts have been seen to choke on.
func (s *scripted) noise(req core.PayRequest) {
	fmt.Println("to standard output")
	for _, line := range []string{
		`{"@message":1}`, `{"@level":null,"@message":"null level"}`, `{"@timestamp":1}`, `{"@message":"half`, "{}", "", "\xff\xfe",
		strings.Repeat("A", 1<<20), "panic: not really",
	} {
		fmt.Fprintln(os.Stderr, line)
	}
	slog.Warn("settings and order", "secret", s.Secret, "account", string(req.Account))
}

// startChild leaves a process behind that holds every stream of ours.
func startChild() string {
	child := exec.Command("/bin/sleep", "1000")
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := child.Start(); err != nil {
		return err.Error()
	}
	return strconv.Itoa(child.Process.Pid)
}
