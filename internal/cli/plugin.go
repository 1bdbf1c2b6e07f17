package cli

import "github.com/spf13/cobra"

func (a *app) plugin() *cobra.Command {
	return group("plugin", "Write plugins, hold them against the contract, and look after them", a.pluginTest(), a.pluginNew(), a.pluginRun(), a.pluginReload())
}
