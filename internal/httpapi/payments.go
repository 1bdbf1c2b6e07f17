package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/internal/view"
)

const (
	opPay     = "pay"
	keyHeader = "Idempotency-Key"

	// answerTime is how long a pay waits for the attempt's first outcome.
	answerTime = 10 * time.Second
	// longestWait is the most that Prefer: wait=N can ask for.
	longestWait = 60 * time.Second
)

func (s *server) paymentCalls(api huma.API) {
	pay := s.call(opPay, http.MethodPost, "/v1/payments", ScopePay)
	pay.Summary = "Make a top-up under a key of your own, once"
	pay.Description = payText
	pay.DefaultStatus = http.StatusCreated
	pay.Middlewares = append(pay.Middlewares, wholeBody)
	huma.Register(api, pay, s.pay)

	list := s.call("list-payments", http.MethodGet, "/v1/payments", ScopeRead)
	list.Summary = "List payments, newest first"
	huma.Register(api, list, s.list)

	one := s.call("get-payment", http.MethodGet, "/v1/payments/{id}", ScopeRead)
	one.Summary = "Read one payment"
	huma.Register(api, one, s.one)

	resolve := s.call("resolve-payment", http.MethodPost, "/v1/payments/{id}/resolve", ScopeResolve)
	resolve.Summary = "Bring evidence about a payment whose state is unknown"
	resolve.Middlewares = append(resolve.Middlewares, wholeBody)
	huma.Register(api, resolve, s.resolve)
}

type payInput struct {
	Key     string `header:"Idempotency-Key" maxLength:"255" doc:"Your own name for this top-up. The same key always means the same payment. Required."`
	Prefer  string `header:"Prefer" doc:"wait=N waits up to N seconds, 60 at most, for a final state."`
	RawBody []byte `contentType:"application/json"`
}

type payOutput struct {
	Status   int
	Location string `header:"Location"`
	Replayed string `header:"Idempotent-Replayed" doc:"true where the key was seen before"`
	Body     view.Payment
}

func (s *server) pay(ctx context.Context, in *payInput) (*payOutput, error) {
	if in.Key == "" {
		return nil, view.NewProblem(view.CodeKeyMissing, keyHeader, "the header "+keyHeader+" is required")
	}
	body, err := decode[view.OrderBody](in.RawBody)
	if err != nil {
		return nil, err
	}
	wait := waitOf(in.Prefer)
	ctx, cancel := s.waiting(ctx, wait)
	defer cancel()
	answer, err := s.Service.Pay(ctx, body.Order(caller(ctx).ID, core.Key(in.Key)))
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	if wait > 0 {
		answer.Payment = s.Service.Await(ctx, answer.Payment)
	}
	return payAnswer(answer), nil
}

func payAnswer(a payments.Answer) *payOutput {
	out := &payOutput{Status: http.StatusAccepted, Location: "/v1/payments/" + string(a.Payment.ID), Body: view.PaymentOf(a.Payment)}
	switch {
	case a.Replayed:
		out.Status, out.Replayed = http.StatusOK, "true"
	case a.Payment.State().Final():
		out.Status = http.StatusCreated
	}
	return out
}

// waiting bounds how long a caller is kept. It ends nothing but the waiting.
func (s *server) waiting(ctx context.Context, wait time.Duration) (context.Context, context.CancelFunc) {
	if wait == 0 {
		wait = answerTime
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	if s.Stopping == nil {
		return ctx, cancel
	}
	go func() {
		select {
		case <-s.Stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// waitOf reads the wait of a Prefer header (RFC 7240). A preference that can't be read or is none of ours is passed over, as that standard has it.
func waitOf(prefer string) time.Duration {
	for token := range strings.FieldsFuncSeq(prefer, func(r rune) bool { return r == ',' || r == ';' }) {
		name, value, _ := strings.Cut(token, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "wait") {
			continue
		}
		seconds, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 32)
		if err != nil {
			return 0
		}
		return min(time.Duration(seconds)*time.Second, longestWait)
	}
	return 0
}

type paymentOutput struct{ Body view.Payment }

type oneInput struct {
	ID  string `path:"id" maxLength:"64"`
	Ask bool   `query:"ask" doc:"Ask the provider first, where the payment isn't resolved yet and the provider can be asked."`
}

func (s *server) one(ctx context.Context, in *oneInput) (*paymentOutput, error) {
	p, err := s.Service.Payment(ctx, whose(caller(ctx)), core.PaymentID(in.ID))
	if err == nil && in.Ask {
		p, err = s.Service.Ask(ctx, p)
	}
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	return &paymentOutput{view.PaymentOf(p)}, nil
}

type listInput struct {
	Key     string `query:"key" maxLength:"255"`
	State   string `query:"state" enum:"accepted,pending,unknown,succeeded,failed,refunded"`
	Account string `query:"account" maxLength:"64" doc:"The whole number."`
	Since   string `query:"since" doc:"A time as 2026-01-31T00:00:00Z, or how long ago as 24h."`
	Limit   int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
	Cursor  string `query:"cursor" doc:"The next of the page before."`
}

type listOutput struct{ Body view.Payments }

func (s *server) list(ctx context.Context, in *listInput) (*listOutput, error) {
	since, err := s.since(in.Since)
	if err != nil {
		return nil, err
	}
	c := caller(ctx)
	page, err := s.Service.Payments(ctx, journal.Filter{
		Client: c.ID, AnyClient: c.seesAll(), Key: core.Key(in.Key), Account: core.AccountNumber(in.Account),
		State: journal.PaymentState(in.State), Since: since, Limit: in.Limit, Cursor: in.Cursor,
	})
	if refusal, ok := errors.AsType[*payments.Refusal](err); ok && refusal.Code == payments.CodeNotFound {
		return nil, view.NewProblem(payments.CodeInvalidRequest, "cursor", "cursor is not the next of an earlier page")
	}
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	return &listOutput{view.PaymentsOf(page)}, nil
}

func (s *server) since(text string) (time.Time, error) {
	at, err := view.ParseSince(text, s.Now())
	if err != nil {
		return at, view.NewProblem(payments.CodeInvalidRequest, "since", "since "+err.Error())
	}
	return at, nil
}

type resolveInput struct {
	ID      string `path:"id" maxLength:"64"`
	RawBody []byte `contentType:"application/json"`
}

func (s *server) resolve(ctx context.Context, in *resolveInput) (*paymentOutput, error) {
	body, err := decode[view.ResolveBody](in.RawBody)
	if err != nil {
		return nil, err
	}
	p, err := s.Service.Payment(ctx, payments.AnyClient, core.PaymentID(in.ID))
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	p, err = s.Service.Resolve(ctx, p, body.Resolution(caller(ctx).ID))
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	return &paymentOutput{view.PaymentOf(p)}, nil
}

// failed words an error of the service. What the caller isn't told stands in the log.
func (s *server) failed(ctx context.Context, err error) error {
	problem := view.ProblemOf(err)
	if problem.Status >= http.StatusInternalServerError {
		s.Log.ErrorContext(ctx, "a call failed", "code", string(problem.Code), "err", causeOf(err))
	}
	return problem
}

// causeOf gives the cause behind a refusal, which has been worded for the caller.
func causeOf(err error) error {
	if refusal, ok := errors.AsType[*payments.Refusal](err); ok && refusal.Err != nil {
		return refusal.Err
	}
	return err
}
