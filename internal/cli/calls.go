package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/internal/apiclient"
	"github.com/jalurhq/jalur/internal/view"
)

const succeeded = journal.StateSucceeded

// defaultWait is how long pay asks for a final state.
const defaultWait = 60 * time.Second

// command makes a command that needs a backend.
func (a *app) command(c cobra.Command, run func(ctx context.Context, b backend, args []string) error) *cobra.Command {
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if err := a.checkOutput(); err != nil {
			return err
		}
		return a.with(cmd.Context(), func(b backend) error { return run(cmd.Context(), b, args) })
	}
	return &c
}

func (a *app) products() *cobra.Command {
	var merchant, provider string
	cmd := a.command(cobra.Command{Use: "products", Short: "List what the providers sell", Args: noArgs},
		func(ctx context.Context, b backend, _ []string) error {
			answer, err := b.Products(ctx, core.MerchantCode(merchant), provider)
			if err != nil {
				return err
			}
			for name, why := range answer.Missing {
				a.say(fmt.Sprintf("jalur: the products of %s could not be read: %s", name, why))
			}
			if len(answer.Products) == 0 && len(answer.Missing) > 0 {
				return errors.New("no provider could be asked for its products")
			}
			return a.print(answer, func(t *table) {
				t.row("MERCHANT", "PROVIDER", "CODE", "LEAST", "MOST", "FEE", "CASHBACK", "AVAILABLE")
				for _, p := range answer.Products {
					t.row(p.Merchant, p.Provider, p.Code, dash(p.Min), dash(p.Max), dash(p.Fee), dash(p.Cashback), p.Available)
				}
			})
		})
	cmd.Flags().StringVar(&merchant, "merchant", "", "only this merchant's `code`")
	cmd.Flags().StringVar(&provider, "provider", "", "only this provider's `name`")
	return cmd
}

func (a *app) inquire() *cobra.Command {
	return a.orderCommand(cobra.Command{
		Use: "inquire MERCHANT ACCOUNT AMOUNT", Short: "Ask what a top-up would cost and whom it would reach",
		Long:    "Ask what a top-up would cost and whom it would reach. " + dashText,
		Example: "  jalur inquire GOPAY 0812345678 100000\n  jalur inquire PLN 530000000001 -",
	}, func(ctx context.Context, b backend, o orderArgs) error {
		quote, err := b.Inquire(ctx, view.InquiryBody{Merchant: o.merchant, Account: o.account, Amount: o.amount, Extra: o.extra})
		if err != nil {
			return err
		}
		return a.printInquiry(quote)
	})
}

func (a *app) printInquiry(quote view.Inquiry) error {
	return a.print(quote, func(t *table) {
		t.row("inquiry", quote.ID)
		t.row("receiver", quote.ReceiverName)
		t.row("amount", quote.Amount)
		t.row("cost", dash(quote.Cost))
		t.row("cashback", dash(quote.Cashback))
		t.row("provider", quote.Provider)
		if quote.Reserves {
			t.row("reserves", "the cost is held until it is paid, given up or expired")
		}
	})
}

func (a *app) inquiries() *cobra.Command {
	show := a.command(cobra.Command{Use: "show ID", Short: "Show an inquiry", Args: exactArgs("ID")},
		func(ctx context.Context, b backend, args []string) error {
			quote, err := b.Inquiry(ctx, args[0])
			if err != nil {
				return err
			}
			return a.printInquiry(quote)
		})
	cancel := a.command(cobra.Command{Use: "cancel ID", Short: "Give up an inquiry, so that its provider holds no money for it", Args: exactArgs("ID")},
		func(ctx context.Context, b backend, args []string) error {
			quote, err := b.CancelInquiry(ctx, args[0])
			if err != nil {
				return err
			}
			return a.printInquiry(quote)
		})
	return group("inquiries", "Look at inquiries, or give them up", show, cancel)
}

func (a *app) providers() *cobra.Command {
	return a.command(cobra.Command{Use: "providers", Short: "Show how the providers are, and what they hold for us", Args: noArgs},
		func(ctx context.Context, b backend, _ []string) error {
			answer, err := b.Providers(ctx)
			if err != nil {
				return err
			}
			return a.print(answer, func(t *table) {
				t.row("PROVIDER", "STATE", "AVAILABLE", "HOLDING", "CREDIT", "PROBLEM")
				for _, p := range answer.Providers {
					for _, line := range deposits(p) {
						t.row(p.Name, p.Health.State, dash(line.Available), dash(line.Holding), dash(line.Credit), problems(p))
					}
				}
			})
		})
}

// deposits gives a line for each deposit of a provider, and one where it tells of none.
func deposits(p view.Provider) []view.Balance {
	if p.Balances == nil || len(p.Balances.Balances) == 0 {
		return make([]view.Balance, 1)
	}
	return p.Balances.Balances
}

func problems(p view.Provider) string {
	if p.Health.Problem == "" && p.Balances != nil {
		return cmp.Or(p.Balances.Problem, none)
	}
	return cmp.Or(p.Health.Problem, none)
}

// orderArgs is what MERCHANT ACCOUNT AMOUNT say.
type orderArgs struct {
	merchant core.MerchantCode
	account  core.AccountNumber
	amount   core.Money
	extra    map[string]string
}

// none stands for an argument that this order has not.
const none = "-"

const dashText = `ACCOUNT is "-" where the merchant takes none, AMOUNT is "-" for a bill.`

// orderCommand makes a command over MERCHANT ACCOUNT AMOUNT and --extra. An amount that is no number is wrong use: nothing is opened for it.
func (a *app) orderCommand(c cobra.Command, run func(context.Context, backend, orderArgs) error) *cobra.Command {
	var extra map[string]string
	c.Args = exactArgs("MERCHANT", "ACCOUNT", "AMOUNT")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		o := orderArgs{merchant: core.MerchantCode(args[0]), extra: extra}
		if args[1] != none {
			o.account = core.AccountNumber(args[1])
		}
		var err error
		if args[2] != none {
			o.amount, err = parseAmount(args[2])
		}
		if err = errors.Join(err, a.checkOutput()); err != nil {
			return err
		}
		return a.with(cmd.Context(), func(b backend) error { return run(cmd.Context(), b, o) })
	}
	c.Flags().StringToStringVar(&extra, "extra", nil, "further fields that the provider wants, as `NAME=VALUE`")
	return &c
}

func parseAmount(text string) (core.Money, error) {
	amount, err := core.ParseMoney(text, core.Rupiah)
	if err != nil {
		return amount, usage(fmt.Errorf("%w: write whole rupiah without separators, such as 100000", err))
	}
	return amount, nil
}

func (a *app) pay() *cobra.Command {
	var key, inquiry, maxCost string
	var wait time.Duration
	cmd := a.orderCommand(cobra.Command{
		Use: "pay MERCHANT ACCOUNT AMOUNT --key KEY", Short: "Make a top-up, once, under a key",
		Long: `Make a top-up, once, under a key of your own: the same key always means the same payment, so it is safe to run this again.

--wait bounds the asking for a final state, never the pay: a call that has begun is finished and written down, Ctrl-C or not.

` + dashText,
		Example: "  jalur pay GOPAY 0812345678 100000 --key order-4711",
	}, func(ctx context.Context, b backend, o orderArgs) error {
		body := view.OrderBody{Merchant: o.merchant, Account: o.account, Amount: o.amount, Inquiry: inquiry, Extra: o.extra}
		var err error
		if maxCost != "" {
			if body.MaxCost, err = parseAmount(maxCost); err != nil {
				return err
			}
		}
		p, err := b.Pay(ctx, core.Key(key), body)
		if err != nil {
			return unclear(err)
		}
		asking, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		return a.printPayment(b.Await(asking, p))
	})
	flags := cmd.Flags()
	flags.StringVar(&key, "key", "", "your own idempotency `key` for this top-up (required)")
	flags.DurationVar(&wait, "wait", defaultWait, "how long to ask for a final state; 0: the first answer is enough")
	flags.StringVar(&inquiry, "inquiry", "", "`id` of an inquiry to pay from")
	flags.StringVar(&maxCost, "max-cost", "", "refuse where it would cost more than this many `rupiah`")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		switch {
		case strings.TrimSpace(key) == "":
			return usage(errors.New("--key is required: your own name for this top-up, so that running the command again can't pay twice"))
		case wait < 0:
			return usage(errors.New("--wait can't be negative"))
		default:
			return nil
		}
	}
	return cmd
}

func (a *app) status() *cobra.Command {
	var key string
	cmd := a.command(cobra.Command{
		Use: "status ID | --key KEY", Short: "Show a payment, and ask the provider where it isn't resolved",
		Long: "Show a payment, and ask the provider where it isn't resolved. The exit status is that of a pay.",
	}, func(ctx context.Context, b backend, args []string) error {
		which := reference{key: core.Key(key)}
		if len(args) > 0 {
			which = reference{id: core.PaymentID(args[0])}
		}
		p, err := b.Status(ctx, which)
		if err != nil {
			return unclear(err)
		}
		return a.printPayment(p)
	})
	cmd.Flags().StringVar(&key, "key", "", "the `key` that the payment was made under")
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if len(args) > 1 || (len(args) == 1) == (key != "") {
			return usage(errors.New("status takes a payment's ID or --key KEY"))
		}
		return nil
	}
	return cmd
}

func (a *app) payments() *cobra.Command {
	var state string
	var f apiclient.Filter
	cmd := a.command(cobra.Command{Use: "payments", Short: "List payments, newest first", Args: noArgs},
		func(ctx context.Context, b backend, _ []string) error {
			page, err := b.Payments(ctx, f)
			if err != nil {
				return err
			}
			return a.print(page, func(t *table) {
				t.row("PAYMENT", "STATE", "MERCHANT", "ACCOUNT", "AMOUNT", "PROVIDER", "INVOICE", "CREATED")
				for _, p := range page.Payments {
					t.row(p.ID, p.State, p.Merchant, string(p.Account), p.Amount, p.Provider, p.Invoice, p.CreatedAt.Format(time.RFC3339))
				}
				if page.Next != "" {
					t.row("more: --cursor " + page.Next)
				}
			})
		})
	flags := cmd.Flags()
	flags.StringVar(&state, "state", "", "accepted, pending, unknown, succeeded, failed or refunded")
	flags.StringVar(&f.Since, "since", "", "made since this `time` (2026-01-31T08:00:00Z) or this long ago (24h)")
	flags.IntVar(&f.Limit, "limit", journal.DefaultPage, "at most this many")
	flags.StringVar(&f.Cursor, "cursor", "", "where the page before ended")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		f.State = journal.PaymentState(state)
		if state != "" && !f.State.Valid() {
			return usage(fmt.Errorf("--state %q is not one of %v", state, journal.PaymentStates()))
		}
		if f.Limit < 1 || f.Limit > journal.MaxPage {
			return usage(fmt.Errorf("--limit must be from 1 to %d", journal.MaxPage))
		}
		if _, err := view.ParseSince(f.Since, time.Now()); err != nil {
			return usage(fmt.Errorf("--since %q %w", f.Since, err))
		}
		return nil
	}
	return cmd
}

func (a *app) resolve() *cobra.Command {
	var evidence view.ResolveBody
	var invoice string
	cmd := a.command(cobra.Command{
		Use: "resolve ID --invoice N | --not-executed --reason TEXT", Short: "Bring evidence about a payment whose state is unknown",
		Long: `Bring evidence about a payment whose state is unknown, from the provider's own report.

An invoice is believed only once the provider's status call has confirmed merchant, account and amount.`,
		Args: exactArgs("ID"),
	}, func(ctx context.Context, b backend, args []string) error {
		p, err := b.Resolve(ctx, core.PaymentID(args[0]), evidence)
		if err != nil {
			return unclear(err)
		}
		if err := a.printPayment(p); errors.Is(err, errNotFinal) {
			return err
		}
		return nil
	})
	flags := cmd.Flags()
	flags.StringVar(&invoice, "invoice", "", "the order's `number` in the provider's report")
	flags.BoolVar(&evidence.NotExecuted, "not-executed", false, "the provider's report has no such order")
	flags.StringVar(&evidence.Reason, "reason", "", "how you know; required with --not-executed")
	cmd.MarkFlagsMutuallyExclusive("invoice", "not-executed")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		evidence.Invoice = core.Invoice(invoice)
		switch {
		case invoice == "" && !evidence.NotExecuted:
			return usage(errors.New("resolve wants --invoice N, or --not-executed with --reason"))
		case evidence.NotExecuted && strings.TrimSpace(evidence.Reason) == "":
			return usage(errors.New("--not-executed wants --reason: how you know"))
		default:
			return nil
		}
	}
	return cmd
}

func (a *app) route() *cobra.Command {
	explain := a.command(cobra.Command{
		Use: "explain MERCHANT AMOUNT", Short: "Show the lanes of a top-up in order, each with why it is in or out",
		Args: exactArgs("MERCHANT", "AMOUNT"),
	}, func(ctx context.Context, b backend, args []string) error {
		amount, err := parseAmount(args[1])
		if err != nil {
			return err
		}
		answer, err := b.Explain(ctx, core.MerchantCode(args[0]), amount)
		if err != nil {
			return err
		}
		return a.print(answer, func(t *table) {
			t.row("PROVIDER", "PRODUCT", "IN", "REASON")
			for _, c := range answer.Candidates {
				t.row(c.Provider, c.Product, c.In, c.Reason)
			}
		})
	})
	return group("route", "Look at routes", explain)
}
