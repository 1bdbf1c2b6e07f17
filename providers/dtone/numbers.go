package dtone

import (
	"encoding/json"
	"math/big"
	"regexp"
	"strings"

	"github.com/jalurhq/jalur/core"
)

// unlimited is how the API writes a bound that isn't there.
const unlimited = "-1"

// numberForm bounds what is read as a number: an exponent of many digits would be a number of as many.
var numberForm = regexp.MustCompile(`^-?[0-9]{1,18}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?$`)

// mostDigits is how many digits behind the point [core.Money] has.
const mostDigits = 9

// exact reads a JSON number without ever making a float of it; ok is false for what isn't one.
func exact(number json.Number) (value *big.Rat, ok bool) {
	if !numberForm.MatchString(number.String()) {
		return nil, false
	}
	return new(big.Rat).SetString(number.String())
}

// decimal writes a number with at most nine digits behind the point: what doubles leave behind ("0.30000000000000004") is rounded away.
func decimal(value *big.Rat) string {
	written := value.FloatString(mostDigits)
	return strings.TrimSuffix(strings.TrimRight(written, "0"), ".")
}

// money gives an amount in a unit. What can't be read is not known.
func money(number json.Number, unit string) core.Money {
	value, ok := exact(number)
	if !ok {
		return core.Money{}
	}
	amount, err := core.ParseMoney(decimal(value), unit)
	if err != nil {
		return core.Money{}
	}
	return amount
}

// limit is money, where -1 stands for no limit.
func limit(number json.Number, unit string) core.Money {
	if amount := money(number, unit); amount.Value() != unlimited {
		return amount
	}
	return core.Money{}
}

const unitCurrency = "CURRENCY"

// quantity is what the API gives for a source, a destination or a price: of one number, or of a range.
type quantity struct {
	UnitType string          `json:"unit_type"`
	Unit     string          `json:"unit"`
	Amount   json.RawMessage `json:"amount"`
	Fee      json.Number     `json:"fee"`
}

type span struct {
	Min       json.Number `json:"min"`
	Max       json.Number `json:"max"`
	Increment json.Number `json:"increment"`
}

func (q quantity) currency() string {
	if q.UnitType != unitCurrency {
		return ""
	}
	return q.Unit
}

// amount gives the one amount; a range has none.
func (q quantity) amount() core.Money {
	var number json.Number
	if q.currency() == "" || json.Unmarshal(q.Amount, &number) != nil {
		return core.Money{}
	}
	return money(number, q.Unit)
}

// bounds gives what an amount must be.
func (q quantity) bounds() core.AmountSpec {
	if one := q.amount(); one.Known() {
		return core.AmountSpec{Min: one, Max: one}
	}
	var between span
	if q.currency() == "" || json.Unmarshal(q.Amount, &between) != nil {
		return core.AmountSpec{}
	}
	spec := core.AmountSpec{Min: limit(between.Min, q.Unit), Max: limit(between.Max, q.Unit), Step: limit(between.Increment, q.Unit)}
	if spec.Step.Sign() <= 0 {
		spec.Step = core.Money{}
	}
	return spec
}

// total gives a price with its fee.
func (q quantity) total() core.Money {
	amount := q.amount()
	if q.Fee == "" || !amount.Known() {
		return amount
	}
	fee := money(q.Fee, q.Unit)
	sum, err := amount.Add(fee)
	if err != nil {
		return core.Money{}
	}
	return sum
}
