package host //nolint:testpackage // what is tested here is not for others

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// A plugin's line of any bytes becomes a log line that can be written down.
func FuzzLine(f *testing.F) {
	f.Add([]byte(`{"@level":"info","@message":"m","n":1}`))
	f.Add([]byte(`{"level":7,"msg":[]}`))
	f.Add([]byte("panic: \xff"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if len(line) == 0 {
			return // the reader gives none
		}
		read := parseLine(line)
		if !utf8.ValidString(read.message) || read.fields != "" && !json.Valid([]byte(read.fields)) {
			t.Errorf("%q is %+v", line, read)
		}
	})
}
