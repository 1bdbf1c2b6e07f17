package dtone

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/jalurhq/jalur/core"
)

// Fields of a credit party that the account number fills, the first that an alternative has.
const (
	fieldMobile  = "mobile_number"
	fieldAccount = "account_number"
)

// What an order is refused for before anything is sent.
var (
	errNoProduct     = errors.New("the product is not a number of the catalogue")
	errNoRef         = errors.New("the order has no reference of 1 to 40 letters and digits")
	errTakesNone     = errors.New("the product takes no account")
	errNoAlternative = errors.New("the order lacks fields that the product requires")
	errCurrency      = errors.New("the amount is in neither of the product's currencies")
	errAnotherAmount = errors.New("the product stands for another amount")
	errNumber        = errors.New("the phone number is not in international form, and no calling code makes it so")
	errAboveLimit    = errors.New("the product costs more than the order allows")
)

const refLen = 40

var refForm = regexp.MustCompile(`^[0-9A-Za-z_-]{1,40}$`)

// amountOf is an amount as a request names it.
type amountOf struct {
	UnitType string      `json:"unit_type"`
	Unit     string      `json:"unit"`
	Amount   json.Number `json:"amount"`
}

// How a ranged amount is meant.
const (
	modeSource      = "SOURCE_AMOUNT"
	modeDestination = "DESTINATION_AMOUNT"
)

// transactionRequest is the body of POST /async/transactions.
type transactionRequest struct {
	ExternalID      string            `json:"external_id"`
	ProductID       json.Number       `json:"product_id"`
	AutoConfirm     bool              `json:"auto_confirm"`
	CallbackURL     string            `json:"callback_url,omitempty"`
	CalculationMode string            `json:"calculation_mode,omitempty"`
	Source          *amountOf         `json:"source,omitempty"`
	Destination     *amountOf         `json:"destination,omitempty"`
	CreditParty     map[string]string `json:"credit_party_identifier,omitempty"`
	DebitParty      map[string]string `json:"debit_party_identifier,omitempty"`
	Sender          map[string]string `json:"sender,omitempty"`
	Beneficiary     map[string]string `json:"beneficiary,omitempty"`
	Statement       map[string]string `json:"statement_identifier,omitempty"`
	Additional      map[string]string `json:"additional_identifier,omitempty"`
}

// word makes the request of an order for a product. What the provider would refuse is refused here, as NotSent.
func (p *Provider) word(sold product, order core.PayRequest) (transactionRequest, error) {
	made := transactionRequest{ExternalID: order.Ref, ProductID: sold.ID, AutoConfirm: true}
	if !refForm.MatchString(order.Ref) {
		return made, refuse(core.CodeBadRequest, errNoRef)
	}
	if err := made.setAmount(sold, order.Amount); err != nil {
		return made, err
	}
	if err := p.checkMaxCost(sold, order); err != nil {
		return made, err
	}
	made.CallbackURL = p.seal.address(order.CallbackURL, ofOrder, order.Ref)
	return made, p.setParties(&made, sold, order)
}

// setAmount leaves a fixed product to stand for its amount, once the order's is the same.
func (r *transactionRequest) setAmount(sold product, amount core.Money) error {
	if !sold.ranged() {
		if amount.Known() && !amount.Equal(sold.Destination.amount()) {
			return refuse(core.CodeAmountInvalid, errAnotherAmount)
		}
		return nil
	}
	bounds := sold.Destination.bounds()
	switch wanted := (&amountOf{unitCurrency, amount.Currency(), json.Number(amount.Normal().Value())}); amount.Currency() {
	case "":
		return refuse(core.CodeAmountInvalid, errAnotherAmount)
	case sold.Destination.currency():
		r.CalculationMode, r.Destination = modeDestination, wanted
	case sold.Source.currency():
		r.CalculationMode, r.Source = modeSource, wanted
		bounds = sold.Source.bounds()
	default:
		return refuse(core.CodeAmountInvalid, errCurrency)
	}
	return refusedBy(core.CheckProduct(core.Descriptor{OtherMerchants: true, Amounts: bounds}, sold.ID.String(), amount))
}

// refusedBy makes a refusal of what core finds wrong with an order.
func refusedBy(err error) error {
	if broken, ok := errors.AsType[*core.OrderError](err); ok {
		return refuse(broken.Code, err)
	}
	return err
}

// checkMaxCost holds the catalogue's price against the order's limit. Only a firm quote keeps the provider to it.
func (p *Provider) checkMaxCost(sold product, order core.PayRequest) error {
	cost, known := sold.fee().Cost(order.Amount)
	if !order.MaxCost.Known() || !known {
		return nil
	}
	if above, err := cost.Cmp(order.MaxCost); err == nil && above > 0 {
		return refuse(core.CodePriceAboveLimit, errAboveLimit)
	}
	return nil
}

// setParties fills what the product requires to be known of the parties, each from the first alternative that the order has all fields of.
func (p *Provider) setParties(r *transactionRequest, sold product, order core.PayRequest) error {
	credit, err := p.credit(sold, order)
	if err != nil {
		return err
	}
	r.CreditParty = credit
	for _, party := range []struct {
		into   *map[string]string
		prefix string
		wants  alternatives
	}{
		{&r.DebitParty, "debit_party.", sold.DebitParty},
		{&r.Sender, "sender.", sold.Sender},
		{&r.Beneficiary, "beneficiary.", sold.Beneficiary},
		{&r.Statement, "statement.", sold.Statement},
		{&r.Additional, "additional.", sold.Additional},
	} {
		filled, err := party.wants.fill(func(field string) string { return order.Extra[party.prefix+field] })
		if err != nil {
			return refuse(core.CodeBadRequest, fmt.Errorf("%s: %w", strings.TrimSuffix(party.prefix, "."), err))
		}
		*party.into = filled
	}
	return nil
}

// credit fills the credit party. The account goes into one field, the rest comes from the order's extra fields by their own names.
func (p *Provider) credit(sold product, order core.PayRequest) (map[string]string, error) {
	wants := p.creditParty(sold)
	if wants.nothing() {
		if order.Account != "" {
			return nil, refuse(core.CodeAccountInvalid, errTakesNone)
		}
		return nil, nil //nolint:nilnil // no party is asked for
	}
	problem := refuse(core.CodeBadRequest, fmt.Errorf("credit party: %w", errNoAlternative))
	for _, fields := range wants {
		account := p.accountField(sold.ID.String(), fields)
		number, err := p.written(account, order.Account)
		if err != nil {
			problem = err
			continue
		}
		filled, err := alternatives{fields}.fill(func(field string) string {
			if field == account {
				return number
			}
			return order.Extra[field]
		})
		if err == nil {
			return filled, nil
		}
	}
	return nil, problem
}

// accountField gives the field of an alternative that the account fills.
func (p *Provider) accountField(code string, fields []string) string {
	for _, field := range []string{p.cfg.Products[code].Account, fieldMobile, fieldAccount} {
		if slices.Contains(fields, field) {
			return field
		}
	}
	if len(fields) == 0 {
		return ""
	}
	return fields[0]
}

// nothing reports whether no field at all is enough.
func (a alternatives) nothing() bool {
	return len(a) == 0 || slices.ContainsFunc(a, func(fields []string) bool { return len(fields) == 0 })
}

// fill gives the values of the first alternative that has all of them.
func (a alternatives) fill(value func(field string) string) (map[string]string, error) {
	if a.nothing() {
		return nil, nil //nolint:nilnil // nothing is asked for
	}
	for _, fields := range a {
		filled := map[string]string{}
		for _, field := range fields {
			filled[field] = value(field)
		}
		if !slices.Contains(slices.Collect(maps.Values(filled)), "") {
			return filled, nil
		}
	}
	return nil, errNoAlternative
}

// written gives an account as its field wants it: a phone number in international form with +, anything else as it is.
func (p *Provider) written(field string, account core.AccountNumber) (string, error) {
	if field != fieldMobile {
		if account == "" {
			return "", refuse(core.CodeAccountInvalid, errNoAlternative)
		}
		return string(account), nil
	}
	if number := international(string(account), p.cfg.CallingCode); number != "" {
		return number, nil
	}
	return "", refuse(core.CodeAccountInvalid, errNumber)
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// international writes a phone number with + and its country, or gives "". 62812… without a + counts as international where 62 is the calling code.
func international(number, callingCode string) string {
	number = strings.NewReplacer(" ", "", "-", "").Replace(number)
	switch {
	case strings.HasPrefix(number, "+"):
	case strings.HasPrefix(number, "00"):
		number = "+" + number[2:]
	case callingCode == "":
		return ""
	case strings.HasPrefix(number, "0"):
		number = "+" + callingCode + number[1:]
	case strings.HasPrefix(number, callingCode):
		number = "+" + number
	}
	if !e164.MatchString(number) {
		return ""
	}
	return number
}
