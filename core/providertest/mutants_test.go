package providertest

import (
	"context"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/jalurhq/jalur/core"
)

// TestMain fails where a test leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The kinds of toys. All rules apply to one of them at least.
func kinds() map[string]traits {
	return map[string]traits{
		"replays":   {mode: core.RefReplay, by: core.ByRef | core.ByInvoice},
		"rejects":   {mode: core.RefRejectDuplicate, by: core.ByRef | core.ByInvoice},
		"labels":    {mode: core.RefLabel, by: core.ByInvoice},
		"none":      {mode: core.RefNone, by: core.ByInvoice},
		"quotes":    {mode: core.RefReplay, by: core.ByRef | core.ByInvoice, quoted: true},
		"resubmits": {mode: core.RefReplay, by: core.ByRef, resubmits: true},
	}
}

func TestCorrectProvidersAreGreen(t *testing.T) {
	t.Parallel()
	for name, kind := range kinds() {
		t.Run(name, func(t *testing.T) {
			report, err := Check(t.Context(), toyHarness(t, kind, ""), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, finding := range verdicts(report) {
				t.Error(finding)
			}
			if !report.OK || report.Asked < 40 || report.Held != report.Asked {
				t.Error(report.Score())
			}
		})
	}
}

// mutant is a toy that does one thing wrong.
type mutant struct {
	kind   string // default: replays
	broken string
	first  string // a rule that is asked before, where the mutant shows in what it saw
}

func mutants() map[string][]mutant {
	return map[string][]mutant{
		"settings-schema":             {{broken: "schema-open"}},
		"settings-unknown-key":        {{broken: "takes-unknown-keys"}},
		"settings-missing-key":        {{broken: "takes-missing-keys"}},
		"describe-stable":             {{broken: "changes"}},
		"describe-believable":         {{broken: "no-balances"}},
		"sample-fits-description":     {{broken: "narrow-pattern"}},
		"products-page-through":       {{broken: "endless"}, {broken: "window-of-nothing"}},
		"products-filter":             {{broken: "no-filter"}},
		"quote-is-about-the-order":    {{broken: "quote-for-another"}},
		"quote-pays-once":             {{kind: "quotes", broken: "quote-twice"}},
		"bill-pays-once":              {{broken: "quote-twice"}, {broken: "bill-of-nothing"}},
		"quote-cancels":               {{kind: "quotes", broken: "cancels-nothing"}},
		"fee-agrees-with-quote":       {{broken: "fee"}},
		"cost-agrees-with-quote":      {{broken: "swaps-prices"}},
		"pay-succeeds":                {{broken: "names-no-account"}, {broken: "lost-answer-always"}},
		"pay-and-status-agree":        {{kind: "none", broken: "another-proof"}},
		"pay-pending":                 {{broken: "impatient"}},
		"pay-refused":                 {{broken: "refusal-is-an-error"}},
		"pay-unknown-account":         {{broken: "account-unresolved"}},
		"pay-refunded":                {{broken: "keeps-refunds"}},
		"pay-send-before":             {{broken: "send-late"}},
		"pay-max-cost":                {{broken: "max-cost"}},
		"pay-parallel":                {{broken: "mixes"}},
		"amount-edges":                {{broken: "float"}},
		"amount-bounds":               {{broken: "bounds"}},
		"amount-in-another-currency":  {{broken: "any-currency"}},
		"repeat-replays":              {{broken: "replay"}, {broken: "ref-of-its-own"}},
		"repeat-is-refused":           {{kind: "rejects", broken: "duplicate-is-declined"}},
		"repeat-is-another-order":     {{kind: "none", broken: "one-invoice"}, {kind: "labels", broken: "one-invoice"}},
		"refused-connection":          {{broken: "says-unknown-always"}},
		"lost-answer":                 {{broken: "lost-is-declined"}, {kind: "none", broken: "lost-is-not-sent"}},
		"lost-request":                {{broken: "lost-is-not-sent"}},
		"no-answer-in-time":           {{broken: "timeout-is-declined"}, {broken: "deaf"}},
		"cancelled-while-paying":      {{broken: "cancelled-is-not-sent"}},
		"truncated-answer":            {{broken: "half-is-declined"}},
		"empty-answer":                {{broken: "empty-is-declined"}, {broken: "nothing-is-declined"}},
		"answer-with-another-status":  {{broken: "status-is-the-answer"}},
		"answer-with-more-fields":     {{broken: "knows-all-fields"}},
		"page-for-an-answer":          {{broken: "page-is-declined"}},
		"redirected":                  {{kind: "none", broken: "follows"}},
		"unknown-status-word":         {{broken: "odd-is-declined"}},
		"answer-with-another-account": {{broken: "copies-account"}},
		"answer-with-another-amount":  {{broken: "copies-amount"}},
		"answer-with-another-product": {{broken: "copies-product"}},
		"status-of-no-order":          {{broken: "absent-is-declined"}, {kind: "none", broken: "absent-is-declined"}},
		"status-of-another-order":     {{broken: "copies-account-on-status"}},
		"status-too-old":              {{kind: "resubmits", broken: "asks-too-late"}},
		"status-send-before":          {{kind: "resubmits", broken: "send-late"}},
		"callback-is-read":            {{broken: "reads-nothing"}},
		"callback-again":              {{broken: "once-only"}},
		"callback-unsigned":           {{broken: "unsigned"}},
		"callback-forged":             {{broken: "forged"}},
		"callback-garbage":            {{broken: "garbage"}},
		"balances-are-told":           {{broken: "balance-of-nothing"}},
		"trace-context":               {{broken: "no-trace"}},
		"nothing-left-behind":         {{broken: "leaves-a-goroutine"}},
		"errors-have-their-type":      {{broken: "untyped", first: "lost-answer"}},
		"no-secrets-in-errors":        {{broken: "loud"}},
	}
}

func TestEachRuleHasAMutant(t *testing.T) {
	t.Parallel()
	known := mutants()
	for _, rule := range Rules() {
		if len(known[rule.Name]) == 0 {
			t.Errorf("no mutant shows that %s can fail", rule.Name)
		}
		if rule.Why == "" || (rule.Applies == nil) != (rule.When == "") {
			t.Errorf("%s doesn't say why, or when", rule.Name)
		}
		delete(known, rule.Name)
	}
	for name := range known {
		t.Errorf("there is no rule %s", name)
	}
}

func TestMutantsMakeTheirRuleRed(t *testing.T) {
	for name, list := range mutants() {
		for _, m := range list {
			t.Run(name+"/"+m.broken+m.kind, func(t *testing.T) {
				if name != "nothing-left-behind" { // which counts the goroutines of the whole process
					t.Parallel()
				}
				if got := verdict(t, m, name, ""); got.Verdict != Held {
					t.Errorf("the correct one: %s %q", got.Verdict, got.Findings)
				}
				got := verdict(t, m, name, m.broken)
				if got.Verdict != Broken {
					t.Errorf("the mutant: %s", got.Verdict)
				}
				t.Logf("%q", got.Findings)
			})
		}
	}
}

// verdict asks one rule of a toy.
func verdict(t *testing.T, m mutant, name, broken string) RuleReport {
	t.Helper()
	kind := m.kind
	if kind == "" {
		kind = "replays"
	}
	h := toyHarness(t, kinds()[kind], broken)
	h.Settle, h.Grace, h.Call = time.Second, time.Second, 5*time.Second
	if broken == "" {
		h.Settle = 10 * time.Second
	}
	if broken == "lost-answer-always" {
		h.Samples[Succeeds] = h.Samples[Pending]
	}
	b, err := open(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.close(); err != nil {
			t.Error(err)
		}
	}()
	if m.first != "" {
		b.ask(t.Context(), ruleOf(t, m.first))
	}
	return b.ask(t.Context(), ruleOf(t, name))
}

func ruleOf(t *testing.T, name string) Rule {
	t.Helper()
	rules := Rules()
	i := slices.IndexFunc(rules, func(r Rule) bool { return r.Name == name })
	if i < 0 {
		t.Fatalf("no rule %s", name)
	}
	return rules[i]
}

func TestTheOracleSeesWhatNoAnswerSays(t *testing.T) {
	t.Parallel()
	h := toyHarness(t, kinds()["none"], "")
	b, err := open(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	cases := map[string]func(context.Context, *Bench){
		"executed once and said to be declined": func(ctx context.Context, b *Bench) {
			answer := b.Pay(ctx, b.plain(Succeeds))
			b.forget(answer.Order.Ref)
			b.record(Answer{Order: answer.Order, Result: core.Result{Outcome: core.Declined}})
		},
		"executed twice and told once": func(ctx context.Context, b *Bench) {
			b.Pay(ctx, b.plain(Succeeds))
			b.forget(b.Pay(ctx, b.plain(Succeeds)).Order.Ref)
		},
		"said to have succeeded and not executed": func(_ context.Context, b *Bench) {
			b.record(Answer{Order: b.plain(Succeeds), Result: core.Result{Outcome: core.Succeeded}})
		},
		"executed for somebody else": func(ctx context.Context, b *Bench) {
			b.forget(b.Pay(ctx, b.plain(Pending)).Order.Ref)
		},
	}
	for name, check := range cases {
		if got := b.run(t.Context(), Rule{Name: name, Check: check}); len(got) == 0 {
			t.Errorf("%s: nothing was found", name)
		}
	}
	if got := b.run(t.Context(), Rule{Check: func(ctx context.Context, b *Bench) { b.Pay(ctx, b.plain(Succeeds)) }}); len(got) > 0 {
		t.Errorf("the truth: %q", got)
	}
}

func TestWhatIsNotNamedIsNotAsked(t *testing.T) {
	t.Parallel()
	h := toyHarness(t, kinds()["none"], "")
	delete(h.Samples, Pending)
	delete(h.Faults, WrongAmount)
	h.Lacks = map[string]string{WrongAmount: "its answers have no amount"}
	b, err := open(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	var report Report
	for name, want := range map[string]Verdict{"pay-pending": NotAsked, "answer-with-another-amount": Lacking, "repeat-replays": NotApplicable, "pay-refused": Held} {
		one := b.ask(t.Context(), ruleOf(t, name))
		report.add(one)
		if one.Verdict != want {
			t.Errorf("%s: %s %q", name, one.Verdict, one.Findings)
		}
	}
	if report.OK || report.Score() != "1 of 2 rules hold (50 %)" {
		t.Error(report.Score())
	}
}

func TestHarnessesAreChecked(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*Harness){
		"no New":             func(h *Harness) { h.New = nil },
		"no settings":        func(h *Harness) { h.Settings = nil },
		"no sample":          func(h *Harness) { h.Samples = nil },
		"unknown sample":     func(h *Harness) { h.Samples["loud"] = Sample{} },
		"unknown fault":      func(h *Harness) { h.Faults["rain"] = []string{"rain"} },
		"lacks what it has":  func(h *Harness) { h.Lacks = map[string]string{Pending: "none"} },
		"lacks without why":  func(h *Harness) { delete(h.Samples, Pending); h.Lacks = map[string]string{Pending: ""} },
		"lacks an unknown":   func(h *Harness) { h.Lacks = map[string]string{"rain": "none"} },
		"sandbox elsewhere":  func(h *Harness) { h.Sandbox = "http://127.0.0.1:1" },
		"sandbox is no URL":  func(h *Harness) { h.Sandbox = "sandbox" },
		"nobody there":       func(h *Harness) { h.Settings = h.at("http://127.0.0.1:1"); h.Sandbox = "http://127.0.0.1:1" },
		"settings are wrong": func(h *Harness) { h.Settings = plus(h.Settings, "rain", `"1"`) },
	} {
		h := toyHarness(t, kinds()["none"], "")
		spoil(&h)
		if _, err := Check(t.Context(), h, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
