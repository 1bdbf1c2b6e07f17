package cli

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jalurhq/jalur"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/sqlite"
)

// errHeld is the end of a look at a journal that nothing is sent from, after its standing was printed.
var errHeld = errors.New("the journal is held: nothing is sent until `jalur journal accept`")

func (a *app) journal() *cobra.Command {
	status := &cobra.Command{
		Use: "status", Short: "Show whether payments are sent, and which databases the journal has lived in", Args: noArgs,
		Long: `Show whether payments are sent, and which databases the journal has lived in.

Exit status: 0 payments are sent; 1 the journal is held; 2 wrong use or configuration, or the journal can't be opened.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withJournal(cmd.Context(), func(journal.Holder) error { return nil })
		},
	}
	hold := a.word("hold", "Have nothing sent until the journal is accepted", `Have nothing sent until the journal is accepted: say this of a database that was restored, before the first gateway starts on it. Money may have
moved for payments that it no longer has, and for their keys it would move again.

A gateway on a held journal answers questions, settles what was sent before, and refuses new payments.`,
		func(ctx context.Context, h journal.Holder, by, why string) error { return h.Hold(ctx, by, why) })
	accept := a.word("accept", "Have payments sent again from a journal that is held", `Have payments sent again from a journal that is held: because you said so, or because the journal found itself restored, copied, or without its newest
changes. Compare the providers' statements first, from before the backup until now.`,
		func(ctx context.Context, h journal.Holder, by, why string) error { return h.Accept(ctx, by, why) })
	return group("journal", "Say whether payments may be sent from the journal", status, hold, accept)
}

// word makes a command by which an operator says something of the journal.
func (a *app) word(use, short, long string, say func(ctx context.Context, h journal.Holder, by, why string) error) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: use + " --reason TEXT", Short: short, Args: noArgs, Long: long + `

The journal keeps your name and the reason. Exit status: 0 done; 2 wrong use or configuration, or the journal can't be opened.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			reason := strings.TrimSpace(reason)
			if reason == "" {
				return usage(errors.New("--reason is required: the journal keeps why"))
			}
			err := a.withJournal(cmd.Context(), func(h journal.Holder) error { return say(cmd.Context(), h, operator(), reason) })
			if use == "hold" && errors.Is(err, errHeld) {
				return nil
			}
			return err
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why; required")
	return cmd
}

// operator gives who runs the program.
func operator() string { return "operator:" + person() }

// person is who runs this command, as far as the system knows.
func person() string {
	who, err := user.Current()
	if err != nil || who.Username == "" {
		return "command line"
	}
	return who.Username + " (command line)"
}

// withJournal opens the configuration's journal for one use, and prints how it stands after.
func (a *app) withJournal(ctx context.Context, use func(journal.Holder) error) error {
	if err := a.checkOutput(); err != nil {
		return err
	}
	cfg, err := a.settings(nil)
	if err != nil {
		return err
	}
	var standing journal.Standing
	err = jalur.UseJournal(ctx, cfg, a.log, func(h journal.Holder) error {
		if err := use(h); err != nil {
			return err
		}
		standing, err = h.Standing(ctx)
		return err
	})
	if held, ok := errors.AsType[*sqlite.HeldError](err); ok {
		return usage(fmt.Errorf("the journal %s is in use by a running gateway (pid %d), whose /readyz tells whether it is held: stop it first", held.Path, held.PID))
	}
	if err != nil {
		return err
	}
	if err := a.print(standing, func(t *table) { tabulateStanding(t, standing) }); err != nil {
		return err
	}
	if standing.Held != "" {
		return errHeld
	}
	return nil
}

func tabulateStanding(t *table, s journal.Standing) {
	t.row("EPOCH", "HOME", "BY", "WHY", "AT")
	for _, e := range s.Epochs {
		home := e.Home
		if home == "" {
			home = "held"
		}
		t.row(e.Number, home, e.By, e.Why, e.At.Format(time.RFC3339))
	}
	if s.Held == "" {
		t.row("payments are sent")
	} else {
		t.row("nothing is sent: " + s.Held)
	}
}
