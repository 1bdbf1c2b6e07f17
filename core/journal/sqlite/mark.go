package sqlite

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	markSuffix = ".mark"
	markMode   = 0o600
	markSize   = 128 // within one sector: it is overwritten in place, and a loss of power leaves the old or the new
)

// sign is what stands in the mark, a small file beside the journal: which database was written here last, and how far. It is no copy of the journal's, so a
// file that is put back in the journal's place doesn't match it.
type sign struct {
	Home  string `json:"home"`
	Event int64  `json:"event"`
}

// readMark gives what the mark says. found is false where there is none. One that makes no sense is nobody's.
func readMark(journal string) (s sign, found bool, err error) {
	text, err := os.ReadFile(journal + markSuffix) //nolint:gosec // the operator's own path
	if errors.Is(err, fs.ErrNotExist) {
		return sign{}, false, nil
	}
	if json.Unmarshal(text, &s) != nil {
		s = sign{}
	}
	return s, err == nil, err
}

// mark is the open file.
type mark struct {
	file *os.File
	said sign
}

// newMark writes a mark, durably, in place of the one that is there.
func newMark(journal string, s sign) (*mark, error) {
	file, err := os.OpenFile(journal+markSuffix, os.O_RDWR|os.O_CREATE, markMode) //nolint:gosec // the operator's own path
	if err != nil {
		return nil, err
	}
	m := &mark{file: file}
	if err := errors.Join(m.write(s), file.Truncate(markSize), file.Sync(), syncFolder(filepath.Dir(journal))); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return m, nil
}

// reach notes how far the journal has come. It isn't synced: after a loss of power the mark may be behind the journal, never before it.
func (m *mark) reach(event int64) error {
	if event <= m.said.Event {
		return nil
	}
	return m.write(sign{m.said.Home, event})
}

func (m *mark) close() error {
	if m == nil {
		return nil
	}
	return m.file.Close()
}

func (m *mark) write(s sign) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	line := make([]byte, markSize)
	for i := range line {
		line[i] = ' '
	}
	copy(line, text)
	line[markSize-1] = '\n'
	if _, err := m.file.WriteAt(line, 0); err != nil {
		return err
	}
	m.said = s
	return nil
}

func syncFolder(path string) error {
	folder, err := os.Open(path) //nolint:gosec // the operator's own path
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
