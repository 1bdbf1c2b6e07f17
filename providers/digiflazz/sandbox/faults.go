package sandbox

import (
	"net/http"
	"slices"
	"strings"

	"github.com/jalurhq/jalur/providers/sandbox"
)

// fault is how a fault is done: the order is executed once, several times or late, its answer is altered, then sent in some way.
type fault struct {
	sandbox.Fault

	rc       string // the code that the call is refused with; no order is made, or one that has failed
	times    int    // 0 is once
	late     bool
	refund   bool
	repeat85 bool // the same ref_id again is refused with 85
	race     bool // the same ref_id again is executed again
	hooks    hookFault
	alter    alteration
	deliver  sandbox.Delivery // nil: as usual
}

func (f fault) executions() int { return max(f.times, 1) }

// alteration changes an answer about an order that was made; others are left alone.
type alteration = func(*Sandbox, reply) reply

func catalogue() sandbox.Catalogue {
	made := sandbox.Catalogue{Calls: calls()}
	for _, f := range faultTable() {
		made.Faults = append(made.Faults, f.Fault)
	}
	return made
}

// Faults lists every fault, for help texts.
func Faults() []sandbox.Fault { return catalogue().Faults }

// ParseFault reads NAME or NAME:TIMES, as the command line has it. Times is 1 where it isn't given, Always for -1.
func ParseFault(text string) (sandbox.Setting, error) { return catalogue().Parse(text) }

// takeFault uses up one of the fault that names the call most closely, the first of several, or gives the zero fault.
func (s *Sandbox) takeFault(call, account string) fault {
	name := s.faults.Take(call, account)
	for _, f := range faultTable() {
		if f.Name == name {
			return f
		}
	}
	return fault{}
}

func faultTable() []fault {
	return slices.Concat(lineFaults(), falseAnswers(), doubtfulAnswers(), doubtfulOrders(), callbackFaults(), declines())
}

func lineFaults() []fault {
	line := sandbox.LineFaults()
	list := make([]fault, len(line))
	for i, f := range line {
		list[i] = fault{Fault: f.Fault, deliver: f.Deliver}
	}
	return list
}

func executing(name, text string) fault {
	return fault{Fault: sandbox.Fault{Name: name, Text: "executes, " + text, Executes: true}}
}

func altered(name, text string, alter alteration) fault {
	f := executing(name, "then answers "+text)
	f.alter = alter
	return f
}

func leaveOut(key string) alteration {
	return func(_ *Sandbox, rep reply) reply { return rep.without(key) }
}

func say(key string, value any) alteration {
	return func(_ *Sandbox, rep reply) reply { return rep.with(key, value) }
}

// falseAnswers can be read, and are wrong or lack something.
func falseAnswers() []fault {
	return []fault{
		altered("wrong-ref", "with another ref_id", say("ref_id", "SOMEBODYELSES")),
		altered("wrong-account", "with another account number", wrongAccount),
		altered("wrong-product", "with another product", say("buyer_sku_code", "xld25")),
		altered("wrong-amount", "about a bill with another amount", wrongAmount),
		altered("other-order", "with the order before", otherOrder),
		altered("no-data", "without the wrapping data", noData),
		altered("two-objects", "with the JSON and a refusal behind it", twoObjects),
		altered("no-ref", "without a ref_id", leaveOut("ref_id")),
		altered("no-account", "without the account number", leaveOut("customer_no")),
		altered("no-product", "without the product", leaveOut("buyer_sku_code")),
		altered("no-status", "without a status", leaveOut("status")),
		altered("no-rc", "without an rc", leaveOut("rc")),
		altered("no-sn", "without an sn", leaveOut("sn")),
		altered("unknown-status", `with the status "Proses"`, say("status", "Proses")),
		altered("unknown-rc", `with the rc 98`, say("rc", "98")),
		altered("disagree-pending", `with status Pending and rc 02`, both(statusPending, "02")),
		altered("disagree-failed", `with status Gagal and rc 00`, both(statusFailed, "00")),
		altered("disagree-success", `with status Sukses and rc 02`, both(statusOK, "02")),
		altered("failed-unknown-rc", `with status Gagal and the rc 98`, both(statusFailed, "98")),
	}
}

// doubtfulAnswers say that it failed, or may have, of an order that goes well.
func doubtfulAnswers() []fault {
	var list []fault
	for _, rc := range []string{"01", "70", "47", "49", "50"} {
		list = append(list, altered("doubt-"+rc, "Gagal with rc "+rc, both(statusFailed, rc)))
	}
	return append(list, altered("doubt-99", "Pending with rc 99", both(statusPending, "99")))
}

func both(status, rc string) alteration {
	return func(_ *Sandbox, rep reply) reply {
		return rep.with("status", status).with("rc", rc).with("message", codeOf(rc).message)
	}
}

// wrongAccount answers with the next number: the same shape, somebody else's.
func wrongAccount(_ *Sandbox, rep reply) reply {
	account, last := rep.order.Account, "0"
	if strings.HasSuffix(account, last) {
		last = "1"
	}
	return rep.with("customer_no", account[:len(account)-1]+last)
}

func wrongAmount(_ *Sandbox, rep reply) reply {
	const more = 1000
	if rep.order.Selling == 0 {
		return rep
	}
	return rep.with("selling_price", rupiah(rep.order.Selling+more))
}

func twoObjects(_ *Sandbox, rep reply) reply {
	rep.refused = true
	return rep
}

func otherOrder(s *Sandbox, rep reply) reply { return s.show(s.book.before(*rep.order), s.cfg.Now()) }

func noData(_ *Sandbox, rep reply) reply {
	rep.bare = true
	return rep
}

// doubtfulOrders go wrong on the provider's own side.
func doubtfulOrders() []fault {
	const twice = 2
	late := executing("late", "but 5 s later, and closes the connection without a byte")
	late.late, late.deliver = true, sandbox.Cut
	double := executing("double", "and once more")
	double.times = twice
	refund := executing("refund", "and gives it back 10 s after it is done (74)")
	refund.refund = true
	again := executing("repeat-85", "but refuses the same ref_id again with 85: for the second call")
	again.repeat85 = true
	race := executing("repeat-double", "and executes the same ref_id once more: for the second call")
	race.race = true
	return []fault{late, double, refund, again, race}
}

// callbackFaults are about what is sent, not about what is answered.
func callbackFaults() []fault {
	first := executing("callback-first", "and sends the callback before the answer")
	first.hooks.first = true
	twice := executing("callback-twice", "and sends every callback twice")
	twice.hooks.twice = true
	reordered := executing("callback-reordered", "and sends the update before the create")
	reordered.hooks.reordered = true
	forged := executing("callback-forged", "and signs the callbacks wrongly")
	forged.hooks.forged = true
	none := executing("callback-none", "and sends no callbacks")
	none.hooks.none = true
	return []fault{first, twice, reordered, forged, none}
}

// declines refuse a call that would have been done, with each of the vendor's codes.
func declines() []fault {
	codes := refusals()
	list := make([]fault, len(codes))
	for i, c := range codes {
		text := "answers Gagal with rc " + c.rc + ", " + c.message + "; nothing is executed"
		list[i] = fault{Fault: sandbox.Fault{Name: "decline-" + c.rc, Text: text}, rc: c.rc}
	}
	return list
}

// send delivers a reply, through the fault where there is one.
func (s *Sandbox) send(x sandbox.Exchange, f fault, rep reply) {
	if f.alter != nil && rep.order != nil {
		rep = f.alter(s, rep)
	}
	deliver := f.deliver
	if deliver == nil {
		deliver = sandbox.Line.Send
	}
	body := s.cfg.Values.encode(rep)
	if rep.refused {
		body = append(body, s.cfg.Values.encode(refuse(nil, rcFailed))...)
	}
	deliver(s.line, x, sandbox.Reply{Status: http.StatusOK, Body: body})
}
