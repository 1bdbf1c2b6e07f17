package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The binaries under test, built once: jalur itself, and the MMBC plugin as a binary of its own.
var jalur, plugin string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "jalur-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	jalur, plugin = filepath.Join(dir, "jalur"), filepath.Join(dir, "mmbc")
	build := exec.Command("go", "build", "-o", dir, "github.com/jalurhq/jalur/cmd/jalur", "github.com/jalurhq/jalur/plugins/mmbc")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", out, err)
		return 1
	}
	status := m.Run()
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(status, 1)
	}
	return status
}

// The sandbox's credentials. Tests look for the secret where it must not be.
const (
	user   = "tokoe2e"
	secret = "s3cr3t-Of-The-Test"
)

// process is a running binary whose output is kept.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	done chan struct{}

	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // closed at the next output
}

func (p *process) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.more)
	p.more = make(chan struct{})
	return p.text.Write(data)
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// start runs the binary in a folder until the test ends.
func start(t *testing.T, dir string, env []string, args ...string) *process {
	t.Helper()
	return startProgram(t, jalur, dir, env, args...)
}

// startProgram is start for another program.
func startProgram(t *testing.T, program, dir string, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(program, args...), done: make(chan struct{}), more: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env = dir, append(cleanEnv(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%v printed:\n%s", args, tail(p.output()))
		}
	})
	return p
}

func tail(text string) string { return text[max(0, len(text)-4000):] }

func cleanEnv() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
}

// kill ends the process at once, as a crash does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// interrupt asks the process to end, and waits until it has.
func (p *process) interrupt() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(30 * time.Second):
		p.t.Fatalf("did not end on an interrupt:\n%s", tail(p.output()))
	}
}

// printed waits for a line that starts with the prefix, and gives what follows it on the line.
func (p *process) printed(prefix string) string {
	p.t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		p.mu.Lock()
		text, more := p.text.String(), p.more
		p.mu.Unlock()
		for line := range strings.Lines(text) {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(line), prefix); ok && strings.HasSuffix(line, "\n") {
				return strings.TrimSpace(rest)
			}
		}
		select {
		case <-more:
		case <-p.done:
			p.t.Fatalf("ended before it printed %q:\n%s", prefix, p.output())
		case <-deadline:
			p.t.Fatalf("did not print %q in time:\n%s", prefix, p.output())
		}
	}
}

// eventually waits for a condition that another process brings about.
func eventually(t *testing.T, what string, reached func() bool) {
	t.Helper()
	within(t, 30*time.Second, what, reached)
}

// within is eventually with a limit of its own.
func within(t *testing.T, limit time.Duration, what string, reached func() bool) {
	t.Helper()
	deadline := time.After(limit)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !reached() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("not in time: %s", what)
		}
	}
}

// world is a sandbox with what stands before it.
type world struct {
	t       *testing.T
	dir     string
	sandbox string // its URL
	config  string // the configuration's file
	listen  string
}

// settings of a world's configuration.
type settings struct {
	timeout string // of a call; default 30s
	direct  int
}

func newWorld(t *testing.T, s settings, sandboxArgs ...string) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), listen: freeAddress(t)}
	args := append([]string{"sandbox", "mmbc", "--listen", "127.0.0.1:0", "--credentials", user + ":" + secret}, sandboxArgs...)
	box := start(t, w.dir, nil, args...)
	url, _, _ := strings.Cut(box.printed("MMBC sandbox on "), ",")
	w.sandbox = strings.TrimSuffix(url, "/json/multipayment")
	if s.timeout == "" {
		s.timeout = "30s"
	}
	w.config = filepath.Join(w.dir, "jalur.yaml")
	text := fmt.Sprintf(`journal: sqlite://jalur.db
providers:
  mmbc:
    plugin: mmbc
    timeout: %s
    settings:
      base_url: %s/json/multipayment
      username: %s
      password: ${TEST_PASSWORD}
      direct: %d
routes:
  - merchant: "*"
    via: [{provider: mmbc}]
server:
  listen: %s
`, s.timeout, w.sandbox, user, s.direct, w.listen)
	if err := os.WriteFile(w.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

// rewrite changes the configuration.
func (w *world) rewrite(old, replacement string) {
	w.t.Helper()
	text, err := os.ReadFile(w.config)
	if err != nil {
		w.t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		w.t.Fatalf("the configuration has no %q", old)
	}
	if err := os.WriteFile(w.config, []byte(strings.ReplaceAll(string(text), old, replacement)), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// invoiceOf gives the invoice of an account's order by the provider's own report.
func (w *world) invoiceOf(account string) string {
	w.t.Helper()
	resp, err := http.Get(w.sandbox + "/_ledger?account=" + account)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return decode(w.t, string(data)).at("executed.0.invoice")
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (w *world) env() []string { return []string{"TEST_PASSWORD=" + secret} }

// gateway runs a gateway until it answers.
func (w *world) gateway(env ...string) *process {
	w.t.Helper()
	g := start(w.t, w.dir, append(w.env(), env...), "serve")
	g.printed("gateway on ")
	return g
}

// ran is how a command ended.
type ran struct {
	status int
	stdout string
	stderr string
}

// cli runs one command to its end.
func (w *world) cli(args ...string) ran {
	w.t.Helper()
	return command(w.t, w.dir, w.env(), args...)
}

func command(t *testing.T, dir string, env []string, args ...string) ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, jalur, args...)
	cmd.Dir, cmd.Env = dir, append(cleanEnv(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return ran{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// want fails unless the command ended with the status, and gives its answer.
func (r ran) want(t *testing.T, status int) answer {
	t.Helper()
	if r.status != status {
		t.Fatalf("exit status %d, want %d\nstdout: %s\nstderr: %s", r.status, status, r.stdout, r.stderr)
	}
	return decode(t, r.stdout)
}

// answer is a JSON object.
type answer map[string]any

func decode(t *testing.T, text string) answer {
	t.Helper()
	var a answer
	if strings.TrimSpace(text) == "" {
		return a
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatalf("not a JSON object: %v: %s", err, text)
	}
	return a
}

// at gives a value by its path ("cost.value"); the texts of numbers and booleans too.
func (a answer) at(path string) string {
	var value any = map[string]any(a)
	for name := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(v) {
				return ""
			}
			value = v[i]
		default:
			return ""
		}
	}
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

// wants compares values by their paths.
func (a answer) wants(t *testing.T, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if got := a.at(pairs[i]); got != pairs[i+1] {
			t.Errorf("%s is %q, want %q, in %v", pairs[i], got, pairs[i+1], a)
		}
	}
}

// post makes a payment at the gateway.
func (w *world) post(key, account string, amount int, headers ...string) (int, answer, error) {
	body := fmt.Sprintf(`{"merchant":"GOPAY","account":%q,"amount":%d}`, account, amount)
	req, err := http.NewRequest(http.MethodPost, "http://"+w.listen+"/v1/payments", strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", key)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return w.do(req)
}

func (w *world) get(path string) (int, answer, error) {
	req, err := http.NewRequest(http.MethodGet, "http://"+w.listen+path, nil)
	if err != nil {
		return 0, nil, err
	}
	return w.do(req)
}

func (w *world) do(req *http.Request) (int, answer, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, err
	}
	var a answer
	err = json.Unmarshal(data, &a)
	return resp.StatusCode, a, err
}

// mustPost is post where the gateway must answer.
func (w *world) mustPost(key, account string, headers ...string) (int, answer) {
	w.t.Helper()
	status, a, err := w.post(key, account, 100000, headers...)
	if err != nil {
		w.t.Fatal(err)
	}
	return status, a
}

func (w *world) mustGet(path string) answer {
	w.t.Helper()
	_, a, err := w.get(path)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// ledger gives how often the provider really executed an order for each account.
func (w *world) ledger() map[string]int {
	w.t.Helper()
	resp, err := http.Get(w.sandbox + "/_ledger")
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var ledger struct {
		ByAccount map[string]int `json:"by_account"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&ledger); err != nil {
		w.t.Fatal(err)
	}
	return ledger.ByAccount
}

// fault sets a fault for the next reload of an account.
func (w *world) fault(name, account string) {
	w.t.Helper()
	resp, err := http.Post(w.sandbox+"/_fault?times=1&name="+name+"&account="+account, "", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		w.t.Fatalf("fault %s: %s: %s", name, resp.Status, text)
	}
}

// descendants gives the processes below one, by /proc.
func descendants(pid int) []int {
	found := []int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		data, err := os.ReadFile(stat)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
		child, _ := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			found = append(append(found, child), descendants(child)...)
		}
	}
	return found
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }
