package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jalurhq/jalur/core/providertest"
	"github.com/jalurhq/jalur/internal/telemetry"
	"github.com/jalurhq/jalur/plugins/host"
	"github.com/jalurhq/jalur/plugins/plugintest"
)

// errRules is the end of a test that printed its report, and in which not every rule that applies holds.
var errRules = errors.New("not every rule that applies holds")

const pluginTestHelp = `Ask a plugin, in whatever language it is written, whether it keeps the contract. It is started and called as a gateway does it.

PLUGIN is the path of a binary, with a separator in it ("./my-plugin"), or the name of a shipped one.

--sandbox is the address of a sandbox that plays its provider and runs already. It must answer GET /_ledger with what was really executed
({"executed":[{"invoice","ref","merchant","account","amount","state","at"}],"by_account":{ACCOUNT:COUNT}}), and take POST /_fault?name=NAME&times=N for
the faults that the spec names. Nobody else may use it meanwhile. The test stands between the two, and plays by itself what can happen on the way.

--spec tells what to order and what the sandbox can do, in YAML; ${SANDBOX} in it stands for --sandbox:

  settings: {base_url: "${SANDBOX}", api_key: k3y}  # the plugin's own; or in a file of their own, with --settings
  required: [base_url, api_key]                     # settings that can't be left out } where the plugin
  secrets: [k3y]                                    # texts that must not be shown    } publishes no schema
  samples:                                          # amounts: whole rupiah, "1.50", or {value: "1.50", currency: USD}
    succeeds:        {product: GOPAY, account: "081234567890", amount: 50000}
    pending:         {product: GOPAY, account: "081234567811", amount: 50000}
    refused:         {product: GOPAY, account: "081234567813", amount: 50000, code: deposit_empty}
    unknown_account: {product: GOPAY, account: "081234567814", amount: 50000}
    refunded:        {product: GOPAY, account: "081234567815", amount: 50000}   # optional
    bill:            {product: PLN, account: "530000000001"}                     # optional: no amount, the inquiry tells it
  faults:                                           # lists of the sandbox's own names
    unknown_status: [odd-word]                      # executes, and answers with a status that nobody documents
    wrong_account: [other-account]                  # executes, and answers with another account
    wrong_amount: [other-amount]
    wrong_product: [other-product]
    lost_after: [cut]                               # optional, beside those of the test: executes, and the answer is lost
    lost_before: [reset]                            # optional: the request arrives, and nothing is executed
    unreadable: [html]                              # optional: executes, and answers with something else
  lacks: {pending: it answers at once}              # what there is none of, and why
  callback:                                         # for a provider that sends callbacks
    method: POST
    headers: {X-Signature: [abcdef]}
    body: '{"ref":"A1"}'
    order: {ref: A1}                                # the order that it is about: ref, quote, invoice
    unsigned: false                                 # true: this provider signs nothing
  deadline: 500ms                                   # of a call that gets no answer
  settle: 10s                                       # for an order to end
  every: 50ms                                       # between two questions for an order
  parallel: 64                                      # calls at once

Exit status: 0 every rule that applies holds; 1 one of them doesn't, or could not be asked since the spec names nothing for it; 2 nothing could be asked.`

type pluginTestFlags struct{ sandbox, settings, spec string }

func (a *app) pluginTest() *cobra.Command {
	var flags pluginTestFlags
	var only []string
	cmd := &cobra.Command{
		Use: "test PLUGIN", Short: "Ask a plugin whether it keeps the contract, and print a report with a score",
		Long: pluginTestHelp, Args: exactArgs("PLUGIN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.checkOutput(); err != nil {
				return err
			}
			h, err := flags.harness()
			if err != nil {
				return usage(err)
			}
			shutdown, err := telemetry.Setup(cmd.Context(), "jalur")
			if err != nil {
				return usage(err)
			}
			h.Only = only
			if h, err = plugintest.Process(cmd.Context(), h, host.Config{Plugin: args[0], Shipped: a.Shipped}); err != nil {
				return usage(errors.Join(err, flush(cmd.Context(), shutdown)))
			}
			report, err := providertest.Check(cmd.Context(), h, a.tellRule())
			if err != nil {
				return usage(errors.Join(err, flush(cmd.Context(), shutdown)))
			}
			return errors.Join(a.printReport(report), flush(cmd.Context(), shutdown))
		},
	}
	f := cmd.Flags()
	f.StringVar(&flags.sandbox, "sandbox", "", "`URL` of the sandbox: scheme, host and port")
	f.StringVar(&flags.settings, "settings", "", "`FILE` with the plugin's settings, in place of those of the spec; ${file:NAME} in it is the text of a file beside it")
	f.StringVar(&flags.spec, "spec", "", "`FILE` that tells what to order, in YAML")
	f.StringSliceVar(&only, "rule", nil, "ask only this rule; may be given again")
	return cmd
}

// harness reads what the flags name.
func (f pluginTestFlags) harness() (providertest.Harness, error) {
	if f.sandbox == "" || f.spec == "" {
		return providertest.Harness{}, errors.New("--sandbox and --spec are required; see --help")
	}
	text, err := os.ReadFile(f.spec)
	if err != nil {
		return providertest.Harness{}, err
	}
	h, err := providertest.ReadSpec(text, f.sandbox)
	if err != nil || f.settings == "" {
		return h, err
	}
	settings, err := providertest.ReadSettings(f.settings, f.sandbox)
	if err != nil {
		return h, fmt.Errorf("settings: %w", err)
	}
	h.Settings = settings
	return h, nil
}

// tellRule prints each rule as it ends, where people read.
func (a *app) tellRule() func(providertest.RuleReport) {
	if a.form() == outputJSON {
		return nil
	}
	return func(r providertest.RuleReport) {
		const indent = "                 "
		lines := []string{fmt.Sprintf("%-16s %s: %s", mark(r.Verdict), r.Rule, r.Why)}
		if r.Verdict == providertest.Broken || r.Verdict == providertest.NotAsked {
			for _, finding := range r.Findings {
				lines = append(lines, indent+"seen: "+finding)
			}
		}
		if r.Verdict == providertest.Lacking {
			lines = append(lines, indent+strings.Join(r.Findings, "; "))
		}
		_, _ = fmt.Fprintln(a.Stdout, strings.Join(lines, "\n")) // the report comes again as a whole, and its error counts
	}
}

func mark(v providertest.Verdict) string {
	if v == providertest.Broken || v == providertest.NotAsked {
		return strings.ToUpper(string(v))
	}
	return string(v)
}

func (a *app) printReport(report providertest.Report) error {
	err := a.print(report, func(t *table) { t.row(report.Provider + " " + report.Version + ": " + report.Score()) })
	if err == nil && !report.OK {
		err = errRules
	}
	return err
}
