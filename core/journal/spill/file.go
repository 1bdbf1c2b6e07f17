package spill

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jalurhq/jalur/core/internal/faultpoint"
	"github.com/jalurhq/jalur/core/journal"
)

const fileMode = 0o600 // what a provider says may hold account numbers

// file is one process's spill, locked for as long as it is open. Its methods are called by one goroutine at a time.
type file struct {
	*os.File

	size       int64
	end        int64 // where the next frame goes
	generation uint32
	left       []journal.Spilled // found when it was opened, and not given out yet
	unsettled  int
	headed     bool  // whether its header can be read
	damaged    bool  // whether something in it can't, and a person should look
	problem    error // with what was found in it, until it was told
	broken     error // nothing more is written
}

// openFile locks a file and reads it. It gives nil where a running process has it.
func openFile(path string, flags int) (*file, error) {
	opened, err := os.OpenFile(path, os.O_RDWR|flags, fileMode) //nolint:gosec // the operator's own path
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(opened.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) || err == nil && !isAt(opened, path) {
		return nil, opened.Close()
	}
	f := &file{File: opened}
	if err == nil {
		err = f.load()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), opened.Close())
	}
	return f, nil
}

// isAt reports whether the file is still the one of this name: its holder before may have put it aside.
func isAt(opened *os.File, path string) bool {
	ours, err := opened.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(ours, there)
}

func (f *file) load() error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return err
	}
	c := read(data)
	f.size, f.end, f.generation, f.headed = info.Size(), c.end, c.generation, c.headed && !c.torn
	f.left, f.unsettled, f.damaged = c.entries, len(c.entries), c.damaged > 0
	switch {
	case f.damaged:
		f.problem = fmt.Errorf("%s: in %d places: %w", f.Name(), c.damaged, ErrDamaged)
	case c.torn:
		f.problem = fmt.Errorf("%s: %w", f.Name(), ErrTorn)
	}
	return nil
}

// reserve makes the file as long as it shall be, by writing zeros: what is written over them later needs no new block, and changes nothing of what the
// file system knows about the file.
func (f *file) reserve(size int64) error {
	const chunk = 1 << 20
	zeros := make([]byte, min(chunk, size))
	for at := f.size; at < size; at += chunk {
		if _, err := f.WriteAt(zeros[:min(chunk, size-at)], at); err != nil {
			return errors.Join(err, f.Truncate(f.size))
		}
	}
	grown := size > f.size
	f.size = max(f.size, size)
	switch {
	case f.unsettled == 0 && !f.headed:
		return f.empty()
	case grown:
		return f.Sync()
	default:
		return nil
	}
}

// empty rewinds the file and leaves it as long as it is.
func (f *file) empty() error {
	if err := f.write(header(f.generation+1), 0); err != nil {
		return err
	}
	f.generation++
	f.end = headerSize
	return nil
}

// write writes in place, durably. After an error nobody knows what the disk holds, and nothing more is written.
func (f *file) write(data []byte, at int64) error {
	if f.broken != nil {
		return f.broken
	}
	_, f.broken = f.WriteAt(data, at)
	if f.broken == nil {
		f.broken = f.Sync()
	}
	return f.broken
}

// add appends an entry.
func (f *file) add(payload []byte) error {
	data := frame(f.generation, payload)
	if f.end+int64(len(data)) > f.size {
		return fmt.Errorf("%s: %w", f.Name(), ErrFull)
	}
	faultpoint.At("before-spill")
	if err := f.write(data, f.end); err != nil {
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	faultpoint.At("after-spill")
	f.end += int64(len(data))
	f.unsettled++
	return nil
}

// putAside renames a damaged file, so that a person can look at it, and nobody uses it any more.
func (f *file) putAside() error {
	return os.Rename(f.Name(), f.Name()+".damaged-"+time.Now().UTC().Format("20060102T150405.000000000"))
}

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Clean(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
