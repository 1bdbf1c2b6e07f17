package jalur_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jalurhq/jalur"
	"github.com/jalurhq/jalur/config"
	"github.com/jalurhq/jalur/plugins/host"
)

func TestOneBadPluginDoesNotKeepTheOthersFromStarting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	settings := map[string]any{"base_url": "http://127.0.0.1:1/json", "username": "toko", "password": "sandbox-only"}
	service, err := jalur.Open(t.Context(), config.Config{
		Journal: "sqlite://" + filepath.Join(dir, "jalur.db"),
		Providers: map[string]config.Provider{
			"good":    {Plugin: "mmbc", Settings: settings},
			"missing": {Plugin: filepath.Join(dir, "nothing"), Settings: settings},
			"other":   {Plugin: "/bin/true", SHA256: strings.Repeat("0", 64), Settings: settings},
			"broken":  {Plugin: "/bin/true", Settings: settings},
			"silent":  {Plugin: "/bin/cat", Settings: settings},
		},
	}, jalur.Options{Shipped: shipped, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close(context.Background())
	for _, p := range service.Providers(t.Context()) {
		if isGood := p.Name == "good"; (p.Health.Problem == "") != isGood || (p.Descriptor.Name == "mmbc") != isGood {
			t.Errorf("%+v", p)
		}
	}
}

func TestTheCheckFindsAPluginThatCannotStart(t *testing.T) {
	t.Parallel()
	settings := map[string]any{"base_url": "http://127.0.0.1:1/json", "username": "toko", "password": "sandbox-only"}
	err := jalur.CheckPlugins(t.Context(), config.Config{Providers: map[string]config.Provider{
		"missing": {Plugin: filepath.Join(t.TempDir(), "nothing"), Settings: settings},
		"other":   {Plugin: "/bin/true", SHA256: strings.Repeat("0", 64), Settings: settings},
	}}, jalur.Options{Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "provider missing") || !errors.Is(err, host.ErrPin) {
		t.Errorf("%v", err)
	}
}
