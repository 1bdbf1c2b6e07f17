package view_test

import (
	"testing"
	"time"

	"github.com/jalurhq/jalur/internal/view"
)

func FuzzSince(f *testing.F) {
	f.Add("24h")
	f.Add("2026-01-31T00:00:00Z")
	f.Add("-1h")
	now := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		at, err := view.ParseSince(text, now)
		if err != nil && !at.IsZero() || err == nil && text != "" && at.After(now) && text[0] == '-' {
			t.Errorf("%q is %s, %v", text, at, err)
		}
	})
}
