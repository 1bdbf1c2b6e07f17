package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	digiflazz "github.com/jalurhq/jalur/providers/digiflazz/sandbox"
)

const digiflazzSandbox = "127.0.0.1:9902"

func (a *app) sandboxDigiflazz() *cobra.Command {
	var on stage
	var cfg digiflazz.Config
	cmd := &cobra.Command{
		Use: "digiflazz", Short: "Play Digiflazz's buyer API",
		Long: `Play Digiflazz's buyer API. GET /_ledger lists what was executed; POST /_fault?name=NAME&times=N sets a fault.

` + digiflazz.Options(),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if cfg.Username, cfg.APIKey, cfg.Faults, err = on.read(digiflazz.ParseFault); err != nil {
				return err
			}
			box, err := digiflazz.New(cfg)
			if err != nil {
				return usage(err)
			}
			go box.Run(cmd.Context())
			return a.perform(cmd.Context(), box, on.listen, "Digiflazz sandbox on %[1]s/v1, ledger on %[1]s/_ledger")
		},
	}
	on.flags(cmd, digiflazzSandbox)
	flags := cmd.Flags()
	flags.StringVar(&cfg.CallbackURL, "callback", "", "where callbacks go for orders that name no `URL` of their own")
	flags.StringVar(&cfg.WebhookSecret, "webhook-secret", "", "what callbacks are signed with (default: they aren't)")
	flags.Int64Var(&cfg.Deposit, "deposit", 0, "the deposit at the start, in `rupiah` (default a trillion)")
	flags.DurationVar(&cfg.PendingFor, "pending-for", 0, "how long the pending test numbers stay so (default 60s)")
	flags.DurationVar(&cfg.RepeatWithin, "repeat-within", 0, "refuse the same ref_id with 85 sooner than this after its last call (default: never)")
	flags.DurationVar(&cfg.ListEvery, "list-every", 0, "between two readings of a whole price list (default 5m; negative: no limit)")
	flags.StringVar((*string)(&cfg.Values), "values", "", fmt.Sprintf("how numbers are written: %v", digiflazz.ValueForms()))
	flags.BoolVar(&cfg.NoTestNumbers, "no-test-numbers", false, "every account number is an ordinary one")
	flags.StringVar(&cfg.LedgerFile, "ledger", "", "keep the ledger in this `file` too, so that it outlives the sandbox")
	return cmd
}
