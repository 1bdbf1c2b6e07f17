package host //nolint:testpackage // what is tested here is not for others

import (
	"slices"
	"testing"
	"time"
)

func TestPausesDoubleUpToTheMostAndBeginAnew(t *testing.T) {
	t.Parallel()
	b := backoff{cfg: Config{}.withDefaults().Restart}
	for n, most := range []int64{100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000} {
		b.lost(time.Now(), time.Second)
		for range 20 {
			if pause := b.pause().Milliseconds(); pause > most || pause < most/2-1 {
				t.Errorf("pause %d is %d ms, not up to %d", n+1, pause, most)
			}
		}
	}
	b.lost(time.Now(), time.Minute)
	if pause := b.pause(); pause > 100*time.Millisecond {
		t.Errorf("after a long life the pause is %s", pause)
	}
}

func TestEnvironmentIsAnAllowlist(t *testing.T) {
	t.Parallel()
	got := environment([]string{
		"PATH=/bin", "HOME=/root", "DB_PASSWORD=x", "TZ=Asia/Jakarta", "GOGC=100", "OTEL_SERVICE_NAME=shop", "OTEL_TRACES_EXPORTER=otlp", "TZX=1",
		"JALUR_PLUGIN=1", "LD_PRELOAD=x",
	}, "lane")
	want := []string{"TZ=Asia/Jakarta", "GOGC=100", "OTEL_TRACES_EXPORTER=otlp", "OTEL_SERVICE_NAME=shop-plugin-lane"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
