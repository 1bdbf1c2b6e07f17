package httpspec

import (
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // providers sign with it
	"crypto/sha1" //nolint:gosec // the same
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones also where the machine has none

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"github.com/jalurhq/jalur/core"
)

// function declares one with a single form. It is called with values as native gives them; where call says false, the expression fails.
func function(name string, args []*cel.Type, result *cel.Type, call func(args []any) (any, bool)) cel.EnvOption {
	bound := cel.FunctionBinding(func(given ...ref.Val) ref.Val {
		values := make([]any, len(given))
		for i, value := range given {
			made, ok := native(value)
			if !ok {
				return types.WrapErr(errType)
			}
			values[i] = made
		}
		made, ok := call(values)
		if !ok {
			return types.WrapErr(errType)
		}
		return types.DefaultTypeAdapter.NativeToValue(made)
	})
	return cel.Function(name, cel.Overload(name+"_own", args, result, bound))
}

func functions() []cel.EnvOption {
	return slices.Concat(readers(), writers(), signing(), dates())
}

// readers are the functions that make something of what providers write.
func readers() []cel.EnvOption {
	one, named := []*cel.Type{cel.DynType}, []*cel.Type{cel.DynType, cel.ListType(cel.StringType)}
	return []cel.EnvOption{
		function("text", one, cel.StringType, func(a []any) (any, bool) { return scalarText(a[0]) }),
		function("id", one, cel.StringType, func(a []any) (any, bool) { return identifier(a[0]) }),
		function("says", one, cel.BoolType, func(a []any) (any, bool) { return says(a[0]), true }),
		function("rupiah", one, cel.StringType, func(a []any) (any, bool) { return rupiah(a[0]), true }),
		function("pick", named, cel.DynType, func(a []any) (any, bool) { return pick(a[0], texts(a[1])) }),
		function("holds_key", named, cel.BoolType, func(a []any) (any, bool) { return holdsKey(a[0], texts(a[1])), true }),
		function("mentions", []*cel.Type{cel.StringType, cel.ListType(cel.StringType)}, cel.BoolType, func(a []any) (any, bool) {
			said, _ := a[0].(string)
			return mentions(words(said), texts(a[1])), true
		}),
		function("money", []*cel.Type{cel.DynType, cel.StringType}, moneyType(), func(a []any) (any, bool) {
			currency, _ := a[1].(string)
			return inCurrency(a[0], currency)
		}),
	}
}

// scalarText gives a string, a number as it is written, or true or false.
func scalarText(value any) (any, bool) {
	switch v := value.(type) {
	case nil:
		return "", true
	case string, int64, number, bool:
		return show(v), true
	default:
		return nil, false
	}
}

// identifier gives the digits or letters by which something is named. Zeros and dashes stand for none, and a JSON number that isn't written out in digits
// has lost some.
func identifier(value any) (any, bool) {
	if n, ok := value.(number); ok && !n.exact() {
		return "", true
	}
	text, ok := textOf(value)
	if strings.Trim(text, "-0") == "" {
		return "", ok
	}
	return text, ok
}

// says reports whether the value tells anything at all, readable or not. Zeros, in whatever form, tell nothing.
func says(value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case map[string]any:
		return len(v) > 0
	case []any:
		return len(v) > 0
	default:
		return strings.Trim(show(v), "-0., ") != ""
	}
}

// pick gives the member that is there under one of the names, or nothing. Two that differ are two answers to one question.
func pick(from any, names []string) (any, bool) {
	object, ok := from.(map[string]any)
	if !ok {
		return nil, false
	}
	var found any
	for _, name := range names {
		value, there := object[name]
		if !there {
			continue
		}
		if found != nil && !same(found, value) {
			return nil, false
		}
		found = value
	}
	return found, true
}

func holdsKey(value any, names []string) bool {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			if slices.Contains(names, key) || holdsKey(inner, names) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(inner any) bool { return holdsKey(inner, names) })
	}
	return false
}

// mentions takes a text as [words] gives it.
func mentions(said string, phrases []string) bool {
	return slices.ContainsFunc(phrases, func(phrase string) bool { return words(phrase) != "" && strings.Contains(said, words(phrase)) })
}

func inCurrency(value any, currency string) (any, bool) {
	text, ok := scalarText(value)
	plain, _ := text.(string)
	if !ok {
		return nil, false
	}
	amount, err := core.ParseMoney(plain, currency)
	return money(amount), err == nil
}

func texts(list any) []string {
	items, _ := list.([]any)
	made := make([]string, 0, len(items))
	for _, item := range items {
		text, _ := item.(string)
		made = append(made, text)
	}
	return made
}

// writers are the functions that write as providers want to read.
func writers() []cel.EnvOption {
	return []cel.EnvOption{
		function("number", []*cel.Type{cel.StringType}, numberType(), func(a []any) (any, bool) {
			text, _ := a[0].(string)
			_, err := core.ParseMoney(text, core.Rupiah)
			return number(text), err == nil
		}),
		function("fixed", []*cel.Type{cel.StringType, cel.IntType}, cel.StringType, func(a []any) (any, bool) {
			text, _ := a[0].(string)
			places, _ := a[1].(int64)
			return fixed(text, places)
		}),
	}
}

// fixed writes a plain decimal with so many digits behind the point. Digits that would be lost are an error.
func fixed(text string, places int64) (any, bool) {
	const most = 9
	amount, err := core.ParseMoney(text, core.Rupiah)
	if err != nil || places < 0 || places > most {
		return nil, false
	}
	whole, fraction, _ := strings.Cut(amount.Normal().Value(), ".")
	if len(fraction) > int(places) {
		return nil, false
	}
	if places == 0 {
		return whole, true
	}
	return whole + "." + fraction + strings.Repeat("0", int(places)-len(fraction)), true
}

// signing are digests and what they are written in, all over strings.
func signing() []cel.EnvOption {
	return append(digests(),
		function("base64", []*cel.Type{cel.StringType}, cel.StringType, func(a []any) (any, bool) {
			plain, _ := a[0].(string)
			return base64.StdEncoding.EncodeToString([]byte(plain)), true
		}),
		function("base64_of_hex", []*cel.Type{cel.StringType}, cel.StringType, func(a []any) (any, bool) {
			digits, _ := a[0].(string)
			raw, err := hex.DecodeString(digits)
			return base64.StdEncoding.EncodeToString(raw), err == nil
		}),
		function("same_secret", []*cel.Type{cel.StringType, cel.StringType}, cel.BoolType, func(a []any) (any, bool) {
			one, _ := a[0].(string)
			other, _ := a[1].(string)
			return one != "" && subtle.ConstantTimeCompare([]byte(one), []byte(other)) == 1, true
		}),
	)
}

// digests are written in hex. Each has a form with a key: hmac_sha256(key, text).
func digests() []cel.EnvOption {
	all := map[string]func() hash.Hash{"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}
	options := make([]cel.EnvOption, 0, 2*len(all))
	for name, digest := range all {
		options = append(options, function(name, []*cel.Type{cel.StringType}, cel.StringType, func(a []any) (any, bool) {
			return sum(digest(), a[0]), true
		}), function("hmac_"+name, []*cel.Type{cel.StringType, cel.StringType}, cel.StringType, func(a []any) (any, bool) {
			key, _ := a[0].(string)
			return sum(hmac.New(digest, []byte(key)), a[1]), true
		}))
	}
	return options
}

func sum(digest hash.Hash, text any) string {
	plain, _ := text.(string)
	_, _ = digest.Write([]byte(plain)) // a digest takes everything
	return hex.EncodeToString(digest.Sum(nil))
}

// dates write and read times by patterns such as "%Y-%m-%d %H:%M:%S", in a zone such as "Asia/Jakarta". What isn't such a time is read as nothing.
func dates() []cel.EnvOption {
	return []cel.EnvOption{
		function("date", []*cel.Type{cel.TimestampType, cel.StringType, cel.StringType}, cel.StringType, func(a []any) (any, bool) {
			at, _ := a[0].(time.Time)
			layout, zone, ok := layoutAndZone(a[1], a[2])
			if !ok {
				return nil, false
			}
			return at.In(zone).Format(layout), true
		}),
		function("read_date", []*cel.Type{cel.DynType, cel.StringType, cel.StringType}, cel.OptionalType(cel.TimestampType), func(a []any) (any, bool) {
			layout, zone, ok := layoutAndZone(a[1], a[2])
			if !ok {
				return nil, false
			}
			text, _ := a[0].(string)
			at, err := time.ParseInLocation(layout, text, zone)
			if err != nil {
				return types.OptionalNone, true
			}
			return types.OptionalOf(types.Timestamp{Time: at}), true
		}),
	}
}

func layoutAndZone(pattern, zone any) (layout string, at *time.Location, ok bool) {
	name, _ := zone.(string)
	layout, _ = pattern.(string)
	at, err := time.LoadLocation(name)
	layout = strings.NewReplacer("%Y", "2006", "%m", "01", "%d", "02", "%H", "15", "%M", "04", "%S", "05", "%z", "-0700").Replace(layout)
	return layout, at, err == nil && !strings.Contains(layout, "%")
}
