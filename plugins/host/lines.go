package host

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Limits of what a plugin can make the host log.
const (
	maxLine        = 8 << 10  // of a longer line only the beginning is kept
	maxLastWords   = 64 << 10 // kept for the report of a crash
	linesPerSecond = 200
)

// lineLog takes what a plugin prints, line by line, into the host's log. No line of it can do harm: it is read leniently, hidden, cut and counted.
type lineLog struct {
	logger *slog.Logger
	hide   *redactor

	mu      sync.Mutex
	last    []byte // whole lines as they came; they are hidden when they are shown
	second  time.Time
	count   int
	dropped int
}

// read takes lines until the end, whatever it is. Before it is logged, a line is offered to first (if there is one), which may take it.
func (l *lineLog) read(r io.Reader, first func(line []byte) (rest []byte)) {
	lines := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := lines.ReadSlice('\n')
		isCut := errors.Is(err, bufio.ErrBufferFull)
		if first != nil {
			line = first(line)
		}
		l.add(line, isCut)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = lines.ReadSlice('\n')
		}
		if err != nil {
			return
		}
	}
}

func (l *lineLog) add(line []byte, isCut bool) {
	line = bytes.TrimRight(line, "\r\n")
	if len(line) == 0 {
		return
	}
	if isCut {
		line = []byte(l.hide.cut(string(line)))
	}
	if dropped, ok := l.admit(line, time.Now()); ok {
		l.write(l.shown(line), dropped)
	}
}

// shown is a line as people may see it. A line that nobody is shown doesn't cost that much.
func (l *lineLog) shown(line []byte) logLine {
	entry := parseLine(line)
	entry.message, entry.fields = l.hide.text(entry.message), l.hide.text(entry.fields)
	return entry
}

// admit keeps a line as last words, and says whether it may be logged and how many before it were not.
func (l *lineLog) admit(line []byte, now time.Time) (dropped int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = append(append(l.last, line...), '\n')
	if over := len(l.last) - maxLastWords; over > maxLastWords {
		over += bytes.IndexByte(l.last[over:], '\n') + 1 // no part of a line: it could be part of a secret
		l.last = append([]byte(nil), l.last[over:]...)
	}
	if now.Sub(l.second) >= time.Second {
		l.second, l.count = now, 0
	}
	if l.count++; l.count > linesPerSecond {
		l.dropped++
		return 0, false
	}
	dropped, l.dropped = l.dropped, 0
	return dropped, true
}

func (l *lineLog) write(entry logLine, dropped int) {
	ctx := context.Background()
	if dropped > 0 {
		l.logger.LogAttrs(ctx, slog.LevelWarn, "plugin prints too much", slog.Int("lines_dropped", dropped))
	}
	var attrs []slog.Attr
	if entry.fields != "" {
		attrs = append(attrs, slog.String("fields", entry.fields))
	}
	l.logger.LogAttrs(ctx, entry.level, "plugin: "+entry.message, attrs...)
}

// lastWords gives the end of what was printed, at most limit bytes of it.
func (l *lineLog) lastWords(limit int) string {
	l.mu.Lock()
	last := bytes.Clone(l.last)
	l.mu.Unlock()
	var words []byte
	for line := range bytes.Lines(last) {
		entry := l.shown(bytes.TrimSuffix(line, []byte("\n")))
		words = append(words, entry.message+entry.fields+"\n"...)
	}
	return strings.ToValidUTF8(string(words[max(0, len(words)-limit):]), "")
}

// logLine is one line, understood as far as it goes.
type logLine struct {
	level   slog.Level
	message string
	fields  string // what else was in it, as JSON
}

// parseLine reads the JSON of log/slog and of hclog, and takes everything else as text.
func parseLine(line []byte) logLine {
	text := logLine{level: levelOfText(line), message: strings.ToValidUTF8(string(line), "?")}
	var fields map[string]any
	if !bytes.HasPrefix(line, []byte("{")) || json.Unmarshal(line, &fields) != nil {
		return text
	}
	message, ok := take(fields, "msg", "@message").(string)
	if !ok {
		return text
	}
	entry := logLine{level: levelOf(take(fields, "level", "@level")), message: message}
	take(fields, "time", "@timestamp")
	if len(fields) == 0 {
		return entry
	}
	rest, err := json.Marshal(fields)
	if err != nil {
		return text
	}
	entry.fields = string(rest)
	return entry
}

// take removes the first of the keys that is there.
func take(fields map[string]any, keys ...string) any {
	for _, key := range keys {
		if value, there := fields[key]; there {
			delete(fields, key)
			return value
		}
	}
	return nil
}

func levelOf(value any) slog.Level {
	name, _ := value.(string) // anything else is no level
	if strings.EqualFold(name, "trace") {
		return slog.LevelDebug
	}
	level := slog.LevelInfo
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return slog.LevelInfo
	}
	return level
}

func levelOfText(line []byte) slog.Level {
	if bytes.HasPrefix(line, []byte("panic: ")) || bytes.HasPrefix(line, []byte("fatal error: ")) {
		return slog.LevelError
	}
	return slog.LevelInfo
}
