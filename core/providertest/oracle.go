package providertest

import (
	"context"
	"math/big"
	"slices"

	"github.com/jalurhq/jalur/core"
)

// order is what was answered about one order: the calls under one reference, where the provider promises that they are one.
type order struct {
	request   core.PayRequest
	succeeded bool // some answer said so
	refused   bool // the last answer said that nothing moved
}

// record counts an answer.
func (b *Bench) record(a Answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.orderOf(a)
	switch a.Outcome() {
	case core.Succeeded:
		o.succeeded, o.refused = true, false
	case core.Declined, core.NotSent:
		o.refused = !o.succeeded
	case core.Unknown, core.Pending, core.Refunded:
		o.refused = false
	}
}

// orderOf finds the order. Two calls of Pay under one reference are one order only where the provider promises so; a Status belongs to the last.
func (b *Bench) orderOf(a Answer) *order {
	for _, o := range slices.Backward(b.orders) {
		if o.request.Ref == a.Order.Ref && (a.asked || b.onePerRef()) {
			return o
		}
	}
	o := &order{request: a.Order}
	b.orders = append(b.orders, o)
	return o
}

func (b *Bench) onePerRef() bool {
	mode := b.Descriptor.Ref.Mode
	return mode == core.RefReplay || mode == core.RefRejectDuplicate
}

// audit holds what was really executed since the rule began against what was answered.
func (b *Bench) audit(ctx context.Context) {
	executed, err := b.executed(ctx)
	if err != nil {
		b.Failf("%v", err)
		return
	}
	b.mu.Lock()
	orders := b.orders
	b.mu.Unlock()
	accounts := map[core.AccountNumber]*tally{}
	for _, o := range orders {
		t := accounts[o.request.Account]
		if t == nil {
			t = &tally{}
			accounts[o.request.Account] = t
		}
		t.add(o)
	}
	for _, e := range executed {
		t := accounts[core.AccountNumber(e.Account)]
		if t == nil {
			b.Failf("the ledger has an order for %s, which nobody made", core.AccountNumber(e.Account))
			continue
		}
		t.executed++
		if !b.Descriptor.AmountInProduct && !t.has(e) {
			b.Failf("the ledger has an order over %s, an amount that nobody asked for", e.Amount)
		}
	}
	for account, t := range accounts {
		t.judge(b, account)
	}
}

// executed gives what the ledger has gained since the rule began.
func (b *Bench) executed(ctx context.Context) ([]execution, error) {
	now, err := b.sandbox.ledger(ctx)
	if err != nil {
		return nil, err
	}
	return now.Executed[min(len(b.before.Executed), len(now.Executed)):], nil
}

// tally is what is known of one account's orders.
type tally struct {
	least, most, executed int
	amounts               []core.Money
}

func (t *tally) add(o *order) {
	if o.succeeded {
		t.least++
	}
	if !o.refused {
		t.most++
	}
	t.amounts = append(t.amounts, o.request.Amount)
}

func (t *tally) has(e execution) bool {
	executed, ok := e.amount()
	if !ok {
		return false
	}
	for _, amount := range t.amounts {
		asked, known := new(big.Rat).SetString(amount.Value())
		if !known || asked.Cmp(executed) == 0 {
			return true
		}
	}
	return false
}

func (t *tally) judge(b *Bench, account core.AccountNumber) {
	switch {
	case t.executed > t.most:
		b.Failf("for %s the sandbox executed %d orders, and the answers allow %d: something was executed twice, or after it was said that nothing moved",
			account, t.executed, t.most)
	case t.executed < t.least:
		b.Failf("for %s %d orders were said to have succeeded, and the sandbox executed %d", account, t.least, t.executed)
	}
}
