package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/jalurhq/jalur"
	"github.com/jalurhq/jalur/config"
	"github.com/jalurhq/jalur/core/journal/checker"
	"github.com/jalurhq/jalur/core/journal/sqlite"
)

// errViolations is the end of a check that found something, after its report was printed.
var errViolations = errors.New("the journal breaks its own rules: send nothing until you know why")

func (a *app) doctor() *cobra.Command {
	var journal bool
	cmd := &cobra.Command{
		Use: "doctor [--journal]", Short: "Check the configuration and its plugins, or the whole journal",
		Long: `Check the configuration and have each plugin check its own settings. With --journal, read the whole journal and hold it against its own
rules instead: legal changes, one live attempt a payment, one payment a key, no damage to the file.

Exit status: 0 nothing found; 1 the journal breaks a rule; 2 wrong use or configuration, or the journal is held or can't be opened.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.checkOutput(); err != nil {
				return err
			}
			cfg, err := a.settings(nil)
			if err != nil {
				return err
			}
			if journal {
				return a.checkJournal(cmd.Context(), cfg)
			}
			if err := a.checkPlugins(cmd.Context(), cfg); err != nil {
				return err
			}
			return a.print(map[string]any{"ok": true}, func(t *table) {
				t.row(fmt.Sprintf("ok: %d providers, %d routes; --journal checks the journal", len(cfg.Providers), len(cfg.Routes)))
			})
		},
	}
	cmd.Flags().BoolVar(&journal, "journal", false, "check the configuration's journal")
	return cmd
}

func (a *app) checkJournal(ctx context.Context, cfg config.Config) error {
	report, err := jalur.CheckJournal(ctx, cfg, a.log, a.checkProgress())
	if held, ok := errors.AsType[*sqlite.HeldError](err); ok {
		return usage(fmt.Errorf("the journal %s is held by a running gateway (pid %d), which checks it every hour and tells in /readyz and its log: stop it to check now",
			held.Path, held.PID))
	}
	if err != nil && len(report.Violations) == 0 {
		return err
	}
	if err != nil {
		a.say("jalur: the journal could not be read to its end: " + err.Error())
	}
	if err := a.print(report, func(t *table) { tabulate(t, report) }); err != nil {
		return err
	}
	if len(report.Violations) > 0 {
		return errViolations
	}
	return nil
}

// checkProgress tells a person how far a check is.
func (a *app) checkProgress() func(checker.Report) {
	if !isTerminal(a.Stderr) {
		return nil
	}
	return func(r checker.Report) {
		a.say(fmt.Sprintf("%d payments, %d violations", r.Payments, len(r.Violations)+r.Omitted))
	}
}

func tabulate(t *table, r checker.Report) {
	if len(r.Violations) > 0 {
		t.row("INVARIANT", "PAYMENT", "ATTEMPT", "WHAT")
	}
	for _, v := range r.Violations {
		t.row(int(v.Invariant), v.Payment, v.Attempt, v.What)
	}
	for _, what := range r.Unchecked {
		t.row("not looked at: " + what)
	}
	t.row(fmt.Sprintf("%d payments, %d attempts, %d events: %d violations", r.Payments, r.Attempts, r.Events, len(r.Violations)+r.Omitted))
}
