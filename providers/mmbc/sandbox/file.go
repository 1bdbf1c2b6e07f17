package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

const ledgerFileMode = 0o600

// ledgerFile keeps orders as JSON lines. It survives the death of the process, not the loss of power: it is never synced. A nil one keeps nothing.
type ledgerFile struct {
	file *os.File
	size int64 // of the whole lines
}

// openLedgerFile gives the file and the orders in it. A last line without its end was never answered for; it is cut off.
func openLedgerFile(path string) (*ledgerFile, []order, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, ledgerFileMode) //nolint:gosec // the operator's own path
	if err != nil {
		return nil, nil, fmt.Errorf("open the ledger file: %w", err)
	}
	orders, size, err := readOrders(file)
	if err != nil {
		_ = file.Close()
		return nil, nil, fmt.Errorf("ledger file %s: %w", path, err)
	}
	return &ledgerFile{file: file, size: size}, orders, nil
}

// readOrders gives the orders and the length of their lines.
func readOrders(file *os.File) ([]order, int64, error) {
	data, err := io.ReadAll(file)
	if err != nil {
		return nil, 0, fmt.Errorf("read: %w", err)
	}
	whole := data[:bytes.LastIndexByte(data, '\n')+1]
	size := int64(len(whole))
	if err := file.Truncate(size); err != nil {
		return nil, 0, fmt.Errorf("cut off the unfinished line: %w", err)
	}
	var orders []order
	for line := range bytes.Lines(whole) {
		var o order
		if err := json.Unmarshal(line, &o); err != nil {
			return nil, 0, fmt.Errorf("line %d: %w", len(orders)+1, err)
		}
		orders = append(orders, o)
	}
	return orders, size, nil
}

func (f *ledgerFile) append(o order) error {
	if f == nil {
		return nil
	}
	line, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	n, err := f.file.Write(append(line, '\n'))
	if err != nil {
		return errors.Join(fmt.Errorf("append to the ledger file: %w", err), f.file.Truncate(f.size))
	}
	f.size += int64(n)
	return nil
}

func (f *ledgerFile) truncate() error {
	if f == nil {
		return nil
	}
	if err := f.file.Truncate(0); err != nil {
		return fmt.Errorf("empty the ledger file: %w", err)
	}
	f.size = 0
	return nil
}

func (f *ledgerFile) close() error {
	if f == nil {
		return nil
	}
	if err := f.file.Close(); err != nil {
		return fmt.Errorf("close the ledger file: %w", err)
	}
	return nil
}
