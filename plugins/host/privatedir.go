package host

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const (
	dirPrefix = "jalur-"
	lockName  = "lock"
	ownerOnly = 0o700
	// The path of a Unix socket is at most this long (104 on BSD), and go-plugin adds up to that many bytes to ours.
	maxSocketPath  = 103
	socketPathRest = len("/plugin-dir4294967295/plugin4294967295")
)

// privateDir is a folder for one process: its sockets, and the checked copy of its program where that is pinned. Only the host's own user gets into it. Its
// lock lives as long as the host does, so a later host can tell a folder that was left behind from one in use.
type privateDir struct {
	path string
	lock *os.File
}

func newPrivateDir(base string) (*privateDir, error) {
	base = cmp.Or(base, runtimeDir(), os.TempDir())
	path, err := os.MkdirTemp(base, dirPrefix)
	if err != nil {
		return nil, fmt.Errorf("a private folder for the plugin: %w", err)
	}
	dir := &privateDir{path: path}
	if len(path)+socketPathRest > maxSocketPath {
		return nil, errors.Join(fmt.Errorf("%s is too long a path for sockets: set another folder for temporary files", base), dir.remove())
	}
	if dir.lock, err = lockIn(path); err != nil {
		return nil, errors.Join(err, dir.remove())
	}
	return dir, nil
}

func runtimeDir() string {
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if info, err := os.Stat(dir); err != nil || !info.IsDir() || unix.Access(dir, unix.W_OK) != nil { //nolint:gosec // the operator names the folder
		return ""
	}
	return dir
}

// lockIn gives the lock its name only when it is held: nobody can take it in between.
func lockIn(dir string) (*os.File, error) {
	lock, err := os.CreateTemp(dir, lockName)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(os.NewSyscallError("flock", err), lock.Close())
	}
	if err := os.Rename(lock.Name(), filepath.Join(dir, lockName)); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

func (d *privateDir) remove() error {
	err := removeAll(d.path)
	if d.lock != nil {
		err = errors.Join(err, d.lock.Close())
	}
	return err
}

// sweep removes the folders of hosts that were killed. What it may not open or lock is somebody else's.
func sweep(base string) {
	base = cmp.Or(base, runtimeDir(), os.TempDir())
	locks, err := filepath.Glob(filepath.Join(base, dirPrefix+"*", lockName))
	if err != nil {
		return
	}
	for _, name := range locks {
		lock, err := os.Open(name) //nolint:gosec // a name that Glob found
		if err != nil {
			continue
		}
		if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			_ = removeAll(filepath.Dir(name)) // what stays is tried again by the next host
		}
		_ = lock.Close()
	}
}

// removeAll removes read-only folders too, as those of a checked copy are.
func removeAll(path string) error {
	root, err := os.OpenRoot(path)
	if err != nil {
		return os.RemoveAll(path)
	}
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			err = root.Chmod(name, ownerOnly)
		}
		return err
	})
	return errors.Join(err, root.Close(), os.RemoveAll(path))
}
