package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/internal/view"
)

// The forms of output.
const (
	outputJSON  = "json"
	outputTable = "table"
)

// table prints columns for people.
type table struct{ w *tabwriter.Writer }

func (t *table) row(cells ...any) {
	texts := make([]string, len(cells))
	for i, cell := range cells {
		texts[i] = fmt.Sprint(cell)
	}
	_, _ = fmt.Fprintln(t.w, strings.Join(texts, "\t"))
}

// print writes an answer to standard output, as JSON or as a table.
func (a *app) print(answer any, rows func(*table)) error {
	if a.form() == outputJSON {
		return printJSON(a.Stdout, answer)
	}
	const gap = 2
	t := &table{tabwriter.NewWriter(a.Stdout, 0, 0, gap, ' ', 0)}
	rows(t)
	return t.w.Flush()
}

func printJSON(w io.Writer, answer any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(answer)
}

// form gives the form of output.
func (a *app) form() string {
	switch {
	case a.output != "":
		return a.output
	case isTerminal(a.Stdout):
		return outputTable
	default:
		return outputJSON
	}
}

// checkOutput refuses an unknown form before anything is done.
func (a *app) checkOutput() error {
	switch a.output {
	case "", outputJSON, outputTable:
		return nil
	default:
		return usage(fmt.Errorf("--output is json or table, not %q", a.output))
	}
}

// printPayment prints a payment and ends the command by its state.
func (a *app) printPayment(p view.Payment) error {
	err := a.print(p, func(t *table) {
		for _, line := range [][2]any{
			{"payment", p.ID}, {"key", p.Key}, {"state", p.State}, {"merchant", p.Merchant}, {"account", string(p.Account)},
			{"amount", p.Amount}, {"cost", dash(p.Cost)}, {"cashback", dash(p.Cashback)}, {"provider", p.Provider}, {"invoice", p.Invoice},
			{"reference", p.Reference}, {"receiver", p.ReceiverName}, {"code", p.Code}, {"reason", p.Reason}, {"updated", p.UpdatedAt.Format(time.RFC3339)},
		} {
			if fmt.Sprint(line[1]) != "" {
				t.row(line[0], line[1])
			}
		}
	})
	if err != nil { // whoever was to read it has gone; the exit status still tells
		a.say("jalur: " + err.Error())
	}
	return ending(p)
}

// ending gives what a printed payment's state means for the exit status.
func ending(p view.Payment) error {
	switch {
	case !p.State.Final():
		return errNotFinal
	case p.State != succeeded:
		return errNothingMoved
	default:
		return nil
	}
}

func dash(m core.Money) string {
	if !m.Known() {
		return "-"
	}
	return m.String()
}

func cut(pair string) (name, value string, ok bool) { return strings.Cut(pair, "=") }
