package plugintest_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/core/providertest"
)

// rows gives the table of all rules, as docs/conformance.md shows it.
func rows(rules []providertest.Rule) string {
	var table strings.Builder
	for _, rule := range rules {
		when := rule.When
		if when == "" {
			when = "everybody"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", rule.Name, when, rule.Why)
	}
	return table.String()
}

func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheRulesAreDocumented(t *testing.T) {
	t.Parallel()
	text := page(t)
	for where, rules := range map[string][]providertest.Rule{"of every provider": providertest.Rules(), "of its process": harness(t, "none").Extra} {
		if want := rows(rules); !strings.Contains(text, "| --- | --- | --- |\n"+want+"\n") {
			t.Errorf("docs/conformance.md doesn't have the table of the rules %s:\n%s", where, want)
		}
	}
}

// Each name in the table of pitfalls is a rule, or a test that exists.
func TestThePitfallsNameRulesAndTests(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, rule := range append(providertest.Rules(), harness(t, "none").Extra...) {
		known[rule.Name] = true
	}
	_, table, found := strings.Cut(page(t), "| pitfall | rules | tests |\n| --- | --- | --- |\n")
	table, _, ended := strings.Cut(table, "\n\n")
	if !found || !ended {
		t.Fatal("there is no table of pitfalls")
	}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		names, tests := quoted(cells[2]), quoted(cells[3])
		if len(names)+len(tests) == 0 {
			t.Errorf("nothing asks for %s", line)
		}
		for _, name := range names {
			if !known[name] {
				t.Errorf("%q is no rule", name)
			}
		}
		for _, name := range tests {
			file, function, _ := strings.Cut(name, ":")
			text, err := os.ReadFile("../../" + file)
			if err != nil || !strings.Contains(string(text), "func "+function+"(") {
				t.Errorf("%s is no test (%v)", name, err)
			}
		}
	}
}

// quoted gives what stands between backticks.
func quoted(cell string) (names []string) {
	for i, part := range strings.Split(cell, "`") {
		if i%2 == 1 {
			names = append(names, part)
		}
	}
	return names
}
