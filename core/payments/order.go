package payments

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/jalurhq/jalur/core"
)

// Order is what a caller asks for.
type Order struct {
	Client   string   // whose key it is; "" where there is one user only
	Key      core.Key // the caller's own; the same key always means the same payment
	Merchant core.MerchantCode
	Account  core.AccountNumber // "" where the merchant takes none
	Amount   core.Money         // zero Money: a bill, from an inquiry
	MaxCost  core.Money         // zero Money: no limit
	Inquiry  string             // the id of an earlier inquiry, or ""
	Extra    map[string]string
}

// The limits of what a caller may hand in, in bytes.
const (
	maxKey      = 255
	maxMerchant = 64
	maxAccount  = 64
	maxExtra    = 20
	maxValue    = 255
)

// check refuses what no provider need be asked about.
func (o Order) check() error {
	return firstRefusal(
		checkText("key", string(o.Key), maxKey),
		checkText("merchant", string(o.Merchant), maxMerchant),
		checkAccount(o.Account),
		o.checkAmount(),
		checkMaxCost(o.MaxCost),
		checkExtra(o.Extra),
	)
}

func (o Order) checkAmount() error {
	if !o.Amount.Known() && o.Inquiry != "" {
		return nil
	}
	return checkAmount("amount", o.Amount)
}

// checkAmount holds an amount against what is true of every provider: rupiah are whole, and nothing is paid for nothing.
func checkAmount(field string, amount core.Money) error {
	switch {
	case !amount.Known():
		return &Refusal{Code: CodeAmountInvalid, Field: field, Rule: "is missing"}
	case amount.Sign() <= 0:
		return &Refusal{Code: CodeAmountInvalid, Field: field, Rule: "must be more than 0"}
	case amount.Currency() == core.Rupiah && amount.Scale() > 0: // "100.000" may be meant as a hundred thousand
		return &Refusal{Code: CodeAmountInvalid, Field: field, Rule: "must be whole rupiah, written without a point"}
	default:
		return nil
	}
}

func checkMaxCost(limit core.Money) error {
	if !limit.Known() {
		return nil
	}
	return checkAmount("max_cost", limit)
}

func checkExtra(extra map[string]string) error {
	if len(extra) > maxExtra {
		return &Refusal{Code: CodeInvalidRequest, Field: "extra", Rule: fmt.Sprintf("has more than %d fields", maxExtra)}
	}
	for name, value := range extra {
		if len(name) > maxValue || len(value) > maxValue {
			return &Refusal{Code: CodeInvalidRequest, Field: "extra", Rule: fmt.Sprintf("has a field of more than %d bytes", maxValue)}
		}
	}
	return nil
}

// checkAccount leaves it to the providers' own rules whether there has to be one.
func checkAccount(account core.AccountNumber) error {
	if account == "" {
		return nil
	}
	return checkText("account", string(account), maxAccount)
}

func checkText(field, text string, most int) error {
	switch {
	case text == "":
		return &Refusal{Code: textCode(field), Field: field, Rule: "is missing"}
	case len(text) > most:
		return &Refusal{Code: textCode(field), Field: field, Rule: fmt.Sprintf("is longer than %d bytes", most)}
	}
	for _, r := range text {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return &Refusal{Code: textCode(field), Field: field, Rule: "holds a character that can't be printed"}
		}
	}
	return nil
}

func textCode(field string) Code {
	if field == "account" {
		return CodeAccountInvalid
	}
	return CodeInvalidRequest
}

func firstRefusal(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// fingerprint sums up what is asked for, so that a key that comes back with something else shows.
func (o Order) fingerprint() string {
	amount, limit := o.Amount.Normal().String(), o.MaxCost.Normal().String()
	extra := o.Extra
	if len(extra) == 0 {
		extra = nil // none and an empty one are the same
	}
	content, err := json.Marshal([]any{string(o.Merchant), string(o.Account), amount, limit, o.Inquiry, extra})
	if err != nil {
		panic(fmt.Sprintf("strings that can't be marshalled: %v", err)) // there are none
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// checkInquiry is check without a key, and for bills without an amount.
func (o Order) checkInquiry() error {
	amount := error(nil)
	if o.Amount.Known() {
		amount = checkAmount("amount", o.Amount)
	}
	return firstRefusal(
		checkText("merchant", string(o.Merchant), maxMerchant),
		checkAccount(o.Account),
		amount,
		checkExtra(o.Extra),
	)
}
