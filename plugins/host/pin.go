package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// ErrPin is a program, a file beside it or a manifest that is another than the one that the configuration pins.
var ErrPin = errors.New("it is not what the configuration pins by its SHA-256, and is not started")

// Modes of a checked copy.
const (
	copiedProgram = 0o500
	copiedFile    = 0o400
	ownerWrites   = 0o200
	anyExecute    = 0o111
)

const copyPiece = 1 << 20

// pinned is what a configuration pins: a program alone, or all files of a folder by their manifest. It is never started where it lies: its files are copied into the
// process's private folder and hashed as they are copied, so that between the check and the start nobody else can change them.
type pinned struct {
	program string            // the file to start, by its name in sums
	sums    map[string]string // SHA-256 by file, relative and with slashes
	open    func(name string) (*os.File, error)
	close   func() error
}

// pins gives what is pinned, or nil where nothing is. After it comes close.
func (c Config) pins(program string) (*pinned, error) {
	switch {
	case c.SHA256 == "":
		return nil, nil //nolint:nilnil // no pin, nothing pinned
	case c.Manifest != "":
		return openManifest(c.Manifest, program, c.SHA256)
	}
	name := filepath.Base(program)
	return &pinned{
		program: name, sums: map[string]string{name: c.SHA256}, close: func() error { return nil },
		open: func(string) (*os.File, error) {
			return os.OpenFile(program, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // the path is the configuration's
		},
	}, nil
}

// checkedCopy gives the program to start: a copy in the folder where it is pinned, the path itself where it isn't.
func (c Config) checkedCopy(ctx context.Context, program, folder string) (path string, err error) {
	p, err := c.pins(program)
	if p == nil {
		return program, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	if err := p.copyTo(ctx, folder); err != nil {
		return "", fmt.Errorf("plugin %s: %w", c.Plugin, err)
	}
	return filepath.Join(folder, filepath.FromSlash(p.program)), nil
}

func (p *pinned) copyTo(ctx context.Context, folder string) error {
	folders := map[string]bool{folder: true}
	for _, name := range slices.Sorted(maps.Keys(p.sums)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		to := filepath.Join(folder, filepath.FromSlash(name))
		for at := filepath.Dir(to); !folders[at]; at = filepath.Dir(at) {
			folders[at] = true
		}
		if err := os.MkdirAll(filepath.Dir(to), ownerOnly); err != nil {
			return err
		}
		if err := p.copyFile(name, to); err != nil {
			return err
		}
	}
	for at := range folders {
		if err := os.Chmod(at, copiedProgram); err != nil {
			return err
		}
	}
	return nil
}

// copyFile hashes what it copies: what was read is what is written.
func (p *pinned) copyFile(name, to string) (err error) {
	from, err := p.open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	info, err := from.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file: %w", name, ErrPin)
	}
	mode := os.FileMode(copiedFile)
	if info.Mode()&anyExecute != 0 {
		mode = copiedProgram
	}
	sum, err := hashedCopy(from, to, mode)
	if err == nil && sum != p.sums[name] {
		err = fmt.Errorf("%s has the SHA-256 %s: %w", name, sum, ErrPin)
	}
	return err
}

func hashedCopy(from io.Reader, to string, mode os.FileMode) (sum string, err error) {
	copied := grown(to)
	if _, err := copied.Write(nil); err != nil { // an empty file is a file too
		return "", err
	}
	hash := sha256.New()
	if _, err := io.CopyBuffer(io.MultiWriter(copied, hash), struct{ io.Reader }{from}, make([]byte, copyPiece)); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), os.Chmod(to, mode)
}

// grown is a file of ours that is written piece by piece, open for no longer than a piece takes. Meanwhile no process is started: between its fork and its exec it would
// hold the file open for writing, and the kernel executes no such file. Reading what is copied may take as long as it likes, and holds up nobody.
type grown string

// Write implements [io.Writer].
func (g grown) Write(piece []byte) (n int, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	file, err := os.OpenFile(string(g), os.O_CREATE|os.O_APPEND|os.O_WRONLY, copiedFile|ownerWrites)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return file.Write(piece)
}
