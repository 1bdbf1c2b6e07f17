package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/internal/view"
)

func (a *app) cases() *cobra.Command {
	var all bool
	var payment string
	var f journal.CaseFilter
	cmd := a.command(cobra.Command{
		Use: "cases", Short: "List what people have to look at, newest first", Args: noArgs,
	}, func(ctx context.Context, b backend, _ []string) error {
		page, err := b.Cases(ctx, f)
		if err != nil {
			return err
		}
		return a.print(page, func(t *table) { tabulateCases(t, page) })
	})
	flags := cmd.Flags()
	flags.BoolVar(&all, "all", false, "the closed ones too")
	flags.StringVar(&payment, "payment", "", "only those of this payment's `id`")
	flags.IntVar(&f.Limit, "limit", journal.DefaultPage, "at most this many")
	flags.StringVar(&f.Cursor, "cursor", "", "where the page before ended")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		f.Open, f.Payment = !all, core.PaymentID(payment)
		if f.Limit < 1 || f.Limit > journal.MaxPage {
			return usage(fmt.Errorf("--limit must be from 1 to %d", journal.MaxPage))
		}
		return nil
	}
	cmd.AddCommand(a.closeCase())
	return cmd
}

func tabulateCases(t *table, page view.Cases) {
	t.row("CASE", "KIND", "PAYMENT", "OPENED", "CLOSED", "WHY")
	for _, c := range page.Cases {
		closed := "-"
		if c.ClosedAt != nil {
			closed = c.ClosedAt.Format(time.RFC3339)
		}
		t.row(c.ID, c.Kind, c.Payment, c.OpenedAt.Format(time.RFC3339), closed, c.Why)
	}
	if page.Next != "" {
		t.row("more: --cursor " + page.Next)
	}
}

func (a *app) closeCase() *cobra.Command {
	var resolution string
	cmd := a.command(cobra.Command{
		Use: "close ID --resolution TEXT", Short: "Close a case with what was found out and done",
		Long: `Close a case with what was found out and done. It changes no payment. A case of the kind parked closes by itself when its payment is resolved.`,
		Args: exactArgs("ID"),
	}, func(ctx context.Context, b backend, args []string) error {
		closed, err := b.CloseCase(ctx, args[0], resolution)
		if err != nil {
			return err
		}
		return a.print(closed, func(t *table) { t.row("case " + closed.ID + " is closed") })
	})
	cmd.Flags().StringVar(&resolution, "resolution", "", "what was found out and done (required)")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if strings.TrimSpace(resolution) == "" {
			return usage(errors.New("--resolution is required: what was found out and done"))
		}
		return nil
	}
	return cmd
}

func (l local) Cases(ctx context.Context, f journal.CaseFilter) (view.Cases, error) {
	page, err := l.service.Cases(ctx, f)
	if err != nil {
		return view.Cases{}, err
	}
	return view.CasesOf(page), nil
}

func (l local) CloseCase(ctx context.Context, id, resolution string) (view.Closed, error) {
	if err := l.service.CloseCase(ctx, id, person(), resolution); err != nil {
		return view.Closed{}, err
	}
	return view.Closed{ID: id}, nil
}
