package host //nolint:testpackage // what is tested here is not for others

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func newLines(secrets ...string) (*lineLog, *bytes.Buffer) {
	out := &bytes.Buffer{}
	logger := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return &lineLog{logger: logger, hide: newRedactor(secrets)}, out
}

func TestRedactorHidesSecretsAndAccounts(t *testing.T) {
	t.Parallel()
	hide := newRedactor([]string{"p&ss wörd", "p&ss", "abc", ""})
	cases := map[string]string{
		"login p&ss wörd":                   "login [redacted]",
		"?pin=p%26ss+w%C3%B6rd&x":           "?pin=[redacted]&x",
		`{"pin":"p\u0026ss wörd"}`:          `{"pin":"[redacted]"}`,
		"Basic cCZzcyB3w7ZyZA==":            "Basic [redacted]",
		"p&ss":                              "[redacted]",
		"abc is too short":                  "abc is too short",
		"account 081234567890.":             "account 08*******890.",
		"account 0812-3456-7890":            "account 08*********890",
		"2026-11-22T21:21:35 100000 rupiah": "2026-11-22T21:21:35 100000 rupiah",
	}
	for text, want := range cases {
		if got := hide.text(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestLinesAreReadLeniently(t *testing.T) {
	t.Parallel()
	cases := map[string]logLine{
		"plain":       {slog.LevelInfo, "plain", ""},
		"panic: boom": {slog.LevelError, "panic: boom", ""},
		`{"time":"t","level":"WARN","msg":"m","k":1}`:        {slog.LevelWarn, "m", `{"k":1}`},
		`{"@timestamp":"t","@level":"trace","@message":"m"}`: {slog.LevelDebug, "m", ""},
		`{"@message":1}`:                 {slog.LevelInfo, `{"@message":1}`, ""},
		`{"@level":null,"@message":"m"}`: {slog.LevelInfo, "m", ""},
		`{"msg":"m","level":7}`:          {slog.LevelInfo, "m", ""},
		`{"half`:                         {slog.LevelInfo, `{"half`, ""},
		`{}`:                             {slog.LevelInfo, `{}`, ""},
		`null`:                           {slog.LevelInfo, `null`, ""},
		"\xff":                           {slog.LevelInfo, "?", ""},
	}
	for text, want := range cases {
		if got := parseLine([]byte(text)); got != want {
			t.Errorf("%q was read as %+v, want %+v", text, got, want)
		}
	}
}

func TestALongLineIsCutWithoutShowingHalfASecret(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-hunter2"
	for shift := range len(secret) + 1 {
		lines, out := newLines(secret)
		long := strings.Repeat("x", maxLine-shift) + secret + strings.Repeat("y", 3*maxLine) + "\nnext\n"
		lines.read(strings.NewReader(long), nil)
		if strings.Contains(out.String(), "hunt") {
			t.Errorf("shift %d: a part of the secret is shown", shift)
		}
		if strings.Contains(out.String(), "yyy") || !strings.Contains(out.String(), "plugin: next") {
			t.Errorf("shift %d: %d bytes logged", shift, out.Len())
		}
	}
}

func TestFloodsAreCountedNotLogged(t *testing.T) {
	t.Parallel()
	lines, _ := newLines()
	now := time.Unix(1, 0)
	logged := 0
	for n := range 5 * linesPerSecond {
		if _, ok := lines.admit(fmt.Append(nil, "line ", n), now); ok {
			logged++
		}
	}
	dropped, ok := lines.admit([]byte("later"), now.Add(time.Second))
	if logged != linesPerSecond || dropped != 4*linesPerSecond || !ok {
		t.Errorf("%d logged, %d dropped, %v", logged, dropped, ok)
	}
	if words := lines.lastWords(20); !strings.HasSuffix(words, "\nlater\n") || len(words) != 20 {
		t.Errorf("last words %q", words)
	}
}

func TestLastWordsAreBounded(t *testing.T) {
	t.Parallel()
	lines, _ := newLines()
	for range 1000 {
		lines.admit(bytes.Repeat([]byte("z"), 1000), time.Unix(1, 0))
	}
	if len(lines.last) > 2*maxLastWords || len(lines.lastWords(maxLastWords)) != maxLastWords {
		t.Errorf("%d bytes kept", len(lines.last))
	}
}

func TestLastWordsShowNoPartOfASecret(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-hunter2"
	for length := range 2 * len(secret) {
		lines, _ := newLines(secret)
		line := strings.Repeat("x", length) + secret + "\n"
		lines.read(strings.NewReader(strings.Repeat(line, 3*maxLastWords/len(line))), nil)
		if words := lines.lastWords(3 * maxLastWords); strings.Contains(words, "unt") || !strings.Contains(words, "[redacted]") {
			t.Errorf("length %d: a part of the secret is shown", length)
		}
	}
}
