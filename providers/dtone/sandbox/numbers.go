package sandbox

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// number is an amount in ten-thousandths of its unit.
type number int64

const one number = 10_000

const decimals = 4

// of gives a whole amount.
func of(units int64) number { return number(units) * one }

var errNumber = errors.New("not an amount")

func parseNumber(text string) (number, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	if len(fraction) > decimals {
		return 0, errNumber
	}
	parsed, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", decimals-len(fraction)), 10, 64)
	if err != nil {
		return 0, errNumber
	}
	return number(parsed), nil
}

// String gives a plain decimal.
func (n number) String() string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	digits := strconv.FormatInt(int64(n/one), 10)
	if rest := n % one; rest != 0 {
		fraction := strconv.FormatInt(int64(one+rest), 10)[1:]
		digits += "." + strings.TrimRight(fraction, "0")
	}
	return sign + digits
}

// MarshalJSON gives a JSON number.
func (n number) MarshalJSON() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalJSON reads one.
func (n *number) UnmarshalJSON(data []byte) error {
	var literal json.Number
	if err := json.Unmarshal(data, &literal); err != nil {
		return errNumber
	}
	parsed, err := parseNumber(literal.String())
	*n = parsed
	return err
}

// fate is what becomes of a transaction.
type fate struct {
	class    int
	message  string
	pin      bool
	reversed bool // after as long again
	after    time.Duration
}

// TestNumber is a tail of credit parties that the sandbox knows.
type TestNumber struct {
	Tail string // the last two digits; the one before them chooses the time
	Text string
}

// TestNumbers lists them.
func TestNumbers() []TestNumber {
	tails := slices.Sorted(maps.Keys(ends()))
	list := make([]TestNumber, 0, len(tails))
	for _, tail := range tails {
		end := ends()[tail]
		text := end.message
		if end.pin {
			text += " with a PIN"
		}
		if end.reversed {
			text += ", then REVERSED (the sandbox's own)"
		}
		list = append(list, TestNumber{Tail: tail, Text: text})
	}
	return list
}

func ends() map[string]fate {
	return map[string]fate{
		"00": {class: completed, message: "COMPLETED"},
		"01": {class: completed, message: "COMPLETED", pin: true},
		"02": {class: declined, message: "DECLINED-INVALID-CREDIT-PARTY"},
		"03": {class: declined, message: "DECLINED-BARRED-CREDIT-PARTY"},
		"04": {class: declined, message: "DECLINED-OPERATOR-CURRENTLY-UNAVAILABLE"},
		"05": {class: declined, message: "DECLINED-DUPLICATED-TRANSACTION"},
		"06": {class: declined, message: "DECLINED"},
		"07": {class: declined, message: "DECLINED-EXCEPTION"},
		"08": {class: completed, message: "COMPLETED", reversed: true},
	}
}

// Delays of the test numbers. The description gives the least of each.
const (
	soon   = 3 * time.Second
	later  = 60 * time.Second
	latest = 5 * time.Minute
)

// fateOf reads a test number. Every other one is completed after the usual time.
func (c Config) fateOf(account string) fate {
	usual := fate{class: completed, message: "COMPLETED", after: c.CompleteAfter}
	const tail = 3
	if len(account) < tail || c.NoTestNumbers {
		return usual
	}
	digits := account[len(account)-tail:]
	end, known := ends()[digits[1:]]
	after, timed := map[byte]time.Duration{'1': soon, '2': later, '3': latest}[digits[0]]
	if !known || !timed {
		return usual
	}
	end.after = c.scaled(after)
	return end
}
