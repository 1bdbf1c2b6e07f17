package providertest

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/jalurhq/jalur/core"
)

// wayRules are about what happens between the provider's code and the provider.
func wayRules() []Rule {
	return []Rule{{
		Name:  "refused-connection",
		Why:   "only what provably never left may be given to somebody else, and that must then be said",
		Check: checkRefusedConnection,
	}, {
		Name: "lost-answer",
		Why:  "an order whose answer was lost was executed: called declined it is paid twice, called not sent as well",
		Check: func(ctx context.Context, b *Bench) {
			b.onTheWay(ctx, "its answer was lost", newAccident(cut))
			b.bySandbox(ctx, LostAfter)
		},
	}, {
		Name:  "lost-request",
		Why:   "once a byte has left, nobody here knows whether it was executed",
		Check: checkLostRequest,
	}, {
		Name: "no-answer-in-time",
		Why:  "a caller that waits for ever holds the payment; one that gives up doesn't know what became of it",
		Check: func(ctx context.Context, b *Bench) {
			short, cancel := context.WithTimeout(ctx, b.Harness.Deadline)
			defer cancel()
			b.cutShort(ctx, short, newAccident(silence))
		},
	}, {
		Name: "cancelled-while-paying",
		Why:  "a caller that goes away takes nothing back: the order is asked for later",
		Check: func(ctx context.Context, b *Bench) {
			short, cancel := context.WithCancel(ctx)
			defer cancel()
			accident := newAccident(silence)
			go func() {
				select {
				case <-accident.happened:
				case <-short.Done():
				}
				cancel()
			}()
			b.cutShort(ctx, short, accident)
		},
	}, {
		Name: "truncated-answer",
		Why:  "half an answer is none, whatever could be read of it",
		Check: func(ctx context.Context, b *Bench) {
			b.onTheWay(ctx, "its answer was cut in half", newAccident(half))
			b.onTheWay(ctx, "the connection ended in the middle of its answer", newAccident(broken))
			b.bySandbox(ctx, Unreadable)
		},
	}, {
		Name: "empty-answer",
		Why:  "an answer without a word says nothing about the money",
		Check: func(ctx context.Context, b *Bench) {
			b.onTheWay(ctx, "its answer was empty", newAccident(empty))
			for _, nothing := range []string{"{}", "[]", "null", `""`} {
				b.onTheWay(ctx, "its answer was "+nothing, newAccident(instead(nothing)))
			}
		},
	}, {
		Name: "page-for-an-answer",
		Why:  "a proxy's error page comes from somebody who doesn't know what the provider did",
		Check: func(ctx context.Context, b *Bench) {
			for _, status := range []int{http.StatusOK, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusForbidden} {
				b.onTheWay(ctx, "a page with the status "+http.StatusText(status)+" came for its answer", newAccident(page(status)))
			}
		},
	}, {
		Name: "answer-with-another-status",
		Why:  "what a provider says of an order stands in its answer: an HTTP status beside it is a proxy's, or a bug's",
		Check: func(ctx context.Context, b *Bench) {
			for _, status := range []int{http.StatusBadRequest, http.StatusNotFound, http.StatusInternalServerError} {
				b.onTheWay(ctx, "its answer came with the status "+http.StatusText(status), newAccident(under(status)))
			}
		},
	}, {
		Name:  "answer-with-more-fields",
		Why:   "providers add fields without a word; who stumbles over one leaves every order of that day unresolved",
		Check: checkMoreFields,
	}, {
		Name: "redirected",
		Why:  "who follows a redirect orders twice",
		Check: func(ctx context.Context, b *Bench) {
			b.onTheWay(ctx, "its answer was a redirect", newAccident(again))
		},
	}}
}

// checkRefusedConnection has the provider talk to an address where nobody is any more.
func checkRefusedConnection(ctx context.Context, b *Bench) {
	order, ok := b.Order(ctx, Succeeds)
	if !ok {
		return
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		b.Failf("no address could be had: %v", err)
		return
	}
	nobody := "http://" + listener.Addr().String()
	if err := listener.Close(); err != nil {
		b.Failf("%v", err)
		return
	}
	err = b.with(ctx, b.Harness.at(nobody), func(other core.Set) {
		if answer := b.PayAt(ctx, other, order); answer.Outcome() != core.NotSent {
			b.Failf("where nobody listens the order ended as %s, and should be not_sent", answer)
		}
	})
	if err != nil {
		b.Failf("a provider could not be made for an address where nobody listens: %v", err)
	}
}

// checkMoreFields wants an order to end as ever, with fields in its answer that nobody knows.
func checkMoreFields(ctx context.Context, b *Bench) {
	order, ok := b.Order(ctx, Succeeds)
	if !ok {
		return
	}
	a := newAccident(richer)
	b.line.set(a)
	answer := b.Pay(ctx, order)
	b.line.set(nil)
	switch {
	case !a.has():
		b.Failf("%v (%s)", errNotSeen, answer)
	case answer.Err != nil:
		b.Failf("with a field in it that nobody documents, the answer to an order ended as %s", answer)
	}
}

// onTheWay makes an order to which an accident happens after it was executed.
func (b *Bench) onTheWay(ctx context.Context, what string, a *accident) {
	order, ok := b.Order(ctx, Succeeds)
	if !ok {
		return
	}
	b.line.set(a)
	answer := b.Pay(ctx, order)
	b.line.set(nil)
	if !a.has() {
		b.Failf("no request of the order made the sandbox's ledger grow before it was answered (%s)", answer)
		return
	}
	b.doubtful(ctx, what, answer)
}

// bySandbox makes an order to which the sandbox's own faults of a kind happen.
func (b *Bench) bySandbox(ctx context.Context, kind string) {
	for _, name := range b.Harness.Faults[kind] {
		before, _ := b.executed(ctx) // where the ledger can't be read, the audit says so
		answer, ok := b.faulty(ctx, name)
		after, _ := b.executed(ctx)
		switch {
		case ok && len(after) == len(before):
			b.Failf("the sandbox played %s and executed nothing: it is no fault of the kind %s (%s)", name, kind, answer)
		case ok:
			b.doubtful(ctx, "the sandbox played "+name, answer)
		}
	}
}

// faulty makes an order while the sandbox plays a fault.
func (b *Bench) faulty(ctx context.Context, name string) (Answer, bool) {
	order, ok := b.Order(ctx, Succeeds)
	if !ok {
		return Answer{}, false
	}
	if err := b.sandbox.fault(ctx, name, 1); err != nil {
		b.Failf("%v", err)
		return Answer{}, false
	}
	short, cancel := context.WithTimeout(ctx, b.Harness.Deadline)
	defer cancel()
	answer := b.Pay(short, order)
	if err := b.sandbox.fault(ctx, name, 0); err != nil {
		b.Failf("%v", err)
	}
	return answer, true
}

// doubtful judges what was answered about an order that was executed and whose answer didn't arrive, and asks for it.
func (b *Bench) doubtful(ctx context.Context, what string, answer Answer) {
	if answer.Outcome().NothingMoved() {
		b.Failf("an order was executed, %s, and it ended as %s", what, answer)
		return
	}
	b.resolves(ctx, what, answer)
}

// resolves asks for an order that was executed. Where the descriptor promises that it can be asked for it must be found, and elsewhere nothing may be claimed.
func (b *Bench) resolves(ctx context.Context, what string, answer Answer) {
	if !b.CanAsk(answer) {
		if asked := b.Status(ctx, answer); asked.Err == nil {
			b.Failf("an order was executed, %s; nobody has its invoice, and Status says %s of it", what, asked)
		}
		return
	}
	if asked := b.Settled(ctx, answer); asked.Outcome() != core.Succeeded {
		b.Failf("an order was executed, %s; asked for, it was %s", what, asked)
	}
}

func (b *Bench) cutShort(ctx, short context.Context, a *accident) {
	order, ok := b.Order(ctx, Succeeds)
	if !ok {
		return
	}
	b.line.set(a)
	answer := b.Pay(short, order)
	b.line.set(nil)
	switch {
	case !a.has():
		b.Failf("no request of the order made the sandbox's ledger grow in time (%s)", answer)
		return
	case answer.Err == nil || answer.Outcome() != core.Unknown:
		b.Failf("the call ended before an answer came, and said %s", answer)
		return
	}
	b.resolves(ctx, "and its caller went away", answer)
}

var errNotSeen = errors.New("no request of an order made the sandbox's ledger grow before it was answered")

// checkLostRequest learns first which request executes an order.
func checkLostRequest(ctx context.Context, b *Bench) {
	first := newAccident(deliver)
	order, ok := b.Order(ctx, Succeeds)
	if !ok {
		return
	}
	b.line.set(first)
	answer := b.Pay(ctx, order)
	if b.line.set(nil); !first.has() {
		b.Failf("%v (%s)", errNotSeen, answer)
		return
	}
	if order, ok = b.Order(ctx, Succeeds); !ok {
		return
	}
	lost := newAccident(cut)
	lost.before = true
	b.line.set(lost)
	answer = b.Pay(ctx, order)
	b.line.set(nil)
	b.unproven(answer, "a request was lost after it had left")
	for _, name := range b.Harness.Faults[LostBefore] {
		if answer, ok := b.faulty(ctx, name); ok {
			b.unproven(answer, "the sandbox played "+name)
		}
	}
}

// unproven wants nothing to be claimed of an order that was not executed, except that it isn't known, or the truth as a repetition found it.
func (b *Bench) unproven(answer Answer, what string) {
	if outcome := answer.Outcome(); outcome.NothingMoved() {
		b.Failf("%s, and the order ended as %s, which nobody can know", what, answer)
	}
}

// doubtRules are about answers that can be read and must not be believed.
func doubtRules() []Rule {
	rules := append(make([]Rule, 0, len(faults())), Rule{
		Name: "unknown-status-word", Needs: []string{UnknownStatus},
		Why: "a word that a provider invents next year is no end of an order, in neither direction",
		Check: func(ctx context.Context, b *Bench) {
			for _, name := range b.Harness.Faults[UnknownStatus] {
				answer, ok := b.faulty(ctx, name)
				if outcome := answer.Outcome(); ok && outcome != core.Pending && outcome != core.Unknown {
					b.Failf("the sandbox played %s, and the order ended as %s", name, answer)
				}
			}
		},
	})
	for _, other := range []struct{ name, fault, what string }{
		{"answer-with-another-account", WrongAccount, "account"},
		{"answer-with-another-amount", WrongAmount, "amount"},
		{"answer-with-another-product", WrongProduct, "product"},
	} {
		rule := Rule{
			Name: other.name, Needs: []string{other.fault},
			Why:   "an answer about somebody else's order shows by its " + other.what + ", unless that was copied from the request",
			Check: func(ctx context.Context, b *Bench) { b.believesNot(ctx, other.fault, other.what) },
		}
		if other.fault == WrongAmount {
			rule.When, rule.Applies = "providers whose products take an amount", promises(func(d core.Descriptor) bool { return !d.AmountInProduct })
		}
		rules = append(rules, rule)
	}
	return rules
}

func (b *Bench) believesNot(ctx context.Context, fault, what string) {
	for _, name := range b.Harness.Faults[fault] {
		answer, ok := b.faulty(ctx, name)
		if ok && (answer.Err == nil || answer.Outcome() != core.Unknown) {
			b.Failf("the sandbox answered with another %s (%s), and the order ended as %s", what, name, answer)
		}
	}
}
