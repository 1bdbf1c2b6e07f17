package wire_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/internal/wire"
)

// filler gives every field of a value something of its own, so that one that is lost on the way, or swapped with another, shows.
type filler struct{ n int64 }

func (f *filler) fill(t *testing.T, v reflect.Value) {
	t.Helper()
	f.n++
	switch v.Interface().(type) {
	case core.Money:
		v.Set(reflect.ValueOf(core.IDR(f.n)))
		return
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(f.n, 0).UTC()))
		return
	case core.RefMode:
		v.Set(reflect.ValueOf(core.RefRejectDuplicate))
		return
	case core.StatusBy:
		v.Set(reflect.ValueOf(core.ByInvoice | core.ByRef))
		return
	case core.Outcome:
		v.Set(reflect.ValueOf(core.Refunded))
		return
	case core.Code:
		v.Set(reflect.ValueOf(core.CodeCutOff))
		return
	}
	f.fillKind(t, v)
}

func (f *filler) fillKind(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d", f.n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(f.n)
	case reflect.Uint8:
		v.SetUint(uint64(f.n))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(t, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		f.fill(t, v.Index(0))
		f.fill(t, v.Index(1))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(t, key)
		f.fill(t, value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for _, field := range v.Fields() {
			f.fill(t, field)
		}
	default:
		t.Fatalf("nothing to fill a %s with", v.Type())
	}
}

// crosses holds what comes out of the bytes of a message against what was put in, with every field set and with none.
func crosses[V any, M proto.Message](t *testing.T, to func(V) (M, error), from func(M) (V, error)) {
	t.Helper()
	var full, empty V
	(&filler{}).fill(t, reflect.ValueOf(&full).Elem())
	for _, sent := range []V{full, empty} {
		message, err := to(sent)
		if err != nil {
			t.Fatal(err)
		}
		data, err := proto.Marshal(message)
		if err != nil {
			t.Fatal(err)
		}
		read := message.ProtoReflect().New().Interface().(M)
		if err := proto.Unmarshal(data, read); err != nil {
			t.Fatal(err)
		}
		if got, err := from(read); err != nil || !reflect.DeepEqual(got, sent) {
			t.Errorf("%T\n got %+v, %v\nwant %+v", sent, got, err, sent)
		}
	}
}

func sure[A, B any](f func(A) B) func(A) (B, error) {
	return func(a A) (B, error) { return f(a), nil }
}

func TestEveryFieldCrossesTheWire(t *testing.T) {
	t.Parallel()
	crosses(t, sure(wire.Description), wire.DescriptionFrom)
	crosses(t, sure(wire.ProductPage), wire.ProductPageFrom)
	crosses(t, sure(wire.Quote), wire.QuoteFrom)
	crosses(t, sure(wire.Result), wire.ResultFrom)
	crosses(t, sure(wire.BalanceSheet), wire.BalancesFrom)
	crosses(t, sure(wire.Callback), sure(wire.CallbackFrom))
	crosses(t, wire.ListProductsRequest, sure(wire.ListProductsRequestFrom))
	crosses(t, wire.InquireRequest, wire.InquireRequestFrom)
	crosses(t, wire.Order, wire.OrderFrom)
	crosses(t, wire.StatusRequest, wire.StatusRequestFrom)
	crosses(t, wire.ReadCallbackRequest, sure(wire.ReadCallbackRequestFrom))
}
