package host_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/jalurhq/jalur/plugins/host"
)

// script is a plugin of several files: a program that reads another file beside it, which starts this test's own plugin.
type script struct {
	folder  string
	started string // a file in which stands what was started
}

func newScript(t *testing.T) script {
	t.Helper()
	s := script{t.TempDir(), filepath.Join(t.TempDir(), "started")}
	s.write(t, "run", "#!/bin/sh\nprintf %s \"$0\" >'"+s.started+"'\n. \"${0%/*}/lib/start.sh\"\n", 0o700)
	s.writeStart(t)
	return s
}

func (s script) writeStart(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	check(t, err)
	s.write(t, "lib/start.sh", "exec '"+self+"' jalur-plugin scripted\n", 0o600)
}

func (s script) write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	path := filepath.Join(s.folder, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), mode)); err != nil {
		t.Fatal(err)
	}
}

// manifest lists the two files as sha256sum would.
func (s script) manifest(t *testing.T) string {
	t.Helper()
	var lines strings.Builder
	for _, name := range []string{"run", "lib/start.sh"} {
		text, err := os.ReadFile(filepath.Join(s.folder, name))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&lines, "%x  ./%s\n", sha256.Sum256(text), name)
	}
	return lines.String()
}

// pinnedBy writes the manifest and points the configuration to it.
func (s script) pinnedBy(t *testing.T, manifest string) func(*host.Config) {
	t.Helper()
	s.write(t, "SHA256SUMS", manifest, 0o600)
	return func(c *host.Config) {
		c.Plugin, c.Manifest = filepath.Join(s.folder, "run"), filepath.Join(s.folder, "SHA256SUMS")
		c.SHA256 = fmt.Sprintf("%x", sha256.Sum256([]byte(manifest)))
	}
}

func TestAPluginOfSeveralFilesRunsFromACheckedCopy(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	p := start(t, s.pinnedBy(t, s.manifest(t)))
	p.wantOK(t)
	dirs := entries(t, p.temp)
	if len(dirs) != 1 {
		t.Fatalf("%q", dirs)
	}
	copied := filepath.Join(p.temp, dirs[0], "program")
	if started, err := os.ReadFile(s.started); err != nil || string(started) != filepath.Join(copied, "run") {
		t.Errorf("started from %s, %v", started, err)
	}
	for name, mode := range map[string]os.FileMode{"": 0o500, "run": 0o500, "lib": 0o500, "lib/start.sh": 0o400} {
		if info, err := os.Stat(filepath.Join(copied, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	// Another file in the original's place changes nothing for the process, and keeps the next from being started.
	s.write(t, "lib/start.sh", "exit 1\n", 0o600)
	p.wantOK(t)
	if err := unix.Kill(p.State().PID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the refusal", func() bool { return strings.Contains(p.State().LastErr, host.ErrPin.Error()) })
	s.writeStart(t)
	if err := p.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.wantOK(t)
	if err := p.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if left := entries(t, p.temp); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestWhatTheManifestDoesNotListIsNotStarted(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change func(t *testing.T, s script) string // after the manifest was made; gives another manifest
		want   string
	}{
		"a file changed": {func(t *testing.T, s script) string { s.write(t, "lib/start.sh", "true\n", 0o600); return "" }, "lib/start.sh has the SHA-256"},
		"a further file": {func(t *testing.T, s script) string { s.write(t, "lib/more.sh", "", 0o600); return "" }, "doesn't list lib/more.sh"},
		"a file missing": {func(t *testing.T, s script) string {
			check(t, os.Remove(filepath.Join(s.folder, "lib/start.sh")))
			return ""
		}, "no such file"},
		"a link": {func(t *testing.T, s script) string {
			check(t, os.Symlink("/bin/sh", filepath.Join(s.folder, "sh")))
			return ""
		}, "sh is neither a file nor a folder"},
		"a link instead": {func(t *testing.T, s script) string { s.link(t, "lib/start.sh"); return "" }, "lib/start.sh is neither"},
		"a pipe": {func(t *testing.T, s script) string {
			check(t, unix.Mkfifo(filepath.Join(s.folder, "pipe"), 0o600))
			return ""
		}, "pipe is neither"},
		"no program":      {func(t *testing.T, s script) string { return cutLine(s.manifest(t)) }, "doesn't list the program"},
		"not sha256sum's": {func(*testing.T, script) string { return "run\n" }, "line 1 is not as sha256sum writes it"},
		"listed twice":    {func(t *testing.T, s script) string { return s.manifest(t) + s.manifest(t) }, "line 3: run is listed already"},
		"outside":         {func(t *testing.T, s script) string { return s.manifest(t) + strings.Repeat("0", 64) + "  ../x\n" }, "../x doesn't lie"},
		"absolute":        {func(t *testing.T, s script) string { return s.manifest(t) + strings.Repeat("0", 64) + " */bin/sh\n" }, "/bin/sh doesn't lie"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScript(t)
			manifest := s.manifest(t)
			if other := tc.change(t, s); other != "" {
				manifest = other
			}
			cfg, r := config(t)
			s.pinnedBy(t, manifest)(&cfg)
			if _, err := launch(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v", err)
			}
			if left := entries(t, r.temp); len(left) != 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

func TestAManifestMustBeThePinnedOneAndHoldTheProgram(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	cfg, _ := config(t)
	pin := s.pinnedBy(t, s.manifest(t))
	pin(&cfg)
	cfg.SHA256 = strings.Repeat("0", 64)
	if _, err := launch(t.Context(), cfg); !errors.Is(err, host.ErrPin) || !strings.Contains(err.Error(), "it has the SHA-256") {
		t.Errorf("another manifest: %v", err)
	}
	pin(&cfg)
	cfg.Plugin = "/bin/sh"
	if _, err := launch(t.Context(), cfg); !errors.Is(err, host.ErrPin) {
		t.Errorf("a program elsewhere: %v", err)
	}
	cfg.SHA256 = ""
	if _, err := host.Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "Config.Manifest without its SHA256") {
		t.Errorf("a manifest that is not pinned: %v", err)
	}
}

func (s script) link(t *testing.T, name string) {
	t.Helper()
	path := filepath.Join(s.folder, name)
	check(t, errors.Join(os.Rename(path, path+"~"), os.Symlink("start.sh~", path)))
}

func cutLine(manifest string) string {
	_, rest, _ := strings.Cut(manifest, "\n")
	return rest
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
