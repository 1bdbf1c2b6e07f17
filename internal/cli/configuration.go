package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/jalurhq/jalur"
	"github.com/jalurhq/jalur/config"
)

// checkTime bounds how long the plugins may take to look at their settings.
const checkTime = 30 * time.Second

func (a *app) configuration() *cobra.Command {
	return group("config", "Look at the configuration", a.configurationCheck(), a.configurationSchema())
}

// configurationSchema prints what docs/jalur.schema.json holds.
func (a *app) configurationSchema() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of configurations, the shipped plugins' settings included, for editors", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			schema, err := config.JSONSchema(a.Shipped.Schemas())
			if err != nil {
				return err
			}
			_, err = a.Stdout.Write(schema)
			return err
		},
	}
}

func (a *app) configurationCheck() *cobra.Command {
	return &cobra.Command{
		Use: "check [FILE]", Short: "Check a configuration, the plugins' own settings included; nothing is started or changed",
		Args: func(cmd *cobra.Command, args []string) error { return usage(cobra.MaximumNArgs(1)(cmd, args)) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				a.configFile = args[0]
			}
			cfg, err := a.settings(nil)
			if err != nil {
				return err
			}
			if err := a.checkPlugins(cmd.Context(), cfg); err != nil {
				return err
			}
			return a.print(map[string]any{"ok": true}, func(t *table) {
				t.row(fmt.Sprintf("ok: %d providers, %d routes", len(cfg.Providers), len(cfg.Routes)))
			})
		},
	}
}

// checkPlugins has each plugin check its own settings.
func (a *app) checkPlugins(ctx context.Context, cfg config.Config) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	return usage(jalur.CheckPlugins(ctx, cfg, jalur.Options{Shipped: a.Shipped, Log: a.log}))
}
