package config_test

import (
	"testing"

	"github.com/jalurhq/jalur/config"
)

func TestSizes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"": 0, "1KiB": 1 << 10, "512MiB": 512 << 20, "2 GiB": 2 << 30} {
		if got, err := (config.Limits{Memory: text}).Bytes(); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"512", "512MB", "-1MiB", "0MiB", "MiB", "1.5GiB", "9999999999GiB", "1e3MiB"} {
		if got, err := (config.Limits{Memory: text}).Bytes(); err == nil {
			t.Errorf("%q: %d", text, got)
		}
	}
}
