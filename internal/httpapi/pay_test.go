package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/internal/httpapi"
	"github.com/jalurhq/jalur/internal/httpapi/apitest"
	"github.com/jalurhq/jalur/internal/view"
)

func answering(outcome core.Outcome) *apitest.Provider {
	return &apitest.Provider{OnPay: func(_ context.Context, r core.PayRequest) (core.Result, error) {
		if outcome == core.Unknown || outcome == core.NotSent {
			return core.Result{}, &core.Error{Op: "pay", Outcome: outcome, Code: core.CodeTransportAfterSend}
		}
		return apitest.Answer(r, outcome), nil
	}}
}

func TestPayAnswersByWhatIsKnown(t *testing.T) {
	t.Parallel()
	for outcome, want := range map[core.Outcome]struct {
		status int
		state  journal.PaymentState
	}{
		core.Succeeded: {http.StatusCreated, journal.StateSucceeded},
		core.Declined:  {http.StatusCreated, journal.StateFailed},
		core.NotSent:   {http.StatusCreated, journal.StateFailed},
		core.Refunded:  {http.StatusCreated, journal.StateRefunded},
		core.Pending:   {http.StatusAccepted, journal.StatePending},
		core.Unknown:   {http.StatusAccepted, journal.StateUnknown},
	} {
		t.Run(outcome.String(), func(t *testing.T) {
			t.Parallel()
			g := apitest.Start(t, apitest.Config{Provider: answering(outcome)})
			r := pay(t, g, want.status, order, key("k"))
			p := into[view.Payment](t, r)
			if p.State != want.state || len(p.Attempts) != 1 || *p.Attempts[0].Outcome != outcome {
				t.Errorf("%s", r.text)
			}
			if at := r.header.Get("Location"); at != "/v1/payments/"+string(p.ID) {
				t.Errorf("location %q", at)
			}
			again := pay(t, g, http.StatusOK, order, key("k"))
			if again.header.Get("Idempotent-Replayed") != "true" || into[view.Payment](t, again).ID != p.ID {
				t.Errorf("replay: %v %s", again.header, again.text)
			}
			if r.header.Get("Idempotent-Replayed") != "" {
				t.Error("the first answer says that it is a replay")
			}
		})
	}
}

// The acceptance checks read the JSON itself, so one payment is compared whole.
func TestPaymentShape(t *testing.T) {
	t.Parallel()
	g := apitest.Start(t, apitest.Config{})
	got := into[map[string]any](t, pay(t, g, http.StatusCreated, order, key("k")))
	attempt := got["attempts"].([]any)[0].(map[string]any)
	for _, times := range []struct {
		of    map[string]any
		field string
	}{{got, "created_at"}, {got, "updated_at"}, {attempt, "started_at"}, {attempt, "ended_at"}} {
		text, _ := times.of[times.field].(string)
		if at, err := time.Parse(time.RFC3339, text); err != nil || at.Location() != time.UTC {
			t.Errorf("%s: %q", times.field, text)
		}
		delete(times.of, times.field)
	}
	delete(got, "id")
	invoice := got["invoice"]
	delete(got, "invoice")
	if invoice == "" {
		t.Error("no invoice")
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"account":"081234567890","amount":{"currency":"IDR","value":"100000"},` +
		`"attempts":[{"code":"","n":1,"outcome":"succeeded","provider":"fake","provider_code":"","reason":""}],` +
		`"cashback":null,"code":"","cost":{"currency":"IDR","value":"101000"},"details":{"duration":"2"},"key":"k","merchant":"GOPAY",` +
		`"provider":"fake","provider_code":"","provider_time":null,"reason":"","receiver_name":"","reference":"SN-1","state":"succeeded"}`
	if string(text) != want {
		t.Errorf("\n%s\n%s", text, want)
	}
}

func TestAmountsIn(t *testing.T) {
	t.Parallel()
	g := apitest.Start(t, apitest.Config{})
	for i, amount := range []string{`100000`, `"100000"`, `{"value":"100000","currency":"IDR"}`, `{"value":100000,"currency":"IDR"}`} {
		body := fmt.Sprintf(`{"merchant":"GOPAY","account":"081234567890","amount":%s}`, amount)
		p := into[view.Payment](t, pay(t, g, http.StatusCreated, body, key(strconv.Itoa(i))))
		if !p.Amount.Equal(core.IDR(100_000)) {
			t.Errorf("%s became %s", amount, p.Amount)
		}
	}
}

func TestPayRefusals(t *testing.T) {
	t.Parallel()
	g := apitest.Start(t, apitest.Config{})
	pay(t, g, http.StatusCreated, order, key("used"))
	with := func(field, value string) string {
		fields := map[string]string{"merchant": `"GOPAY"`, "account": `"081234567890"`, "amount": "100000"}
		fields[field] = value
		var parts []string
		for _, name := range []string{"merchant", "account", "amount", field} {
			if v, ok := fields[name]; ok && v != "" {
				parts = append(parts, fmt.Sprintf("%q:%s", name, v))
			}
			delete(fields, name)
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	for name, c := range map[string]struct {
		body   string
		status int
		code   string
		field  string
	}{
		"float":            {with("amount", "100000.5"), 422, "amount_invalid", "amount"},
		"a point":          {with("amount", "100000.00"), 422, "amount_invalid", "amount"},
		"exponent":         {with("amount", "1e5"), 422, "amount_invalid", "amount"},
		"exponent string":  {with("amount", `"1e5"`), 422, "amount_invalid", "amount"},
		"no number":        {with("amount", `"much"`), 422, "amount_invalid", "amount"},
		"too large":        {with("amount", `99999999999999999999`), 422, "amount_invalid", "amount"},
		"a boolean":        {with("amount", `true`), 422, "amount_invalid", "amount"},
		"a list":           {with("amount", `[1]`), 422, "amount_invalid", "amount"},
		"no currency":      {with("amount", `{"value":"100000"}`), 422, "amount_invalid", "amount"},
		"other currency":   {with("amount", `{"value":"100000","currency":"USD"}`), 422, "amount_invalid", "amount"},
		"nothing":          {with("amount", "0"), 422, "amount_invalid", "amount"},
		"negative":         {with("amount", "-100000"), 422, "amount_invalid", "amount"},
		"below the least":  {with("amount", "49999"), 422, "amount_invalid", "amount"},
		"no amount":        {with("amount", ""), 422, "amount_invalid", "amount"},
		"null amount":      {with("amount", "null"), 422, "amount_invalid", "amount"},
		"max_cost":         {with("max_cost", "1.5"), 422, "amount_invalid", "max_cost"},
		"price":            {with("max_cost", "100500"), 422, "price_above_limit", "max_cost"},
		"account":          {with("account", `"12"`), 422, "account_invalid", "account"},
		"account a number": {with("account", `81234567890`), 422, "account_invalid", "account"},
		"no account":       {with("account", ""), 422, "account_invalid", "account"},
		"no merchant":      {with("merchant", ""), 422, "invalid_request", "merchant"},
		"no route":         {with("merchant", `"OVO"`), 422, "no_route", "merchant"},
		"inquiry":          {with("inquiry", `"none"`), 422, "inquiry_not_found", "inquiry"},
		"unknown field":    {with("acount", `"1"`), 422, "invalid_request", "acount"},
		"other spelling":   {with("Amount", `200000`), 422, "invalid_request", "Amount"},
		"twice":            {`{"amount":1,"merchant":"GOPAY","amount":100000,"account":"081234567890"}`, 422, "invalid_request", "amount"},
		"extra":            {with("extra", `{"a":1}`), 422, "invalid_request", "extra"},
		"repeat":           {with("repeat", `"x"`), 422, "invalid_request", "repeat"},
		"key reused":       {with("amount", "100001"), 422, "idempotency_key_reused", "key"},
		"broken JSON":      {`{"merchant":`, 400, "malformed_json", ""},
		"two objects":      {order + order, 400, "malformed_json", ""},
		"a list of orders": {"[" + order + "]", 400, "malformed_json", ""},
		"no body":          {"", 400, "malformed_json", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := name
			if name == "key reused" {
				k = "used"
			}
			p := isProblem(t, call(t, g, "POST /v1/payments", c.body, key(k)), c.status, c.code)
			if p.Field != c.field || p.Outcome != "not_sent" {
				t.Errorf("field %q, outcome %q: %s", p.Field, p.Outcome, p.Detail)
			}
			page, err := g.Store.List(t.Context(), journal.Filter{AnyClient: true, Key: core.Key(name)})
			if err != nil || len(page.Payments) > 0 {
				t.Errorf("%d payments recorded, %v", len(page.Payments), err)
			}
		})
	}
}

func TestPayNamesEveryFieldThatIsWrong(t *testing.T) {
	t.Parallel()
	g := apitest.Start(t, apitest.Config{})
	p := isProblem(t, call(t, g, "POST /v1/payments", `{"merchant":1,"amonut":2}`, key("k")), 422, "invalid_request")
	want := []view.FieldError{{Field: "merchant", Rule: "must be a string"}, {Field: "amonut", Rule: "is no field of this call"}}
	if !slices.Equal(p.Errors, want) || p.Field != "merchant" {
		t.Errorf("%+v", p)
	}
}

func TestPayWantsAKey(t *testing.T) {
	t.Parallel()
	g := apitest.Start(t, apitest.Config{})
	p := isProblem(t, call(t, g, "POST /v1/payments", order, nil), 400, "idempotency_key_missing")
	if p.Outcome != "not_sent" || p.Field != "Idempotency-Key" {
		t.Errorf("%+v", p)
	}
}

// failing is a journal that can't do one thing.
type failing struct {
	journal.Store

	submit, read error
}

func (f *failing) Submit(ctx context.Context, p journal.Payment, cause journal.Cause) (journal.Payment, bool, error) {
	if f.submit != nil {
		return journal.Payment{}, false, f.submit
	}
	return f.Store.Submit(ctx, p, cause)
}

func (f *failing) Payment(ctx context.Context, id core.PaymentID) (journal.Payment, error) {
	if f.read != nil {
		return journal.Payment{}, f.read
	}
	return f.Store.Payment(ctx, id)
}

func TestPayWithoutAJournal(t *testing.T) {
	t.Parallel()
	for _, failure := range []error{journal.ErrNotWritten, journal.ErrAmbiguous} {
		provider := &apitest.Provider{}
		g := apitest.Start(t, apitest.Config{
			Provider: provider, Wrap: func(s journal.Store) journal.Store { return &failing{Store: s, submit: failure} },
		})
		p := isProblem(t, call(t, g, "POST /v1/payments", order, key("k")), 503, "journal_unavailable")
		if p.Outcome != "not_sent" || provider.Pays() != 0 {
			t.Errorf("%+v after %d pays", p, provider.Pays())
		}
	}
}

// A payment that is recorded and can't be read again isn't unmade by that, and above all isn't called not sent.
func TestPayThatCannotBeReadAgain(t *testing.T) {
	t.Parallel()
	g := apitest.Start(t, apitest.Config{Wrap: func(s journal.Store) journal.Store {
		return &failing{Store: s, read: errors.New("disk gone")}
	}})
	p := into[view.Payment](t, pay(t, g, http.StatusAccepted, order, header{"Idempotency-Key": "k", "Prefer": "wait=1"}))
	if p.State != journal.StatePending || p.Attempts[0].Outcome != nil {
		t.Errorf("%+v", p)
	}
}

func TestPayWhileStopping(t *testing.T) {
	t.Parallel()
	g := apitest.Start(t, apitest.Config{})
	if err := g.Service.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p := isProblem(t, call(t, g, "POST /v1/payments", order, key("k")), 503, "stopping"); p.Outcome != "not_sent" {
		t.Errorf("%+v", p)
	}
}

func TestManyCallersOfOneKey(t *testing.T) {
	t.Parallel()
	const callers = 200
	provider := &apitest.Provider{}
	g := apitest.Start(t, apitest.Config{Provider: provider})
	replies := make([]reply, callers)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			r, err := send(t, g, "POST /v1/payments", order, key("one"))
			if err != nil {
				t.Error(err)
			}
			replies[i] = r
		})
	}
	all.Wait()
	seen := map[int]int{}
	ids := map[core.PaymentID]bool{}
	for _, r := range replies {
		seen[r.status]++
		ids[into[view.Payment](t, r).ID] = true
		if replayed := r.header.Get("Idempotent-Replayed") == "true"; replayed != (r.status == http.StatusOK) {
			t.Errorf("status %d, replayed %v", r.status, replayed)
		}
	}
	if seen[http.StatusCreated] != 1 || seen[http.StatusOK] != callers-1 || len(ids) != 1 || provider.Pays() != 1 {
		t.Errorf("statuses %v, %d payments, %d pays", seen, len(ids), provider.Pays())
	}
}

// blocking is a provider that answers once the test lets it.
func blocking() (provider *apitest.Provider, called, release chan struct{}) {
	called, release = make(chan struct{}), make(chan struct{})
	return &apitest.Provider{OnPay: func(_ context.Context, r core.PayRequest) (core.Result, error) {
		close(called)
		<-release
		return apitest.Answer(r, core.Succeeded), nil
	}}, called, release
}

func TestCallersLeavingStopsNothing(t *testing.T) {
	t.Parallel()
	provider, called, release := blocking()
	g := apitest.Start(t, apitest.Config{Provider: provider})
	ctx, leave := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, g.URL+"/v1/payments", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Idempotency-Key", "k")
	request.Body, request.ContentLength = bodyOf(order)
	gone := make(chan error, 1)
	go func() {
		response, err := g.Client().Do(request)
		if err == nil {
			response.Body.Close()
		}
		gone <- err
	}()
	<-called
	leave()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	close(release)
	p, err := g.Service.PaymentByKey(t.Context(), "", "k")
	if err != nil {
		t.Fatal(err)
	}
	if p = g.Service.Await(t.Context(), p); p.State() != journal.StateSucceeded {
		t.Errorf("%s", p.State())
	}
}

func TestAWaitEnds(t *testing.T) {
	t.Parallel()
	t.Run("after its time", func(t *testing.T) {
		t.Parallel()
		provider, _, release := blocking()
		g := apitest.Start(t, apitest.Config{Provider: provider})
		defer close(release)
		p := into[view.Payment](t, pay(t, g, http.StatusAccepted, order, header{"Idempotency-Key": "k", "Prefer": "respond-async, wait=1"}))
		if p.State != journal.StatePending || p.Attempts[0].Outcome != nil || p.Attempts[0].EndedAt != nil {
			t.Errorf("%+v", p)
		}
	})
	t.Run("when the server goes down", func(t *testing.T) {
		t.Parallel()
		stopping := make(chan struct{})
		provider, called, release := blocking()
		g := apitest.Start(t, apitest.Config{Provider: provider, Edit: func(c *httpapi.Config) { c.Stopping = stopping }})
		defer close(release)
		go func() {
			<-called
			close(stopping)
		}()
		g.Client().Timeout = 30 * time.Second // half of the wait: whoever waits it out fails
		pay(t, g, http.StatusAccepted, order, header{"Idempotency-Key": "k", "Prefer": "wait=60"})
	})
}

func TestPreferWaitsForAFinalState(t *testing.T) {
	t.Parallel()
	accepted := make(chan struct{})
	provider := answering(core.Pending)
	provider.OnStatus = func(_ context.Context, r core.StatusRequest) (core.Result, error) {
		return apitest.Answer(r.Original, core.Succeeded), nil
	}
	first := provider.OnPay
	provider.OnPay = func(ctx context.Context, r core.PayRequest) (core.Result, error) {
		defer close(accepted)
		return first(ctx, r)
	}
	g := apitest.Start(t, apitest.Config{Provider: provider})
	asked := make(chan reply, 1)
	go func() {
		<-accepted
		for {
			listed, err := send(t, g, "GET /v1/payments?key=k", "", nil)
			if err != nil {
				t.Error(err)
				return
			}
			p := into[view.Payments](t, listed).Payments[0]
			if p.Invoice == "" {
				continue // the answer isn't written yet
			}
			r, err := send(t, g, "GET /v1/payments/"+string(p.ID)+"?ask=true", "", nil)
			if err != nil {
				t.Error(err)
			}
			asked <- r
			return
		}
	}()
	p := into[view.Payment](t, pay(t, g, http.StatusCreated, order, header{"Idempotency-Key": "k", "Prefer": "wait=60"}))
	if p.State != journal.StateSucceeded {
		t.Errorf("%s", p.State)
	}
	if r := <-asked; into[view.Payment](t, r).State != journal.StateSucceeded {
		t.Errorf("%d %s", r.status, r.text)
	}
}

func TestABillIsPaidFromItsInquiry(t *testing.T) {
	t.Parallel()
	g := apitest.Start(t, apitest.Config{Provider: &apitest.Provider{
		OnInquire: func(_ context.Context, r core.InquiryRequest) (core.Quote, error) {
			return core.Quote{Product: r.Product, Account: r.Account, Amount: core.IDR(77_000), Cost: core.IDR(78_000), ReceiverName: "BUDI"}, nil
		},
	}})
	r := call(t, g, "POST /v1/inquiries", `{"merchant":"GOPAY","account":"081234567890"}`, nil)
	quote := into[view.Inquiry](t, r)
	if r.status != http.StatusOK || quote.ReceiverName != "BUDI" || !quote.Cost.Equal(core.IDR(78_000)) || quote.ExpiresAt == nil || quote.Details == nil {
		t.Fatalf("%d %s", r.status, r.text)
	}
	body := fmt.Sprintf(`{"merchant":"GOPAY","account":"081234567890","inquiry":%q}`, quote.ID)
	if p := into[view.Payment](t, pay(t, g, http.StatusCreated, body, key("k"))); !p.Amount.Equal(core.IDR(77_000)) {
		t.Errorf("%s", p.Amount)
	}
	other := fmt.Sprintf(`{"merchant":"GOPAY","account":"081234567891","inquiry":%q}`, quote.ID)
	isProblem(t, call(t, g, "POST /v1/payments", other, key("k2")), 422, "inquiry_mismatch")
}
