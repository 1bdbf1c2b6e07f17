package httpspec

import (
	"regexp"
	"slices"
	"strings"

	"github.com/jalurhq/jalur/core"
)

const reasonsKey = specKey + ".reasons"

// rule gives a code to what a provider says when it refuses.
type rule struct {
	is      []string   // codes of the provider's
	all     [][]string // phrases as [words] gives them: one of each entry must stand in the words
	regex   *regexp.Regexp
	code    core.Code
	refusal bool // it says that nothing moved
}

// reasonTable has the rules in their order: the first that holds decides.
type reasonTable struct {
	rules    []rule
	unlisted core.Code // CodeDeclined, or "" where nobody knows what an unlisted reason means
}

func (s reasonsSpec) table() (reasonTable, error) {
	var table reasonTable
	switch s.Unlisted {
	case "", "unknown":
	case "declined":
		table.unlisted = core.CodeDeclined
	default:
		return table, &core.SettingError{Key: reasonsKey + ".unlisted", Rule: "must be unknown or declined"}
	}
	for i, given := range s.Rules {
		made, err := given.rule(at(reasonsKey+".rules", i))
		if err != nil {
			return table, err
		}
		table.rules = append(table.rules, made)
	}
	return table, nil
}

func (s ruleSpec) rule(key string) (rule, error) {
	made := rule{code: core.Code(s.Code)}
	var err error
	if made.is, err = codes(key+".is", s.Is); err != nil {
		return made, err
	}
	if made.all, err = phrases(key+".words", s.Words); err != nil {
		return made, err
	}
	if s.Regex != "" {
		if made.regex, err = regexp.Compile(s.Regex); err != nil {
			return made, &core.SettingError{Key: key + ".regex", Rule: "must be a regular expression"}
		}
	}
	if made.ways() != 1 {
		return made, &core.SettingError{Key: key, Rule: "must have one of is, words and regex"}
	}
	if !made.code.Valid() {
		return made, &core.SettingError{Key: key + ".code", Rule: "must be one of " + joinCodes(core.Codes())}
	}
	made.refusal = mayDecline(made.code)
	if s.Refusal != nil {
		if *s.Refusal && !made.refusal {
			return made, &core.SettingError{Key: key + ".refusal", Rule: "can't be true: under this code it isn't certain that nothing moved"}
		}
		made.refusal = *s.Refusal
	}
	return made, nil
}

func (r rule) ways() int {
	n := 0
	for _, has := range []bool{len(r.is) > 0, len(r.all) > 0, r.regex != nil} {
		if has {
			n++
		}
	}
	return n
}

func codes(key string, given any) ([]string, error) {
	var made []string
	for _, item := range asList(given) {
		text, ok := textOf(item)
		if !ok || text == "" {
			return nil, &core.SettingError{Key: key, Rule: "must be a code of the provider's, or a list of them"}
		}
		made = append(made, text)
	}
	return made, nil
}

func phrases(key string, given any) ([][]string, error) {
	var made [][]string
	for _, entry := range asList(given) {
		var alternatives []string
		for _, item := range asList(entry) {
			text, _ := item.(string)
			if words(text) == "" {
				return nil, &core.SettingError{Key: key, Rule: "must be phrases, or lists of phrases, with at least one word in each"}
			}
			alternatives = append(alternatives, text)
		}
		made = append(made, alternatives)
	}
	return made, nil
}

// asList takes a single value for a list of one, and nothing for none.
func asList(given any) []any {
	if list, ok := given.([]any); ok {
		return list
	}
	if given == nil {
		return nil
	}
	return []any{given}
}

func (r rule) holds(code, said string) bool {
	if r.regex != nil {
		return r.regex.MatchString(said)
	}
	if len(r.is) > 0 {
		return slices.Contains(r.is, code)
	}
	found := words(said)
	return !slices.ContainsFunc(r.all, func(alternatives []string) bool { return !mentions(found, alternatives) })
}

// find gives the first rule that holds.
func (t reasonTable) find(code, said string) (rule, bool) {
	for _, known := range t.rules {
		if known.holds(code, said) {
			return known, true
		}
	}
	return rule{}, false
}

// refuses reports whether the table lists the reason as one under which nothing moved.
func (t reasonTable) refuses(code, said string) bool {
	return slices.ContainsFunc(t.rules, func(known rule) bool { return known.refusal && known.holds(code, said) })
}

// mayDecline reports whether nothing moved under a code, where a provider refuses with it.
func mayDecline(code core.Code) bool {
	switch code {
	case core.CodeInternal, core.CodeNotFound, core.CodeRefunded, core.CodeDuplicateRef, core.CodeDuplicateElsewhere,
		core.CodeUpstreamTimeout, core.CodeTransportNotSent, core.CodeTransportAfterSend:
		return false
	default:
		return code.Valid()
	}
}

func joinCodes(list []core.Code) string {
	names := make([]string, 0, len(list))
	for _, code := range list {
		names = append(names, string(code))
	}
	return strings.Join(names, ", ")
}
