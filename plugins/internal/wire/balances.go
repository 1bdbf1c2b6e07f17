package wire

import (
	"fmt"

	"github.com/jalurhq/jalur/core"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

// BalanceSheet writes what a provider holds for us.
func BalanceSheet(balances []core.Balance) *pb.BalanceSheet {
	return &pb.BalanceSheet{Balances: each(balances, func(b core.Balance) *pb.Balance {
		return &pb.Balance{Available: money(b.Available), Holding: money(b.Holding), Credit: money(b.Credit)}
	})}
}

// BalancesFrom reads what a provider holds for us. One deposit that can't be read spoils all: what is left would look like everything.
func BalancesFrom(m *pb.BalanceSheet) ([]core.Balance, error) {
	var balances []core.Balance
	for i, b := range m.GetBalances() {
		var r reader
		balances = append(balances, core.Balance{
			Available: r.money("available", b.GetAvailable()), Holding: r.money("holding", b.GetHolding()), Credit: r.money("credit", b.GetCredit()),
		})
		if r.err != nil {
			return nil, fmt.Errorf("balance %d: %w", i, r.err)
		}
	}
	return balances, nil
}
