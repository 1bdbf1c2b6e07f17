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

	mmbc "github.com/jalurhq/jalur/providers/mmbc/sandbox"
	"github.com/jalurhq/jalur/providers/sandbox"
)

// headerTime bounds how long a sandbox waits for a request's head.
const headerTime = 10 * time.Second

func (a *app) sandbox() *cobra.Command {
	return group("sandbox", "Play a provider, with a ledger of what was executed and faults on demand",
		a.sandboxMMBC(), a.sandboxDigiflazz(), a.sandboxDTOne(), a.sandboxExample())
}

// stage is what every sandbox's command asks for.
type stage struct {
	listen, credentials string
	faults              []string
}

func (s *stage) flags(cmd *cobra.Command, listen string) {
	flags := cmd.Flags()
	flags.StringVar(&s.listen, "listen", listen, "`address` to listen on")
	flags.StringVar(&s.credentials, "credentials", demoUser+":"+demoSecret, "the `USER:SECRET` that it takes")
	flags.StringArrayVar(&s.faults, "fault", nil, "a fault for the next order, `NAME[:TIMES]`; -1 times: always. May be given again")
}

// read gives the credentials and the faults. Its errors are wrong use.
func (s *stage) read(parse func(string) (sandbox.Setting, error)) (user, secret string, faults []sandbox.Setting, err error) {
	user, secret, given := strings.Cut(s.credentials, ":")
	if !given {
		return "", "", nil, usage(errors.New("--credentials wants USER:SECRET"))
	}
	for _, text := range s.faults {
		setting, err := parse(text)
		if err != nil {
			return "", "", nil, usage(fmt.Errorf("--fault: %w", err))
		}
		faults = append(faults, setting)
	}
	return user, secret, faults, nil
}

// perform plays a sandbox until the command is interrupted. What is said once it listens has %[1]s where its URL stands.
func (a *app) perform(ctx context.Context, s simulator, listen, said string) error {
	running, err := play(ctx, s, listen)
	if err != nil {
		return usage(err)
	}
	a.say(fmt.Sprintf(said, running.url))
	<-ctx.Done()
	return running.stop(ctx)
}

func (a *app) sandboxMMBC() *cobra.Command {
	var on stage
	var cfg mmbc.Config
	cmd := &cobra.Command{
		Use: "mmbc", Short: "Play MMBC Multipayment",
		Long: `Play MMBC Multipayment. GET /_ledger lists what was executed; POST /_fault?name=NAME&times=N sets a fault.

` + mmbc.Options(),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if cfg.Username, cfg.Password, cfg.Faults, err = on.read(mmbc.ParseFault); err != nil {
				return err
			}
			box, err := mmbc.New(cfg)
			if err != nil {
				return usage(err)
			}
			return a.perform(cmd.Context(), box, on.listen, "MMBC sandbox on %[1]s/json/multipayment, ledger on %[1]s/_ledger")
		},
	}
	on.flags(cmd, demoSandbox)
	flags := cmd.Flags()
	flags.Int64Var(&cfg.Deposit, "deposit", 0, "the deposit at the start, in `rupiah` (default a trillion)")
	flags.DurationVar(&cfg.ReferenceAfter, "reference-after", 0, "direct=1: how long until the reference shows (default 1s)")
	flags.DurationVar(&cfg.PendingFor, "pending-for", 0, "how long the pending test numbers stay so (default 60s)")
	flags.DurationVar(&cfg.Delay, "delay", 0, "how long a reload keeps its caller waiting once it has executed")
	flags.IntVar(&cfg.DirectDefault, "direct-default", 0, "what a reload without direct means: 0 or 1")
	flags.IntVar(&cfg.FailureStatus, "failure-status", 0, "the HTTP status of a refusal (default 200)")
	flags.StringVar((*string)(&cfg.Spelling), "spelling", "", fmt.Sprintf("how keys are spelt: %v", mmbc.Spellings()))
	flags.StringVar((*string)(&cfg.Values), "values", "", fmt.Sprintf("how values are written: %v", mmbc.ValueForms()))
	flags.BoolVar(&cfg.AbsentReference, "absent-reference", false, "leave the key out while there is no reference")
	flags.BoolVar(&cfg.NoTestNumbers, "no-test-numbers", false, "every account number is an ordinary one")
	flags.StringVar(&cfg.LedgerFile, "ledger", "", "keep the ledger in this `file` too, so that it outlives the sandbox")
	return cmd
}

// simulator is a provider's sandbox.
type simulator interface {
	http.Handler
	Close() error
}

// playing is a sandbox that serves.
type playing struct {
	url  string
	stop func(context.Context) error
}

// play serves a sandbox until it is stopped. One that can't be served is closed.
func play(ctx context.Context, box simulator, listen string) (playing, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return playing{}, errors.Join(err, box.Close())
	}
	server := &http.Server{Handler: box, ReadHeaderTimeout: headerTime}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	return playing{url: urlOf(listener), stop: func(ctx context.Context) error {
		err := errors.Join(box.Close(), server.Shutdown(context.WithoutCancel(ctx))) // connections that a fault holds are let go first
		if end := <-served; !errors.Is(end, http.ErrServerClosed) {
			err = errors.Join(err, end)
		}
		return err
	}}, nil
}
