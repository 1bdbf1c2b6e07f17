package mmbc

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/jalurhq/jalur/core"
)

// The spellings of a whole-rupiah amount in a string. A fraction of zeros is none.
var (
	plainAmount  = regexp.MustCompile(`^([0-9]+)(?:[.,]0{1,2})?$`)
	dottedAmount = regexp.MustCompile(`^([0-9]{1,3}(?:\.[0-9]{3})+)(?:,0{1,2})?$`)
	commaAmount  = regexp.MustCompile(`^([0-9]{1,3}(?:,[0-9]{3})+)(?:\.0{1,2})?$`)
)

// amount reads "100000", "100.000", "100,000.00" and "Rp. 100.000,-" as rupiah. Anything else is not known.
func amount(text string) core.Money {
	text = strings.ToLower(strings.TrimSpace(text))
	for _, currency := range []string{"rp", "idr"} {
		if rest, cut := strings.CutPrefix(text, currency); cut {
			text = strings.TrimLeft(strings.TrimPrefix(rest, "."), " ")
			break
		}
	}
	text = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(text, " idr"), ",-"), ".-")
	for _, spelling := range []*regexp.Regexp{plainAmount, dottedAmount, commaAmount} {
		if found := spelling.FindStringSubmatch(text); found != nil {
			return rupiah(strings.NewReplacer(".", "", ",", "").Replace(found[1]))
		}
	}
	return core.Money{}
}

// numericAmount reads a JSON number. There a dot is a decimal point: 100.000 would be a hundred rupiah, or meant to be a hundred thousand,
// so it is neither.
func numericAmount(literal string) core.Money {
	if !plainAmount.MatchString(literal) {
		return core.Money{}
	}
	whole, _, _ := strings.Cut(literal, ".")
	return rupiah(whole)
}

func rupiah(digits string) core.Money {
	money, err := core.ParseMoney(digits, core.Rupiah)
	if err != nil {
		return core.Money{}
	}
	return money
}

// formula reads what a merchant debits: "amount", "amount+2000", "amount-500" or "2500" alone. Anything else, and a top-up that would cost
// nothing, is a fee that is not known.
func formula(expr string) core.Fee {
	fee := core.Fee{Expr: strings.TrimSpace(expr)}
	squeezed := strings.Map(dropSpace, strings.ToLower(expr))
	if squeezed == "amount" {
		fee.Known, fee.Flat = true, core.IDR(0)
		return fee
	}
	if added, ok := strings.CutPrefix(squeezed, "amount+"); ok {
		fee.Flat = amount(added)
	} else if taken, ok := strings.CutPrefix(squeezed, "amount-"); ok {
		fee.Flat = negative(amount(taken))
	} else if fixed := amount(squeezed); fixed.Sign() > 0 {
		fee.Flat, fee.Fixed = fixed, true
	}
	fee.Known = fee.Flat.Known()
	return fee
}

func negative(money core.Money) core.Money {
	if !money.Known() {
		return money
	}
	return rupiah("-" + money.Value())
}

func dropSpace(r rune) rune {
	if unicode.IsSpace(r) {
		return -1
	}
	return r
}
