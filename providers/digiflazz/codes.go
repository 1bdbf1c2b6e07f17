package digiflazz

import (
	"slices"

	"github.com/jalurhq/jalur/core"
)

// fate is what a code says of an order.
type fate uint8

// The fates. The zero fate is a code that is not documented.
const (
	undocumented fate = iota
	done
	waiting
	refused
	returned
	retried  // a timeout on the way: refused only if it says so again later
	withheld // it may have happened, here or elsewhere
)

// meaning is a row of the provider's table of codes.
type meaning struct {
	fate fate
	code core.Code
	// formed: the provider made an order of it before it answered so. Without it, the answer to an order that was sent again tells nothing of the first.
	formed bool
}

// meanings is the whole table, by rc.
func meanings() map[string]meaning {
	table := map[string]meaning{
		"00": {done, "", true},
		"03": {waiting, "", true},
		"01": {retried, core.CodeUpstreamTimeout, true},
		"70": {retried, core.CodeUpstreamTimeout, true},
		"47": {withheld, core.CodeDuplicateElsewhere, false},
		"49": {withheld, core.CodeDuplicateRef, false},
		"50": {withheld, core.CodeNotFound, true},
		"74": {returned, core.CodeRefunded, true},
		"99": {withheld, core.CodeInternal, true},
	}
	for rc, code := range formedRefusals() {
		table[rc] = meaning{refused, code, true}
	}
	for rc, code := range unformedRefusals() {
		table[rc] = meaning{refused, code, false}
	}
	return table
}

// formedRefusals are those of an order that there is.
func formedRefusals() map[string]core.Code {
	return map[string]core.Code{
		"02": core.CodeDeclined,
		"51": core.CodeAccountInvalid,
		"52": core.CodeAccountInvalid,
		"53": core.CodeProductDown,
		"54": core.CodeAccountInvalid,
		"55": core.CodeProductDown,
		"57": core.CodeAccountInvalid,
		"58": core.CodeCutOff,
		"59": core.CodeAccountInvalid,
		"60": core.CodeBillUnavailable,
		"71": core.CodeProductDown,
		"72": core.CodeDeclined,
		"73": core.CodeDeclined,
		"84": core.CodeAmountInvalid,
	}
}

// unformedRefusals are those of a request. The two of rates stand here although the provider says that it forms an order: they are about how often it was
// asked, so that they tell nothing of an order that was sent before.
func unformedRefusals() map[string]core.Code {
	return map[string]core.Code{
		"40": core.CodeBadRequest,
		"41": core.CodeAuth,
		"42": core.CodeAuth,
		"43": core.CodeProductUnknown,
		"44": core.CodeDepositEmpty,
		"45": core.CodeIPNotAllowed,
		"56": core.CodeProductDown,
		"61": core.CodeDepositEmpty,
		"62": core.CodeProductDown,
		"63": core.CodeRepeatTooSoon,
		"64": core.CodeDeclined,
		"65": core.CodeRepeatTooSoon,
		"66": core.CodeCutOff,
		"67": core.CodeProductDown,
		"68": core.CodeOutOfStock,
		"69": core.CodePriceAboveLimit,
		"80": core.CodeAccountSuspended,
		"81": core.CodeAccountSuspended,
		"82": core.CodeAccountSuspended,
		"83": core.CodeRateLimited,
		"85": core.CodeRateLimited,
		"86": core.CodeRateLimited,
		"87": core.CodeAmountInvalid,
		"88": core.CodeAccountSuspended,
	}
}

// fateOf gives what an order's refusal under a class means.
func fateOf(code core.Code) fate {
	switch code {
	case core.CodeUpstreamTimeout:
		return retried
	case core.CodeInternal, core.CodeNotFound, core.CodeDuplicateRef, core.CodeDuplicateElsewhere:
		return withheld
	case core.CodeRefunded, core.CodeTransportNotSent, core.CodeTransportAfterSend:
		return undocumented
	default:
		return refused
	}
}

// stricter lists the classes that an operator may give to a code in place of ours: those under which an order is not called refused, and those that send it to
// no other provider where ours didn't.
func stricter(was meaning) []core.Code {
	if was.fate != refused {
		return nil
	}
	return slices.DeleteFunc(core.Codes(), func(code core.Code) bool {
		looser := code.AnotherProviderMayDiffer() && !was.code.AnotherProviderMayDiffer()
		return fateOf(code) == undocumented || looser
	})
}

// tableWith gives the table with an operator's own classes, which are checked.
func tableWith(own map[string]core.Code) map[string]meaning {
	table := meanings()
	for rc, code := range own {
		table[rc] = meaning{fateOf(code), code, table[rc].formed}
	}
	return table
}
