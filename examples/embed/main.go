// Command embed is a Go program with Jalur inside: it makes one top-up, waits for its end, and tells by its exit status what came of it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/jalurhq/jalur"
	"github.com/jalurhq/jalur/config"
	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/plugins/sdk"
	"github.com/jalurhq/jalur/providers/mmbc"
)

// Exit statuses: nothing moved; wrong use or configuration; nobody can say yet. The same key is the same payment, so it is safe to run again.
const failed, wrongUse, unresolved = 1, 2, 3

const rupiah = 100_000 // of the top-up

func main() {
	// First in main: Jalur starts this program again as its plugin, and there Self serves the provider and never returns.
	shipped := sdk.Self(map[string]core.Factory{"mmbc": mmbc.Factory()})
	status, err := run(shipped, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "embed:", err)
	}
	os.Exit(status)
}

func run(shipped sdk.Shipped, args []string) (status int, err error) {
	if len(args) != 1 {
		return wrongUse, errors.New("it takes the configuration's file")
	}
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt)
	defer release()
	cfg, err := config.Load(config.Options{File: args[0], Env: os.Environ()})
	if err != nil {
		return wrongUse, err
	}
	service, err := jalur.Open(ctx, cfg, jalur.Options{Shipped: shipped})
	if err != nil {
		return wrongUse, err
	}
	// Close waits for what has begun, interrupt or not, and leaves no process behind.
	defer func() { err = errors.Join(err, service.Close(context.WithoutCancel(ctx))) }()
	// The key is your own name for the top-up, such as your order's number. Here it never changes: a second run finds the first one's payment.
	answer, err := service.Pay(ctx, payments.Order{Key: "order-4711", Merchant: "GOPAY", Account: "0812345678", Amount: core.IDR(rupiah)})
	if err != nil {
		return failed, err // refused: nothing was recorded and nothing was sent
	}
	// Pay returns at the first known outcome. This time bounds our waiting, never the payment.
	waiting, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	p := service.Await(waiting, answer.Payment)
	_, err = fmt.Fprintf(os.Stdout, "%s was %s and is %s, reference %q\n", p.Key, answer.Payment.State(), p.State(), p.Last().Reference)
	switch {
	case !p.State().Final():
		return unresolved, err
	case p.State() != journal.StateSucceeded:
		return failed, err // failed or refunded: no money is gone
	default:
		return 0, err
	}
}
