package mmbc

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"strings"

	"github.com/jalurhq/jalur/core"
)

const (
	name    = "mmbc"
	version = "1.0.0"

	leastRupiah = 50_000
)

// How account numbers look. The patterns are lenient: the provider knows better, and what they refuse is refused for good.
const (
	phonePattern  = `^(\+62|62|0)8[0-9]{6,12}$`
	cardPattern   = `^[0-9]{14,19}$`
	memberPattern = `^[Tt][Nn][Oo][0-9A-Za-z]{1,20}$`
)

var (
	errNoProduct = errors.New("the order names no product")
	errNoAmount  = errors.New("the order names no amount, and there are no bills here")
)

func descriptor() core.Descriptor {
	phone := core.AccountSpec{Kind: "phone number", Pattern: phonePattern}
	card := core.AccountSpec{Kind: "card number", Pattern: cardPattern}
	member := core.AccountSpec{Kind: "member number", Pattern: memberPattern}
	return core.Descriptor{
		Name:     name,
		Version:  version,
		Ref:      core.RefSpec{Mode: core.RefNone},
		StatusBy: core.ByInvoice,
		Merchants: []core.MerchantSpec{
			{Merchant: "GOPAY", Account: phone},
			{Merchant: "GRABPAY", Account: phone},
			{Merchant: "TCASH", Account: phone},
			{Merchant: "OVO", Account: phone},
			{Merchant: "PAYTREN", Account: member},
			{Merchant: "KARTU EMONEY", Account: card},
			{Merchant: "BRIZZI", Account: card},
			{Merchant: "BNI TAP CASH", Account: card},
		},
		OtherMerchants: true,
		Amounts:        core.AmountSpec{Min: core.IDR(leastRupiah), Step: core.IDR(1)},
	}
}

// instance names the account by its address and a hash of its user. The password may change; the account stays the same.
func (c Config) instance() string {
	const digits = 12
	_, address, _ := strings.Cut(c.BaseURL, "://")
	user := sha256.Sum256([]byte(c.Username))
	return address + "#" + hex.EncodeToString(user[:])[:digits]
}

// checkOrder refuses what the provider would refuse, before anything is sent.
func checkOrder(product string, account core.AccountNumber, amount core.Money) error {
	if product == "" {
		return refuse(core.CodeBadRequest, errNoProduct)
	}
	if !amount.Known() {
		return refuse(core.CodeAmountInvalid, errNoAmount)
	}
	err := core.CheckOrder(descriptor(), product, account, amount)
	if broken, ok := errors.AsType[*core.OrderError](err); ok {
		return refuse(broken.Code, err)
	}
	return err
}

// refuse is for what never reached the transport.
func refuse(code core.Code, cause error) error {
	return &core.Error{Outcome: core.NotSent, Code: code, Err: cause}
}

// sameProduct compares codes as the provider may spell them: in any case, with "_" or any number of spaces between words.
func sameProduct(a, b string) bool { return foldProduct(a) == foldProduct(b) }

func foldProduct(code string) string {
	return strings.Join(strings.Fields(strings.ToLower(strings.ReplaceAll(code, "_", " "))), " ")
}

var phoneSpelling = regexp.MustCompile(`^(?:\+62|62|0)?(8[0-9]{6,12})$`)

// sameAccount compares numbers as the provider may spell them: with spaces and dashes, in any case, and a phone number with +62, 62, 0 or, as
// a JSON number, with nothing before its 8.
func sameAccount(a, b string) bool {
	a, b = foldAccount(a), foldAccount(b)
	phoneA, phoneB := phoneSpelling.FindStringSubmatch(a), phoneSpelling.FindStringSubmatch(b)
	if phoneA != nil && phoneB != nil {
		return phoneA[1] == phoneB[1]
	}
	return a == b
}

func foldAccount(number string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(number))
}
