package checked

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jalurhq/jalur/core"
)

// Words of a provider are kept up to these lengths, in bytes.
const (
	maxName    = 256
	maxReason  = 1024
	maxDetails = 64 // entries
	maxWindows = 24
)

func trimResult(res core.Result) core.Result {
	res.Reason = words(res.Reason, maxReason)
	res.ProviderCode = words(res.ProviderCode, maxName)
	res.ReceiverName = words(res.ReceiverName, maxName)
	res.Details = details(res.Details)
	return res
}

func trimQuote(q core.Quote) core.Quote {
	q.ReceiverName = words(q.ReceiverName, maxName)
	q.Details = details(q.Details)
	return q
}

// trimProduct keeps of a fee that can't be so only the words, and no stock and no window that can't be.
func trimProduct(p core.Product) core.Product {
	p.Name = words(p.Name, maxName)
	p.Fee.Expr = words(p.Fee.Expr, maxName)
	if !believable(p.Fee) {
		p.Fee = core.Fee{Expr: p.Fee.Expr}
	}
	if p.Stock != nil && *p.Stock < 0 {
		p.Stock = nil
	}
	p.CutOffs = windows(p.CutOffs)
	return p
}

func windows(all []core.DailyWindow) []core.DailyWindow {
	var kept []core.DailyWindow
	for _, w := range all {
		if len(kept) < maxWindows && isClock(w.Start) && isClock(w.End) && len(w.Zone) <= maxName {
			kept = append(kept, w)
		}
	}
	return kept
}

func isClock(s string) bool {
	const form = "15:04"
	_, err := time.Parse(form, s)
	return err == nil && len(s) == len(form)
}

// words drops what could steer a terminal and cuts between two characters.
func words(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "")
}

// details keeps at most maxDetails entries, those of the first names, and none that only we may write.
func details(m map[string]string) map[string]string {
	if m == nil {
		return nil
	}
	kept := make(map[string]string, min(len(m), maxDetails))
	for _, name := range firstNames(m) {
		if name == core.DetailResolvedBy || name == core.DetailNotExecutedBy {
			continue
		}
		kept[words(name, maxName)] = words(m[name], maxReason)
	}
	return kept
}

func firstNames(m map[string]string) []string {
	names := slices.Sorted(maps.Keys(m))
	return names[:min(len(names), maxDetails)]
}
