package spill

import "github.com/jalurhq/jalur/core/journal"

// Break takes the open file away from under the spill, as a disk that fails does.
func (s *Folder) Break() error { return s.own.Close() }

// Image gives a file with these entries, and no room for more.
func Image(entries ...journal.Spilled) ([]byte, error) {
	const generation = 7
	data := append(header(generation), make([]byte, headerSize-len(header(generation)))...)
	for _, entry := range entries {
		payload, err := encode(entry)
		if err != nil {
			return nil, err
		}
		data = append(data, frame(generation, payload)...)
	}
	return data, nil
}

// Read gives the entries of a file.
func Read(data []byte) []journal.Spilled { return read(data).entries }
