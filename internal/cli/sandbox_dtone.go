package cli

import (
	"github.com/spf13/cobra"

	dtone "github.com/jalurhq/jalur/providers/dtone/sandbox"
)

// demoDTOne is where DT One is played unless somebody says otherwise.
const demoDTOne = "127.0.0.1:9903"

func (a *app) sandboxDTOne() *cobra.Command {
	var on stage
	var cfg dtone.Config
	cmd := &cobra.Command{
		Use: "dtone", Short: "Play DT One's DVS API",
		Long: `Play DT One's DVS API. GET /_ledger lists what was executed; POST /_fault?name=NAME&times=N sets a fault.

` + dtone.Options(),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if cfg.Key, cfg.Secret, cfg.Faults, err = on.read(dtone.ParseFault); err != nil {
				return err
			}
			box, err := dtone.New(cfg)
			if err != nil {
				return usage(err)
			}
			return a.perform(cmd.Context(), box, on.listen, "DT One sandbox on %[1]s/v1, ledger on %[1]s/_ledger")
		},
	}
	on.flags(cmd, demoDTOne)
	flags := cmd.Flags()
	flags.StringVar(&cfg.Callback, "callback", "", "the `URL` that is told of transactions which name none themselves")
	flags.Int64Var(&cfg.Deposit, "deposit", 0, "the balance at the start, in `dollars` (default ten million)")
	flags.Int64Var(&cfg.CreditLimit, "credit-limit", 0, "the credit limit that balances show, in `dollars`")
	flags.DurationVar(&cfg.CompleteAfter, "complete-after", 0, "how long an ordinary number takes (default 1s; negative: done in the first answer)")
	flags.Float64Var(&cfg.Delays, "delays", 0, "scales the delays of the test numbers by this `factor` (default 1)")
	flags.DurationVar(&cfg.QuoteLife, "quote-life", 0, "how long a transaction waits for its confirmation (default 1h)")
	flags.IntVar(&cfg.MoreProducts, "more-products", 0, "how many products there are beside those listed above")
	flags.BoolVar(&cfg.NoTestNumbers, "no-test-numbers", false, "every number is an ordinary one")
	flags.StringVar(&cfg.LedgerFile, "ledger", "", "keep the ledger in this `file` too, so that it outlives the sandbox")
	return cmd
}
