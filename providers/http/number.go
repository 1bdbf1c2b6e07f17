package httpspec

import (
	"errors"
	"reflect"
	"strings"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"github.com/jalurhq/jalur/core"
)

var errConversion = errors.New("no such conversion")

// number is a JSON number that is no whole number of 64 bits, as it was written: a fraction, an exponent, or too many digits. It is never made a float.
type number string

func numberType() *types.Type { return types.NewOpaqueType("number") }

// ConvertToNative implements [ref.Val].
func (number) ConvertToNative(reflect.Type) (any, error) { return nil, errConversion }

// ConvertToType implements [ref.Val]. There is string(x), and no double(x).
func (n number) ConvertToType(want ref.Type) ref.Val {
	switch want {
	case types.StringType:
		return types.String(n)
	case types.TypeType:
		return numberType()
	default:
		return types.WrapErr(errConversion)
	}
}

// Equal implements [ref.Val]: two numbers are equal if they are written alike.
func (n number) Equal(other ref.Val) ref.Val { return types.Bool(other == ref.Val(n)) }

// Type implements [ref.Val].
func (number) Type() ref.Type { return numberType() }

// Value implements [ref.Val].
func (n number) Value() any { return string(n) }

// exact reports whether the digits of a number are all written out, as those of an identifier are.
func (n number) exact() bool { return !strings.ContainsAny(string(n), ".eE") }

// money is an amount with a currency of its own.
type money core.Money

func moneyType() *types.Type { return types.NewOpaqueType("money") }

// ConvertToNative implements [ref.Val].
func (money) ConvertToNative(reflect.Type) (any, error) { return nil, errConversion }

// ConvertToType implements [ref.Val].
func (m money) ConvertToType(want ref.Type) ref.Val {
	if want == types.TypeType {
		return moneyType()
	}
	return types.WrapErr(errConversion)
}

// Equal implements [ref.Val].
func (m money) Equal(other ref.Val) ref.Val {
	same, ok := other.(money)
	return types.Bool(ok && core.Money(m).Equal(core.Money(same)))
}

// Type implements [ref.Val].
func (money) Type() ref.Type { return moneyType() }

// Value implements [ref.Val].
func (m money) Value() any { return core.Money(m) }
