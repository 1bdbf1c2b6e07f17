package sandbox

import "regexp"

// The shapes of account numbers that the page describes in words; lengths are lenient, since it gives none.
var (
	phoneNumber  = regexp.MustCompile(`^\+?[0-9]{8,15}$`)
	cardNumber   = regexp.MustCompile(`^[0-9]{10,19}$`)
	memberNumber = regexp.MustCompile(`^TN[0-9A-Z]{3,18}$`)
)

// merchant is one line of list_merchant. The debet is what leaves the deposit, the formula how the list words it.
type merchant struct {
	code     string
	formula  string
	debet    func(amount int64) int64
	cashback int64
	account  *regexp.Regexp
}

// merchants lists what is sold: the first three as the page has them, the others with every other form a formula may take.
func merchants() []merchant {
	const fee, cashback, formula = 2000, 1500, "amount+2000"
	const cardFee, cardCashback = 1000, 500
	const flat = 102_500
	return []merchant{
		{code: "GOPAY", formula: formula, debet: plus(fee), cashback: cashback, account: phoneNumber},
		{code: "GRABPAY", formula: formula, debet: plus(fee), cashback: cashback, account: phoneNumber},
		{code: "PAYTREN", formula: formula, debet: plus(fee), cashback: cashback, account: memberNumber},
		{code: "TCASH", formula: "amount", debet: plus(0), cashback: 0, account: phoneNumber},
		{code: "OVO", formula: "amount-500", debet: plus(-500), cashback: 0, account: phoneNumber},
		{code: "KARTU EMONEY", formula: "amount+1000", debet: plus(cardFee), cashback: cardCashback, account: cardNumber},
		{code: "BRIZZI", formula: "amount+1%", debet: onePercentMore, cashback: 0, account: cardNumber},
		{code: "BNI TAP CASH", formula: "102500", debet: func(int64) int64 { return flat }, cashback: 0, account: cardNumber},
	}
}

func plus(n int64) func(int64) int64 { return func(amount int64) int64 { return amount + n } }

func onePercentMore(amount int64) int64 {
	const hundred = 100
	return amount + amount/hundred
}

// merchantByCode is exact: "gopay" is not "GOPAY".
func merchantByCode(code string) (merchant, bool) {
	for _, m := range merchants() {
		if m.code == code {
			return m, true
		}
	}
	return merchant{}, false
}

// receiver is the name that the page's sample shows, for every merchant.
func (m merchant) receiver() string { return receiver(m.code) }

func (o order) receiver() string { return receiver(o.Merchant) }

func receiver(code string) string { return code + " MMBC TOUR TRAVEL" }
