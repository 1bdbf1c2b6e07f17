package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jalurhq/jalur/providers/sandbox"
)

// The calls by the names that faults are set for.
const (
	callCreate   = "create"
	callConfirm  = "confirm"
	callCancel   = "cancel"
	callGet      = "get"
	callList     = "list"
	callProducts = "products"
	callProduct  = "product"
	callBalances = "balances"
	callNumber   = "mobile-number"
	callBill     = "statement-inquiry"
)

func calls() []string {
	return []string{callCreate, callConfirm, callCancel, callGet, callList, callProducts, callProduct, callBalances, callNumber, callBill}
}

const maxRequestBytes = 64 << 10

// answer is what a call answers, before it is sent.
type answer struct {
	status int
	body   any
	header http.Header
	wait   time.Time // not before; for /sync
}

// call is one call on its way.
type call struct {
	sandbox.Exchange

	name    string
	id      string // in the path
	body    []byte
	sync    bool
	account string
	fault   fault
}

// route gives the name of a call and the number in its path; an empty name is none that there is.
func route(method, path string) (name, id string, sync bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	sync = parts[0] == "sync"
	if sync || parts[0] == "async" {
		parts = parts[1:]
	}
	for len(parts) < 3 {
		parts = append(parts, "")
	}
	if parts[1] != "" && parts[0] != "lookup" {
		id = parts[1]
		parts[1] = "*"
	}
	return map[string]string{
		"POST transactions//": callCreate, "POST transactions/*/confirm": callConfirm, "POST transactions/*/cancel": callCancel,
		"GET transactions/*/": callGet, "GET transactions//": callList, "GET products//": callProducts, "GET products/*/": callProduct,
		"GET balances//": callBalances, "POST lookup/mobile-number/": callNumber, "POST lookup/statement-inquiry/": callBill,
	}[method+" "+strings.Join(parts, "/")], id, sync
}

func (s *Sandbox) serveAPI(x sandbox.Exchange, path string) {
	c := call{Exchange: x}
	c.name, c.id, c.sync = route(x.R.Method, path)
	body, err := io.ReadAll(io.LimitReader(x.R.Body, maxRequestBytes+1))
	c.body = body
	c.account = s.accountOf(c)
	c.fault = s.take(c.name, c.account)
	reply := failure(codeBadRequest).reply()
	switch deliversUndone := c.fault.Name != "" && !c.fault.Executes && c.fault.plan == nil; {
	case !s.authorised(x.R):
		reply = failure(codeUnauthorised).reply()
	case c.fault.refuse.code != 0:
		reply = c.fault.refuse.reply()
	case c.name == "":
		reply = failure(codeNotFound).reply()
	case deliversUndone, err != nil, len(body) > maxRequestBytes:
	default:
		reply = s.answer(c)
	}
	s.send(c, reply)
}

// accountOf tells whose order a call is about.
func (s *Sandbox) accountOf(c call) string {
	var asked request
	if json.Unmarshal(c.body, &asked) == nil && (asked.Credit != nil || asked.AccountNumber != "" || asked.MobileNumber != "") {
		return transaction{Credit: map[string]string{
			"mobile_number": asked.Credit["mobile_number"] + asked.MobileNumber, "account_number": asked.Credit["account_number"] + asked.AccountNumber,
		}}.account()
	}
	t, _ := s.book.find(number64(c.id))
	return t.account()
}

func number64(text string) int64 {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0 // which no transaction has
	}
	return id
}

func (s *Sandbox) answer(c call) answer {
	switch c.name {
	case callCreate:
		return s.create(c)
	case callConfirm:
		return s.confirm(c)
	case callCancel:
		return s.cancel(c)
	case callGet:
		return s.get(c)
	case callList:
		return s.list(c)
	case callProducts:
		return s.listProducts(c)
	case callProduct:
		return s.oneProduct(c)
	case callBalances:
		return s.balances()
	case callNumber:
		return s.lookUp(c)
	default:
		return s.bills(c)
	}
}

// send delivers an answer, through the fault where there is one.
func (s *Sandbox) send(c call, reply answer) {
	if c.sync {
		s.hold(c, reply)
	}
	if c.fault.claim.code != 0 {
		reply = c.fault.claim.reply()
	}
	if shown, ok := reply.body.(object); ok && c.fault.alter != nil && reply.status < http.StatusBadRequest {
		c.fault.alter(shown)
	}
	body, err := json.Marshal(reply.body)
	if err != nil {
		http.Error(c.W, err.Error(), http.StatusInternalServerError)
		return
	}
	if c.fault.whole != nil {
		body = c.fault.whole(body)
	}
	maps.Copy(c.W.Header(), reply.header)
	deliver := c.fault.deliver
	if deliver == nil {
		deliver = sandbox.Line.Send
	}
	deliver(s.line, c.Exchange, sandbox.Reply{Status: reply.status, Body: body})
}

// hold keeps the caller of /sync until the transaction has ended, for three minutes at the most.
func (s *Sandbox) hold(c call, reply answer) {
	const most = 180 * time.Second
	if wait := reply.wait.Sub(s.cfg.Now()); !reply.wait.IsZero() && wait > 0 {
		s.line.Pause(c.Exchange, min(wait, most))
	}
}

// request is the body of any call that has one.
type request struct {
	External    string            `json:"external_id"`
	Product     int               `json:"product_id"`
	AutoConfirm bool              `json:"auto_confirm"`
	Callback    string            `json:"callback_url"`
	Mode        string            `json:"calculation_mode"`
	Source      *asked            `json:"source"`
	Destination *asked            `json:"destination"`
	Credit      map[string]string `json:"credit_party_identifier"`
	Sender      map[string]string `json:"sender"`
	Statement   map[string]string `json:"statement_identifier"`

	MobileNumber  string `json:"mobile_number"`
	AccountNumber string `json:"account_number"`
}

type asked struct {
	UnitType string `json:"unit_type"`
	Unit     string `json:"unit"`
	Amount   number `json:"amount"`
}

const mostExternal = 40

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// create makes a transaction, confirmed or to be.
func (s *Sandbox) create(c call) answer {
	var r request
	if json.Unmarshal(c.body, &r) != nil || strings.TrimSpace(r.External) == "" || len(r.External) > mostExternal {
		return failure(codeBadRequest).reply()
	}
	sold, known := s.products[r.Product]
	if !known {
		return failure(codeNoProduct).reply()
	}
	t, code := sold.read(r)
	if code != 0 {
		return failure(code).reply()
	}
	s.plan(&t, r, c.fault)
	t, err := s.book.add(t, max(c.fault.times, 1))
	switch {
	case errors.Is(err, errDuplicate):
		return failure(codeDuplicate).reply()
	case errors.Is(err, errBalance):
		return failure(codeBalance).reply()
	case err != nil:
		return failure(codeUnexpected).reply()
	}
	s.outbox.plan(t, c.fault.callback)
	return s.taken(c, t, http.StatusCreated)
}

// read gives the transaction that a request asks for, or the code to refuse it with.
func (p product) read(r request) (transaction, int) {
	t := transaction{External: r.External, Product: p.id, Credit: r.Credit, Sender: r.Sender, Statement: r.Statement, Callback: r.Callback, Fee: p.fee}
	switch {
	case !satisfied(p.credit, r.Credit), !satisfied(p.sender, r.Sender), !satisfied(p.statement, r.Statement):
		return t, codeBadRequest
	case r.Credit["mobile_number"] != "" && !p.reaches(r.Credit["mobile_number"]):
		return t, codeParty
	}
	if !p.ranged() {
		t.Amount, t.Price, t.Asked = p.amount, p.price+p.fee, p.unit
		return t, 0
	}
	return t, t.ask(p, r)
}

// reaches reports whether a phone number is one of the operator's country.
func (p product) reaches(mobile string) bool {
	return e164.MatchString(mobile) && strings.HasPrefix(mobile, p.operator.calling)
}

// satisfied reports whether one of the alternatives is there, and nothing where nothing is asked for.
func satisfied(alternatives [][]string, given map[string]string) bool {
	if len(alternatives) == 0 {
		return len(given) == 0
	}
	return slices.ContainsFunc(alternatives, func(wanted []string) bool {
		return !slices.ContainsFunc(wanted, func(field string) bool { return given[field] == "" })
	})
}

// ask takes the amount of a ranged product, by what arrives or by what is paid. It gives the code of a refusal, or 0.
func (t *transaction) ask(p product, r request) int {
	wanted, unit := r.Destination, p.unit
	if r.Mode == "SOURCE_AMOUNT" {
		wanted, unit = r.Source, dollar
	}
	switch {
	case r.Mode != "SOURCE_AMOUNT" && r.Mode != "DESTINATION_AMOUNT", wanted == nil, wanted.UnitType != "CURRENCY":
		return codeBadRequest
	case wanted.Unit != unit:
		return codeUnit
	}
	t.Asked, t.Amount = unit, wanted.Amount
	t.Price = p.cost(t.Amount)
	if r.Mode == "SOURCE_AMOUNT" {
		t.Amount = wanted.Amount * p.rate / one
		t.Price = wanted.Amount + p.fee
		if p.unit == dollar {
			t.Asked = ""
		}
	}
	if t.Amount < p.min || p.max > 0 && t.Amount > p.max || r.Mode == "DESTINATION_AMOUNT" && t.Amount%p.increment != 0 {
		return codeOutOfRange
	}
	return 0
}

// plan gives the transaction its times.
func (s *Sandbox) plan(t *transaction, r request, f fault) {
	t.SeenAt = s.cfg.Now()
	if f.late {
		t.SeenAt = t.SeenAt.Add(s.cfg.LateBy)
	}
	if f.drift {
		t.Price += t.Price / 10 //nolint:mnd // a tenth
	}
	if t.Callback == "" {
		t.Callback = s.cfg.Callback
	}
	t.ExpiresAt = t.SeenAt.Add(s.cfg.QuoteLife)
	if r.AutoConfirm {
		s.begin(t, t.SeenAt, f)
	}
}

// begin confirms the transaction and chooses its end.
func (s *Sandbox) begin(t *transaction, at time.Time, f fault) {
	end := s.cfg.fateOf(t.account())
	t.ConfirmedAt, t.DoneAt = at, at.Add(end.after)
	t.Class, t.Message, t.PIN = end.class, end.message, end.pin
	if end.reversed {
		t.ReversedAt = t.DoneAt.Add(end.after)
	}
	if f.plan != nil {
		f.plan(t)
	}
}

// taken is the answer to a call that made or confirmed a transaction. In it one that isn't done is CONFIRMED.
func (s *Sandbox) taken(c call, t transaction, httpStatus int) answer {
	now := s.cfg.Now()
	if c.sync {
		now = t.DoneAt // it is sent then
	}
	shown := t.shown(s.products[t.Product], now)
	if class, _ := t.class(now); class == submitted {
		shown["status"] = status(confirmed, className(confirmed))
	}
	return answer{status: httpStatus, body: shown, wait: t.DoneAt}
}

func (s *Sandbox) confirm(c call) answer {
	code := 0
	t, found, changed, err := s.book.change(number64(c.id), func(t transaction) (transaction, bool) {
		now := s.cfg.Now()
		switch class, _ := t.class(now); {
		case !t.ConfirmedAt.IsZero():
			code = codeConfirmed
		case !t.CancelledAt.IsZero():
			code = codeCancelled
		case class != created:
			code = codeExpired
		default:
			s.begin(&t, now, c.fault)
			return t, true
		}
		return t, false
	})
	switch {
	case err != nil:
		return failure(codeUnexpected).reply()
	case !found:
		return failure(codeNoTransaction).reply()
	case !changed:
		return failure(code).reply()
	}
	s.outbox.plan(t, c.fault.callback)
	return s.taken(c, t, http.StatusAccepted)
}

func (s *Sandbox) cancel(c call) answer {
	code := 0
	t, found, changed, err := s.book.change(number64(c.id), func(t transaction) (transaction, bool) {
		now := s.cfg.Now()
		switch class, _ := t.class(now); {
		case !t.CancelledAt.IsZero():
			code = codeCancelled
		case class != created:
			code = codeNotCancellable
		default:
			t.CancelledAt = now
			return t, true
		}
		return t, false
	})
	switch {
	case err != nil:
		return failure(codeUnexpected).reply()
	case !found:
		return failure(codeNoTransaction).reply()
	case !changed:
		return failure(code).reply()
	}
	return answer{status: http.StatusAccepted, body: t.shown(s.products[t.Product], s.cfg.Now())}
}

func (s *Sandbox) get(c call) answer {
	t, found := s.book.find(number64(c.id))
	if !found {
		return failure(codeNoTransaction).reply()
	}
	return answer{status: http.StatusOK, body: t.shown(s.products[t.Product], s.cfg.Now())}
}

// list shows the last 24 hours, or a window of as much.
func (s *Sandbox) list(c call) answer {
	query, now := c.R.URL.Query(), s.cfg.Now()
	from, to, ok := window(query, now)
	if !ok {
		return failure(codeBadRequest).reply()
	}
	found := s.book.list(func(t transaction) bool {
		external, mobile, account := query.Get("external_id"), query.Get("credit_party_mobile_number"), query.Get("credit_party_account_number")
		return !t.SeenAt.Before(from) && !t.SeenAt.After(to) && (external == "" || t.External == external) &&
			(mobile == "" || t.Credit["mobile_number"] == mobile) && (account == "" || t.Credit["account_number"] == account)
	})
	rows := make([]any, 0, len(found))
	for _, t := range found {
		rows = append(rows, t.shown(s.products[t.Product], now))
	}
	return paged(c, rows)
}

// window reads the dates that are asked for; without them it is the last day.
func window(query url.Values, now time.Time) (from, to time.Time, ok bool) {
	const day = 24 * time.Hour
	if query.Get("from_date") == "" && query.Get("to_date") == "" {
		return now.Add(-day), now, true
	}
	from, problem := time.Parse(time.RFC3339, query.Get("from_date"))
	to, other := time.Parse(time.RFC3339, query.Get("to_date"))
	return from, to, problem == nil && other == nil && to.Sub(from) <= day && !to.Before(from)
}

// Pages as the API cuts them.
const (
	usualPage = 50
	mostPage  = 100
)

func paged(c call, rows []any) answer {
	query := c.R.URL.Query()
	page, size := atLeastOne(query.Get("page"), 1), min(atLeastOne(query.Get("per_page"), usualPage), mostPage)
	pages := (len(rows) + size - 1) / size
	header := http.Header{}
	set := func(name string, value int) { header[http.CanonicalHeaderKey(name)] = []string{strconv.Itoa(value)} }
	set("X-Total", len(rows))
	set("X-Total-Pages", pages)
	set("X-Per-Page", size)
	set("X-Page", page)
	if page < pages {
		set("X-Next-Page", page+1)
	}
	if page > 1 {
		set("X-Prev-Page", page-1)
	}
	start := min((page-1)*size, len(rows))
	return answer{status: http.StatusOK, body: rows[start:min(start+size, len(rows))], header: header}
}

func atLeastOne(text string, usual int) int {
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 {
		return usual
	}
	return number
}

func (s *Sandbox) listProducts(c call) answer {
	query := c.R.URL.Query()
	rows := make([]any, 0, len(s.order))
	for _, id := range s.order {
		p := s.products[id]
		country, kind, service, maker := query.Get("country_iso_code"), query.Get("type"), query.Get("service_id"), query.Get("operator_id")
		if (country == "" || country == p.operator.country) && (kind == "" || kind == p.kind) &&
			(service == "" || service == strconv.Itoa(p.service)) && (maker == "" || maker == strconv.Itoa(p.operator.id)) {
			rows = append(rows, p.shown())
		}
	}
	return paged(c, rows)
}

func (s *Sandbox) oneProduct(c call) answer {
	p, known := s.products[int(number64(c.id))]
	if !known {
		return failure(codeNoProduct).reply()
	}
	return answer{status: http.StatusOK, body: p.shown()}
}

func (s *Sandbox) balances() answer {
	l := s.Ledger()
	return answer{status: http.StatusOK, body: []object{{
		"id": 1, "unit_type": "CURRENCY", "unit": dollar, "available": l.Available, "holding": l.Holding, "credit_limit": of(s.cfg.CreditLimit),
	}}}
}

// lookUp gives the operators of a number's country; the first of them is the one that it is thought to be of.
func (s *Sandbox) lookUp(c call) answer {
	var r request
	if json.Unmarshal(c.body, &r) != nil || !e164.MatchString(r.MobileNumber) {
		return failure(codeParty).reply()
	}
	found := []object{}
	for _, o := range []operator{claro(), telkomsel(), singtel()} {
		if strings.HasPrefix(r.MobileNumber, o.calling) {
			shown := o.shown()
			shown["identified"] = len(found) == 0
			found = append(found, shown)
		}
	}
	return answer{status: http.StatusOK, body: found}
}

// bills gives two bills for an account, none for one that ends in 9.
func (s *Sandbox) bills(c call) answer {
	var r request
	if json.Unmarshal(c.body, &r) != nil || r.AccountNumber == "" || s.products[r.Product].statement == nil {
		return failure(codeBadRequest).reply()
	}
	if strings.HasSuffix(r.AccountNumber, "9") {
		return answer{status: http.StatusOK, body: []object{}}
	}
	const november, december = 185_500, 215_000
	bill := func(month string, amount int64) object {
		return object{
			"reference": "BILL-" + r.AccountNumber + "-" + month, "dates": object{"due": "2026-" + month + "-20", "statement": "2026-" + month + "-01"},
			"balance": object{"unit": s.products[r.Product].unit, "amount": of(amount)},
		}
	}
	return answer{status: http.StatusOK, body: []object{bill("12", december), bill("11", november)}}
}
