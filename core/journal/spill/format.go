package spill

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
)

// A file begins with a header in a block of its own: the magic, the version, the generation, and the sum of these. Behind it stands frame after frame: the
// mark, the generation, the payload's length, the sum of generation, length and payload, and the payload. Numbers are little-endian. A file is emptied by
// raising its generation: frames of another one are no longer there.
const (
	magic      = "JALURSPL"
	version    = 1
	headerSize = 4096

	mark      = "\xffJSP" // no JSON holds its first byte
	frameSize = len(mark) + 3*wordSize
	wordSize  = 4
	sumAt     = len(mark) + 2*wordSize
	maxEntry  = 512 << 10
)

func sum(parts ...[]byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	s := uint32(0)
	for _, part := range parts {
		s = crc32.Update(s, table, part)
	}
	return s
}

func header(generation uint32) []byte {
	h := binary.LittleEndian.AppendUint32([]byte(magic), version)
	h = binary.LittleEndian.AppendUint32(h, generation)
	return binary.LittleEndian.AppendUint32(h, sum(h))
}

// readHeader gives the generation; ok is false where the header isn't one of this version.
func readHeader(data []byte) (generation uint32, ok bool) {
	const generationAt = len(magic) + wordSize
	if len(data) < headerSize {
		return 0, false
	}
	generation = binary.LittleEndian.Uint32(data[generationAt:])
	return generation, bytes.HasPrefix(data, header(generation))
}

// prefix is how every frame of a generation begins.
func prefix(generation uint32) []byte {
	return binary.LittleEndian.AppendUint32([]byte(mark), generation)
}

func frame(generation uint32, payload []byte) []byte {
	f := prefix(generation)
	f = binary.LittleEndian.AppendUint32(f, uint32(len(payload))) //nolint:gosec // at most maxEntry
	f = binary.LittleEndian.AppendUint32(f, sum(f[len(mark):], payload))
	return append(f, payload...)
}

// payloadAt gives what a whole frame at the start of the data holds.
func payloadAt(data []byte) (payload []byte, ok bool) {
	if len(data) < frameSize || !bytes.HasPrefix(data, []byte(mark)) {
		return nil, false
	}
	length := binary.LittleEndian.Uint32(data[len(mark)+wordSize:])
	if length > maxEntry || int(length) > len(data)-frameSize {
		return nil, false
	}
	payload = data[frameSize : frameSize+int(length)]
	return payload, binary.LittleEndian.Uint32(data[sumAt:]) == sum(data[len(mark):sumAt], payload)
}

// contents is what was read of a file.
type contents struct {
	generation uint32
	entries    []journal.Spilled
	end        int64 // behind the last whole frame
	headed     bool  // whether the header could be read
	damaged    int   // places before the end that held something and can't be read
	torn       bool  // whether something was begun at the end
}

// read finds the whole frames. What is broken off at the end was never acknowledged; what can't be read before a whole frame was.
// Where the header can't be read, frames of every generation are taken: an outcome that was settled long ago changes nothing when it is told again.
func read(data []byte) contents {
	generation, headed := readHeader(data)
	c := contents{generation: generation, headed: headed, end: headerSize}
	begins := prefix(generation)
	if !headed {
		c.generation, begins = 0, []byte(mark)
	}
	for at := nextFrame(data, headerSize, begins); at >= 0; at = nextFrame(data, int(c.end), begins) {
		payload, _ := payloadAt(data[at:])
		entry, err := decode(payload)
		if err == nil {
			c.entries = append(c.entries, entry)
		}
		if err != nil || int64(at) != c.end {
			c.damaged++
		}
		c.end = int64(at + frameSize + len(payload))
		c.generation = max(c.generation, binary.LittleEndian.Uint32(data[at+len(mark):]))
	}
	if !headed && len(c.entries) > 0 {
		c.damaged++
	}
	c.torn = c.end < int64(len(data)) && bytes.HasPrefix(data[c.end:], begins)
	return c
}

// nextFrame gives where the next whole frame begins, or -1.
func nextFrame(data []byte, from int, begins []byte) int {
	for at := from; at < len(data); at++ {
		next := bytes.Index(data[at:], begins)
		if next < 0 {
			return -1
		}
		at += next
		if _, whole := payloadAt(data[at:]); whole {
			return at
		}
	}
	return -1
}

// record is an entry as it stands in the file: what settling needs, and no more. The account is the payment's.
type record struct {
	Payment core.PaymentID `json:"payment"`
	Attempt string         `json:"attempt"`
	Fence   int64          `json:"fence"`
	At      time.Time      `json:"at"`

	Outcome      core.Outcome      `json:"outcome"`
	Code         core.Code         `json:"code,omitempty"`
	ProviderCode string            `json:"provider_code,omitempty"`
	Reason       string            `json:"reason,omitempty"`
	Invoice      core.Invoice      `json:"invoice,omitempty"`
	Reference    string            `json:"reference,omitempty"`
	Amount       core.Money        `json:"amount"`
	ReceiverName string            `json:"receiver_name,omitempty"`
	Cost         core.Money        `json:"cost"`
	Cashback     core.Money        `json:"cashback"`
	ProviderTime time.Time         `json:"provider_time"`
	Details      map[string]string `json:"details,omitempty"`
}

func encode(s journal.Spilled) ([]byte, error) {
	res := s.Result
	payload, err := json.Marshal(record{
		s.Payment, s.Attempt, s.Fence, s.At, res.Outcome, res.Code, res.ProviderCode, res.Reason, res.Invoice, res.Reference, res.Amount,
		res.ReceiverName, res.Cost, res.Cashback, res.ProviderTime, res.Details,
	})
	if err == nil && len(payload) > maxEntry {
		err = fmt.Errorf("%d bytes are more than an entry may have", len(payload))
	}
	return payload, err
}

func decode(payload []byte) (journal.Spilled, error) {
	var r record
	if err := json.Unmarshal(payload, &r); err != nil {
		return journal.Spilled{}, err
	}
	return journal.Spilled{Payment: r.Payment, Attempt: r.Attempt, Fence: r.Fence, At: r.At, Result: core.Result{
		Outcome: r.Outcome, Code: r.Code, ProviderCode: r.ProviderCode, Reason: r.Reason, Invoice: r.Invoice, Reference: r.Reference,
		Amount: r.Amount, ReceiverName: r.ReceiverName, Cost: r.Cost, Cashback: r.Cashback, ProviderTime: r.ProviderTime, Details: r.Details,
	}}, nil
}
