package cli

import (
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/jalurhq/jalur/examples/sandbox"
)

func (a *app) sandboxExample() *cobra.Command {
	var listen, key string
	cmd := &cobra.Command{
		Use: "example", Short: "Play the made-up provider that new plugins are clients of",
		Long: `Play the made-up provider that new plugins in Node and Python are clients of. GET /_ledger lists what was executed; POST /_fault?name=NAME&times=N sets a
fault: odd-word, other-account, other-amount, other-product. Accounts that end in 11 stay pending, those in 13 and 14 are refused.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
			if err != nil {
				return usage(err)
			}
			server := &http.Server{Handler: sandbox.New(key), ReadHeaderTimeout: headerTime}
			served := make(chan error, 1)
			go func() { served <- server.Serve(listener) }()
			a.say(fmt.Sprintf("example sandbox on http://%s, ledger on http://%[1]s/_ledger", listener.Addr()))
			<-ctx.Done()
			if err := server.Close(); err != nil {
				return err
			}
			if end := <-served; !errors.Is(end, http.ErrServerClosed) {
				return end
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:9911", "`address` to listen on")
	cmd.Flags().StringVar(&key, "key", sandbox.Key, "the `key` that it takes")
	return cmd
}
