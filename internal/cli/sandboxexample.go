package cli

import (
	"github.com/spf13/cobra"

	"github.com/jalurhq/jalur/examples/sandbox"
)

// exampleBox holds nothing that would have to be closed.
type exampleBox struct{ *sandbox.Sandbox }

// Close does nothing.
func (exampleBox) Close() error { return nil }

func (a *app) sandboxExample() *cobra.Command {
	var listen, key string
	cmd := &cobra.Command{
		Use: "example", Short: "Play the made-up provider that new plugins are clients of",
		Long: `Play the made-up provider that new plugins in Node and Python are clients of. GET /_ledger lists what was executed; POST /_fault?name=NAME&times=N sets a
fault: odd-word, other-account, other-amount, other-product. Accounts that end in 11 stay pending, those in 13 and 14 are refused.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.perform(cmd.Context(), exampleBox{sandbox.New(key)}, listen, "example sandbox on %[1]s, ledger on %[1]s/_ledger")
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:9911", "`address` to listen on")
	cmd.Flags().StringVar(&key, "key", sandbox.Key, "the `key` that it takes")
	return cmd
}
