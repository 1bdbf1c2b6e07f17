package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Role is what a process opens the journal for.
type Role string

// The two roles. A journal has one holder at a time.
const (
	RoleGateway Role = "gateway" // holds the journal for as long as it runs
	RoleCommand Role = "command" // holds it for one command; commands wait for one another
)

// HeldError says that a running gateway holds the journal.
type HeldError struct {
	Path string // of the journal
	PID  int
	URL  string // where the gateway is reached; "" where it didn't say
}

// Error names the journal, the gateway and the way round.
func (e *HeldError) Error() string {
	url := e.URL
	if url == "" {
		url = "URL"
	}
	return fmt.Sprintf("the journal %s is held by a running gateway (pid %d): use --server %s", e.Path, e.PID, url)
}

const (
	lockSuffix  = ".lock"
	lockMode    = 0o600
	lockPoll    = 20 * time.Millisecond
	maxLockFile = 4096
)

var errLockFile = errors.New("the lock file changes faster than it can be locked")

// holder is what stands in the lock file.
type holder struct {
	PID  int    `json:"pid"`
	Role Role   `json:"role"`
	URL  string `json:"url,omitempty"`
}

// lock is a flock on a file beside the journal. What stands in the file only explains who has it: a file that a killed process left behind
// locks nobody out.
type lock struct {
	file *os.File
}

// acquire takes the lock. It waits for a command for as long as the context lasts and gives a [*HeldError] where a gateway has it.
func acquire(ctx context.Context, journal string, me holder, log *slog.Logger) (*lock, error) {
	var seen holder
	for {
		file, other, err := tryLock(journal + lockSuffix)
		if err != nil {
			return nil, fmt.Errorf("locking the journal: %w", err)
		}
		if file != nil {
			return claim(file, me)
		}
		// A new holder may not have written its name yet, so a name counts when it was read twice.
		if other.Role == RoleGateway && other == seen {
			return nil, &HeldError{Path: journal, PID: other.PID, URL: other.URL}
		}
		if seen == (holder{}) {
			log.WarnContext(ctx, "waiting for the journal", "path", journal, "role", other.Role, "pid", other.PID)
		}
		seen = other
		if err := pause(ctx, lockPoll); err != nil {
			return nil, fmt.Errorf("waiting for the journal %s, held by a %s (pid %d): %w", journal, other.Role, other.PID, err)
		}
	}
}

// tryLock gives the locked file, or who holds it.
func tryLock(path string) (*os.File, holder, error) {
	const rounds = 100
	for range rounds {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, lockMode) //nolint:gosec // the operator's own path
		if err != nil {
			return nil, holder{}, err
		}
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) {
			other := readHolder(file)
			return nil, other, file.Close()
		}
		if err != nil {
			return nil, holder{}, errors.Join(err, file.Close())
		}
		if isAt(file, path) {
			return file, holder{}, nil
		}
		// The holder before removed the file between our opening and our locking it: what we locked is nobody's any more.
		if err := file.Close(); err != nil {
			return nil, holder{}, err
		}
	}
	return nil, holder{}, errLockFile
}

func isAt(file *os.File, path string) bool {
	ours, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(ours, there)
}

// readHolder gives the zero holder where the file can't be read: its owner hasn't written it yet.
func readHolder(file *os.File) holder {
	text, err := io.ReadAll(io.LimitReader(file, maxLockFile))
	if err != nil {
		return holder{}
	}
	var h holder
	if err := json.Unmarshal(text, &h); err != nil {
		return holder{}
	}
	return h
}

func claim(file *os.File, me holder) (*lock, error) {
	text, err := json.Marshal(me)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	err = file.Truncate(0)
	if err == nil {
		_, err = file.WriteAt(append(text, '\n'), 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking the journal: %w", err), file.Close())
	}
	return &lock{file: file}, nil
}

// release removes the file while it is still locked, and only where it is still ours: somebody may have removed it by hand.
func (l *lock) release() error {
	var removed error
	if isAt(l.file, l.file.Name()) {
		removed = os.Remove(l.file.Name())
	}
	return errors.Join(removed, l.file.Close())
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
