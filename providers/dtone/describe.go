package dtone

import (
	"context"
	"maps"
	"slices"

	"github.com/jalurhq/jalur/core"
)

const (
	name    = "dtone"
	version = "1.0.0"
)

// Describe implements [core.Provider].
func (p *Provider) Describe(context.Context) (core.Descriptor, error) {
	return core.Descriptor{
		Name:            name,
		Version:         version,
		Instance:        p.cfg.instance(),
		Ref:             core.RefSpec{Mode: core.RefRejectDuplicate, MaxLen: refLen},
		StatusBy:        core.ByInvoice | core.ByRef,
		Quarantine:      p.cfg.Quarantine,
		AmountInProduct: true,
		TellsBalances:   true,
		SendsCallbacks:  true,
		CancelsQuotes:   p.cfg.FirmQuotes,
		Merchants:       p.cfg.merchants(),
		OtherMerchants:  true,
	}, nil
}

// merchants are the products that the operator has described.
func (c Config) merchants() []core.MerchantSpec {
	specs := make([]core.MerchantSpec, 0, len(c.Products))
	for _, id := range slices.Sorted(maps.Keys(c.Products)) {
		specs = append(specs, core.MerchantSpec{Merchant: core.MerchantCode(id), Account: c.Products[id].spec()})
	}
	return specs
}

func (c ProductConfig) spec() core.AccountSpec {
	spec := core.AccountSpec{Kind: c.Account}
	switch c.Account {
	case "", fieldMobile:
		spec = core.AccountSpec{Kind: "phone number", Pattern: `\+?[0-9]{6,16}`}
	case fieldAccount:
		spec.Kind = "account number"
	}
	for _, field := range c.Extra {
		spec.Extra = append(spec.Extra, core.FieldSpec{Name: field})
	}
	return spec
}
