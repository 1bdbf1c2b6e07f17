package host

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const (
	dirPrefix = "jalur-"
	lockName  = "lock"
	// The path of a Unix socket is at most this long (104 on BSD), and go-plugin adds up to that many bytes to ours.
	maxSocketPath  = 103
	socketPathRest = len("/plugin-dir4294967295/plugin4294967295")
)

// socketDir is a private folder for the sockets of one process. Its lock lives as long as the host does, so a later host can tell a folder that was left
// behind from one in use.
type socketDir struct {
	path string
	lock *os.File
}

func newSocketDir(base string) (*socketDir, error) {
	base = cmp.Or(base, runtimeDir(), os.TempDir())
	path, err := os.MkdirTemp(base, dirPrefix)
	if err != nil {
		return nil, fmt.Errorf("a folder for the plugin's sockets: %w", err)
	}
	dir := &socketDir{path: path}
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

func (d *socketDir) remove() error {
	err := os.RemoveAll(d.path)
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
			_ = os.RemoveAll(filepath.Dir(name)) // what stays is tried again by the next host
		}
		_ = lock.Close()
	}
}
