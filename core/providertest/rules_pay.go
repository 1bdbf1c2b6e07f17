package providertest

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/jalurhq/jalur/core"
)

func payRules() []Rule {
	return []Rule{{
		Name:  "pay-succeeds",
		Why:   "what nothing else would matter without",
		Check: checkSucceeds,
	}, {
		Name: "pay-and-status-agree",
		Why:  "the reconciler believes Status where Pay had no answer: both must tell of the same order",
		Check: func(ctx context.Context, b *Bench) {
			answer, ok := b.paid(ctx, Succeeds)
			if ok && b.CanAsk(answer) {
				b.agree(answer, b.Status(ctx, answer))
			}
		},
	}, {
		Name: "pay-pending", Needs: []string{Pending},
		Why:   "an order that is still on its way is neither done nor free to be sent elsewhere",
		Check: checkPending,
	}, {
		Name: "pay-refused", Needs: []string{Refused},
		Why:   "a refusal is an answer with a code, by which another provider is tried or the customer is told; as an error it would be unknown for ever",
		Check: checkRefused,
	}, {
		Name: "pay-unknown-account", Needs: []string{UnknownAccount},
		Why:   "a number that the provider doesn't know is nobody's, and must not stay unresolved",
		Check: checkUnknownAccount,
	}, {
		Name: "pay-refunded", Needs: []string{Refunded},
		When: "providers with a sample that is given back", Applies: func(b *Bench) bool { return b.Harness.names(Refunded) },
		Why:   "money that came back and is still counted as spent is lost in the books",
		Check: checkRefunded,
	}, {
		Name:  "pay-send-before",
		Why:   "an order whose time has passed may have been given to somebody else meanwhile",
		Check: checkSendBefore,
	}, {
		Name:    "pay-max-cost",
		Why:     "a price that rose since the order was routed is paid out of the operator's pocket",
		When:    "providers that keep to MaxCost",
		Applies: promises(func(d core.Descriptor) bool { return d.MaxCost }),
		Check:   checkMaxCost,
	}, {
		Name:  "pay-parallel",
		Why:   "an answer that reaches another caller makes two payments wrong at once",
		Check: checkParallel,
	}}
}

// paid makes a sample's order and follows it to its end.
func (b *Bench) paid(ctx context.Context, sample string) (Answer, bool) {
	order, ok := b.Order(ctx, sample)
	if !ok {
		return Answer{}, false
	}
	return b.Settled(ctx, b.Pay(ctx, order)), true
}

// refunded asks on after an order has succeeded.
func (b *Bench) refunded(ctx context.Context, answer Answer) Answer {
	ctx, cancel := context.WithTimeout(ctx, b.Harness.Settle)
	defer cancel()
	for answer.Outcome() == core.Succeeded && b.CanAsk(answer) && pause(ctx, b.Harness.Every) {
		if asked := b.Status(ctx, answer); ctx.Err() == nil {
			answer = asked
		}
	}
	return answer
}

func (b *Bench) agree(first, second Answer) {
	one, two := first.Result, second.Result
	switch {
	case first.Err != nil || second.Err != nil || one.Outcome != two.Outcome:
		b.Failf("one call says %s, the next %s", first, second)
	case one.Invoice != two.Invoice:
		b.Failf("one call says invoice %q, the next %q", one.Invoice, two.Invoice)
	case one.Reference != two.Reference:
		b.Failf("one call gives one proof of delivery, the next another")
	case one.Cost.Known() && two.Cost.Known() && !one.Cost.Equal(two.Cost):
		b.Failf("one call says that it cost %s, the next %s", one.Cost, two.Cost)
	}
}

func checkRefused(ctx context.Context, b *Bench) {
	order, ok := b.Order(ctx, Refused)
	if !ok {
		return
	}
	answer := b.Settled(ctx, b.Pay(ctx, order))
	switch res, want := answer.Result, b.Harness.Samples[Refused].Code; {
	case answer.Err != nil:
		b.Failf("the refusal came as %s, and not as a result", answer)
	case res.Outcome != core.Declined:
		b.Failf("the sample %q ended as %s", Refused, answer)
	case !res.Code.Valid():
		b.Failf("the refusal has the code %q, which is not on the list", res.Code)
	case want != "" && res.Code != want:
		b.Failf("the refusal has the code %s, and should have %s", res.Code, want)
	}
}

// smallest gives one of the amount's smallest units that are written.
func smallest(amount core.Money) core.Money {
	_, fraction, _ := strings.Cut(amount.Value(), ".")
	one := "1"
	if fraction != "" {
		one = "0." + strings.Repeat("0", len(fraction)-1) + "1"
	}
	return money(one, amount.Currency())
}

// money is for literals. What can't be read is the zero Money.
func money(value, currency string) core.Money {
	m, err := core.ParseMoney(value, currency)
	if err != nil {
		return core.Money{}
	}
	return m
}

// together pays many orders at once, each over an amount of its own where amounts are free.
func (b *Bench) together(ctx context.Context, sample string) []Answer {
	orders := make([]core.PayRequest, 0, b.Harness.Parallel)
	next := b.plain(sample).Amount
	step := b.Descriptor.AmountsOf(b.plain(sample).Product).Step
	if !step.Known() {
		step = smallest(next)
	}
	for range b.Harness.Parallel {
		order := b.plain(sample)
		if !b.Descriptor.AmountInProduct && order.Amount.Known() {
			order.Amount = next
			if sum, err := next.Add(step); err == nil {
				next = sum
			}
		}
		if quoted, ok := b.quoted(ctx, order); ok {
			orders = append(orders, quoted)
		}
	}
	answers := make([]Answer, len(orders))
	var group sync.WaitGroup
	for i, order := range orders {
		group.Go(func() { answers[i] = b.Pay(ctx, order) })
	}
	group.Wait()
	return answers
}

func amountRules() []Rule {
	free := promises(func(d core.Descriptor) bool { return !d.AmountInProduct })
	const when = "providers whose products take an amount"
	return []Rule{{
		Name: "amount-edges", When: when, Applies: free,
		Why:   "an amount that goes through a float or a smaller number arrives as another one",
		Check: checkEdges,
	}, {
		Name: "amount-in-another-currency", When: when, Applies: free,
		Why:   "the same number of another currency is another amount, by a factor that nobody would pay back",
		Check: checkCurrency,
	}, {
		Name: "amount-bounds", When: when, Applies: free,
		Why:   "what the description refuses must not be executed if it is sent all the same",
		Check: checkBounds,
	}}
}

func checkEdges(ctx context.Context, b *Bench) {
	sample := b.plain(Succeeds)
	if !sample.Amount.Known() {
		return
	}
	whole, _, _ := strings.Cut(sample.Amount.Value(), ".")
	for _, value := range []string{
		strconv.FormatInt(math.MaxInt64, 10), strconv.FormatInt(math.MaxInt64-1, 10), "9007199254740993", // the first whole number that no float holds
		whole + ".00", whole + ".000", whole + ".01", whole + ".001", "0", "0.01", "-" + whole,
	} {
		order := sample
		order.Ref, order.Amount = newRef(), money(value, sample.Amount.Currency())
		if b.Descriptor.QuoteRequired {
			quote, err := b.Inquire(ctx, order)
			if err != nil {
				continue // refused
			}
			order = withQuote(order, quote)
		}
		answer := b.Pay(ctx, order)
		if order.Amount.Sign() <= 0 && !answer.Outcome().NothingMoved() {
			b.Failf("an order over %s ended as %s", order.Amount, answer)
		}
		if answer.Err != nil && answer.Outcome() == core.Unknown {
			b.Failf("an order over %s ended as %s, and should be refused or kept exactly", order.Amount, answer)
		}
	} // whether what was executed is what was asked for, the audit sees
}

// checkCurrency orders the sample's number in currencies without digits behind the point, and with three.
func checkCurrency(ctx context.Context, b *Bench) {
	sample := b.plain(Succeeds)
	if !sample.Amount.Known() {
		return
	}
	whole, _, _ := strings.Cut(sample.Amount.Value(), ".")
	for _, currency := range []string{"JPY", "KWD"} {
		if currency == sample.Amount.Currency() {
			continue
		}
		order := sample
		order.Ref, order.Amount = newRef(), money(whole, currency)
		if b.Descriptor.QuoteRequired {
			quote, err := b.Inquire(ctx, order)
			if err != nil {
				continue // refused
			}
			order = withQuote(order, quote)
		}
		if answer := b.Pay(ctx, order); !answer.Outcome().NothingMoved() {
			b.Failf("an order over %s, where amounts are in %s, ended as %s", order.Amount, sample.Amount.Currency(), answer)
		}
	}
}

func checkBounds(ctx context.Context, b *Bench) {
	sample := b.plain(Succeeds)
	bounds := b.Descriptor.AmountsOf(sample.Product)
	if !sample.Amount.Known() {
		return
	}
	one := smallest(sample.Amount)
	outside := map[string]core.Money{}
	if low, err := bounds.Min.Sub(one); err == nil && bounds.Min.Known() {
		outside["below its least"] = low
	}
	if high, err := bounds.Max.Add(one); err == nil && bounds.Max.Known() {
		outside["above its most"] = high
	}
	if order, err := bounds.Step.Cmp(one); err == nil && bounds.Step.Known() && order > 0 {
		if odd, err := sample.Amount.Add(one); err == nil {
			outside["between its steps"] = odd
		}
	}
	for what, amount := range outside {
		order := sample
		order.Ref, order.Amount = newRef(), amount
		if b.Descriptor.QuoteRequired {
			quote, err := b.Inquire(ctx, order)
			if err != nil {
				continue // refused
			}
			order = withQuote(order, quote)
		}
		if answer := b.Settled(ctx, b.Pay(ctx, order)); !answer.Outcome().NothingMoved() {
			b.Failf("an order over %s, %s, ended as %s", amount, what, answer)
		}
	}
}

func repeatRules() []Rule {
	mode := func(wanted ...core.RefMode) func(*Bench) bool {
		return func(b *Bench) bool { return slices.Contains(wanted, b.Descriptor.Ref.Mode) }
	}
	return []Rule{{
		Name: "repeat-replays", When: "providers that answer a repeated reference with the first order", Applies: mode(core.RefReplay),
		Why:   "the gateway repeats an order whose answer was lost, since this was promised",
		Check: checkReplays,
	}, {
		Name: "repeat-is-refused", When: "providers that refuse a repeated reference", Applies: mode(core.RefRejectDuplicate),
		Why:   "the refusal of a repetition says nothing about the first order: taken for a decline, it would be paid elsewhere",
		Check: checkRefusesRepeat,
	}, {
		Name: "repeat-is-another-order", When: "providers that make nothing of a reference", Applies: mode(core.RefNone, core.RefLabel),
		Why:   "two orders that are answered as one hide that the customer got it twice",
		Check: checkAnotherOrder,
	}}
}

// twice makes the same order two times.
func (b *Bench) twice(ctx context.Context) (first, second Answer, ok bool) {
	order, ok := b.Order(ctx, Succeeds)
	if !ok {
		return first, second, false
	}
	first = b.Pay(ctx, order)
	if first.Err != nil {
		b.Failf("the first call: %v", first.Err)
		return first, second, false
	}
	return first, b.Pay(ctx, order), true
}

func checkSucceeds(ctx context.Context, b *Bench) {
	order, ok := b.Order(ctx, Succeeds)
	if !ok {
		return
	}
	answer := b.Pay(ctx, order)
	if answer.Err != nil {
		b.Failf("the sample %q was answered with %s", Succeeds, answer)
	}
	if answer = b.Settled(ctx, answer); answer.Outcome() != core.Succeeded {
		b.Failf("the sample %q ended as %s", Succeeds, answer)
	}
}

func checkPending(ctx context.Context, b *Bench) {
	order, ok := b.Order(ctx, Pending)
	if !ok {
		return
	}
	answer := b.Pay(ctx, order)
	if answer.Outcome() != core.Pending {
		b.Failf("the sample %q was answered with %s", Pending, answer)
	}
	if asked := b.Status(ctx, answer); b.CanAsk(answer) && asked.Outcome() != core.Pending {
		b.Failf("asked for at once, the sample %q was %s", Pending, asked)
	}
}

func checkUnknownAccount(ctx context.Context, b *Bench) {
	order := b.plain(UnknownAccount)
	if b.Descriptor.QuoteRequired || !order.Amount.Known() {
		quote, err := b.Inquire(ctx, order)
		if err != nil {
			return // refused before anything was sent
		}
		order = withQuote(order, quote)
	}
	answer := b.Settled(ctx, b.Pay(ctx, order))
	if !answer.Outcome().NothingMoved() && answer.Outcome() != core.Refunded {
		b.Failf("an order for an unknown account ended as %s", answer)
	}
}

func checkRefunded(ctx context.Context, b *Bench) {
	answer, ok := b.paid(ctx, Refunded)
	if ok && answer.Outcome() != core.Refunded {
		answer = b.refunded(ctx, answer)
	}
	if ok && answer.Outcome() != core.Refunded {
		b.Failf("the sample %q ended as %s", Refunded, answer)
	}
}

func checkSendBefore(ctx context.Context, b *Bench) {
	order, ok := b.Order(ctx, Succeeds)
	if !ok {
		return
	}
	order.SendBefore = 1 // the machine has been running for longer
	if answer := b.Pay(ctx, order); answer.Outcome() != core.NotSent {
		b.Failf("with a SendBefore in the past the order ended as %s, and should be not_sent", answer)
	}
}

func checkMaxCost(ctx context.Context, b *Bench) {
	order, ok := b.Order(ctx, Succeeds)
	if !ok {
		return
	}
	order.MaxCost = smallest(order.Amount)
	if answer := b.Settled(ctx, b.Pay(ctx, order)); !answer.Outcome().NothingMoved() {
		b.Failf("with a MaxCost of %s the order ended as %s", order.MaxCost, answer)
	}
}

func checkParallel(ctx context.Context, b *Bench) {
	answers := b.together(ctx, Succeeds)
	invoices := map[core.Invoice]int{}
	for i, answer := range answers {
		if answer.Err != nil {
			b.Failf("call %d of %d at once: %v", i+1, len(answers), answer.Err)
		}
		if answer.Result.Invoice != "" {
			invoices[answer.Result.Invoice]++
		}
	}
	for _, n := range invoices {
		if n > 1 {
			b.Failf("%d of %d calls at once were answered with one invoice", n, len(answers))
		}
	}
}

func checkReplays(ctx context.Context, b *Bench) {
	first, second, ok := b.twice(ctx)
	if !ok {
		return
	}
	if second.Result.Invoice != first.Result.Invoice || second.Outcome() == core.Declined {
		b.Failf("the first call was answered with %s (invoice %q), the second with %s (invoice %q)",
			first, first.Result.Invoice, second, second.Result.Invoice)
	}
}

func checkRefusesRepeat(ctx context.Context, b *Bench) {
	first, second, ok := b.twice(ctx)
	if !ok {
		return
	}
	if second.Result.Outcome == core.Declined || second.Outcome() == core.NotSent {
		b.Failf("the repetition of an order that was %s ended as %s", first, second)
	}
	if second.Err != nil && core.CodeOf(second.Err) != core.CodeDuplicateRef && second.Result.Code != core.CodeDuplicateRef {
		b.Failf("the repetition ended as %s, and should have the code %s", second, core.CodeDuplicateRef)
	}
}

func checkAnotherOrder(ctx context.Context, b *Bench) {
	first, second, ok := b.twice(ctx)
	executed, err := b.executed(ctx)
	if ok && err == nil && len(executed) > 1 && first.Result.Invoice == second.Result.Invoice {
		b.Failf("two orders were executed, and both answers have the invoice %q", first.Result.Invoice)
	}
}
