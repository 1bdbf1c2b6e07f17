// Package cli is the command line of the one binary: it reads flags, calls a gateway's service in this process or over HTTP, prints the same JSON
// shapes as the HTTP API, and ends with the exit status that scripts decide by.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/jalurhq/jalur/config"
	"github.com/jalurhq/jalur/plugins/sdk"
)

// Exit statuses.
const (
	ExitDone       = 0 // for a pay: succeeded
	ExitFailed     = 1 // nothing moved
	ExitUsage      = 2 // wrong use or configuration
	ExitUnresolved = 3 // not resolved, or nobody can say: do not pay again under another key
)

// Program is what the commands work with.
type Program struct {
	Version string
	Shipped sdk.Shipped
	Env     []string
	Stdout  io.Writer
	Stderr  io.Writer
	// Interrupted ends when the user asks to stop. A command that moves money finishes what has begun first.
	Interrupted context.Context //nolint:containedctx // the program's, not a call's
}

// app is one run of the program.
type app struct {
	Program

	configFile string
	output     string
	server     string
	log        *slog.Logger

	// Of serve.
	keepSending bool
	reread      func() (config.Config, error) // the configuration as it is now; nil: it is no file's
}

// Run runs the command that the arguments name, and gives its exit status.
func Run(p Program, args []string) int {
	a := &app{Program: p, log: slog.New(slog.NewTextHandler(p.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	root := a.root()
	root.SetArgs(args)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	err := root.ExecuteContext(p.Interrupted)
	status, message := verdict(err)
	if message != "" {
		a.say("jalur: " + message)
	}
	return status
}

// say tells the user something beside the answer. That nobody may be reading changes nothing.
func (a *app) say(line string) { _, _ = fmt.Fprintln(a.Stderr, line) }

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "jalur",
		Short: "Wallet and prepaid top-ups over many payment providers: never paid twice, never lost",
		Long: `Jalur makes wallet and prepaid top-ups over many payment providers. It never pays twice and never loses a payment.

Commands open the journal of the configuration themselves; with --server they talk to a running gateway.

Exit status: 0 done (for pay: succeeded); 1 failed, nothing moved; 2 wrong use or configuration;
3 not resolved, or nobody can say: do not pay again under another key.`,
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	flags := root.PersistentFlags()
	flags.StringVarP(&a.configFile, "config", "c", "", "configuration `file` (default "+config.DefaultFile+", then $"+config.FileVariable+")")
	flags.StringVarP(&a.output, "output", "o", "", "json or table (default json where standard output is no terminal)")
	flags.StringVar(&a.server, "server", a.env("JALUR_SERVER"), "`URL` of a running gateway to talk to (default $JALUR_SERVER)")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	root.AddCommand(a.serve(), a.products(), a.providers(), a.inquire(), a.inquiries(), a.pay(), a.status(), a.payments(), a.resolve(), a.cases(), a.route(),
		a.configuration(), a.doctor(), a.plugin(), a.journal(), a.sandbox(), a.version())
	return root
}

func (a *app) env(name string) string {
	value := ""
	for _, pair := range a.Env {
		if n, v, _ := cut(pair); n == name {
			value = v
		}
	}
	return value
}

func (a *app) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.print(map[string]string{"version": a.Version}, func(t *table) { t.row("jalur " + a.Version) })
		},
	}
}

// usageError is a wrong use of the command line or a wrong configuration.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// group gives a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{Use: use, Short: short, RunE: func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usage(fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath()))
		}
		return cmd.Help()
	}}
	g.AddCommand(commands...)
	return g
}

// noArgs and exactArgs are cobra's own checks, as wrong use.
func noArgs(cmd *cobra.Command, args []string) error { return usage(cobra.NoArgs(cmd, args)) }

func exactArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != len(names) {
			return usage(fmt.Errorf("%s takes %d arguments (%v), not %d; see %q", cmd.CommandPath(), len(names), names, len(args), cmd.CommandPath()+" --help"))
		}
		return nil
	}
}

// settings loads the configuration that the flags and the environment name.
func (a *app) settings(overrides map[string]any) (config.Config, error) {
	file, err := config.Find(a.configFile, a.env)
	if err != nil {
		return config.Config{}, usage(err)
	}
	cfg, err := config.Load(config.Options{File: file, Env: a.Env, Overrides: overrides})
	return cfg, usage(err)
}

// errNotFinal is the end of a command that printed a payment which isn't resolved.
var errNotFinal = errors.New("not resolved")

// errNothingMoved is the end of a command that printed a payment which failed.
var errNothingMoved = errors.New("failed")

// isTerminal reports whether a person reads what is written.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
