package payments_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/payments"
)

// asked is one call of a history: a submit of an amount under a key, or with the amount 0 a read of the key.
type asked struct {
	key    string
	amount int64
}

// told is what came back: the payment, or that there is none, or that the key stands for something else.
type told struct {
	id       core.PaymentID
	replayed bool
	reused   bool
}

// register is what a key stands for. The zero register: nothing yet.
type register struct {
	id     core.PaymentID
	amount int64
}

// keys is the model: each key is a register that is written once.
func keys() porcupine.Model {
	return porcupine.Model{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			byKey := map[string][]porcupine.Operation{}
			for _, op := range history {
				key := op.Input.(asked).key
				byKey[key] = append(byKey[key], op)
			}
			var parts [][]porcupine.Operation
			for _, part := range byKey {
				parts = append(parts, part)
			}
			return parts
		},
		Init: func() any { return register{} },
		Step: func(state, input, output any) (bool, any) {
			return step(state.(register), input.(asked), output.(told))
		},
	}
}

func step(r register, in asked, out told) (bool, register) {
	switch {
	case in.amount == 0:
		return out.id == r.id, r
	case r.id == "":
		return out.id != "" && !out.replayed && !out.reused, register{out.id, in.amount}
	case in.amount != r.amount:
		return out.reused, r
	default:
		return out.id == r.id && out.replayed, r
	}
}

func call(t *testing.T, s *payments.Service, in asked) told {
	t.Helper()
	if in.amount == 0 {
		p, err := s.PaymentByKey(t.Context(), "toko", core.Key(in.key))
		if err != nil && !errors.Is(err, journal.ErrNotFound) {
			t.Error(err)
		}
		return told{id: p.ID}
	}
	o := order(in.key)
	o.Amount = core.IDR(in.amount)
	answer, err := s.Pay(t.Context(), o)
	if refusal, ok := errors.AsType[*payments.Refusal](err); ok && refusal.Code == payments.CodeKeyReused {
		return told{reused: true}
	}
	if err != nil {
		t.Error(err)
	}
	return told{answer.Payment.ID, answer.Replayed, false}
}

// history has clients call side by side.
func history(t *testing.T, s *payments.Service, round int) []porcupine.Operation {
	t.Helper()
	const clients, calls, keys = 8, 50, 25
	begin := time.Now()
	all := make([][]porcupine.Operation, clients)
	var working sync.WaitGroup
	for c := range clients {
		random := rand.New(rand.NewPCG(uint64(round), uint64(c)))
		working.Go(func() {
			for range calls {
				in := asked{fmt.Sprintf("%d-%d", round, random.IntN(keys)), 100000 + int64(random.IntN(2))}
				if random.IntN(2) == 0 {
					in.amount = 0
				}
				op := porcupine.Operation{ClientId: c, Input: in, Call: time.Since(begin).Nanoseconds()}
				op.Output = call(t, s, in)
				op.Return = time.Since(begin).Nanoseconds()
				all[c] = append(all[c], op)
			}
		})
	}
	working.Wait()
	var together []porcupine.Operation
	for _, ops := range all {
		together = append(together, ops...)
	}
	return together
}

func TestSubmitAndGetAreLinearizable(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newFake("one")
	s := r.service(p)
	for round := range 5 {
		if got := porcupine.CheckOperationsTimeout(keys(), history(t, s, round), 10*time.Second); got != porcupine.Ok {
			t.Errorf("history %d: %s", round, got)
		}
	}
	sent := map[string]bool{}
	for _, req := range p.pays {
		if sent[req.Ref] {
			t.Errorf("%s was sent twice", req.Ref)
		}
		sent[req.Ref] = true
	}
	t.Logf("5 histories, %d payments", len(sent))
}

// The model must be able to say no.
func TestHistoriesThatNoJournalMayHave(t *testing.T) {
	t.Parallel()
	op := func(call, end int64, in asked, out told) porcupine.Operation {
		return porcupine.Operation{Input: in, Output: out, Call: call, Return: end}
	}
	for name, ops := range map[string][]porcupine.Operation{
		"a key made twice":           {op(0, 9, asked{"k", 1}, told{id: "A"}), op(1, 8, asked{"k", 1}, told{id: "B"})},
		"lost after acknowledgement": {op(0, 1, asked{"k", 1}, told{id: "A"}), op(2, 3, asked{"k", 0}, told{})},
		"seen and gone":              {op(0, 9, asked{"k", 1}, told{id: "A"}), op(1, 2, asked{"k", 0}, told{id: "A"}), op(3, 4, asked{"k", 0}, told{})},
		"other content taken":        {op(0, 1, asked{"k", 1}, told{id: "A"}), op(2, 3, asked{"k", 2}, told{id: "A", replayed: true})},
	} {
		if porcupine.CheckOperations(keys(), ops) {
			t.Errorf("%s is taken for linearizable", name)
		}
	}
}
