package providertest

import "fmt"

// Verdict is how a rule ended.
type Verdict string

// The verdicts. Broken and NotAsked make a report fail.
const (
	Held          Verdict = "held"
	Broken        Verdict = "broken"
	NotAsked      Verdict = "not asked"     // it applies, and the harness doesn't name what it needs
	Lacking       Verdict = "lacking"       // it applies, and the harness says why it can't be asked
	NotApplicable Verdict = "doesn't apply" // the provider promises nothing that it is about
)

// RuleReport is what was seen of one rule.
type RuleReport struct {
	Rule     string   `json:"rule"`
	Why      string   `json:"why"`
	Verdict  Verdict  `json:"verdict"`
	Findings []string `json:"findings,omitempty"` // what was seen, or what is missing
}

// Report is what was seen of a provider.
type Report struct {
	Provider string       `json:"provider"`
	Version  string       `json:"version"`
	Held     int          `json:"held"`
	Asked    int          `json:"asked"` // rules that apply and are not lacking
	OK       bool         `json:"ok"`    // all of them hold
	Rules    []RuleReport `json:"rules"`
}

func (r *Report) add(one RuleReport) {
	r.Rules = append(r.Rules, one)
	switch one.Verdict {
	case Held:
		r.Held++
		r.Asked++
	case Broken, NotAsked:
		r.Asked++
	case Lacking, NotApplicable:
	}
	r.OK = r.Asked > 0 && r.Held == r.Asked
}

// Score gives "31 of 33 rules hold (93 %)".
func (r Report) Score() string {
	const whole = 100
	return fmt.Sprintf("%d of %d rules hold (%d %%)", r.Held, r.Asked, r.Held*whole/max(r.Asked, 1))
}
