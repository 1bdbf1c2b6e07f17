package main_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jalurhq/jalur"
	"github.com/jalurhq/jalur/config"
	"github.com/jalurhq/jalur/providers/mmbc/sandbox"
)

const account = "0812345678" // the example's

// build gives the example as a binary.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "embed")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return binary
}

// writeConfig writes the example's own configuration down with another address of the provider.
func writeConfig(t *testing.T, provider string) string {
	t.Helper()
	text, err := os.ReadFile("jalur.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const usual = "base_url: http://127.0.0.1:9901/"
	if strings.Count(string(text), usual) != 1 {
		t.Fatalf("jalur.yaml has no single %q", usual)
	}
	file := filepath.Join(t.TempDir(), "jalur.yaml")
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), usual, "base_url: "+provider+"/", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// processes counts those that run a binary.
func processes(binary string) int32 {
	running := int32(0)
	links, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, link := range links {
		if file, err := os.Readlink(link); err == nil && file == binary {
			running++
		}
	}
	return running
}

// world is a sandbox that looks, at each of its calls, how many processes of the example there are.
type world struct {
	box    *sandbox.Sandbox
	url    string
	during atomic.Int32
}

func newWorld(t *testing.T, binary string) *world {
	t.Helper()
	box, err := sandbox.New(sandbox.Config{Username: "toko", Password: "sandbox-only"})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{box: box}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.during.Store(max(w.during.Load(), processes(binary)))
		box.ServeHTTP(rw, r)
	}))
	t.Cleanup(func() {
		_ = box.Close()
		server.Close()
	})
	w.url = server.URL
	return w
}

// run runs the example to its end.
func run(t *testing.T, binary string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	var out, told bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &told
	_ = cmd.Run() // the status says it
	return cmd.ProcessState.ExitCode(), out.String(), told.String()
}

func TestOneTopUpAndNoProcessLeft(t *testing.T) {
	t.Parallel()
	binary := build(t)
	w := newWorld(t, binary)
	file := writeConfig(t, w.url)
	for _, want := range []string{"is succeeded", "order-4711 was succeeded and is succeeded"} {
		status, stdout, stderr := run(t, binary, file)
		if status != 0 || !strings.Contains(stdout, want) || strings.Contains(stdout, `reference ""`) {
			t.Fatalf("exit status %d, want 0; it printed %q, want %q in it; and told %s", status, stdout, want, stderr)
		}
	}
	if got := w.box.Ledger().ByAccount[account]; got != 1 {
		t.Errorf("the ledger has %d top-ups, want 1", got)
	}
	if runtime.GOOS != "linux" {
		return // elsewhere nothing counts processes
	}
	if got := w.during.Load(); got != 2 {
		t.Errorf("%d processes while it paid, want the host and its plugin", got)
	}
	if got := processes(binary); got != 0 {
		t.Errorf("%d processes left", got)
	}
}

func TestExitStatuses(t *testing.T) {
	t.Parallel()
	binary := build(t)
	w := newWorld(t, binary)
	if err := w.box.SetFault(sandbox.Setting{Name: "decline-balance", Times: 1}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"declined":         {[]string{writeConfig(t, w.url)}, 1, "is failed"},
		"no configuration": {[]string{filepath.Join(t.TempDir(), "none.yaml")}, 2, "none.yaml"},
		"no argument":      {nil, 2, "configuration's file"},
	} {
		status, stdout, stderr := run(t, binary, c.args...)
		if status != c.status || !strings.Contains(stdout+stderr, c.says) {
			t.Errorf("%s: exit status %d, want %d; it said %q %q, want %q in it", name, status, c.status, stdout, stderr, c.says)
		}
	}
	if got := w.box.Ledger().ByAccount[account]; got != 0 {
		t.Errorf("the ledger has %d top-ups, want none", got)
	}
}

func TestAHostThatForgetsSelfIsTold(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load(config.Options{File: writeConfig(t, "http://127.0.0.1:1")})
	if err != nil {
		t.Fatal(err)
	}
	service, err := jalur.Open(t.Context(), cfg, jalur.Options{})
	if err == nil {
		t.Fatal("no error", service.Close(t.Context()))
	}
	if !strings.Contains(err.Error(), "sdk.Self") || !strings.Contains(err.Error(), "mmbc") {
		t.Errorf("the error doesn't say what to do: %v", err)
	}
}
