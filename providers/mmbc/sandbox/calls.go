package sandbox

import (
	"errors"
	"net/http"
	"time"

	"github.com/jalurhq/jalur/providers/sandbox"
)

// The four calls.
const (
	callList    = "list_merchant"
	callInquiry = "inquiry_merchant"
	callReload  = "reload_merchant"
	callStatus  = "status_reload"
)

// calls lists them, the one that makes an order first.
func calls() []string { return []string{callReload, callStatus, callInquiry, callList} }

func isCall(name string) bool {
	switch name {
	case callList, callInquiry, callReload, callStatus:
		return true
	default:
		return false
	}
}

// exchange is one call on its way.
type exchange struct {
	sandbox.Exchange

	call string
}

// serveCall answers one of the four calls, with the fault that is set for it.
func (s *Sandbox) serveCall(x exchange) {
	if x.R.Method != http.MethodPost {
		x.W.Header().Set("Allow", http.MethodPost)
		http.Error(x.W, "POST only", http.StatusMethodNotAllowed)
		return
	}
	p, err := readParams(x.R)
	f := s.takeFault(x.call, s.accountOf(p))
	rep := s.refuse(reasonParameter)
	switch {
	case f.Name != "" && !f.Executes:
		rep = s.refuse(f.reason)
	case err == nil:
		rep = s.answer(x.call, p, f)
	}
	if x.call == callReload && s.cfg.Delay > 0 {
		s.line.Pause(x.Exchange, s.cfg.Delay)
	}
	s.send(x, f, rep)
}

// accountOf tells whose order a call is about: status_reload names it by its invoice.
func (s *Sandbox) accountOf(p params) string {
	if account := p[keyAccount]; account != "" {
		return account
	}
	o, _ := s.book.find(p[keyInvoice])
	return o.Account
}

func (s *Sandbox) refuse(reason string) reply {
	return reply{status: s.cfg.FailureStatus, fields: []field{{keyResult, resultNo}, {keyReason, reason}}}
}

func (s *Sandbox) answer(call string, p params, f fault) reply {
	if reason := s.refuseCaller(p); reason != "" {
		return s.refuse(reason)
	}
	switch call {
	case callList:
		return s.list()
	case callInquiry:
		return s.inquire(p)
	case callStatus:
		return s.status(p)
	default:
		return s.reload(p, f)
	}
}

func (s *Sandbox) refuseCaller(p params) string {
	switch {
	case s.authorised(p[keyUsername], p[keyPassword]):
		return ""
	case p[keyUsername] == dummyUser && p[keyPassword] == dummyPassword:
		return reasonDummy
	default:
		return reasonCredentials
	}
}

func (s *Sandbox) list() reply {
	rep := reply{status: http.StatusOK, isList: true}
	for _, m := range merchants() {
		rep.list = append(rep.list, []field{
			{keyMerchant, m.code}, {"merchant_debet", m.formula}, {"merchant_cashback", rupiah(m.cashback)},
		})
	}
	return rep
}

// topUp is what inquiry and reload have in common, once it has been found valid.
type topUp struct {
	merchant merchant
	account  string
	amount   int64
	number   TestNumber
}

// read gives the top-up that the parameters ask for, or the reason to refuse it.
func (s *Sandbox) read(p params) (topUp, string) {
	if name := p.missing(keyMerchant, keyAccount, keyAmount); name != "" {
		return topUp{}, reasonIncomplete + name
	}
	m, known := merchantByCode(p[keyMerchant])
	amount, plain := p.rupiah()
	switch {
	case !known:
		return topUp{}, reasonMerchant
	case !m.account.MatchString(p[keyAccount]):
		return topUp{}, reasonNumber
	case !plain:
		return topUp{}, reasonAmount
	case amount < s.cfg.MinAmount:
		return topUp{}, reasonMinimum
	}
	return topUp{merchant: m, account: p[keyAccount], amount: amount, number: s.cfg.testNumber(p[keyAccount])}, ""
}

func (s *Sandbox) inquire(p params) reply {
	t, reason := s.read(p)
	if reason == "" && t.number.inquiryToo {
		reason = t.number.reason
	}
	if reason != "" {
		return s.refuse(reason)
	}
	return reply{status: http.StatusOK, fields: []field{
		{keyResult, resultOK},
		{keyMerchant, t.merchant.code},
		{keyReceiver, t.merchant.receiver()},
		{keyReceived, t.account},
		{keyAmount, rupiah(t.amount)},
		{keyDebet, rupiah(t.merchant.debet(t.amount))},
		{keyCashback, rupiah(t.merchant.cashback)},
	}}
}

// reload makes the top-up. Two equal calls are two top-ups: the page knows no reference of the caller's.
func (s *Sandbox) reload(p params, f fault) reply {
	t, reason := s.read(p)
	direct, ok := p.direct(s.cfg.DirectDefault)
	switch {
	case reason == "" && !ok:
		reason = reasonParameter
	case reason == "":
		reason = t.number.reason
	}
	if reason != "" {
		return s.refuse(reason)
	}
	o, err := s.book.execute(s.order(t, direct, f.late), max(f.times, 1))
	switch {
	case errors.Is(err, errDeposit):
		return s.refuse(reasonBalance)
	case err != nil:
		rep := s.refuse("Internal error")
		rep.status = http.StatusInternalServerError
		return rep
	}
	return s.reloaded(o, direct)
}

func (s *Sandbox) order(t topUp, direct, late bool) order {
	at := s.cfg.Now()
	if late {
		at = at.Add(s.cfg.LateBy)
	}
	o := order{
		Merchant: t.merchant.code, Account: t.account, Amount: t.amount,
		Debet: t.merchant.debet(t.amount), Cashback: t.merchant.cashback, At: at, Late: late,
	}
	return s.cfg.schedule(o, t.number.plan, direct)
}

// reloaded is the answer of a reload. With direct it never has a reference.
func (s *Sandbox) reloaded(o order, direct bool) reply {
	now := s.cfg.Now()
	reference := o.reference(now)
	if direct {
		reference = ""
	}
	return s.withReference(reply{status: http.StatusOK, order: o, fields: []field{
		{keyResult, resultOK},
		{"duration", "20 sec"},
		{"date", wib(o.At)},
		{keyInvoice, digits(o.invoice())},
		{keyMerchant, o.Merchant},
		{keyReceiver, o.receiver()},
		{keyReceived, o.Account},
		{keyAmount, rupiah(o.Amount)},
		{keyReference, digits(reference)},
		{keyDebet, rupiah(o.Debet)},
		{keyCashback, rupiah(o.Cashback)},
		{keyStatus, o.status(now)},
	}})
}

func (s *Sandbox) status(p params) reply {
	if name := p.missing(keyInvoice); name != "" {
		return s.refuse(reasonIncomplete + name)
	}
	o, ok := s.book.find(p[keyInvoice])
	if !ok {
		return s.refuse(reasonNotFound)
	}
	now := s.cfg.Now()
	return s.withReference(reply{status: http.StatusOK, order: o, fields: []field{
		{keyResult, resultOK},
		{"date", wib(o.At)},
		{keyInvoice, digits(o.invoice())},
		{keyMerchant, o.Merchant},
		{keyReceiver, o.receiver()},
		{keyReceived, o.Account},
		{keyAmount, rupiah(o.Amount)},
		{keyReference, digits(o.reference(now))},
		{keyDebet, rupiah(o.Debet)},
		{keyStatus, o.status(now)},
	}})
}

// withReference leaves an empty reference out where the configuration says so.
func (s *Sandbox) withReference(rep reply) reply {
	if s.cfg.AbsentReference && rep.get(keyReference) == digits("") {
		return rep.without(keyReference)
	}
	return rep
}

// wib writes a moment as the page does, in Jakarta's time, which is UTC+7 all year.
func wib(t time.Time) string {
	const ahead = 7 * 60 * 60
	return t.In(time.FixedZone("WIB", ahead)).Format(time.DateTime)
}
