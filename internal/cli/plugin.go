package cli

import "github.com/spf13/cobra"

func (a *app) plugin() *cobra.Command {
	return group("plugin", "Write plugins, and hold them against the contract", a.pluginTest(), a.pluginNew(), a.pluginRun())
}
