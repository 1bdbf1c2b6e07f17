package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/jalurhq/jalur/config"
	"github.com/jalurhq/jalur/plugins/reattach"
)

func (a *app) pluginRun() *cobra.Command {
	var debug bool
	var provider string
	cmd := &cobra.Command{
		Use: "run --debug PLUGIN", Short: "Run a plugin that a debugger can attach to, and that a gateway then uses",
		Long: `Run a plugin until it is interrupted, and print how a gateway comes to use it: an environment variable for "jalur serve". The gateway doesn't start, watch or
end it, so that a debugger can hold it for as long as you like (give the provider a long "timeout" in the configuration).

PLUGIN is the path of a binary, with a separator in it, or the name of a shipped plugin. It gets its settings from the first gateway that uses it.

For development only, never with real money: the file is not pinned, the connection not encrypted, and whoever can open its socket can pay with it.`,
		Args: exactArgs("PLUGIN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !debug {
				return usage(errors.New("a gateway runs its plugins itself; --debug says that you want to do it, for development"))
			}
			if err := a.checkOutput(); err != nil {
				return err
			}
			running, err := reattach.Run(cmd.Context(), reattach.Program{Plugin: args[0], Shipped: a.Shipped, Output: a.Stderr})
			if err != nil {
				return usage(err)
			}
			if provider == "" {
				provider = filepath.Base(args[0])
			}
			if err := a.tellTarget(provider, running.Target); err != nil {
				return errors.Join(err, running.Stop())
			}
			select {
			case <-cmd.Context().Done():
			case <-running.Done:
				a.say("the plugin has ended")
			}
			return running.Stop()
		},
	}
	cmd.Flags().BoolVar(&debug, "debug", false, "you know that this is for development only")
	cmd.Flags().StringVar(&provider, "provider", "", "the provider's `NAME` in the configuration (default the plugin's)")
	return cmd
}

// attachable is a plugin that a gateway can be told of.
type attachable struct {
	Variable string `json:"variable"`
	Value    string `json:"value"`
	PID      int    `json:"pid"`
}

func (a *app) tellTarget(provider string, target reattach.Target) error {
	value, err := json.Marshal(map[string]reattach.Target{provider: target})
	if err != nil {
		return err
	}
	a.say("DEBUG: the plugin is not pinned, its connection not encrypted, and nobody ends it but you. Never with real money.")
	a.say(fmt.Sprintf("attach a debugger to the process %d (dlv attach %d), and start the gateway with the variable below", target.PID, target.PID))
	return a.print(attachable{reattach.Variable, string(value), target.PID}, func(t *table) {
		t.row(fmt.Sprintf("%s='%s'", reattach.Variable, value))
	})
}

// reattached puts the plugins that $JALUR_REATTACH names in the place of the configured ones.
func (a *app) reattached(cfg config.Config) (config.Config, error) {
	targets, err := reattach.Parse(a.env(reattach.Variable))
	if err != nil {
		return cfg, usage(err)
	}
	for name, target := range targets {
		p, there := cfg.Providers[name]
		if !there {
			return cfg, usage(fmt.Errorf("%s: no provider %q is configured", reattach.Variable, name))
		}
		p.Plugin, p.SHA256, p.Manifest, p.ReloadOnChange, p.Settings = reattach.Name, "", "", false, target.Settings(p.Settings)
		cfg.Providers[name] = p
		a.say(fmt.Sprintf("DEBUG: provider %s is the process %d of $%s: not started, pinned, watched or ended by this gateway, and not encrypted. Never with real money.",
			name, target.PID, reattach.Variable))
	}
	return cfg, nil
}
