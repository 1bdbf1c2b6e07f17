// Package spill keeps outcomes that the journal could not take yet in a local file, so that they outlive the process: space reserved in advance, append-only,
// synced, one file a process.
package spill

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"github.com/jalurhq/jalur/core/journal"
)

// Errors of a spill.
var (
	// ErrFull: there is no room for another entry until those that are there are settled.
	ErrFull = errors.New("the spill is full")
	// ErrDamaged: a file holds something that can't be read. The rest of it was read.
	ErrDamaged = errors.New("a part of the spill can't be read: an outcome may be lost there")
	// ErrTorn: the last entry is not whole. A process died while it wrote it, or the disk has lost a part of it.
	ErrTorn = errors.New("the last entry of the spill is not whole")
	// ErrClosed: the spill keeps nothing more.
	ErrClosed = errors.New("the spill is closed")
)

const (
	// DefaultSize is the space that is reserved for a process, in bytes.
	DefaultSize = 16 << 20
	leastSize   = 64 << 10

	folderMode = 0o700
	suffix     = ".spill"
	// maxFiles bounds the processes that can use one folder at once.
	maxFiles = 1000
	// spare is the part of the file, one in so many, that is left to the calls under way: once only that is free, no new ones are begun.
	spare = 4
)

// Config is what a [Folder] is opened with.
type Config struct {
	Path string // of the folder; made where there is none, in a folder that exists
	Size int64  // of each file, in bytes; default [DefaultSize], at least 64 KiB
}

// Folder is the spill of one process, and its way to those that others have left behind. Its methods are safe for many callers at once.
type Folder struct {
	path string

	mu     sync.Mutex
	own    *file
	others []*file // of processes that are gone, until they are settled
	closed bool
}

// Open takes the first file that no running process has, or makes one. It fails where the space can't be reserved.
func Open(config Config) (*Folder, error) {
	if config.Size == 0 {
		config.Size = DefaultSize
	}
	if config.Path == "" || config.Size < leastSize {
		return nil, fmt.Errorf("a spill needs a path and at least %d bytes", leastSize)
	}
	s := &Folder{path: config.Path}
	if err := s.open(config.Size); err != nil {
		return nil, errors.Join(fmt.Errorf("the spill %s, where outcomes are kept while the journal is away: %w", config.Path, err), s.Close())
	}
	return s, nil
}

func (s *Folder) open(size int64) error {
	if err := os.Mkdir(s.path, folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	for n := 1; s.own == nil; n++ {
		if n > maxFiles {
			return fmt.Errorf("%d processes use it already", maxFiles)
		}
		if err := s.try(filepath.Join(s.path, name(n))); err != nil {
			return err
		}
	}
	grows := s.own.size < size
	if err := s.own.reserve(size); err != nil {
		return fmt.Errorf("%s: reserving %d bytes: %w", s.own.Name(), size, err)
	}
	if !grows {
		return nil
	}
	return errors.Join(syncFolder(s.path), syncFolder(filepath.Dir(s.path)))
}

func name(n int) string { return strconv.Itoa(n) + suffix }

// try takes a file for this process, unless another one has it. A damaged one is only read.
func (s *Folder) try(path string) error {
	f, err := openFile(path, os.O_CREATE)
	switch {
	case err != nil:
		return err
	case f == nil:
	case f.damaged:
		s.others = append(s.others, f)
	default:
		s.own = f
	}
	return nil
}

// Ready gives the reason why no new call should be begun, since its outcome might find no room; nil: there is room.
func (s *Folder) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case s.own.broken != nil:
		return fmt.Errorf("%s: %w", s.own.Name(), s.own.broken)
	case s.own.end > s.own.size-s.own.size/spare:
		return fmt.Errorf("%s: %w", s.own.Name(), ErrFull)
	default:
		return nil
	}
}

// Keep makes an outcome durable. settled is to be called once the journal has it; the file is emptied when all are settled. Errors: [ErrFull], [ErrClosed],
// or the disk's, after which nothing more can be kept until the process starts anew.
func (s *Folder) Keep(outcome journal.Spilled) (settled func(), err error) {
	payload, err := encode(outcome)
	if err != nil {
		return nil, fmt.Errorf("the spill: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if err := s.own.add(payload); err != nil {
		return nil, err
	}
	return s.settling(s.own), nil
}

// Left gives what processes that are gone have left behind, each entry once. Beside an error, which is
// an [ErrDamaged], an [ErrTorn] or the disk's, it gives what could be read.
func (s *Folder) Left() ([]journal.Kept, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	problem := s.takeOver()
	var kept []journal.Kept
	for _, f := range append([]*file{s.own}, s.others...) {
		problem = errors.Join(problem, f.problem)
		for _, entry := range f.left {
			kept = append(kept, journal.Kept{Spilled: entry, Settled: s.settling(f)})
		}
		f.left, f.problem = nil, nil
	}
	return kept, problem
}

// takeOver locks the files of processes that are gone and have left something.
func (s *Folder) takeOver() error {
	paths, err := filepath.Glob(filepath.Join(s.path, "*"+suffix))
	for _, path := range paths {
		if s.holds(path) {
			continue
		}
		f, problem := openFile(path, 0)
		switch {
		case problem != nil:
			err = errors.Join(err, problem)
		case f == nil:
		case f.unsettled > 0 || f.problem != nil:
			s.others = append(s.others, f)
		default:
			err = errors.Join(err, f.Close())
		}
	}
	return err
}

func (s *Folder) holds(path string) bool {
	return s.own.Name() == path || slices.ContainsFunc(s.others, func(f *file) bool { return f.Name() == path })
}

// settling gives what settles one entry of a file.
func (s *Folder) settling(f *file) func() {
	var once sync.Once
	return func() { once.Do(func() { s.settle(f) }) }
}

// settle counts an entry off. A file that holds nothing more is emptied, and given back where it was another process's. Where that fails, its entries are
// told again at the next start, which changes nothing.
func (s *Folder) settle(f *file) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.unsettled--
	if f.unsettled > 0 || s.closed {
		return
	}
	if f.damaged {
		_ = f.putAside()
	} else {
		_ = f.empty()
	}
	if f != s.own {
		s.others = slices.DeleteFunc(s.others, func(other *file) bool { return other == f })
		_ = giveBack(f)
	}
}

// giveBack lets a file go. What is empty is removed, but for the first one: a gateway that starts on a full disk finds its space there.
func giveBack(f *file) error {
	var removed error
	if f.unsettled == 0 && !f.damaged && filepath.Base(f.Name()) != name(1) {
		removed = os.Remove(f.Name())
	}
	return errors.Join(removed, f.Close())
}

// Close gives the files back, with what isn't settled in them for the next process.
func (s *Folder) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	for _, f := range append(s.others, s.own) {
		if f != nil {
			errs = append(errs, giveBack(f))
		}
	}
	return errors.Join(errs...)
}
