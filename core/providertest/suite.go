package providertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/jalurhq/jalur/core"
)

// Rule is one thing that every provider keeps, or every one that promises it.
type Rule struct {
	Name string
	Why  string // one sentence: what would go wrong
	When string // what a provider promises to whom it applies; empty: all of them
	// Applies is When as a condition. Default: it applies.
	Applies func(*Bench) bool
	// Needs are the samples and faults that it can't be asked without.
	Needs []string
	// Check tells the bench what is wrong.
	Check func(ctx context.Context, b *Bench)
}

// Rules lists the rules of the suite, in the order in which they are asked.
func Rules() []Rule {
	return slices.Concat(settingsRules(), describeRules(), productRules(), quoteRules(), payRules(), amountRules(), repeatRules(), wayRules(), doubtRules(),
		statusRules(), callbackRules(), balanceRules(), wholeRules())
}

// Check asks all rules, one after the other, and reports. An error means that there was nobody to ask: the harness is wrong, the sandbox isn't there, or no provider
// could be made. tell, where there is one, hears of each rule as it ends.
func Check(ctx context.Context, h Harness, tell func(RuleReport)) (Report, error) {
	b, err := open(ctx, h)
	if err != nil {
		return Report{}, err
	}
	report := b.report()
	for _, rule := range b.rules() {
		if ctx.Err() != nil {
			return report, errors.Join(ctx.Err(), b.close())
		}
		one := b.ask(ctx, rule)
		report.add(one)
		if tell != nil {
			tell(one)
		}
	}
	return report, b.close()
}

// Run asks all rules, each as a subtest, and ends before it returns what it has begun.
func Run(t *testing.T, h Harness) {
	t.Helper()
	b, err := open(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	report := b.report()
	for _, rule := range b.rules() {
		t.Run(rule.Name, func(t *testing.T) {
			one := b.ask(t.Context(), rule)
			report.add(one)
			for _, finding := range one.Findings {
				if one.Verdict == Broken || one.Verdict == NotAsked {
					t.Errorf("%s: %s\n\t%s", one.Verdict, finding, one.Why)
					continue
				}
				t.Logf("%s: %s", one.Verdict, finding)
			}
		})
	}
	if err := b.close(); err != nil {
		t.Error(err)
	}
	t.Log(report.Score())
}

func (b *Bench) rules() []Rule {
	all := Rules()
	last := len(all) - len(wholeRules()) // those about everything that was seen come last
	all = slices.Concat(all[:last], b.Harness.Extra, all[last:])
	if b.Harness.Only == nil {
		return all
	}
	return slices.DeleteFunc(all, func(r Rule) bool { return !slices.Contains(b.Harness.Only, r.Name) })
}

func (b *Bench) report() Report {
	return Report{Provider: b.Descriptor.Name, Version: b.Descriptor.Version}
}

// ask asks one rule.
func (b *Bench) ask(ctx context.Context, rule Rule) RuleReport {
	one := RuleReport{Rule: rule.Name, Why: rule.Why}
	if rule.Applies != nil && !rule.Applies(b) {
		one.Verdict, one.Findings = NotApplicable, []string{"it is asked of " + rule.When}
		return one
	}
	for _, need := range rule.Needs {
		if b.Harness.names(need) {
			continue
		}
		if reason := b.Harness.Lacks[need]; reason != "" {
			one.Verdict, one.Findings = Lacking, []string{need + ": " + reason}
			return one
		}
		one.Verdict = NotAsked
		one.Findings = append(one.Findings, fmt.Sprintf("the harness names no %q and doesn't say why", need))
	}
	if one.Verdict == NotAsked {
		return one
	}
	one.Findings = b.run(ctx, rule)
	one.Verdict = Held
	if len(one.Findings) > 0 {
		one.Verdict = Broken
	}
	return one
}

// run makes the check and holds the ledger against it.
func (b *Bench) run(ctx context.Context, rule Rule) []string {
	if err := b.begin(ctx); err != nil {
		return []string{err.Error()}
	}
	func() {
		defer func() {
			if cause := recover(); cause != nil {
				b.Failf("the check panicked: %v", cause)
			}
		}()
		rule.Check(ctx, b)
	}()
	b.line.set(nil)
	b.audit(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.findings)
}

// promises makes a condition of what a descriptor says.
func promises(of func(core.Descriptor) bool) func(*Bench) bool {
	return func(b *Bench) bool { return of(b.Descriptor) }
}
