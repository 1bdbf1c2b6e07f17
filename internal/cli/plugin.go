package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/jalurhq/jalur/internal/apiclient"
)

func (a *app) plugin() *cobra.Command {
	return group("plugin", "Look after plugins, and write them", a.reloadPlugin(), a.pluginTest(), a.pluginNew(), a.pluginRun())
}

func (a *app) reloadPlugin() *cobra.Command {
	return &cobra.Command{
		Use: "reload PROVIDER", Short: "Have a running gateway start a provider's plugin anew, without a gap",
		Long: `Have a running gateway read its configuration again and start the plugin of one provider anew: its program, pin, settings and limits. The new process is
started and checked; only then it takes the calls, and the old one ends those that it has. Where the new one can't be used, the old one goes on.`,
		Example: "  jalur --server http://127.0.0.1:8080 plugin reload mmbc",
		Args:    exactArgs("PROVIDER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.server == "" {
				return usage(errors.New("a running gateway reloads its plugins: name it with --server, or in $JALUR_SERVER; without one there is nothing to reload"))
			}
			if err := a.checkOutput(); err != nil {
				return err
			}
			client, err := apiclient.New(apiclient.Config{Server: a.server, Credentials: a.env(apiclient.CredentialsVariable)})
			if err != nil {
				return usage(err)
			}
			reloaded, err := client.ReloadPlugin(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.print(reloaded, func(t *table) {
				t.row("provider", reloaded.Name)
				t.row("state", reloaded.Health.State)
				if reloaded.Capabilities != nil {
					t.row("plugin", reloaded.Capabilities.Name+" "+reloaded.Capabilities.Version)
				}
			})
		},
	}
}
