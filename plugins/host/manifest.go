package host

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

const maxManifest = 16 << 20

// A line as sha256sum writes it: the hash, a blank, a blank or an asterisk, the file.
var manifestLine = regexp.MustCompile(`^([0-9a-f]{64}) [ *](.+)$`)

// openManifest reads a manifest that has the pinned hash, and holds its folder against it: every file there is listed, and there are files and folders only.
func openManifest(file, program, sum string) (*pinned, error) {
	text, err := readManifest(file, sum)
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", file, err)
	}
	sums, err := parseManifest(text)
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", file, err)
	}
	root, err := os.OpenRoot(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	p := &pinned{sums: sums, close: root.Close, open: func(name string) (*os.File, error) {
		return root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	}}
	if p.program, err = inFolder(file, program); err == nil && sums[p.program] == "" {
		err = fmt.Errorf("it doesn't list the program %s: %w", program, ErrPin)
	}
	if err = errors.Join(err, checkFolder(root.FS(), filepath.Base(file), sums)); err != nil {
		return nil, errors.Join(fmt.Errorf("manifest %s: %w", file, err), root.Close())
	}
	return p, nil
}

func readManifest(file, sum string) (text []byte, err error) {
	from, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // the path is the configuration's
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	text, err = io.ReadAll(io.LimitReader(from, maxManifest+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxManifest:
		return nil, fmt.Errorf("larger than %d bytes", maxManifest)
	}
	if got := sha256.Sum256(text); hex.EncodeToString(got[:]) != sum {
		return nil, fmt.Errorf("it has the SHA-256 %x: %w", got, ErrPin)
	}
	return text, nil
}

// parseManifest takes the lines of sha256sum, and relative paths only.
func parseManifest(text []byte) (map[string]string, error) {
	sums := map[string]string{}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		parts := manifestLine.FindSubmatch(bytes.TrimSuffix(line, []byte("\n")))
		if parts == nil {
			return nil, fmt.Errorf("line %d is not as sha256sum writes it: a hash, two blanks, a file", n)
		}
		name := strings.TrimPrefix(string(parts[2]), "./")
		switch _, again := sums[name]; {
		case again:
			return nil, fmt.Errorf("line %d: %s is listed already", n, name)
		case name == "." || name != path.Clean(name) || !filepath.IsLocal(filepath.FromSlash(name)):
			return nil, fmt.Errorf("line %d: %s doesn't lie in the manifest's folder", n, name)
		}
		sums[name] = string(parts[1])
	}
	return sums, nil
}

// inFolder gives the program's name as the manifest would list it.
func inFolder(manifest, program string) (string, error) {
	folder, err := filepath.Abs(filepath.Dir(manifest))
	if err != nil {
		return "", err
	}
	if program, err = filepath.Abs(program); err != nil {
		return "", err
	}
	name, err := filepath.Rel(folder, program)
	if err != nil || !filepath.IsLocal(name) {
		return "", fmt.Errorf("the program %s doesn't lie in its folder: %w", program, ErrPin)
	}
	return filepath.ToSlash(name), nil
}

// checkFolder refuses what the manifest doesn't list. A link isn't followed: what it leads to isn't what is listed.
func checkFolder(folder fs.FS, manifest string, sums map[string]string) error {
	return fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() || name == manifest:
			return nil
		case !entry.Type().IsRegular():
			return fmt.Errorf("%s is neither a file nor a folder (a link?): %w", name, ErrPin)
		case sums[name] == "":
			return fmt.Errorf("it doesn't list %s: %w", name, ErrPin)
		default:
			return nil
		}
	})
}
