package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jalurhq/jalur/providers/mmbc/sandbox"
)

// headerTime bounds how long a sandbox waits for a request's head.
const headerTime = 10 * time.Second

func (a *app) sandbox() *cobra.Command {
	return group("sandbox", "Play a provider, with a ledger of what was executed and faults on demand", a.sandboxMMBC(), a.sandboxExample())
}

func (a *app) sandboxMMBC() *cobra.Command {
	var listen, credentials string
	var faults []string
	var cfg sandbox.Config
	cmd := &cobra.Command{
		Use: "mmbc", Short: "Play MMBC Multipayment",
		Long: `Play MMBC Multipayment. GET /_ledger lists what was executed; POST /_fault?name=NAME&times=N sets a fault.

` + sandbox.Options(),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var given bool
			if cfg.Username, cfg.Password, given = strings.Cut(credentials, ":"); !given {
				return usage(errors.New("--credentials wants USER:SECRET"))
			}
			for _, text := range faults {
				name, times, err := sandbox.ParseFault(text)
				if err != nil {
					return usage(fmt.Errorf("--fault: %w", err))
				}
				cfg.Faults = append(cfg.Faults, sandbox.Setting{Name: name, Times: times})
			}
			running, err := play(cmd.Context(), cfg, listen)
			if err != nil {
				return usage(err)
			}
			a.say(fmt.Sprintf("MMBC sandbox on %s/json/multipayment, ledger on %s/_ledger", running.url, running.url))
			<-cmd.Context().Done()
			return running.stop(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&listen, "listen", demoSandbox, "`address` to listen on")
	flags.StringVar(&credentials, "credentials", demoUser+":"+demoSecret, "the `USER:SECRET` that it takes")
	flags.StringArrayVar(&faults, "fault", nil, "a fault for the next reload, `NAME[:TIMES]`; -1 times: always. May be given again")
	flags.Int64Var(&cfg.Deposit, "deposit", 0, "the deposit at the start, in `rupiah` (default a trillion)")
	flags.DurationVar(&cfg.ReferenceAfter, "reference-after", 0, "direct=1: how long until the reference shows (default 1s)")
	flags.DurationVar(&cfg.PendingFor, "pending-for", 0, "how long the pending test numbers stay so (default 60s)")
	flags.DurationVar(&cfg.Delay, "delay", 0, "how long a reload keeps its caller waiting once it has executed")
	flags.IntVar(&cfg.DirectDefault, "direct-default", 0, "what a reload without direct means: 0 or 1")
	flags.IntVar(&cfg.FailureStatus, "failure-status", 0, "the HTTP status of a refusal (default 200)")
	flags.StringVar((*string)(&cfg.Spelling), "spelling", "", fmt.Sprintf("how keys are spelt: %v", sandbox.Spellings()))
	flags.StringVar((*string)(&cfg.Values), "values", "", fmt.Sprintf("how values are written: %v", sandbox.ValueForms()))
	flags.BoolVar(&cfg.AbsentReference, "absent-reference", false, "leave the key out while there is no reference")
	flags.BoolVar(&cfg.NoTestNumbers, "no-test-numbers", false, "every account number is an ordinary one")
	flags.StringVar(&cfg.LedgerFile, "ledger", "", "keep the ledger in this `file` too, so that it outlives the sandbox")
	return cmd
}

// playing is a sandbox that serves.
type playing struct {
	url  string
	stop func(context.Context) error
}

// play serves a sandbox until it is stopped.
func play(ctx context.Context, cfg sandbox.Config, listen string) (playing, error) {
	box, err := sandbox.New(cfg)
	if err != nil {
		return playing{}, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return playing{}, errors.Join(err, box.Close())
	}
	server := &http.Server{Handler: box, ReadHeaderTimeout: headerTime}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	return playing{url: "http://" + listener.Addr().String(), stop: func(ctx context.Context) error {
		err := errors.Join(box.Close(), server.Shutdown(context.WithoutCancel(ctx))) // connections that a fault holds are let go first
		if end := <-served; !errors.Is(end, http.ErrServerClosed) {
			err = errors.Join(err, end)
		}
		return err
	}}, nil
}

// startSandbox plays MMBC for the demonstration, on another port where the usual one is taken.
func startSandbox(ctx context.Context, listen string) (playing, error) {
	cfg := sandbox.Config{Username: demoUser, Password: demoSecret}
	running, err := play(ctx, cfg, listen)
	if err != nil {
		running, err = play(ctx, cfg, "127.0.0.1:0")
	}
	return running, err
}
