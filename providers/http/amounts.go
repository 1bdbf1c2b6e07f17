package httpspec

import (
	"regexp"
	"strconv"
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

// rupiah reads "100000", "100.000", "100,000.00" and "Rp. 100.000,-" as rupiah: a plain decimal, or "" where it is none of these. In a JSON number
// a dot is a decimal point: 100.000 would be a hundred rupiah, or meant to be a hundred thousand, so it is neither.
func rupiah(value any) string {
	switch v := value.(type) {
	case int64:
		return digitsOf(plainAmount, strconv.FormatInt(v, 10))
	case number:
		return digitsOf(plainAmount, string(v))
	case string:
		return rupiahText(v)
	default:
		return ""
	}
}

func rupiahText(text string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	for _, currency := range []string{"rp", "idr"} {
		if rest, cut := strings.CutPrefix(text, currency); cut {
			text = strings.TrimLeft(strings.TrimPrefix(rest, "."), " ")
			break
		}
	}
	text = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(text, " idr"), ",-"), ".-")
	for _, spelling := range []*regexp.Regexp{plainAmount, dottedAmount, commaAmount} {
		if digits := digitsOf(spelling, text); digits != "" {
			return digits
		}
	}
	return ""
}

func digitsOf(spelling *regexp.Regexp, text string) string {
	found := spelling.FindStringSubmatch(text)
	if found == nil {
		return ""
	}
	digits := strings.NewReplacer(".", "", ",", "").Replace(found[1])
	if _, err := core.ParseMoney(digits, core.Rupiah); err != nil {
		return ""
	}
	return digits
}

// formula reads what a top-up costs in whole rupiah: "amount", "amount+2000", "amount-500" or "2500" alone. Anything else is a fee that is not known.
func formula(expr string) core.Fee {
	fee := core.Fee{Expr: strings.TrimSpace(expr)}
	squeezed := strings.Map(dropSpace, strings.ToLower(expr))
	rest, added := strings.CutPrefix(squeezed, "amount")
	switch {
	case squeezed == "amount":
		fee.Flat = core.IDR(0)
	case added && strings.HasPrefix(rest, "+"):
		fee.Flat = inRupiah("", rupiahText(rest[1:]))
	case added && strings.HasPrefix(rest, "-"):
		fee.Flat = inRupiah("-", rupiahText(rest[1:]))
	case !added:
		fee.Flat, fee.Fixed = inRupiah("", rupiahText(squeezed)), true
	}
	fee.Known = fee.Flat.Known() && (!fee.Fixed || fee.Flat.Sign() != 0)
	if !fee.Known {
		return core.Fee{Expr: fee.Expr}
	}
	return fee
}

func inRupiah(sign, digits string) core.Money {
	amount, err := core.ParseMoney(sign+digits, core.Rupiah)
	if err != nil {
		return core.Money{}
	}
	return amount
}

func dropSpace(r rune) rune {
	if unicode.IsSpace(r) {
		return -1
	}
	return r
}
