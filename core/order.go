package core

import (
	"errors"
	"fmt"
	"regexp"
)

// ErrOrder is in the chain of every refusal by CheckOrder.
var ErrOrder = errors.New("order refused")

// OrderError says which field of an order breaks which rule. Its message shows no account number.
type OrderError struct {
	Field string // "amount", "account", "merchant"
	Rule  string // "must be at least 50000 IDR"
	Code  Code
}

// Error gives "amount must be at least 50000 IDR".
func (e *OrderError) Error() string { return e.Field + " " + e.Rule }

// Unwrap gives ErrOrder.
func (e *OrderError) Unwrap() error { return ErrOrder }

// CheckOrder holds an order against what the provider's descriptor asks of it, before anything is recorded or sent. An amount that isn't known (a bill)
// is not checked. The error is an [*OrderError].
func CheckOrder(d Descriptor, product string, account AccountNumber, amount Money) error {
	if err := CheckProduct(d, product, amount); err != nil {
		return err
	}
	spec, _ := d.merchant(product)
	return spec.Account.check(account)
}

// CheckExtra is CheckOrder of the further fields of an order.
func CheckExtra(d Descriptor, product string, extra map[string]string) error {
	spec, _ := d.merchant(product)
	for _, field := range spec.Account.Extra {
		if err := field.check(extra[field.Name]); err != nil {
			return err
		}
	}
	return nil
}

func (f FieldSpec) check(value string) error {
	field := "extra." + f.Name
	if value == "" {
		if f.Optional {
			return nil
		}
		return &OrderError{field, "is missing", CodeBadRequest}
	}
	if f.Pattern == "" {
		return nil
	}
	return matches(f.Pattern, value, &OrderError{field, "does not look as this merchant takes it", CodeBadRequest})
}

// matches gives the refusal where a value is not what a provider's pattern wants.
func matches(pattern, value string, refusal *OrderError) error {
	matcher, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	if err != nil {
		return &OrderError{refusal.Field, "the provider's own rule can't be read: " + err.Error(), CodeInternal}
	}
	if !matcher.MatchString(value) {
		return refusal
	}
	return nil
}

// CheckProduct is CheckOrder without the account.
func CheckProduct(d Descriptor, product string, amount Money) error {
	spec, listed := d.merchant(product)
	if !listed && !d.OtherMerchants {
		return &OrderError{"merchant", fmt.Sprintf("%s does not sell %q", d.Name, product), CodeProductUnknown}
	}
	if !amount.Known() {
		return nil
	}
	return spec.Amounts.check(amount)
}

// Lists reports whether the descriptor itself names the product, so that no catalogue needs to be asked.
func (d Descriptor) Lists(product string) bool {
	_, listed := d.merchant(product)
	return listed
}

// AmountsOf gives the bounds that the descriptor sets for a product.
func (d Descriptor) AmountsOf(product string) AmountSpec {
	spec, _ := d.merchant(product)
	return spec.Amounts
}

func (d Descriptor) merchant(product string) (spec MerchantSpec, listed bool) {
	for _, m := range d.Merchants {
		if string(m.Merchant) == product {
			spec, listed = m, true
			break
		}
	}
	if spec.Amounts == (AmountSpec{}) {
		spec.Amounts = d.Amounts
	}
	return spec, listed
}

func (s AccountSpec) check(account AccountNumber) error {
	kind := s.Kind
	switch kind {
	case NoAccount:
		if account != "" {
			return &OrderError{"account", "must be empty: this merchant takes none", CodeAccountInvalid}
		}
		return nil
	case "":
		kind = "account number"
	}
	pattern := s.Pattern
	if pattern == "" {
		pattern = `[0-9A-Za-z+][0-9A-Za-z.,_@+|/-]{2,63}`
	}
	return matches(pattern, string(account), &OrderError{"account", fmt.Sprintf("is not a %s as this merchant takes it", kind), CodeAccountInvalid})
}

func (s AmountSpec) check(amount Money) error {
	if amount.Sign() <= 0 {
		return &OrderError{"amount", "must be more than 0", CodeAmountInvalid}
	}
	if below, err := s.outside(amount, s.Min, -1); below || err != nil {
		return amountError("must be at least "+s.Min.String(), err)
	}
	if above, err := s.outside(amount, s.Max, 1); above || err != nil {
		return amountError("must be at most "+s.Max.String(), err)
	}
	if !s.Step.Known() {
		return nil
	}
	if even, err := amount.MultipleOf(s.Step); !even || err != nil {
		return amountError("must be a multiple of "+s.Step.String(), err)
	}
	return nil
}

func (s AmountSpec) outside(amount, bound Money, side int) (bool, error) {
	if !bound.Known() {
		return false, nil
	}
	order, err := amount.Cmp(bound)
	return order == side, err
}

func amountError(rule string, err error) error {
	if err != nil {
		rule = err.Error()
	}
	return &OrderError{"amount", rule, CodeAmountInvalid}
}
