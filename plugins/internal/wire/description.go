package wire

import (
	"github.com/jalurhq/jalur/core"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

// Description writes what a provider says of itself.
func Description(d core.Descriptor) *pb.Description {
	return &pb.Description{
		Name: text(d.Name), Version: text(d.Version), Instance: text(d.Instance),
		Ref:             &pb.RefSpec{Mode: refMode(d.Ref.Mode), MaxLen: int32(min(d.Ref.MaxLen, maxRefLen)), Retention: duration(d.Ref.Retention)}, //nolint:gosec // bounded
		StatusByInvoice: d.StatusBy.Has(core.ByInvoice), StatusByRef: d.StatusBy.Has(core.ByRef), StatusResubmits: d.StatusResubmits,
		StatusGap: duration(d.StatusGap), StatusMaxAge: duration(d.StatusMaxAge), QuoteRequired: d.QuoteRequired, MaxCost: d.MaxCost,
		Quarantine: duration(d.Quarantine), Merchants: merchants(d.Merchants), OtherMerchants: d.OtherMerchants, Amounts: amounts(d.Amounts),
		AmountInProduct: d.AmountInProduct, TellsBalances: d.TellsBalances, SendsCallbacks: d.SendsCallbacks, CancelsQuotes: d.CancelsQuotes,
	}
}

// No reference is longer than this, whatever a provider says.
const maxRefLen = 1 << 20

func merchants(specs []core.MerchantSpec) []*pb.MerchantSpec {
	return each(specs, func(s core.MerchantSpec) *pb.MerchantSpec {
		return &pb.MerchantSpec{
			Merchant: text(string(s.Merchant)), AccountKind: text(s.Account.Kind), AccountPattern: text(s.Account.Pattern), Amounts: amounts(s.Amounts),
			Extra: fields(s.Account.Extra),
		}
	})
}

func fields(specs []core.FieldSpec) []*pb.FieldSpec {
	return each(specs, func(s core.FieldSpec) *pb.FieldSpec {
		return &pb.FieldSpec{Name: text(s.Name), Pattern: text(s.Pattern), Optional: s.Optional}
	})
}

// DescriptionFrom reads what a provider says of itself.
func DescriptionFrom(m *pb.Description) (core.Descriptor, error) {
	var r reader
	d := core.Descriptor{
		Name: m.GetName(), Version: m.GetVersion(), Instance: m.GetInstance(),
		Ref: core.RefSpec{
			Mode: refModeFrom(m.GetRef().GetMode()), MaxLen: int(m.GetRef().GetMaxLen()), Retention: r.duration("ref.retention", m.GetRef().GetRetention()),
		},
		StatusBy: statusBy(m), StatusResubmits: m.GetStatusResubmits(),
		StatusGap: r.duration("status_gap", m.GetStatusGap()), StatusMaxAge: r.duration("status_max_age", m.GetStatusMaxAge()),
		QuoteRequired: m.GetQuoteRequired(), MaxCost: m.GetMaxCost(),
		Quarantine: r.duration("quarantine", m.GetQuarantine()),
		Merchants:  r.merchants(m.GetMerchants()), OtherMerchants: m.GetOtherMerchants(), Amounts: r.amounts("amounts", m.GetAmounts()),
		AmountInProduct: m.GetAmountInProduct(),
		TellsBalances:   m.GetTellsBalances(), SendsCallbacks: m.GetSendsCallbacks(), CancelsQuotes: m.GetCancelsQuotes(),
	}
	if r.err != nil {
		return core.Descriptor{}, r.err
	}
	return d, nil
}

func statusBy(m *pb.Description) core.StatusBy {
	var by core.StatusBy
	if m.GetStatusByInvoice() {
		by |= core.ByInvoice
	}
	if m.GetStatusByRef() {
		by |= core.ByRef
	}
	return by
}

func (r *reader) merchants(specs []*pb.MerchantSpec) []core.MerchantSpec {
	return each(specs, func(s *pb.MerchantSpec) core.MerchantSpec {
		return core.MerchantSpec{
			Merchant: core.MerchantCode(s.GetMerchant()),
			Account:  core.AccountSpec{Kind: s.GetAccountKind(), Pattern: s.GetAccountPattern(), Extra: fieldsFrom(s.GetExtra())},
			Amounts:  r.amounts("merchants.amounts", s.GetAmounts()),
		}
	})
}

func fieldsFrom(specs []*pb.FieldSpec) []core.FieldSpec {
	return each(specs, func(s *pb.FieldSpec) core.FieldSpec {
		return core.FieldSpec{Name: s.GetName(), Pattern: s.GetPattern(), Optional: s.GetOptional()}
	})
}
