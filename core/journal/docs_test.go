package journal_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/core/journal"
)

// pair is a change from one state to another; a state of "" is none.
type pair struct{ from, to journal.State }

// legalPairs gives every change between two states that the journal allows.
func legalPairs() []pair {
	var pairs []pair
	for _, from := range append(journal.States(), "") {
		for _, to := range journal.States() {
			if from != to && journal.CheckStep(from, to) == nil {
				pairs = append(pairs, pair{from, to})
			}
		}
	}
	return pairs
}

func readDrawing(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/states.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// table gives the cells of the table whose header begins with the given cells, without the marks of code.
func table(text string, header ...string) [][]string {
	var rows [][]string
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		cells := cellsOf(line)
		switch {
		case !strings.HasPrefix(line, "|"):
			inside = false
		case len(cells) >= len(header) && slices.Equal(cells[:len(header)], header):
			inside = true
		case inside && strings.Trim(line, "|-: ") != "":
			rows = append(rows, cells)
		}
	}
	return rows
}

func cellsOf(line string) []string {
	cells := strings.Split(strings.Trim(line, "|"), "|")
	for i, cell := range cells {
		cells[i] = strings.ReplaceAll(strings.TrimSpace(cell), "`", "")
	}
	return cells
}

// drawn gives the arrows of the diagram between two states, and from the beginning.
func drawn(text string) []pair {
	var pairs []pair
	_, text, _ = strings.Cut(text, "```mermaid\n")
	text, _, _ = strings.Cut(text, "```")
	for line := range strings.Lines(text) {
		from, to, arrow := strings.Cut(strings.TrimSpace(line), " --> ")
		to, _, _ = strings.Cut(to, ":")
		if arrow && strings.TrimSpace(to) != "[*]" {
			pairs = append(pairs, pair{journal.State(strings.TrimSuffix(from, "[*]")), journal.State(strings.TrimSpace(to))})
		}
	}
	return pairs
}

// compare wants the page to have each legal change once, and no other.
func compare(t *testing.T, where string, got []pair) {
	t.Helper()
	legal := legalPairs()
	for i, p := range got {
		if !slices.Contains(legal, p) {
			t.Errorf("%s: from %q to %q is no legal change", where, p.from, p.to)
		}
		if slices.Contains(got[:i], p) {
			t.Errorf("%s: from %q to %q stands there twice", where, p.from, p.to)
		}
	}
	for _, p := range legal {
		if !slices.Contains(got, p) {
			t.Errorf("%s: from %q to %q is missing", where, p.from, p.to)
		}
	}
}

func TestStatesPage(t *testing.T) {
	t.Parallel()
	text := readDrawing(t)
	var listed []pair
	for _, row := range table(text, "From", "To") {
		listed = append(listed, pair{journal.State(strings.TrimSuffix(row[0], "–")), journal.State(row[1])})
		if len(row) != 4 || row[2] == "" || row[3] == "" {
			t.Errorf("the row %q does not say who makes the change and when", row)
		}
	}
	compare(t, "the table", listed)
	compare(t, "the drawing", drawn(text))
}

func TestStatesPageMapping(t *testing.T) {
	t.Parallel()
	var mapped []journal.State
	for _, row := range table(readDrawing(t), "Attempt", "Payment") {
		state := journal.State(row[0])
		mapped = append(mapped, state)
		if want := state.Payment(); row[1] != string(want) || (row[2] == "yes") != want.Final() {
			t.Errorf("%s: the page says %s, final: %s", state, row[1], row[2])
		}
	}
	if !slices.Equal(mapped, journal.States()) {
		t.Errorf("the page maps %v, want %v", mapped, journal.States())
	}
}
