package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jalurhq/jalur/core/providertest"
)

// spec copies MMBC's own spec into a folder, changed.
func spec(t *testing.T, dir, old, replacement string) string {
	t.Helper()
	text, err := os.ReadFile("../../providers/mmbc/conformance.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "spec.yaml")
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), old, replacement, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func playMMBC(t *testing.T, dir string) (url string) {
	t.Helper()
	box := start(t, dir, nil, "sandbox", "mmbc", "--listen", "127.0.0.1:0", "--credentials", "toko:sandbox-only", "--reference-after", "10ms")
	url, _, _ = strings.Cut(box.printed("MMBC sandbox on "), "/json")
	return url
}

// suite is how somebody asks the whole suite of one plugin, with the specs in the tree.
type suite struct {
	plugin, row string // row: of the table of results in docs/conformance.md
	sandbox     []string
	says        string // the sandbox's first line, before its address
	spec        string
	more        []string
}

func suites() map[string]suite {
	play := func(name, credentials string, more ...string) []string {
		return append([]string{"sandbox", name, "--listen", "127.0.0.1:0", "--credentials", credentials}, more...)
	}
	box := play("mmbc", "toko:sandbox-only", "--reference-after", "10ms")
	return map[string]suite{
		"mmbc":          {"mmbc", "MMBC, in Go", box, "MMBC sandbox on ", "mmbc/conformance.yaml", nil},
		"mmbc's binary": {plugin, "MMBC, in Go", box, "MMBC sandbox on ", "mmbc/conformance.yaml", nil},
		"http": {
			"http", "MMBC, described for `http`", box, "MMBC sandbox on ", "mmbc/conformance.yaml",
			[]string{"--settings", filepath.Join(tree(), "examples/http/mmbc.settings.yaml")},
		},
		"digiflazz": {
			"digiflazz", "Digiflazz", play("digiflazz", "toko:sandbox-only", "--list-every", "-1s"), "Digiflazz sandbox on ", "digiflazz/conformance.yaml", nil,
		},
		"dtone": {
			"dtone", "DT One", play("dtone", "fakekey:fakesecret", "--delays", "0.01", "--complete-after", "50ms"), "DT One sandbox on ", "dtone/conformance.yaml", nil,
		},
	}
}

// tree is the root of the source.
func tree() string {
	whole, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		panic(err)
	}
	return whole
}

// The whole suite over the wire, through the built binary and its host.
func TestPluginTest(t *testing.T) {
	t.Parallel()
	for name, s := range suites() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			first := start(t, dir, nil, s.sandbox...).printed(s.says)
			url := "http://" + strings.Split(first, "/")[2]
			args := append([]string{"plugin", "test", s.plugin, "--sandbox", url, "--spec", filepath.Join(tree(), "providers", s.spec)}, s.more...)
			got := command(t, dir, nil, args...)
			if got.status != 0 {
				t.Fatalf("%d\n%s\n%s", got.status, got.stdout, got.stderr)
			}
			checkResults(t, s.row, got.stdout)
		})
	}
}

// checkResults holds a report against the table of results in docs/conformance.md.
func checkResults(t *testing.T, row, stdout string) {
	t.Helper()
	var report providertest.Report
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile(filepath.Join(tree(), "docs", "conformance.md"))
	if err != nil {
		t.Fatal(err)
	}
	inProcess := 0
	for _, rule := range report.Rules {
		process := strings.HasPrefix(rule.Rule, "process-")
		if rule.Verdict == providertest.Held && !process || rule.Rule == "nothing-left-behind" { // which is asked in process alone
			inProcess++
		}
	}
	want := fmt.Sprintf("| %s | %d of %[2]d | %d of %d |", row, inProcess, report.Held, report.Asked)
	if !report.OK || !strings.Contains(string(table), want) {
		t.Errorf("docs/conformance.md has another row than %s", want)
	}
}

func TestPluginTestPrintsATable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	url, whole := playMMBC(t, dir), spec(t, dir, "", "")
	table := command(t, dir, nil, "plugin", "test", "mmbc", "--sandbox", url, "--spec", whole, "-o", "table", "--rule", "pay-refused")
	if table.status != 0 || !strings.Contains(table.stdout, "held") || !strings.Contains(table.stdout, "1 of 1 rules hold (100 %)") {
		t.Errorf("%+v", table)
	}
}

func TestPluginTestFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	url := playMMBC(t, dir)
	cases := []struct {
		name, old, replacement string
		status                 int
		says                   string
	}{
		{"a rule that doesn't hold", "code: deposit_empty", "code: auth", 1, "should have auth"},
		{"a fault that isn't named", "  unknown_status:", "  #", 1, "names no"},
		{"a sample that isn't one", "  pending:", "  sleeping:", 2, "sleeping"},
		{"settings without the sandbox", "${SANDBOX}/json", "http://127.0.0.1:1/json", 2, "don't hold the sandbox's address"},
	}
	for _, tc := range cases {
		file := spec(t, dir, tc.old, tc.replacement)
		got := command(t, dir, nil, "plugin", "test", "mmbc", "--sandbox", url, "--spec", file, "--rule", "pay-refused,unknown-status-word")
		if got.status != tc.status || !strings.Contains(got.stdout+got.stderr, tc.says) {
			t.Errorf("%s: %+v", tc.name, got)
		}
	}
	for _, args := range [][]string{
		{"plugin", "test", "mmbc"},
		{"plugin", "test", "mmbc", "--sandbox", url, "--spec", filepath.Join(dir, "nothing")},
		{"plugin", "test", "nothing", "--sandbox", url, "--spec", spec(t, dir, "", "")},
		{"plugin", "test", "mmbc", "--sandbox", "http://" + freeAddress(t), "--spec", spec(t, dir, "", "")},
		{"plugin", "new", "Loud Name"},
		{"plugin", "new", "quiet", "--lang", "cobol"},
		{"plugin", "new", "jalur"},
	} {
		if got := command(t, dir, nil, args...); got.status != 2 {
			t.Errorf("%q: %+v", args, got)
		}
	}
}

func TestPluginNewBuildsAndPasses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	command(t, dir, nil, "plugin", "new", "acme", "--lang", "go", "--jalur", tree()).want(t, 0)
	made := filepath.Join(dir, "acme")
	if got := command(t, dir, nil, "plugin", "new", "acme"); got.status != 2 || !strings.Contains(got.stderr, "not empty") {
		t.Errorf("a folder was written twice: %+v", got)
	}
	provider, err := os.ReadFile(filepath.Join(made, "main.go"))
	if lines := strings.Count(string(provider), "\n"); err != nil || lines >= 100 {
		t.Errorf("the smallest provider has %d lines (%v)", lines, err)
	}
	sums, err := os.ReadFile(filepath.Join(tree(), "go.sum"))
	if err == nil {
		err = os.WriteFile(filepath.Join(made, "go.sum"), sums, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if out := tool(t, made, "gofmt", "-l", "."); out != "" {
		t.Errorf("gofmt would change %s", out)
	}
	tool(t, made, "go", "build", "-o", "acme", ".")
	tool(t, made, "go", "build", "-o", "sandbox-program", "./cmd/sandbox")
	tool(t, made, "go", "vet", "./...")
	tool(t, made, "go", "test", "-vet=off", "-count=1", "./...")

	box := startProgram(t, filepath.Join(made, "sandbox-program"), made, nil, freeAddress(t))
	url := box.printed("sandbox on ")
	got := command(t, made, nil, "plugin", "test", "./acme", "--sandbox", url, "--spec", "spec.yaml")
	if answer := got.want(t, 0); answer.at("provider") != "acme" || answer.at("ok") != "true" {
		t.Errorf("%v", answer)
	}
}

// tool runs a tool and gives what it says. What it needs of other modules is there already, since this tree needs it too.
func tool(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS=-mod=mod -buildvcs=false", "GOPROXY=off", "GOWORK=off", "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return string(out)
}

func TestPluginRunIsUsedByGatewaysAndEndedByNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	debugged := start(t, w.dir, nil, "plugin", "run", "--debug", plugin)
	value, err := strconv.Unquote(strings.TrimSuffix(debugged.printed(`"value": `), ","))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSuffix(debugged.printed(`"pid": `), ","))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"first", "second"} {
		g := w.gateway("JALUR_REATTACH=" + value)
		got := w.cli("pay", "GOPAY", "0812345678", "100000", "--key", key, "--server", "http://"+w.listen).want(t, 0)
		if got.at("state") != "succeeded" {
			t.Errorf("%s: %v", key, got)
		}
		g.interrupt()
		if !strings.Contains(g.output(), "DEBUG: provider mmbc is the process "+strconv.Itoa(pid)) {
			t.Error("the gateway doesn't say that it is being debugged")
		}
		if err := syscall.Kill(pid, 0); err != nil {
			t.Errorf("the %s gateway has ended the plugin: %v", key, err)
		}
	}
	debugged.interrupt()
	eventually(t, "the plugin's end", func() bool { return syscall.Kill(pid, 0) != nil })

	gone := command(t, w.dir, append(w.env(), "JALUR_REATTACH="+value), "serve")
	if gone.status != 2 || !strings.Contains(gone.stderr, "doesn't run any more") {
		t.Errorf("%+v", gone)
	}
}

func TestPluginRunWantsToBeMeant(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, args := range [][]string{
		{"plugin", "run", "mmbc"},
		{"plugin", "run", "--debug", "nothing"},
		{"plugin", "run", "--debug", "/bin/true"},
	} {
		if got := command(t, dir, nil, args...); got.status != 2 {
			t.Errorf("%q: %+v", args, got)
		}
	}
}
