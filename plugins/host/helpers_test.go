package host_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/host"
)

const account = core.AccountNumber("081234567890")

// patience is for what must happen soon, on however slow a machine.
const patience = 20 * time.Second

// running is a plugin under test.
type running struct {
	*host.Plugin
	core.Provider

	log  *safeBuffer
	temp string
}

// start runs a shipped plugin, quick to restart. change adapts the configuration.
func start(t *testing.T, change func(*host.Config)) running {
	t.Helper()
	cfg, r := config(t)
	if change != nil {
		change(&cfg)
	}
	p, err := launch(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Plugin, r.Provider = p, p.Provider()
	t.Cleanup(func() { stop(t, p) })
	return r
}

// launch starts a plugin and waits for its first process. Where that fails the plugin is stopped.
func launch(ctx context.Context, cfg host.Config) (*host.Plugin, error) {
	p, err := host.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := p.Started(ctx); err != nil {
		return nil, errors.Join(err, p.Stop(context.WithoutCancel(ctx)))
	}
	return p, nil
}

func config(t *testing.T) (host.Config, running) {
	t.Helper()
	r := running{log: &safeBuffer{}, temp: shortTempDir(t)}
	return host.Config{
		Name: "lane", Plugin: "scripted", Shipped: shippedPlugins(), TempDir: r.temp,
		Logger:  slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Restart: host.Restart{First: time.Millisecond, Max: 50 * time.Millisecond},
		Timeout: patience, StartWait: patience, StartTimeout: patience,
	}, r
}

// shortTempDir is short enough for sockets, which t.TempDir may not be.
func shortTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "jh")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func stop(t *testing.T, p *host.Plugin) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_ = p.Stop(ctx) // tests that leave a call hanging have it cut here
}

func (r running) pay(ctx context.Context, product string) (core.Result, error) {
	return r.Pay(ctx, core.PayRequest{Ref: "R", Product: product, Account: account, Amount: core.IDR(100_000)})
}

func (r running) wantOK(t *testing.T) {
	t.Helper()
	if res, err := r.pay(t.Context(), "ok"); err != nil || res.Outcome != core.Succeeded {
		t.Fatalf("%+v, %v", res, err)
	}
}

func wantUnknown(t *testing.T, res core.Result, err error) {
	t.Helper()
	if err == nil || res.Outcome != core.Unknown || core.OutcomeOf(err) != core.Unknown {
		t.Fatalf("not unknown: %+v, %v", res, err)
	}
	if !strings.HasPrefix(err.Error(), "lane: pay: unknown: ") {
		t.Errorf("the error says %q", err)
	}
}

// eventually waits for what happens in another process.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	late := time.After(patience)
	for !happened() {
		select {
		case <-ticker.C:
		case <-late:
			t.Fatalf("not in %s: %s", patience, what)
		}
	}
}

// alive reports whether the process runs; one that waits to be reaped doesn't.
func alive(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	found, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(found))
	for i, entry := range found {
		names[i] = entry.Name()
	}
	return names
}

func pid(p *host.Plugin) string { return strconv.Itoa(p.State().PID) }

type safeBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *safeBuffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(data)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
