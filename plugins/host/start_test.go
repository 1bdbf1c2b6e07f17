package host_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/host"
	"github.com/jalurhq/jalur/plugins/sdk"
)

func TestWhatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	script := filepath.Join(dir, "script")
	if err := errors.Join(os.WriteFile(plain, []byte("text"), 0o600), os.WriteFile(script, []byte("text"), 0o700)); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		change func(*host.Config)
		want   []string
	}{
		"no name":          {func(c *host.Config) { c.Name = "" }, []string{"Config.Name"}},
		"settings no JSON": {func(c *host.Config) { c.Settings = []byte("{") }, []string{"Config.Settings"}},
		"nothing shipped":  {func(c *host.Config) { c.Shipped = sdk.Shipped{}; c.Plugin = "mmbc" }, []string{`can't start itself as plugin "mmbc"`, "sdk.Self"}},
		"not shipped":      {func(c *host.Config) { c.Plugin = "mmbc" }, []string{`no plugin "mmbc"`, "scripted"}},
		"no such file":     {func(c *host.Config) { c.Plugin = dir + "/none" }, []string{dir + "/none", "does not exist"}},
		"a folder":         {func(c *host.Config) { c.Plugin = dir }, []string{dir, "not a file"}},
		"not executable":   {func(c *host.Config) { c.Plugin = plain }, []string{plain, "not executable"}},
		"no program":       {func(c *host.Config) { c.Plugin = script }, []string{script, "can't be started"}},
		"ends at once":     {func(c *host.Config) { c.Plugin = "/bin/true" }, []string{"/bin/true", "no plugin of Jalur", "exit status 0"}},
		"prints and ends":  {func(c *host.Config) { c.Plugin = "/bin/pwd" }, []string{"/bin/pwd", "no plugin of Jalur", "it printed: /"}},
		"says nothing":     {func(c *host.Config) { c.Plugin = "/bin/cat"; c.StartTimeout = 50 * time.Millisecond }, []string{"/bin/cat", "no handshake"}},
		"crashes":          {func(c *host.Config) { c.Plugin = "crashing" }, []string{"lane", "no answer"}},
		"panics":           {func(c *host.Config) { c.Plugin = "panicking" }, []string{"lane", "panicked"}},
		"makes nothing":    {func(c *host.Config) { c.Plugin = "nothing" }, []string{"lane", "made no provider"}},
		"path too long":    {func(c *host.Config) { c.TempDir = longDir(t, dir) }, []string{"too long a path"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, r := config(t)
			tc.change(&cfg)
			p, err := launch(t.Context(), cfg)
			if err == nil {
				stop(t, p)
				t.Fatal("it started")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q doesn't say %q", err, want)
				}
			}
			if left := entries(t, r.temp); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func longDir(t *testing.T, dir string) string {
	t.Helper()
	dir = filepath.Join(dir, strings.Repeat("d", 100))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Error(err)
	}
	return dir
}

func TestARefusedSettingIsNamed(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t)
	cfg.Plugin, cfg.Secrets = "refusing", []string{"hunter2-secret"}
	_, err := launch(t.Context(), cfg)
	var refused *host.SettingsError
	if !errors.As(err, &refused) || refused.Key != "base_url" || refused.Provider != "lane" {
		t.Fatalf("%v", err)
	}
	if want := "must be an http URL, not [redacted]"; !strings.HasSuffix(refused.Rule, want) {
		t.Errorf("rule %q", refused.Rule)
	}
}

func TestACancelledStartEndsAtOnce(t *testing.T) {
	t.Parallel()
	cfg, r := config(t)
	cfg.Plugin, cfg.StartTimeout = "/bin/cat", time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := launch(ctx, cfg); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if left := entries(t, r.temp); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAPluginThatDoesNotStartIsTriedAgain(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t)
	cfg.Plugin, cfg.StartWait = "crashing", 10*time.Millisecond
	p, err := host.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, p)
	if err := p.Started(t.Context()); err == nil {
		t.Fatal("it started")
	}
	eventually(t, "a third try", func() bool { return p.State().Restarts > 2 })
	_, err = p.Provider().Describe(t.Context())
	if core.OutcomeOf(err) != core.NotSent {
		t.Errorf("a call meanwhile: %v", err)
	}
}

func TestAPinnedPluginIsStartedAndAnotherIsNot(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	r := start(t, func(c *host.Config) { c.SHA256 = hex.EncodeToString(sum[:]) })
	r.wantOK(t)
	cfg, _ := config(t)
	cfg.SHA256 = strings.Repeat("0", 64)
	if _, err := launch(t.Context(), cfg); !errors.Is(err, host.ErrPin) || !strings.Contains(err.Error(), hex.EncodeToString(sum[:])) {
		t.Errorf("another file than the pinned one: %v", err)
	}
}
