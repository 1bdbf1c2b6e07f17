package host

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
)

// firstExtraFile is the number under which a started process sees the first of its extra files.
const firstExtraFile = 3

var errPin = errors.New("it is not the file that the configuration pins by its SHA-256, and is not started")

// pinned opens the program's file where the configuration pins it, and holds its content against the pin. It gives nil where nothing is pinned. What is then
// executed is the opened file, not whatever its path leads to by then.
func (c Config) pinned(path string) (*os.File, error) {
	if c.SHA256 == "" {
		return nil, nil //nolint:nilnil // no pin, no file
	}
	file, err := os.Open(path) //nolint:gosec // the path is the configuration's
	if err != nil {
		return nil, fmt.Errorf("plugin %s: %w", c.Plugin, err)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return nil, errors.Join(fmt.Errorf("plugin %s: %w", c.Plugin, err), file.Close())
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != c.SHA256 {
		return nil, errors.Join(fmt.Errorf("plugin %s has the SHA-256 %s: %w", c.Plugin, got, errPin), file.Close())
	}
	return file, nil
}

// checkPin is pinned for the check alone.
func (c Config) checkPin(path string) error {
	file, err := c.pinned(path)
	if file != nil {
		err = errors.Join(err, file.Close())
	}
	return err
}

// execute has the process execute the opened file. Where the system can't, the path is what is executed, a moment after the check.
func (p *process) execute(file *os.File) {
	if file != nil && runtime.GOOS == "linux" {
		p.cmd.Path = fmt.Sprintf("/proc/self/fd/%d", firstExtraFile)
		p.cmd.ExtraFiles = []*os.File{file}
	}
}
