package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

const fileMode = 0o600

// File keeps records as JSON lines. It survives the death of the process, not the loss of power: it is never synced. A nil one keeps nothing.
// Its user sees to it that one call is made at a time.
type File[T any] struct {
	file *os.File
	size int64 // of the whole lines
}

// OpenFile gives the file and the records in it; without a path, a nil file. A last line without its end was never answered for; it is cut off.
func OpenFile[T any](path string) (*File[T], []T, error) {
	if path == "" {
		return nil, nil, nil
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, fileMode) //nolint:gosec // the operator's own path
	if err != nil {
		return nil, nil, fmt.Errorf("open the ledger file: %w", err)
	}
	records, size, err := readRecords[T](file)
	if err != nil {
		_ = file.Close()
		return nil, nil, fmt.Errorf("ledger file %s: %w", path, err)
	}
	return &File[T]{file: file, size: size}, records, nil
}

// readRecords gives the records and the length of their lines.
func readRecords[T any](file *os.File) ([]T, int64, error) {
	data, err := io.ReadAll(file)
	if err != nil {
		return nil, 0, fmt.Errorf("read: %w", err)
	}
	whole := data[:bytes.LastIndexByte(data, '\n')+1]
	size := int64(len(whole))
	if err := file.Truncate(size); err != nil {
		return nil, 0, fmt.Errorf("cut off the unfinished line: %w", err)
	}
	var records []T
	for line := range bytes.Lines(whole) {
		var record T
		if err := json.Unmarshal(line, &record); err != nil {
			return nil, 0, fmt.Errorf("line %d: %w", len(records)+1, err)
		}
		records = append(records, record)
	}
	return records, size, nil
}

// Append adds a record. After an error nothing of it is in the file.
func (f *File[T]) Append(record T) error {
	if f == nil {
		return nil
	}
	line, err := json.Marshal(record)
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

// Empty takes all records out.
func (f *File[T]) Empty() error {
	if f == nil {
		return nil
	}
	if err := f.file.Truncate(0); err != nil {
		return fmt.Errorf("empty the ledger file: %w", err)
	}
	f.size = 0
	return nil
}

// Close ends the use of the file.
func (f *File[T]) Close() error {
	if f == nil {
		return nil
	}
	if err := f.file.Close(); err != nil {
		return fmt.Errorf("close the ledger file: %w", err)
	}
	return nil
}
