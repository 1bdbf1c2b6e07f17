package host_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/host"
)

const secret = "s3cret+/hunter"

func withSecret(cfg *host.Config) {
	cfg.Settings = []byte(`{"secret":"` + secret + `"}`)
	cfg.Secrets = []string{secret}
}

// The environment is the whole process's, so this test doesn't run in parallel.
func TestAPluginSeesNeitherEnvironmentNorSettingsInTheOpen(t *testing.T) {
	t.Setenv("DB_PASSWORD", "host-only")
	t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
	p := start(t, withSecret)
	res, err := p.pay(t.Context(), "look around")
	if err != nil {
		t.Fatal(err)
	}
	var open strings.Builder
	for _, file := range []string{"cmdline", "environ"} {
		content, err := os.ReadFile("/proc/" + pid(p.Plugin) + "/" + file)
		if err != nil {
			t.Fatal(err)
		}
		open.Write(content)
	}
	seen := open.String() + res.Details["env"] + res.Details["args"]
	for _, hidden := range []string{"host-only", "DB_PASSWORD", secret, "HOME=", "PATH="} {
		if strings.Contains(seen, hidden) {
			t.Errorf("%q can be seen", hidden)
		}
	}
	for _, passed := range []string{"OTEL_TRACES_SAMPLER=always_off", "OTEL_SERVICE_NAME=jalur-plugin-lane"} {
		if !strings.Contains(open.String(), passed) {
			t.Errorf("%q is not passed on", passed)
		}
	}
}

func TestNoiseDoesNoHarm(t *testing.T) {
	t.Parallel()
	p := start(t, func(cfg *host.Config) { withSecret(cfg); cfg.Plugin = "noisy" })
	if res, err := p.pay(t.Context(), "noise"); err != nil || res.Outcome != core.Succeeded {
		t.Fatalf("%+v, %v", res, err)
	}
	p.wantOK(t)
	eventually(t, "the last line", func() bool { return strings.Contains(p.log.String(), "settings and order") })
	log := p.log.String()
	for _, want := range []string{
		"a line before the handshake", "1|2|3", "and one that doesn't end", "to standard output", "null level", "not really", "level=WARN", "[redacted]",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("not in the log: %q", want)
		}
	}
	for _, hidden := range []string{secret, string(account)} {
		if strings.Contains(log, hidden) {
			t.Errorf("in the log: %q", hidden)
		}
	}
	if len(log) > 64<<10 {
		t.Errorf("the log has %d bytes", len(log))
	}
}

func TestSigtermIsIgnored(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP} {
		if err := unix.Kill(p.State().PID, signal); err != nil {
			t.Fatal(err)
		}
		p.wantOK(t)
	}
	if state := p.State(); state.Restarts != 0 {
		t.Errorf("%+v", state)
	}
}

func TestAStoppedProcessIsFoundAndReplaced(t *testing.T) {
	t.Parallel()
	p := start(t, func(cfg *host.Config) {
		cfg.Health = host.Health{Every: 20 * time.Millisecond, Deadline: 500 * time.Millisecond, Misses: 3}
		cfg.Grace = 10 * time.Millisecond
	})
	frozen := p.State().PID
	if err := unix.Kill(frozen, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a new process", func() bool { return p.State().Restarts == 1 })
	p.wantOK(t)
	eventually(t, "the end of the old one", func() bool { return !alive(strconv.Itoa(frozen)) })
}

func TestStopWaitsForTheCallThatRuns(t *testing.T) {
	t.Parallel()
	p, file := startWithFile(t)
	paid := make(chan error, 1)
	go func() {
		_, err := p.pay(t.Context(), "until file")
		paid <- err
	}()
	eventually(t, "the call's beginning", func() bool { return exists(file + ".begun") })
	stopped := make(chan error, 1)
	go func() { stopped <- p.Stop(t.Context()) }()
	eventually(t, "no new calls", func() bool { return p.State().Phase == host.Stopped })
	if len(paid) != 0 || len(stopped) != 0 {
		t.Fatal("over before the call was")
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-paid, <-stopped); err != nil {
		t.Error(err)
	}
}

func TestStopCutsWhatTakesTooLong(t *testing.T) {
	t.Parallel()
	p, file := startWithFile(t)
	process := pid(p.Plugin)
	paid := make(chan error, 1)
	go func() {
		_, err := p.pay(t.Context(), "until file")
		paid <- err
	}()
	eventually(t, "the call's beginning", func() bool { return exists(file + ".begun") })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := p.Stop(ctx); err == nil {
		t.Error("no error, though a call was cut")
	}
	if err := <-paid; core.OutcomeOf(err) != core.Unknown || core.CodeOf(err) != core.CodeTransportAfterSend {
		t.Errorf("%v", err)
	}
	if alive(process) {
		t.Error("the process lives")
	}
}

func startWithFile(t *testing.T) (p running, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "go-on")
	return start(t, func(cfg *host.Config) { cfg.Settings = []byte(`{"file":"` + file + `"}`) }), file
}

func TestNothingStaysBehind(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	res, err := p.pay(t.Context(), "child")
	if err != nil {
		t.Fatal(err)
	}
	first, child := pid(p.Plugin), res.Reason
	if !alive(child) {
		t.Fatalf("no child: %s", child)
	}
	if _, err := p.pay(t.Context(), "exit"); err == nil {
		t.Fatal("no error")
	}
	eventually(t, "the end of the process and of its child", func() bool { return !alive(first) && !alive(child) })
	p.wantOK(t)
	second := pid(p.Plugin)
	if len(entries(t, p.temp)) == 0 {
		t.Error("no folder for the sockets")
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if left := entries(t, p.temp); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if alive(second) {
		t.Error("the process lives")
	}
}

func TestAKilledHostTakesItsPluginsAlong(t *testing.T) {
	t.Parallel()
	temp := shortTempDir(t)
	cmd := exec.Command(os.Args[0], hostCommand, temp)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	plugin := strings.TrimSpace(line)
	if !alive(plugin) {
		t.Fatalf("no process %q", plugin)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed, as it should be
	eventually(t, "the plugin's end", func() bool { return !alive(plugin) })

	// The dead host could not clean up; the next one does.
	if len(entries(t, temp)) != 1 {
		t.Fatalf("%v", entries(t, temp))
	}
	p := start(t, func(cfg *host.Config) { cfg.TempDir = temp })
	if left := entries(t, temp); len(left) != 1 {
		t.Errorf("%v", left)
	}
	p.wantOK(t)
}

// Without the kernel's help it is the end of standard input that tells a plugin of its host's end.
func TestThePluginEndsWithItsStandardInput(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0], "jalur-plugin", "scripted")
	cmd.Env = []string{"JALUR_PLUGIN=5d0f1c8e-provider", "PLUGIN_PROTOCOL_VERSIONS=1", "PLUGIN_UNIX_SOCKET_DIR=" + shortTempDir(t)}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.HasPrefix(line, "1|1|unix|") {
		t.Fatalf("%q, %v", line, err)
	}
	wantSameFile(t, cmd.Process.Pid)
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// wantSameFile checks that after the handshake what prints to standard output prints to standard error.
func wantSameFile(t *testing.T, pid int) {
	t.Helper()
	out, outErr := os.Readlink(fmt.Sprintf("/proc/%d/fd/1", pid))
	err, errErr := os.Readlink(fmt.Sprintf("/proc/%d/fd/2", pid))
	if outErr != nil || errErr != nil || out != err {
		t.Errorf("standard output is %q, %v; standard error is %q, %v", out, outErr, err, errErr)
	}
}

func TestWhileNoProcessStartsPayIsNotSent(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "settings")
	p := start(t, func(cfg *host.Config) {
		cfg.Settings = []byte(`{"file":"` + file + `"}`)
		cfg.StartWait = 30 * time.Millisecond
	})
	if err := os.WriteFile(file+".crash", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(p.State().PID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "several starts", func() bool { return p.State().Restarts > 2 })
	if _, err := p.pay(t.Context(), "ok"); core.OutcomeOf(err) != core.NotSent || core.CodeOf(err) != core.CodeTransportNotSent {
		t.Errorf("%v", err)
	}
	if err := os.Remove(file + ".crash"); err != nil {
		t.Fatal(err)
	}
	if err := p.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.wantOK(t)
}

func TestSettingsRefusedAtARestartEndTheRestarts(t *testing.T) {
	t.Parallel()
	p, file := startWithFile(t)
	if err := os.WriteFile(file+".refuse", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(p.State().PID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end", func() bool { return p.State().Phase == host.Stopped })
	if state := p.State(); state.PID != 0 || !strings.Contains(state.LastErr, "base_url") {
		t.Errorf("%+v", state)
	}
	if err := p.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "base_url") {
		t.Errorf("%v", err)
	}
	if _, err := p.pay(t.Context(), "ok"); core.OutcomeOf(err) != core.NotSent {
		t.Errorf("%v", err)
	}
}
