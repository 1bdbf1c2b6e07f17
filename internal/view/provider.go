package view

import (
	"errors"
	"maps"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/core/router"
)

// Providers is every configured provider.
type Providers struct {
	Providers []Provider `json:"providers" nullable:"false"`
}

// Provider is how one provider is and what it can do.
type Provider struct {
	Name         string            `json:"name"`
	Health       Health            `json:"health"`
	Breaker      map[string]string `json:"breaker" doc:"The breaker's state (closed, half-open, open) by kind of call."`
	Capabilities *Capabilities     `json:"capabilities" doc:"null where the provider can't be asked."`
	Balances     *Balances         `json:"balances" doc:"null where the provider tells none."`
}

// Balances is what a provider holds for us, as it told a short while ago.
type Balances struct {
	Balances []Balance `json:"balances" nullable:"false"`
	AskedAt  time.Time `json:"asked_at"`
	Problem  string    `json:"problem" doc:"Why it could not be asked."`
}

// Balance is one deposit.
type Balance struct {
	Available core.Money `json:"available" doc:"What payments can be made from."`
	Holding   core.Money `json:"holding" doc:"Set aside for orders that aren't done."`
	Credit    core.Money `json:"credit" doc:"How far below zero it may go."`
}

// Health is how a provider's plugin is.
type Health struct {
	State    string `json:"state" doc:"ready, starting, backoff, gave_up or stopped"`
	Problem  string `json:"problem" doc:"Why it isn't ready."`
	Restarts int    `json:"restarts" doc:"How often the plugin had to be started again."`
}

// Capabilities is what a provider can do, as it says itself.
type Capabilities struct {
	Name            string     `json:"name" doc:"The plugin's own name."`
	Version         string     `json:"version"`
	Instance        string     `json:"instance" doc:"Tells one account at one address from another."`
	Ref             Ref        `json:"ref"`
	StatusBy        []string   `json:"status_by" nullable:"false" doc:"What it can be asked by: invoice, ref."`
	StatusResubmits bool       `json:"status_resubmits" doc:"Asking sends the order again."`
	StatusGap       Seconds    `json:"status_gap" doc:"Least time between two questions about one order, in seconds."`
	StatusMaxAge    Seconds    `json:"status_max_age" doc:"An older order is never asked for, in seconds; 0: no limit."`
	Quarantine      Seconds    `json:"quarantine" doc:"How long no such order may still be said of an order that is there, in seconds; 0: it never proves anything."`
	QuoteRequired   bool       `json:"quote_required"`
	MaxCost         bool       `json:"max_cost" doc:"It refuses by itself what would cost more than max_cost."`
	TellsBalances   bool       `json:"tells_balances"`
	SendsCallbacks  bool       `json:"sends_callbacks"`
	CancelsQuotes   bool       `json:"cancels_quotes" doc:"An inquiry can be given up there."`
	Merchants       []Merchant `json:"merchants" nullable:"false"`
	OtherMerchants  bool       `json:"other_merchants" doc:"Its product list may name more of them."`
}

// Ref is what a provider does with our reference of an order.
type Ref struct {
	Mode      string  `json:"mode" enum:"none,replay,reject_duplicate,label"`
	MaxLen    int     `json:"max_len" doc:"In characters; 0: no limit."`
	Retention Seconds `json:"retention" doc:"After this a repeat is a new sale, in seconds; 0: never."`
}

// Seconds is a time span in whole seconds.
type Seconds int64

// Merchant is what a provider asks of the top-ups of one merchant.
type Merchant struct {
	Merchant core.MerchantCode `json:"merchant"`
	Account  string            `json:"account" doc:"What the account number is: phone number, card number; none where it takes none."`
	Extra    []Field           `json:"extra" nullable:"false" doc:"The further fields that an order has."`
	Min      core.Money        `json:"min"`
	Max      core.Money        `json:"max"`
	Step     core.Money        `json:"step"`
}

// Field is a further field of an order.
type Field struct {
	Name     string `json:"name"`
	Required bool   `json:"required"`
	Pattern  string `json:"pattern" doc:"A regular expression over the whole value; empty: any."`
}

// ProvidersOf shows the providers with what they hold for us, by their names.
func ProvidersOf(all []payments.ProviderStatus, balances map[string]payments.Balances) Providers {
	shown := Providers{Providers: make([]Provider, len(all))}
	for i, p := range all {
		shown.Providers[i] = providerOf(p)
		shown.Providers[i].Balances = balancesOf(balances[p.Name])
	}
	return shown
}

func balancesOf(told payments.Balances) *Balances {
	if told.At.IsZero() {
		return nil
	}
	shown := &Balances{Balances: make([]Balance, len(told.Balances)), AskedAt: told.At.UTC()}
	for i, b := range told.Balances {
		shown.Balances[i] = Balance(b)
	}
	if told.Problem != nil {
		shown.Problem = told.Problem.Error()
	}
	return shown
}

func providerOf(p payments.ProviderStatus) Provider {
	shown := Provider{
		Name:    p.Name,
		Health:  Health{State: p.Health.State, Problem: p.Health.Problem, Restarts: p.Health.Restarts},
		Breaker: detailsOf(maps.Clone(p.Health.Breakers)),
	}
	if p.Descriptor.Name != "" {
		shown.Capabilities = capabilitiesOf(p.Descriptor)
	}
	return shown
}

func capabilitiesOf(d core.Descriptor) *Capabilities {
	shown := &Capabilities{
		Name: d.Name, Version: d.Version, Instance: d.Instance,
		Ref:             Ref{Mode: refMode(d.Ref.Mode), MaxLen: d.Ref.MaxLen, Retention: secondsOf(d.Ref.Retention)},
		StatusBy:        statusBy(d.StatusBy),
		StatusResubmits: d.StatusResubmits, StatusGap: secondsOf(d.StatusGap), StatusMaxAge: secondsOf(d.StatusMaxAge), Quarantine: secondsOf(d.Quarantine),
		QuoteRequired: d.QuoteRequired, MaxCost: d.MaxCost,
		TellsBalances: d.TellsBalances, SendsCallbacks: d.SendsCallbacks, CancelsQuotes: d.CancelsQuotes,
		Merchants: make([]Merchant, len(d.Merchants)), OtherMerchants: d.OtherMerchants,
	}
	for i, m := range d.Merchants {
		amounts := d.AmountsOf(string(m.Merchant))
		shown.Merchants[i] = Merchant{m.Merchant, m.Account.Kind, fieldsOf(m.Account.Extra), amounts.Min, amounts.Max, amounts.Step}
	}
	return shown
}

func fieldsOf(specs []core.FieldSpec) []Field {
	fields := make([]Field, len(specs))
	for i, f := range specs {
		fields[i] = Field{Name: f.Name, Required: !f.Optional, Pattern: f.Pattern}
	}
	return fields
}

func refMode(m core.RefMode) string {
	switch m {
	case core.RefReplay:
		return "replay"
	case core.RefRejectDuplicate:
		return "reject_duplicate"
	case core.RefLabel:
		return "label"
	case core.RefNone:
		return "none"
	default:
		return "none"
	}
}

func statusBy(ways core.StatusBy) []string {
	names := []string{}
	if ways.Has(core.ByInvoice) {
		names = append(names, "invoice")
	}
	if ways.Has(core.ByRef) {
		names = append(names, "ref")
	}
	return names
}

// secondsOf rounds up: a gap of half a second is not none.
func secondsOf(d time.Duration) Seconds {
	return Seconds((d + time.Second - 1) / time.Second)
}

// RouteExplanation is the route of an order, in the order in which its lanes would be tried.
type RouteExplanation struct {
	Merchant     core.MerchantCode `json:"merchant"`
	Amount       core.Money        `json:"amount"`
	Route        core.MerchantCode `json:"route" doc:"The merchant of the rule that matched; * for the one for all others."`
	InquireFirst bool              `json:"inquire_first"`
	Candidates   []Candidate       `json:"candidates" nullable:"false"`
}

// Candidate is one lane of a route.
type Candidate struct {
	Provider string    `json:"provider"`
	Product  string    `json:"product" doc:"The provider's own code."`
	In       bool      `json:"in" doc:"Whether it would be tried now."`
	Reason   string    `json:"reason" doc:"Why it is in or out."`
	Code     core.Code `json:"code" doc:"The class of the reason where the lane refuses the order."`
}

// RouteOf shows the route of an order.
func RouteOf(o router.Order, r router.Route) RouteExplanation {
	shown := RouteExplanation{
		Merchant: o.Merchant, Amount: o.Amount, Route: r.Rule.Merchant, InquireFirst: r.Rule.InquireFirst,
		Candidates: make([]Candidate, len(r.Candidates)),
	}
	for i, c := range r.Candidates {
		shown.Candidates[i] = candidateOf(c)
	}
	return shown
}

func candidateOf(c router.Candidate) Candidate {
	shown := Candidate{Provider: c.Provider.Name, Product: c.Product, In: c.In()}
	switch {
	case c.Refusal != nil:
		shown.Reason = c.Refusal.Error()
		if refusal, ok := errors.AsType[*core.OrderError](c.Refusal); ok {
			shown.Code = refusal.Code
		}
	case c.Problem != "":
		shown.Reason = c.Problem
	default:
		shown.Reason = "takes the order and is ready"
	}
	return shown
}
