package spill_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jalurhq/jalur/core/journal/spill"
)

func TestSpaceThatCanNotBeReserved(t *testing.T) {
	t.Parallel()
	path := place(t)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/full", filepath.Join(path, "1.spill")); err != nil {
		t.Fatal(err)
	}
	_, err := spill.Open(spill.Config{Path: path})
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path) {
		t.Errorf("a full disk: %v", err)
	}
}
