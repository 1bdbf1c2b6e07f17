package wire

import (
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/jalurhq/jalur/core"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

func money(m core.Money) *pb.Money {
	if !m.Known() {
		return nil
	}
	return &pb.Money{Value: m.Value(), Currency: m.Currency()}
}

func amounts(s core.AmountSpec) *pb.AmountSpec {
	if s == (core.AmountSpec{}) {
		return nil
	}
	return &pb.AmountSpec{Min: money(s.Min), Max: money(s.Max), Step: money(s.Step)}
}

// timestamp leaves out a time that no Timestamp can hold: an answer is worth more than its date.
func timestamp(t time.Time) *timestamppb.Timestamp {
	stamp := timestamppb.New(t)
	if t.IsZero() || !stamp.IsValid() {
		return nil
	}
	return stamp
}

func duration(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

// each turns every element of a list; none give nil, as an absent list reads.
func each[A, B any](all []A, turn func(A) B) []B {
	if len(all) == 0 {
		return nil
	}
	turned := make([]B, len(all))
	for i, one := range all {
		turned[i] = turn(one)
	}
	return turned
}

// text makes words of a provider fit to travel: a message with broken UTF-8 could not be sent, and its outcome would be lost with it.
func text(s string) string { return strings.ToValidUTF8(s, string(utf8.RuneError)) }

func textMap(m map[string]string) map[string]string {
	if m == nil {
		return nil
	}
	clean := make(map[string]string, len(m))
	for name, value := range m {
		clean[text(name)] = text(value)
	}
	return clean
}
