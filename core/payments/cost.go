package payments

import (
	"context"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/router"
)

// costLimit is what an order may cost, and what is known of what it will.
type costLimit struct {
	amount core.Money
	most   core.Money // zero Money: no limit
	quoted core.Money // zero Money: no quote
}

// affordable leaves out the lanes that would cost more than the caller allows, or whose cost nobody can tell before.
func (e *Engine) affordable(ctx context.Context, takers []router.Candidate, limit costLimit) ([]router.Candidate, error) {
	if !limit.most.Known() {
		return takers, nil
	}
	var within []router.Candidate
	var refusal error
	for _, lane := range takers {
		err := e.withinLimit(ctx, lane, limit)
		if err == nil {
			within = append(within, lane)
		} else if refusal == nil {
			refusal = err
		}
	}
	if len(within) == 0 {
		return nil, refusal
	}
	return within, nil
}

func (e *Engine) withinLimit(ctx context.Context, lane router.Candidate, limit costLimit) error {
	switch {
	case limit.quoted.Known():
		return checkCost(limit.quoted, limit.most)
	case lane.Descriptor.MaxCost:
		return nil // the provider itself refuses
	default:
		return checkCost(e.listedCost(ctx, lane, limit.amount), limit.most)
	}
}

// listedCost gives the cost by the provider's price list, or zero Money.
func (e *Engine) listedCost(ctx context.Context, lane router.Candidate, amount core.Money) core.Money {
	product, ok, err := e.Catalogue.Find(ctx, lane.Provider, lane.Product)
	if err != nil || !ok {
		return core.Money{}
	}
	cost, _ := product.Fee.Cost(amount)
	return cost
}

func checkCost(cost, most core.Money) error {
	if !most.Known() {
		return nil
	}
	if !cost.Known() {
		return &Refusal{
			Code: CodeCostUnknown, Field: "max_cost",
			Rule: "can't be kept: the cost isn't known before; make an inquiry and pay with its id",
		}
	}
	above, err := cost.Cmp(most)
	switch {
	case err != nil && cost.Currency() != most.Currency():
		return &Refusal{
			Code: CodeInvalidRequest, Field: "max_cost", Err: err,
			Rule: "is in " + most.Currency() + ", and this costs " + cost.Currency() + ": give the limit in " + cost.Currency(),
		}
	case err != nil || above > 0:
		return &Refusal{Code: CodePriceAboveLimit, Field: "max_cost", Rule: "is " + most.String() + ", and the cost would be " + cost.String(), Err: err}
	default:
		return nil
	}
}
