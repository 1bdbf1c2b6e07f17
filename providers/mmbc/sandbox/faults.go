package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Fault is one way in which the provider can misbehave.
type Fault struct {
	Name     string `json:"name"`
	Text     string `json:"text"`
	Executes bool   `json:"executes"` // whether a reload takes the money; other calls move none
}

// fault is how a Fault is done: the order is executed once, several times or late, its answer is altered, then sent in some way.
type fault struct {
	Fault

	reason string // for a fault that doesn't execute: the refusal that is answered
	times  int64  // 0 is once
	late   bool
	alter  alteration
	send   delivery
}

// Faults lists every fault, for help texts.
func Faults() []Fault {
	table := faultTable()
	list := make([]Fault, len(table))
	for i, f := range table {
		list[i] = f.Fault
	}
	return list
}

func faultTable() []fault {
	return slices.Concat(lostAnswers(), badAnswers(), falseAnswers(), doubtfulOrders(), declines())
}

// The ways to deliver and to alter an answer; nil is as usual. Refusals are never altered.
type (
	delivery   = func(*Sandbox, exchange, reply)
	alteration = func(*Sandbox, reply) reply
)

func before(name, text string, send delivery) fault {
	return fault{Fault: Fault{Name: name, Text: text + "; nothing is executed"}, send: send}
}

func after(name, text string, send delivery) fault {
	return fault{Fault: Fault{Name: name, Text: "executes, then " + text, Executes: true}, send: send}
}

func altered(name, text string, alter alteration) fault {
	return fault{Fault: Fault{Name: name, Text: "executes, then answers " + text, Executes: true}, alter: alter}
}

// lostAnswers are faults of the connection.
func lostAnswers() []fault {
	return []fault{
		before("no-answer-before", "never answers", (*Sandbox).sendNothing),
		after("no-answer-after", "never answers", (*Sandbox).sendNothing),
		before("cut-before", "resets the connection", (*Sandbox).sendReset),
		after("cut-after", "closes the connection without a byte", (*Sandbox).sendCut),
		after("reset-after", "resets the connection without a byte", (*Sandbox).sendReset),
		after("cut-headers", "sends the headers and closes the connection", (*Sandbox).sendHeadersOnly),
		after("cut-body", "sends half of the announced body and closes the connection", (*Sandbox).sendHalf),
		after("slow-bytes", "sends the answer a byte at a time", (*Sandbox).sendSlowly),
	}
}

// badAnswers are answers that can't be read.
func badAnswers() []fault {
	return []fault{
		after("500-html", "answers 500 with a page", page(http.StatusInternalServerError)),
		after("500-html-after", "answers 500 with a page", page(http.StatusInternalServerError)),
		before("500-html-before", "answers 500 with a page", page(http.StatusInternalServerError)),
		after("502-html", "answers 502 with a page, as a proxy does", page(http.StatusBadGateway)),
		before("503-html-before", "answers 503 with a page, as in maintenance", page(http.StatusServiceUnavailable)),
		before("429-html-before", "answers 429 with a page", page(http.StatusTooManyRequests)),
		after("200-html", "answers 200 with a page", page(http.StatusOK)),
		after("500-no", `answers 500 with result "no"`, (*Sandbox).sendFalseNo),
		after("500-ok", "sends the right answer with the status 500", (*Sandbox).sendFailed),
		after("empty-body", "answers 200 without a body", (*Sandbox).sendEmpty),
		after("truncated-json", "answers with half of the JSON as if it were whole", (*Sandbox).sendTruncated),
		after("array-body", "answers with the JSON inside an array", (*Sandbox).sendArray),
		after("two-objects", "answers with the JSON and a refusal behind it", (*Sandbox).sendTwo),
		after("huge-body", "sends a great many blanks before the answer", (*Sandbox).sendHuge),
		after("gzip-garbage", "answers with a body that says it is gzip and isn't", (*Sandbox).sendFalseGzip),
		after("redirect", "answers 307 to the same place: who follows it pays twice", (*Sandbox).sendRedirect),
		before("redirect-before", "answers 307 to the same place", (*Sandbox).sendRedirect),
	}
}

// falseAnswers can be read, and are wrong or lack something.
func falseAnswers() []fault {
	return []fault{
		altered("wrong-amount", "with another amount", wrongAmount),
		altered("wrong-account", "with another account number", wrongAccount),
		altered("wrong-merchant", "with another merchant", wrongMerchant),
		altered("duplicate-invoice", "with the invoice of the order before", duplicateInvoice),
		altered("no-invoice", "without an invoice", leaveOut(keyInvoice)),
		altered("no-account", "without the account number", leaveOut(keyReceived)),
		altered("no-amount", "without the amount", leaveOut(keyAmount)),
		altered("no-reference", "without a reference", leaveOut(keyReference)),
		altered("missing-status", "without a status", leaveOut(keyStatus)),
		altered("missing-result", "without a result", leaveOut(keyResult)),
		altered("unknown-status", `with the status "PROSES"`, say(keyStatus, "PROSES")),
		altered("unknown-result", `with the result "maybe"`, say(keyResult, "maybe")),
	}
}

// doubtfulOrders go wrong on the provider's own side.
func doubtfulOrders() []fault {
	const twice = 2
	late := after("late", "", (*Sandbox).sendCut)
	late.Text, late.late = "closes the connection without a byte, and executes 5 s later", true
	double := after("double", "executes once more and answers for the second", nil)
	double.times = twice
	return []fault{late, double}
}

// declines refuse a call that would have been done.
func declines() []fault {
	reasons := append(refusals(), refusal{"not-found", reasonNotFound})
	list := make([]fault, 0, len(reasons))
	for _, r := range reasons {
		list = append(list, decline(r.name, r.reason))
	}
	return list
}

func decline(name, reason string) fault {
	f := before("decline-"+name, `answers result "no", `+reason, nil)
	f.reason = reason
	return f
}

func wrongAmount(_ *Sandbox, rep reply) reply {
	const more = 1000
	return rep.with(keyAmount, rupiah(rep.order.Amount+more))
}

// wrongAccount answers with the next number: the same shape, somebody else's.
func wrongAccount(_ *Sandbox, rep reply) reply {
	account := rep.order.Account
	if account == "" {
		return rep
	}
	last := "0"
	if strings.HasSuffix(account, last) {
		last = "1"
	}
	return rep.with(keyReceived, account[:len(account)-1]+last)
}

func wrongMerchant(_ *Sandbox, rep reply) reply {
	other := merchants()[0].code
	if rep.order.Merchant == other {
		other = merchants()[1].code
	}
	return rep.with(keyMerchant, other)
}

func duplicateInvoice(s *Sandbox, rep reply) reply {
	return rep.with(keyInvoice, digits(s.book.before(rep.order)))
}

func leaveOut(key string) alteration {
	return func(_ *Sandbox, rep reply) reply { return rep.without(key) }
}

func say(key, value string) alteration {
	return func(_ *Sandbox, rep reply) reply { return rep.with(key, value) }
}

// Whom a setting is for, and for how long.
const (
	AnyCall = "*"
	Always  = -1     // Times of a fault that stays until it is cleared
	NoFault = "none" // the name that clears
)

const timesOnce = 1

// Setting is a fault that is set.
type Setting struct {
	Name    string `json:"name"`
	Times   int    `json:"times"`             // how many calls it is still for; Always: until cleared
	Call    string `json:"call"`              // empty: reload_merchant; AnyCall: all four
	Account string `json:"account,omitempty"` // only calls about this account; empty: any
}

// ErrUnknownFault is the error of a name that is not on the list of Faults.
var ErrUnknownFault = errors.New("unknown fault")

// ParseFault reads NAME or NAME:TIMES, as the command line has it. Times is 1 where it isn't given, Always for -1.
func ParseFault(s string) (name string, times int, err error) {
	name, count, given := strings.Cut(s, ":")
	times = timesOnce
	if given {
		if times, err = strconv.Atoi(count); err != nil {
			return "", 0, fmt.Errorf("fault %q: times is not a number", s)
		}
	}
	if times != Always && times < timesOnce {
		return "", 0, fmt.Errorf("fault %q: times is a positive number or -1", s)
	}
	if _, err := findFault(name); err != nil {
		return "", 0, err
	}
	return name, times, nil
}

func findFault(name string) (fault, error) {
	for _, f := range faultTable() {
		if f.Name == name {
			return f, nil
		}
	}
	return fault{}, fmt.Errorf("%w %q; there are: %s", ErrUnknownFault, name, strings.Join(faultNames(), ", "))
}

func faultNames() []string {
	list := Faults()
	names := make([]string, len(list))
	for i, f := range list {
		names[i] = f.Name
	}
	return names
}

// faultQueue holds the faults that are set. A call takes the one that names it most closely.
type faultQueue struct {
	mu      sync.Mutex
	waiting []Setting
}

// checked gives the setting with its call filled in.
func (f Setting) checked() (Setting, error) {
	if f.Call == "" {
		f.Call = callReload
	}
	if f.Call != AnyCall && !isCall(f.Call) {
		return f, fmt.Errorf("call %q is not one of %s or %s", f.Call, strings.Join(calls(), ", "), AnyCall)
	}
	if f.Times < Always {
		return f, fmt.Errorf("times is a positive number, 0 or -1, not %d", f.Times)
	}
	if f.Name == NoFault {
		f.Times = 0
		return f, nil
	}
	_, err := findFault(f.Name)
	return f, err
}

// add puts a fault behind those already set.
func (q *faultQueue) add(setting Setting) error {
	setting, err := setting.checked()
	if err != nil {
		return err
	}
	if setting.Times == 0 {
		return fmt.Errorf("fault %s: times is 0", setting.Name)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, setting)
	return nil
}

// set replaces what is set for the same call and account; times 0 leaves nothing there. AnyCall replaces every call's, and clearing without an
// account clears every account's.
func (q *faultQueue) set(setting Setting) error {
	setting, err := setting.checked()
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = slices.DeleteFunc(q.waiting, setting.replaces)
	if setting.Times != 0 {
		q.waiting = append(q.waiting, setting)
	}
	return nil
}

func (f Setting) replaces(other Setting) bool {
	sameCall := f.Call == AnyCall || f.Call == other.Call
	return sameCall && (f.Account == other.Account || f.Account == "" && f.Times == 0)
}

// fit tells how closely the setting names a call: 0 is not at all; an account counts more than a call.
func (f Setting) fit(call, account string) int {
	if f.Call != AnyCall && f.Call != call || f.Account != "" && f.Account != account {
		return 0
	}
	fit := 1
	if f.Call != AnyCall {
		fit++
	}
	if f.Account != "" {
		fit += 2
	}
	return fit
}

// take uses up one of the fault that names the call most closely, the first of several, or gives the zero fault.
func (q *faultQueue) take(call, account string) fault {
	q.mu.Lock()
	defer q.mu.Unlock()
	at, best := -1, 0
	for i, setting := range q.waiting {
		if fit := setting.fit(call, account); fit > best {
			at, best = i, fit
		}
	}
	if at < 0 {
		return fault{}
	}
	f, err := findFault(q.waiting[at].Name)
	if err != nil {
		return fault{} // names are checked when they are set
	}
	q.use(at)
	return f
}

func (q *faultQueue) use(at int) {
	if q.waiting[at].Times > 0 {
		q.waiting[at].Times--
	}
	if q.waiting[at].Times == 0 {
		q.waiting = slices.Delete(q.waiting, at, at+1)
	}
}

func (q *faultQueue) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = nil
}

func (q *faultQueue) list() []Setting {
	q.mu.Lock()
	defer q.mu.Unlock()
	return append([]Setting{}, q.waiting...)
}
