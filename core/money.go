package core

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
)

// Rupiah is the currency of a bare number in a request.
const Rupiah = "IDR"

const (
	maxScale    = 9
	currencyLen = 3
	base        = 10
)

// Errors of reading and adding money.
var (
	ErrMoneySyntax   = errors.New("not a decimal number")
	ErrMoneyRange    = errors.New("too large")
	ErrMoneyCurrency = errors.New("currencies differ")
)

// Money is a fixed-point amount with its currency: units × 10^-scale. The zero Money is "not known", which is not
// the same as an amount of 0. Compare with Equal or Cmp: 100 and 100.00 are the same amount and different structs.
type Money struct {
	units    int64
	scale    uint8
	currency string
}

// IDR is an amount of whole rupiah.
func IDR(rupiah int64) Money { return Money{units: rupiah, currency: Rupiah} }

// ParseMoney reads a plain decimal ("100000", "-3.60") in a currency of three capital letters, exactly: no
// exponent, no grouping, at most nine digits behind the point. Errors: ErrMoneySyntax, ErrMoneyRange.
func ParseMoney(value, currency string) (Money, error) {
	if !validCurrency(currency) {
		return Money{}, fmt.Errorf("currency %q is not three capital letters", currency)
	}
	digits, negative := strings.CutPrefix(value, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	if whole == "" || point && fraction == "" || len(fraction) > maxScale {
		return Money{}, fmt.Errorf("amount %q: %w", value, ErrMoneySyntax)
	}
	units, err := parseUnits(whole + fraction)
	if err != nil {
		return Money{}, fmt.Errorf("amount %q: %w", value, err)
	}
	if negative {
		units = -units
	}
	return Money{units: units, scale: uint8(len(fraction)), currency: currency}, nil //nolint:gosec // at most maxScale
}

func parseUnits(digits string) (int64, error) {
	var units int64
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return 0, ErrMoneySyntax
		}
		digit := int64(c - '0')
		if units > (math.MaxInt64-digit)/base {
			return 0, ErrMoneyRange
		}
		units = units*base + digit
	}
	return units, nil
}

func validCurrency(c string) bool {
	if len(c) != currencyLen {
		return false
	}
	for _, r := range []byte(c) {
		if r < 'A' || r > 'Z' {
			return false
		}
	}
	return true
}

// Known reports whether this is an amount at all.
func (m Money) Known() bool { return m.currency != "" }

// Currency gives the three letters, or "" where the amount isn't known.
func (m Money) Currency() string { return m.currency }

// Sign is -1, 0 or 1.
func (m Money) Sign() int {
	switch {
	case m.units < 0:
		return -1
	case m.units > 0:
		return 1
	default:
		return 0
	}
}

// Value gives the decimal number without the currency ("100000", "3.60"), or "" where the amount isn't known.
func (m Money) Value() string {
	if !m.Known() {
		return ""
	}
	digits := fmt.Sprintf("%0*d", int(m.scale)+1, absolute(m.units))
	if m.scale > 0 {
		point := len(digits) - int(m.scale)
		digits = digits[:point] + "." + digits[point:]
	}
	if m.units < 0 {
		digits = "-" + digits
	}
	return digits
}

func absolute(n int64) uint64 {
	if n < 0 {
		return uint64(-n)
	}
	return uint64(n)
}

// String gives "100000 IDR", or "" where the amount isn't known. MoneyFromString reads it back.
func (m Money) String() string {
	if !m.Known() {
		return ""
	}
	return m.Value() + " " + m.currency
}

// MoneyFromString reads what String wrote.
func MoneyFromString(s string) (Money, error) {
	if s == "" {
		return Money{}, nil
	}
	value, currency, _ := strings.Cut(s, " ")
	return ParseMoney(value, currency)
}

// Scale gives how many digits stand behind the point as the amount was written: 2 for "100.00".
func (m Money) Scale() int { return int(m.scale) }

// Normal gives the same amount with the least number of digits behind the point.
func (m Money) Normal() Money {
	for m.scale > 0 && m.units%base == 0 {
		m.units /= base
		m.scale--
	}
	return m
}

// Equal reports whether both are the same amount of the same currency, or both are not known.
func (m Money) Equal(other Money) bool { return m.Normal() == other.Normal() }

// Cmp compares two amounts of one currency: -1, 0 or 1. Errors: ErrMoneyCurrency, ErrMoneyRange.
func (m Money) Cmp(other Money) (int, error) {
	difference, err := m.Sub(other)
	return difference.Sign(), err
}

// Add gives the sum. Errors: ErrMoneyCurrency, ErrMoneyRange.
func (m Money) Add(other Money) (Money, error) {
	if m.currency != other.currency {
		return Money{}, fmt.Errorf("%q and %q: %w", m.currency, other.currency, ErrMoneyCurrency)
	}
	scale := max(m.scale, other.scale)
	a, okA := m.unitsAt(scale)
	b, okB := other.unitsAt(scale)
	sum := a + b
	if !okA || !okB || (a > 0 && b > 0 && sum < 0) || (a < 0 && b < 0 && sum >= 0) || sum == math.MinInt64 {
		return Money{}, fmt.Errorf("%s and %s: %w", m, other, ErrMoneyRange)
	}
	return Money{units: sum, scale: scale, currency: m.currency}, nil
}

// Sub gives the difference. Errors: ErrMoneyCurrency, ErrMoneyRange.
func (m Money) Sub(other Money) (Money, error) {
	other.units = -other.units
	return m.Add(other)
}

// At gives what the amount costs at a rate, plus a flat part: in the currency of flat, and rounded up to the digits behind its point. The rate is a plain
// decimal; empty is 1. Errors: ErrMoneySyntax, ErrMoneyRange, and ErrMoneyCurrency where nothing but a rate could make one currency of the other.
func (m Money) At(rate string, flat Money) (Money, error) {
	if rate == "" {
		return m.Add(flat)
	}
	factor, err := ParseMoney(rate, flat.currency)
	if err != nil {
		return Money{}, fmt.Errorf("rate: %w", err)
	}
	product := new(big.Int).Mul(big.NewInt(m.units), big.NewInt(factor.units))
	if cut := int(m.scale) + int(factor.scale) - int(flat.scale); cut >= 0 {
		product = quotientUp(product, powerOfTen(cut))
	} else {
		product.Mul(product, powerOfTen(-cut))
	}
	if !product.IsInt64() {
		return Money{}, fmt.Errorf("%s at %s: %w", m, rate, ErrMoneyRange)
	}
	return Money{units: product.Int64(), scale: flat.scale, currency: flat.currency}.Add(flat)
}

func powerOfTen(n int) *big.Int { return new(big.Int).Exp(big.NewInt(base), big.NewInt(int64(n)), nil) }

func quotientUp(a, b *big.Int) *big.Int {
	quotient, rest := new(big.Int).QuoRem(a, b, new(big.Int))
	if rest.Sign() > 0 {
		quotient.Add(quotient, big.NewInt(1))
	}
	return quotient
}

// MultipleOf reports whether the amount is a whole number of steps. Errors: ErrMoneyCurrency, ErrMoneyRange.
func (m Money) MultipleOf(step Money) (bool, error) {
	if m.currency != step.currency {
		return false, fmt.Errorf("%q and %q: %w", m.currency, step.currency, ErrMoneyCurrency)
	}
	scale := max(m.scale, step.scale)
	a, okA := m.unitsAt(scale)
	b, okB := step.unitsAt(scale)
	if !okA || !okB || b == 0 {
		return false, fmt.Errorf("%s in steps of %s: %w", m, step, ErrMoneyRange)
	}
	return a%b == 0, nil
}

func (m Money) unitsAt(scale uint8) (int64, bool) {
	units := m.units
	for s := m.scale; s < scale; s++ {
		if units > math.MaxInt64/base || units < -math.MaxInt64/base {
			return 0, false
		}
		units *= base
	}
	return units, true
}

type moneyJSON struct {
	Value    json.RawMessage `json:"value"`
	Currency string          `json:"currency"`
}

// MarshalJSON gives {"value":"100000","currency":"IDR"}, or null where the amount isn't known.
func (m Money) MarshalJSON() ([]byte, error) {
	if !m.Known() {
		return []byte("null"), nil
	}
	return fmt.Appendf(nil, `{"value":%q,"currency":%q}`, m.Value(), m.currency), nil
}

// UnmarshalJSON reads that object, a bare number or a string; the last two are rupiah. No float is ever made of it.
func (m *Money) UnmarshalJSON(data []byte) error {
	text := strings.TrimSpace(string(data))
	currency := Rupiah
	if strings.HasPrefix(text, "{") {
		var object moneyJSON
		if err := json.Unmarshal(data, &object); err != nil {
			return fmt.Errorf("amount: %w", err)
		}
		text, currency = string(object.Value), object.Currency
	}
	if text == "null" || text == "" {
		*m = Money{}
		return nil
	}
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal([]byte(text), &text); err != nil {
			return fmt.Errorf("amount: %w", err)
		}
	}
	parsed, err := ParseMoney(text, currency)
	if err != nil {
		return err
	}
	*m = parsed
	return nil
}
