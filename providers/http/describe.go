package httpspec

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jalurhq/jalur/core"
)

const describeKey = specKey + ".describe"

// wrong is a setting of the description of the provider.
func wrong(key, rule string) error {
	return &core.SettingError{Key: describeKey + "." + key, Rule: rule}
}

// descriptor makes what core wants to know. The instance is not in it yet.
func (s *spec) descriptor() (core.Descriptor, error) {
	d := s.Describe
	made := core.Descriptor{
		Name: d.Name, Version: d.Version, StatusResubmits: d.StatusResubmits, StatusGap: d.StatusGap, StatusMaxAge: d.StatusMaxAge,
		Quarantine: d.Quarantine, QuoteRequired: d.QuoteRequired, MaxCost: d.MaxCost, AmountInProduct: d.AmountInProduct,
		TellsBalances: s.Balance != nil, SendsCallbacks: s.Callback != nil, OtherMerchants: d.OtherMerchants,
		Ref: core.RefSpec{MaxLen: d.Ref.MaxLen, Retention: d.Ref.Retention},
	}
	var err error
	if made.Ref.Mode, err = refMode(d.Ref.Mode); err != nil {
		return made, err
	}
	if made.StatusBy, err = statusBy(d.StatusBy); err != nil {
		return made, err
	}
	if made.Amounts, err = d.Amounts.amounts(describeKey+".amounts", d.currency()); err != nil {
		return made, err
	}
	if made.Merchants, err = d.merchants(); err != nil {
		return made, err
	}
	return made, s.contradiction(made)
}

func (d describeSpec) currency() string {
	if d.Currency == "" {
		return core.Rupiah
	}
	return d.Currency
}

func refMode(name string) (core.RefMode, error) {
	modes := map[string]core.RefMode{
		"none": core.RefNone, "replay": core.RefReplay, "reject_duplicate": core.RefRejectDuplicate, "label": core.RefLabel,
	}
	mode, ok := modes[name]
	if !ok {
		return 0, wrong("ref.mode", "must be none, replay, reject_duplicate or label")
	}
	return mode, nil
}

func statusBy(names []string) (core.StatusBy, error) {
	var by core.StatusBy
	for _, name := range names {
		switch name {
		case "invoice":
			by |= core.ByInvoice
		case "ref":
			by |= core.ByRef
		default:
			return 0, wrong("status_by", "must be a list of invoice and ref")
		}
	}
	if by == 0 {
		return 0, wrong("status_by", "must name invoice, ref or both: what can't be asked for can't be sold")
	}
	return by, nil
}

func (d describeSpec) merchants() ([]core.MerchantSpec, error) {
	made := make([]core.MerchantSpec, 0, len(d.Merchants))
	for i, m := range d.Merchants {
		key := at(describeKey+".merchants", i)
		if m.Merchant == "" {
			return nil, &core.SettingError{Key: key + ".merchant", Rule: "is required"}
		}
		amounts, err := m.Amounts.amounts(key+".amounts", d.currency())
		if err != nil {
			return nil, err
		}
		account, err := m.account(key)
		if err != nil {
			return nil, err
		}
		made = append(made, core.MerchantSpec{Merchant: core.MerchantCode(m.Merchant), Account: account, Amounts: amounts})
	}
	return made, nil
}

func (m merchantSpec) account(key string) (core.AccountSpec, error) {
	spec := core.AccountSpec{Kind: m.Kind, Pattern: m.Pattern}
	if err := checkPattern(key+".pattern", m.Pattern); err != nil {
		return spec, err
	}
	for i, field := range m.Extra {
		if field.Name == "" {
			return spec, &core.SettingError{Key: at(key+".extra", i) + ".name", Rule: "is required"}
		}
		if err := checkPattern(at(key+".extra", i)+".pattern", field.Pattern); err != nil {
			return spec, err
		}
		spec.Extra = append(spec.Extra, core.FieldSpec{Name: field.Name, Pattern: field.Pattern, Optional: field.Optional})
	}
	return spec, nil
}

func checkPattern(key, pattern string) error {
	if _, err := regexp.Compile(pattern); err != nil {
		return &core.SettingError{Key: key, Rule: "must be a regular expression"}
	}
	return nil
}

func (a amountSpec) amounts(key, currency string) (core.AmountSpec, error) {
	var made core.AmountSpec
	for _, bound := range []struct {
		name  string
		given any
		into  *core.Money
	}{{"min", a.Min, &made.Min}, {"max", a.Max, &made.Max}, {"step", a.Step, &made.Step}} {
		var err error
		if *bound.into, err = literalMoney(key+"."+bound.name, bound.given, currency); err != nil {
			return made, err
		}
	}
	if made.Min.Known() && made.Max.Known() {
		if order, err := made.Min.Cmp(made.Max); err != nil || order > 0 {
			return made, &core.SettingError{Key: key + ".max", Rule: "must not be below min"}
		}
	}
	return made, nil
}

// literalMoney reads an amount that stands in the settings; nothing is not known. A number with a point may have been a float on its way here.
func literalMoney(key string, value any, currency string) (core.Money, error) {
	if value == nil {
		return core.Money{}, nil
	}
	plain, ok := textOf(value)
	amount, err := core.ParseMoney(plain, currency)
	if !ok || err != nil || amount.Sign() <= 0 {
		return core.Money{}, &core.SettingError{Key: key, Rule: "must be a plain decimal of more than 0, in quotes where it has a point, and the currency three capital letters"}
	}
	return amount, nil
}

// contradiction refuses what can't be true together, or would move money twice.
func (s *spec) contradiction(d core.Descriptor) error {
	switch {
	case d.Name == "":
		return wrong("name", "is required")
	case d.Ref.MaxLen < 0:
		return wrong("ref.max_len", "must not be below 0")
	case d.QuoteRequired && s.Inquire == nil:
		return wrong("quote_required", "needs the call inquire")
	case len(d.Merchants) == 0 && !d.OtherMerchants:
		return wrong("merchants", "must name one, or other_merchants must be true")
	}
	if err := contradictionOfAsking(d); err != nil {
		return err
	}
	return s.missing(d)
}

// contradictionOfAsking is about what asking for an order does.
func contradictionOfAsking(d core.Descriptor) error {
	worthless := d.Ref.Mode == core.RefNone || d.Ref.Mode == core.RefLabel
	switch {
	case d.StatusBy.Has(core.ByRef) && d.Ref.Mode == core.RefNone:
		return wrong("status_by", "can't have ref where ref.mode is none")
	case d.Quarantine > 0 && (worthless || d.StatusResubmits || !d.StatusBy.Has(core.ByRef)):
		return wrong("quarantine", "counts only with status_by ref, where ref.mode is replay or reject_duplicate and asking doesn't send the order again")
	case d.StatusResubmits:
		return contradictionOfResubmits(d)
	default:
		return nil
	}
}

func contradictionOfResubmits(d core.Descriptor) error {
	switch {
	case d.Ref.Mode != core.RefReplay:
		return wrong("status_resubmits", "needs ref.mode replay: anything else pays again")
	case d.Ref.Retention == 0:
		return wrong("status_resubmits", "needs ref.retention: after it, asking books a new sale")
	case d.StatusMaxAge == 0 || d.StatusMaxAge >= d.Ref.Retention:
		return wrong("status_max_age", "must be set, and below ref.retention, where status_resubmits")
	default:
		return nil
	}
}

// missing refuses a description by which nothing could ever be paid, or believed.
func (s *spec) missing(d core.Descriptor) error {
	for _, call := range []struct {
		name string
		spec *callSpec
	}{{"pay", s.Pay}, {"status", s.Status}} {
		if call.spec == nil {
			return &core.SettingError{Key: specKey + "." + call.name, Rule: "is required"}
		}
		for _, field := range s.fieldsNeeded(d) {
			if call.spec.Fields[field] == nil {
				return &core.SettingError{Key: specKey + "." + call.name + ".fields." + field, Rule: "is required: without it no success is believed"}
			}
		}
	}
	if s.ListProducts == nil {
		return &core.SettingError{Key: specKey + ".list_products", Rule: "is required"}
	}
	return nil
}

func (s *spec) fieldsNeeded(d core.Descriptor) []string {
	needed := []string{"product"}
	if !slices.ContainsFunc(d.Merchants, func(m core.MerchantSpec) bool { return m.Account.Kind == core.NoAccount }) {
		needed = append(needed, "account")
	}
	if !d.AmountInProduct && !s.Describe.Bills {
		needed = append(needed, "amount")
	}
	if !d.StatusBy.Has(core.ByRef) {
		needed = append(needed, "invoice")
	}
	return needed
}

// instance names the account by its address and a hash of what names it there.
func (s *spec) instance(sc scope, baseURL string, variables map[string]any) (string, error) {
	const digits = 12
	source, err := sourceOf(describeKey+".account", s.Describe.Account)
	if err != nil {
		return "", wrong("account", "must be an expression that tells one account from another, such as secrets.username")
	}
	account, err := sc.compile(describeKey+".account", source, kindText)
	if err != nil {
		return "", err
	}
	text, err := account.text(context.Background(), variables)
	if err != nil {
		return "", &core.SettingError{Key: account.key, Rule: fmt.Sprintf("fails: %v", err)}
	}
	_, address, _ := strings.Cut(baseURL, "://")
	user := sha256.Sum256([]byte(text))
	return address + "#" + hex.EncodeToString(user[:])[:digits], nil
}
