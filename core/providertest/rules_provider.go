package providertest

import (
	"context"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/settings"
)

func settingsRules() []Rule {
	return []Rule{{
		Name:    "settings-schema",
		Why:     "the host and the editor check settings by the schema, before anything is started",
		When:    "providers that publish a schema of their settings",
		Applies: func(b *Bench) bool { return len(b.Harness.Schema) > 0 },
		Check: func(_ context.Context, b *Bench) {
			s, err := readSchema(b.Harness.Schema)
			if err != nil {
				b.Failf("the schema can't be read: %v", err)
				return
			}
			for _, problem := range s.problems(b.Harness.Settings) {
				b.Failf("the schema: %s", problem)
			}
			compiled, err := settings.Compile(b.Harness.Schema)
			if err != nil {
				b.Failf("the schema: %v", err)
			}
			for _, problem := range compiled.Check(b.Harness.Settings) {
				b.Failf("the schema refuses the good settings: %s %s", problem.Key, problem.Rule)
			}
		},
	}, {
		Name:  "settings-unknown-key",
		Why:   "a misspelt key that is passed over leaves a provider running with a default that nobody chose",
		Check: checkUnknownKey,
	}, {
		Name:    "settings-missing-key",
		Why:     "without its address or its secret a provider fails at the first payment instead of at the start",
		When:    "providers that require settings",
		Applies: func(b *Bench) bool { return len(b.Harness.Required) > 0 },
		Check:   checkMissingKeys,
	}}
}

func checkUnknownKey(ctx context.Context, b *Bench) {
	const key = "no_such_setting"
	err := b.with(ctx, plus(b.Settings(), key, `"1"`), func(core.Set) {})
	switch {
	case err == nil:
		b.Failf("settings with the key %q were taken", key)
	case !namesKey(err, key):
		b.Failf("the refusal of the key %q doesn't say by SettingKey that it is to blame: %v", key, err)
	}
}

func checkMissingKeys(ctx context.Context, b *Bench) {
	for _, key := range b.Harness.Required {
		err := b.with(ctx, without(b.Settings(), key), func(core.Set) {})
		switch {
		case err == nil:
			b.Failf("settings without %q were taken", key)
		case !namesKey(err, key):
			b.Failf("the refusal of settings without %q doesn't say by SettingKey that it is to blame: %v", key, err)
		}
	}
}

func describeRules() []Rule {
	return []Rule{{
		Name:  "describe-stable",
		Why:   "the router and the engine decide from the description; one that changes makes them decide differently about the same order",
		Check: checkDescribeStable,
	}, {
		Name:  "describe-believable",
		Why:   "what is promised here is what a lost order is looked up, repeated or failed over by",
		Check: checkBelievable,
	}, {
		Name: "sample-fits-description",
		Why:  "an order that the provider takes and its own description refuses is never sent",
		Check: func(_ context.Context, b *Bench) {
			s := b.Harness.Samples[Succeeds]
			if err := core.CheckOrder(b.Descriptor, s.Product, s.Account, s.Amount); err != nil {
				b.Failf("the sample %q, held against the description: %v", Succeeds, err)
			}
			if err := core.CheckExtra(b.Descriptor, s.Product, s.Extra); err != nil {
				b.Failf("the sample %q, held against the description: %v", Succeeds, err)
			}
		},
	}}
}

func checkDescribeStable(ctx context.Context, b *Bench) {
	again, err := bounded(ctx, b, "describe", b.Set.Provider.Describe)
	if err != nil || !reflect.DeepEqual(again, b.Descriptor) {
		b.Failf("asked twice, it describes itself in two ways (%v)", err)
	}
	err = b.with(ctx, b.Settings(), func(other core.Set) {
		told, err := bounded(ctx, b, "describe", other.Provider.Describe)
		if err != nil || !reflect.DeepEqual(told, b.Descriptor) {
			b.Failf("made twice of the same settings, it describes itself in two ways (%v)", err)
		}
	})
	if err != nil {
		b.Failf("a second one could not be made of the same settings: %v", err)
	}
}

type claim struct {
	wrong bool
	text  string
}

func refClaims(d core.Descriptor) []claim {
	const ours = 26 // characters of a reference of ours
	mode, byRef := d.Ref.Mode, d.StatusBy.Has(core.ByRef)
	kept := mode == core.RefReplay || mode == core.RefRejectDuplicate
	return []claim{
		{d.Version == "", "it has no version"},
		{mode > core.RefLabel, "its reference mode is not on the list"},
		{d.StatusBy == 0 || d.StatusBy > core.ByInvoice|core.ByRef, "it doesn't say what an order can be asked for by"},
		{byRef && mode == core.RefNone, "it is asked by a reference that it doesn't take"},
		{mode != core.RefNone && d.Ref.MaxLen > 0 && d.Ref.MaxLen < ours, "our references of 26 characters are longer than it takes"},
		{d.StatusResubmits && mode != core.RefReplay, "asking sends the order again, and it doesn't promise to answer with the first one"},
		{d.Quarantine > 0 && (!byRef || !kept || d.StatusResubmits), "a quarantine counts only where the reference is worth something, and asking sends nothing"},
		{min(d.StatusGap, d.StatusMaxAge, d.Quarantine, d.Ref.Retention) < 0, "a duration is negative"},
		{len(d.Merchants) == 0 && !d.OtherMerchants, "it sells nothing"},
	}
}

func setClaims(d core.Descriptor, set core.Set) []claim {
	return []claim{
		{d.TellsBalances != (set.Balances != nil), "TellsBalances and the set's Balances say different things"},
		{d.SendsCallbacks != (set.Callbacks != nil), "SendsCallbacks and the set's Callbacks say different things"},
		{d.CancelsQuotes != (set.Quotes != nil), "CancelsQuotes and the set's Quotes say different things"},
	}
}

func productRules() []Rule {
	return []Rule{{
		Name:  "products-page-through",
		Why:   "a list that never ends, or that leaves products out, leaves the router without what it could sell",
		Check: checkProducts,
	}, {
		Name: "products-filter",
		Why:  "the router asks for one product before a payment, not for all of them",
		Check: func(ctx context.Context, b *Bench) {
			code := b.Harness.Samples[Succeeds].Product
			page, err := b.list(ctx, core.ProductFilter{Product: code})
			if err != nil || len(page.Products) != 1 || page.Products[0].Code != code {
				b.Failf("asked for %q alone, it listed %d products (%v)", code, len(page.Products), err)
			}
		},
	}}
}

func (b *Bench) list(ctx context.Context, filter core.ProductFilter) (core.ProductPage, error) {
	ctx, cancel := context.WithTimeout(ctx, b.Harness.Call)
	defer cancel()
	page, err := bounded(ctx, b, "list_products", func(ctx context.Context) (core.ProductPage, error) {
		return b.Set.Provider.ListProducts(ctx, filter)
	})
	b.look("list_products", "", err)
	return page, err
}

func checkProducts(ctx context.Context, b *Bench) {
	const mostPages = 1000
	codes, cursors, filter := map[string]bool{}, map[string]bool{}, core.ProductFilter{}
	for range mostPages {
		page, err := b.list(ctx, filter)
		if err != nil {
			b.Failf("after %d products: %v", len(codes), err)
			return
		}
		for _, p := range page.Products {
			if codes[p.Code] || p.Code == "" {
				b.Failf("the product %q is listed without a code or twice", p.Code)
			}
			codes[p.Code] = true
			checkProduct(b, p)
		}
		if page.Next == "" {
			break
		}
		if cursors[page.Next] {
			b.Failf("the cursor of a page comes a second time: the list never ends")
			return
		}
		cursors[page.Next], filter.Cursor = true, page.Next
	}
	if code := b.Harness.Samples[Succeeds].Product; !codes[code] {
		b.Failf("the product %q of the sample %q is not among the %d that are listed", code, Succeeds, len(codes))
	}
}

func checkProduct(b *Bench, p core.Product) {
	for _, window := range p.CutOffs {
		_, errStart := time.Parse("15:04", window.Start)
		_, errEnd := time.Parse("15:04", window.End)
		_, errZone := time.LoadLocation(window.Zone)
		if errStart != nil || errEnd != nil || errZone != nil || window.Zone == "" {
			b.Failf("product %s: a cut-off from %q to %q in the zone %q can't be read", p.Code, window.Start, window.End, window.Zone)
		}
		if window.Start == window.End {
			b.Failf("product %s: a cut-off from %q to the same is no time at all, or all day", p.Code, window.Start)
		}
	}
	if p.Fee.Known && !p.Fee.Flat.Known() {
		b.Failf("product %s: a known fee has no currency", p.Code)
	}
	if p.Stock != nil && *p.Stock < 0 {
		b.Failf("product %s: %d are left", p.Code, *p.Stock)
	}
}

func quoteRules() []Rule {
	return []Rule{{
		Name: "quote-is-about-the-order",
		Why:  "a price and a name that belong to another order are shown to the customer as his own",
		Check: func(ctx context.Context, b *Bench) {
			order := b.plain(Succeeds)
			quote, err := b.Inquire(ctx, order)
			if err != nil {
				b.Failf("no quote: %v", err)
				return
			}
			b.checkQuote(order, quote)
		},
	}, {
		Name:    "quote-pays-once",
		Why:     "a quote stands for one payment: paid a second time it would be a second top-up that nobody ordered",
		When:    "providers whose Pay wants a quote, or that cancel quotes",
		Applies: promises(func(d core.Descriptor) bool { return d.QuoteRequired || d.CancelsQuotes }),
		Check:   func(ctx context.Context, b *Bench) { b.checkQuoteOnce(ctx, Succeeds) },
	}, {
		Name: "bill-pays-once",
		Why:  "a bill is paid by the token of its inquiry: paid a second time, the customer's money lies at the biller",
		When: "providers with a sample of a bill", Applies: func(b *Bench) bool { return b.Harness.names(Bill) },
		Check: func(ctx context.Context, b *Bench) { b.checkQuoteOnce(ctx, Bill) },
	}, {
		Name:    "quote-cancels",
		Why:     "a quote that holds money and can't be given up ties the deposit",
		When:    "providers that cancel quotes",
		Applies: promises(func(d core.Descriptor) bool { return d.CancelsQuotes }),
		Check:   checkCancel,
	}, {
		Name:  "cost-agrees-with-quote",
		Why:   "providers have two prices, one for the deposit and one for the customer, and name them alike: swapped, the books are wrong at each order",
		Check: checkCost,
	}, {
		Name: "fee-agrees-with-quote",
		Why:  "the cheapest provider is chosen by the listed fee, and the deposit is charged by the quote",
		Check: func(ctx context.Context, b *Bench) {
			order := b.plain(Succeeds)
			page, err := b.list(ctx, core.ProductFilter{Product: order.Product})
			if err != nil || len(page.Products) != 1 || !order.Amount.Known() {
				return // other rules are about that
			}
			listed, known := page.Products[0].Fee.Cost(order.Amount)
			quote, err := b.Inquire(ctx, order)
			if err == nil && known && quote.Cost.Known() && !quote.Cost.Equal(listed) {
				b.Failf("the listed fee makes it cost %s, the quote says %s", listed, quote.Cost)
			}
		},
	}}
}

// checkCost pays what was quoted.
func checkCost(ctx context.Context, b *Bench) {
	order := b.plain(Succeeds)
	quote, err := b.Inquire(ctx, order)
	if err != nil {
		b.Failf("no quote: %v", err)
		return
	}
	if b.Descriptor.QuoteRequired || !order.Amount.Known() {
		order = withQuote(order, quote)
	}
	answer := b.Settled(ctx, b.Pay(ctx, order))
	if cost := answer.Result.Cost; answer.Err == nil && cost.Known() && quote.Cost.Known() && !cost.Equal(quote.Cost) {
		b.Failf("the quote says that it costs %s, the order that it cost %s", quote.Cost, cost)
	}
}

func (b *Bench) checkQuote(order core.PayRequest, quote core.Quote) {
	if quote.Product != "" && quote.Product != order.Product {
		b.Failf("the quote is for the product %q, not for %q", quote.Product, order.Product)
	}
	if quote.Account != order.Account {
		b.Failf("the quote is for the account %s, not for %s", quote.Account, order.Account)
	}
	if order.Amount.Known() && !quote.Amount.Equal(order.Amount) && !b.Descriptor.AmountInProduct {
		b.Failf("the quote is over %s, not over %s", quote.Amount, order.Amount)
	}
	if !order.Amount.Known() && !quote.Amount.Known() {
		b.Failf("the quote of a bill tells no amount")
	}
	if !quote.ExpiresAt.IsZero() && !quote.ExpiresAt.After(time.Now()) {
		b.Failf("the quote has expired already")
	}
	if b.Descriptor.QuoteRequired && quote.Token == "" {
		b.Failf("Pay wants a token, and the quote has none")
	}
}

func (b *Bench) checkQuoteOnce(ctx context.Context, sample string) {
	order := b.plain(sample)
	quote, err := b.Inquire(ctx, order)
	if err != nil {
		b.Failf("no quote for the sample %q: %v", sample, err)
		return
	}
	b.checkQuote(order, quote)
	order = withQuote(order, quote)
	if first := b.Settled(ctx, b.Pay(ctx, order)); first.Outcome() != core.Succeeded {
		b.Failf("paid by its quote, the sample %q ended as %s", sample, first)
	}
	second := order
	second.Ref = newRef()
	answer := b.Settled(ctx, b.Pay(ctx, second))
	if executed, err := b.executed(ctx); err == nil && len(executed) > 1 {
		b.Failf("the same quote was paid twice; the second answer was %s", answer)
	}
	b.forget(second.Ref) // what it answers may be the first order again
	if !b.Descriptor.QuoteRequired {
		return
	}
	none := order
	none.Ref, none.Quote = newRef(), ""
	if answer := b.Pay(ctx, none); !answer.Outcome().NothingMoved() {
		b.Failf("paid without the quote that it wants, the order ended as %s", answer)
	}
}

// forget takes an order out of the audit.
func (b *Bench) forget(ref string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.orders[:0]
	for _, o := range b.orders {
		if o.request.Ref != ref {
			kept = append(kept, o)
		}
	}
	b.orders = kept
}

func checkCancel(ctx context.Context, b *Bench) {
	order := b.plain(Succeeds)
	quote, err := b.Inquire(ctx, order)
	if err != nil || b.Set.Quotes == nil {
		b.Failf("no quote that could be cancelled: %v", err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, b.Harness.Call)
	defer cancel()
	for _, time := range []string{"first", "second"} {
		err := b.Set.Quotes.CancelQuote(ctx, quote.Token)
		b.look("cancel", string(order.Account), err)
		if err != nil {
			b.Failf("cancelled for the %s time: %v", time, err)
		}
	}
	if answer := b.Pay(ctx, withQuote(order, quote)); !answer.Outcome().NothingMoved() && answer.Err == nil {
		b.Failf("paid after it was cancelled, the quote ended as %s", answer)
	}
	if executed, err := b.executed(ctx); err == nil && len(executed) > 0 {
		b.Failf("a cancelled quote was executed")
	}
}

func checkBelievable(_ context.Context, b *Bench) {
	d := b.Descriptor
	if err := core.CheckDescriptor(d); err != nil {
		b.Failf("%v", err)
	}
	for _, claim := range append(refClaims(d), setClaims(d, b.Set)...) {
		if claim.wrong {
			b.Failf("%s", claim.text)
		}
	}
	for _, secret := range b.Harness.Secrets {
		if strings.Contains(d.Instance, secret) {
			b.Failf("the instance holds a secret")
		}
	}
	for _, spec := range d.Merchants {
		if _, err := regexp.Compile(spec.Account.Pattern); err != nil {
			b.Failf("merchant %s: the pattern of its accounts can't be read: %v", spec.Merchant, err)
		}
	}
}
