package providertest

import (
	"bytes"
	"context"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode"

	"go.opentelemetry.io/otel/trace"

	"github.com/jalurhq/jalur/core"
)

func statusRules() []Rule {
	resubmits := promises(func(d core.Descriptor) bool { return d.StatusResubmits })
	const whenResubmits = "providers that are asked by sending the order again"
	return []Rule{{
		Name: "status-of-no-order",
		Why:  "an order that can't be found may still be on its way; called declined, it would be paid elsewhere",
		When: "providers that can be asked without ordering", Applies: promises(func(d core.Descriptor) bool { return !d.StatusResubmits }),
		Check: func(ctx context.Context, b *Bench) {
			req := core.StatusRequest{Original: b.plain(Succeeds), FirstSentAt: time.Now()}
			if !b.Descriptor.StatusBy.Has(core.ByRef) {
				req.Invoice = "999999999999"
			}
			answer := b.question(ctx, b.Set, req)
			if answer.Err == nil || core.CodeOf(answer.Err) != core.CodeNotFound {
				b.Failf("asked for an order that there never was, it said %s, and should give an error with the code %s", answer, core.CodeNotFound)
			}
		},
	}, {
		Name: "status-of-another-order",
		Why:  "an invoice that belongs to somebody else's order would end this one",
		When: "providers that are asked by invoice", Applies: promises(func(d core.Descriptor) bool { return d.StatusBy.Has(core.ByInvoice) && !d.StatusResubmits }),
		Check: func(ctx context.Context, b *Bench) {
			answer, ok := b.paid(ctx, Succeeds)
			if !ok || answer.Result.Invoice == "" {
				return
			}
			other := b.plain(Succeeds)
			other.Account = neighbour(other.Account)
			asked := b.question(ctx, b.Set, core.StatusRequest{Invoice: answer.Result.Invoice, Original: other, FirstSentAt: time.Now()})
			if asked.Err == nil {
				b.Failf("asked by the invoice of one order for another one, it said %s", asked)
			}
		},
	}, {
		Name: "status-too-old", When: whenResubmits + ", up to some age", Applies: func(b *Bench) bool { return resubmits(b) && b.Descriptor.StatusMaxAge > 0 },
		Why: "after that age the provider has forgotten the order, and asking for it books a new sale",
		Check: func(ctx context.Context, b *Bench) {
			const day = 24 * time.Hour
			order := b.plain(Succeeds)
			answer := b.question(ctx, b.Set, core.StatusRequest{Original: order, FirstSentAt: time.Now().Add(-b.Descriptor.StatusMaxAge - day)})
			if answer.Err == nil {
				b.Failf("asked for an order that is too old, it said %s", answer)
			}
			b.nothingExecuted(ctx, "asking for an order that is too old")
		},
	}, {
		Name: "status-send-before", When: whenResubmits, Applies: resubmits,
		Why: "asking sends the order: after its time no byte of it may leave",
		Check: func(ctx context.Context, b *Bench) {
			order := b.plain(Succeeds)
			order.SendBefore = 1
			answer := b.question(ctx, b.Set, core.StatusRequest{Original: order, FirstSentAt: time.Now()})
			if answer.Err == nil {
				b.Failf("asked after SendBefore, it said %s", answer)
			}
			b.nothingExecuted(ctx, "asking after SendBefore")
		},
	}}
}

func (b *Bench) nothingExecuted(ctx context.Context, what string) {
	if executed, err := b.executed(ctx); err == nil && len(executed) > 0 {
		b.Failf("%s executed an order", what)
	}
}

// neighbour changes the last digit or letter.
func neighbour(account core.AccountNumber) core.AccountNumber {
	if account == "" {
		return "1"
	}
	last := byte('1')
	if account[len(account)-1] == last {
		last = '2'
	}
	return account[:len(account)-1] + core.AccountNumber(last)
}

func callbackRules() []Rule {
	sends := promises(func(d core.Descriptor) bool { return d.SendsCallbacks })
	signs := func(b *Bench) bool { return sends(b) && (b.Harness.Callback == nil || !b.Harness.Callback.Unsigned) }
	const when, whenSigned = "providers that send callbacks", "providers that sign their callbacks"
	need := []string{SignedCallback}
	return []Rule{{
		Name: "callback-is-read", When: when, Applies: sends, Needs: need,
		Why: "a callback that names no order only costs time",
		Check: func(ctx context.Context, b *Bench) {
			want := b.Harness.Callback.Order
			got, err := b.callback(ctx, b.Harness.Callback.Request)
			if err != nil || !slices.Contains(got.Orders, want) {
				b.Failf("the callback was read as being about %d orders, and not about the one that it names (%v)", len(got.Orders), err)
			}
		},
	}, {
		Name: "callback-again", When: when, Applies: sends, Needs: need,
		Why:   "callbacks come twice, late and in any order: what is read must not depend on what was read before",
		Check: checkCallbackAgain,
	}, {
		Name: "callback-unsigned", When: whenSigned, Applies: signs, Needs: need,
		Why: "anybody can send a request",
		Check: func(ctx context.Context, b *Bench) {
			req := b.Harness.Callback.Request
			req.Header, req.Query = onlyType(req.Header, ""), ""
			if len(req.Header) < len(b.Harness.Callback.Request.Header) || b.Harness.Callback.Request.Query != "" {
				b.refuses(ctx, req, "without its signature")
			}
		},
	}, {
		Name: "callback-forged", When: whenSigned, Applies: signs, Needs: need,
		Why: "a signature that holds for another body, or a body that holds for another signature, is somebody else's work",
		Check: func(ctx context.Context, b *Bench) {
			req := b.Harness.Callback.Request
			req.Body = changed(req.Body)
			b.refuses(ctx, req, "with another body under its signature")
			req = b.Harness.Callback.Request
			if req.Header = onlyType(req.Header, "0"); len(req.Header) > 0 {
				b.refuses(ctx, req, "with a false signature")
			}
		},
	}, {
		Name: "callback-garbage", When: when, Applies: sends,
		Why: "the address of the gateway is public, and everything arrives there",
		Check: func(ctx context.Context, b *Bench) {
			const deep = 10_000
			for _, body := range []string{"", "{", "null", "[]", `{"data":null}`, strings.Repeat("[", deep), "\xff\xfe"} {
				got, err := b.callback(ctx, core.CallbackRequest{Method: "POST", Body: []byte(body), Remote: "192.0.2.1"})
				if err == nil && len(got.Orders) > 0 {
					b.Failf("a body of %d bytes that says nothing was read as being about %d orders", len(body), len(got.Orders))
				}
			}
		},
	}}
}

func (b *Bench) callback(ctx context.Context, req core.CallbackRequest) (core.Callback, error) {
	ctx, cancel := context.WithTimeout(ctx, b.Harness.Call)
	defer cancel()
	got, err := bounded(ctx, b, "callback", func(ctx context.Context) (core.Callback, error) { return b.Set.Callbacks.ReadCallback(ctx, req) })
	b.look("callback", "", err)
	return got, err
}

// checkCallbackAgain reads one callback several times, and reading orders nothing.
func checkCallbackAgain(ctx context.Context, b *Bench) {
	first, err := b.callback(ctx, b.Harness.Callback.Request)
	for range 3 {
		again, errAgain := b.callback(ctx, b.Harness.Callback.Request)
		if (err == nil) != (errAgain == nil) || !reflect.DeepEqual(again, first) {
			b.Failf("read again, the same callback says something else (%v, %v)", err, errAgain)
		}
	}
	b.nothingExecuted(ctx, "reading a callback")
}

func (b *Bench) refuses(ctx context.Context, req core.CallbackRequest, how string) {
	got, err := b.callback(ctx, req)
	if err == nil {
		b.Failf("a callback %s was taken, for %d orders", how, len(got.Orders))
		return
	}
	if core.CodeOf(err) != core.CodeAuth {
		b.Failf("a callback %s was refused with %v, and should have the code %s", how, err, core.CodeAuth)
	}
}

// onlyType keeps the headers that are no signature, and gives the others a false value; without one they are left out.
func onlyType(header map[string][]string, value string) map[string][]string {
	kept := maps.Clone(header)
	for name := range header {
		switch {
		case strings.HasPrefix(strings.ToLower(name), "content-"):
		case value == "":
			delete(kept, name)
		default:
			kept[name] = []string{value}
		}
	}
	return kept
}

// changed gives the body with its last digit or letter changed.
func changed(body []byte) []byte {
	body = bytes.Clone(body)
	for i := len(body) - 1; i >= 0; i-- {
		switch r := rune(body[i]); {
		case r == '1':
			body[i] = '2'
		case unicode.IsDigit(r):
			body[i] = '1'
		default:
			continue
		}
		return body
	}
	return append(body, ' ')
}

func balanceRules() []Rule {
	return []Rule{{
		Name: "balances-are-told", When: "providers that tell balances", Applies: promises(func(d core.Descriptor) bool { return d.TellsBalances }),
		Why: "an empty deposit is the most common failure there is, and it doesn't mend itself",
		Check: func(ctx context.Context, b *Bench) {
			ctx, cancel := context.WithTimeout(ctx, b.Harness.Call)
			defer cancel()
			if b.Set.Balances == nil {
				b.Failf("it promises balances, and has no call for them")
				return
			}
			balances, err := bounded(ctx, b, "balances", b.Set.Balances.Balances)
			b.look("balances", "", err)
			if err != nil || len(balances) == 0 {
				b.Failf("it told %d balances (%v)", len(balances), err)
			}
			for _, balance := range balances {
				if !balance.Available.Known() {
					b.Failf("a balance doesn't tell what is available")
				}
			}
			b.nothingExecuted(ctx, "asking for balances")
		},
	}}
}

// wholeRules are about everything that was seen, and come last.
func wholeRules() []Rule {
	return []Rule{{
		Name: "trace-context",
		Why:  "a trace that ends at the plugin doesn't show where a payment's time went",
		Check: func(ctx context.Context, b *Bench) {
			traceID := trace.TraceID([]byte(newRef()[:16]))
			ctx = trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
				TraceID: traceID, SpanID: trace.SpanID([]byte(newRef()[:8])), TraceFlags: trace.FlagsSampled,
			}))
			b.line.seen()
			b.paid(ctx, Succeeds)
			traces := b.line.seen()
			if !slices.ContainsFunc(traces, func(parent string) bool { return strings.Contains(parent, traceID.String()) }) {
				b.Failf("none of %d requests had the trace in its Traceparent header", len(traces))
			}
		},
	}, {
		Name: "nothing-left-behind", When: "providers in this process", Applies: func(b *Bench) bool { return !b.Harness.Remote },
		Why:   "what one call leaves behind, a million calls make into an outage",
		Check: checkLeft,
	}, {
		Name: "errors-have-their-type",
		Why:  "the gateway decides by outcome and code; an error without them is unknown for ever",
		Check: func(_ context.Context, b *Bench) {
			for _, problem := range b.seen.untyped {
				b.Failf("%s", problem)
			}
		},
	}, {
		Name:  "no-secrets-in-errors",
		Why:   "errors are logged, shown to people and sent to others",
		Check: checkSecrets,
	}}
}

// checkLeft makes the same calls twice and counts what is there after each time.
func checkLeft(ctx context.Context, b *Bench) {
	const calls, slack = 60, 20
	rounds := func() {
		for range calls {
			if order, ok := b.Order(ctx, Succeeds); ok {
				b.Pay(ctx, order)
			}
		}
	}
	rounds()
	before := runtime.NumGoroutine()
	rounds()
	ctx, cancel := context.WithTimeout(ctx, b.Harness.Settle)
	defer cancel()
	for runtime.NumGoroutine() > before+slack {
		if !pause(ctx, b.Harness.Every) {
			b.Failf("%d calls left %d goroutines behind", calls, runtime.NumGoroutine()-before)
			return
		}
	}
}

// checkSecrets provokes errors with false credentials, and looks at all that was seen before.
func checkSecrets(ctx context.Context, b *Bench) {
	settings := string(b.Settings())
	for _, secret := range b.Harness.Secrets {
		settings = strings.ReplaceAll(settings, secret, secret+"-false")
	}
	if len(b.Harness.Secrets) > 0 {
		order := b.plain(Succeeds)
		err := b.with(ctx, []byte(settings), func(other core.Set) {
			b.PayAt(ctx, other, order)
			_, err := bounded(ctx, b, "inquire", func(ctx context.Context) (core.Quote, error) {
				return other.Provider.Inquire(ctx, core.InquiryRequest{
					Ref: order.Ref, Merchant: order.Merchant, Product: order.Product, Account: order.Account, Amount: order.Amount, Extra: order.Extra,
				})
			})
			b.look("inquire", string(order.Account), err)
		})
		if err != nil {
			b.mu.Lock()
			b.searched("the refusal of settings", "", err.Error())
			b.mu.Unlock()
		}
	}
	b.mu.Lock()
	leaks := slices.Compact(slices.Sorted(slices.Values(b.seen.leaks)))
	b.mu.Unlock()
	for _, leak := range leaks {
		b.Failf("%s", leak)
	}
}
