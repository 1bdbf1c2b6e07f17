package wire

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/jalurhq/jalur/core"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

// ErrUnreadable is in the chain of every failure to read a message.
var ErrUnreadable = errors.New("the message can't be read")

// reader reads the parts of one message that can be wrong and remembers the first that was.
type reader struct{ err error }

func (r *reader) fail(field string, cause error) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %w: %w", field, ErrUnreadable, cause)
	}
}

// money reads an amount. The text of a bad one is not repeated: it could hold anything.
func (r *reader) money(field string, m *pb.Money) core.Money {
	if m.GetValue() == "" && m.GetCurrency() == "" {
		return core.Money{}
	}
	amount, err := core.ParseMoney(m.GetValue(), m.GetCurrency())
	if err != nil {
		r.fail(field, core.ErrMoneySyntax)
	}
	return amount
}

func (r *reader) time(field string, t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	if err := t.CheckValid(); err != nil {
		r.fail(field, err)
		return time.Time{}
	}
	return t.AsTime()
}

func (r *reader) duration(field string, d *durationpb.Duration) time.Duration {
	if d == nil {
		return 0
	}
	if err := d.CheckValid(); err != nil {
		r.fail(field, err)
		return 0
	}
	return d.AsDuration()
}

func (r *reader) amounts(field string, s *pb.AmountSpec) core.AmountSpec {
	return core.AmountSpec{
		Min:  r.money(field+".min", s.GetMin()),
		Max:  r.money(field+".max", s.GetMax()),
		Step: r.money(field+".step", s.GetStep()),
	}
}
