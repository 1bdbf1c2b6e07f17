package sandbox

import (
	"slices"
	"strings"

	"github.com/jalurhq/jalur/providers/sandbox"
)

// What can be set, as every sandbox has it.
type (
	// Fault is one way in which the provider can misbehave.
	Fault = sandbox.Fault
	// Setting is a fault that is set. Its empty call is reload_merchant.
	Setting = sandbox.Setting
)

// fault is how a Fault is done: the order is executed once, several times or late, its answer is altered, then sent in some way.
type fault struct {
	Fault

	reason    string // for a fault that doesn't execute: the refusal that is answered
	times     int64  // 0 is once
	late      bool
	alter     alteration
	falseNo   bool             // a refusal is answered, although it was done
	andRefuse bool             // a refusal stands behind the answer
	deliver   sandbox.Delivery // nil: as usual
}

// Faults lists every fault, for help texts.
func Faults() []Fault { return catalogue().Faults }

func catalogue() sandbox.Catalogue {
	made := sandbox.Catalogue{Calls: calls()}
	for _, f := range faultTable() {
		made.Faults = append(made.Faults, f.Fault)
	}
	return made
}

func faultTable() []fault {
	return slices.Concat(lineFaults(), falseAnswers(), doubtfulOrders(), declines())
}

// alteration changes an answer. Refusals are never altered.
type alteration = func(*Sandbox, reply) reply

func before(name, text string) fault {
	return fault{Fault: Fault{Name: name, Text: text + "; nothing is executed"}}
}

func after(name, text string) fault {
	return fault{Fault: Fault{Name: name, Text: "executes, then " + text, Executes: true}}
}

func altered(name, text string, alter alteration) fault {
	f := after(name, "answers "+text)
	f.alter = alter
	return f
}

// lineFaults are those of the delivery, and those of the answer as a whole.
func lineFaults() []fault {
	var list []fault
	for _, f := range sandbox.LineFaults() {
		list = append(list, fault{Fault: f.Fault, deliver: f.Deliver})
	}
	falseNo, two := after("500-no", `answers 500 with result "no"`), after("two-objects", "answers with the JSON and a refusal behind it")
	falseNo.falseNo, two.andRefuse = true, true
	return append(list, falseNo, two)
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
	late := after("late", "")
	late.Text, late.late, late.deliver = "closes the connection without a byte, and executes 5 s later", true, sandbox.Cut
	double := after("double", "executes once more and answers for the second")
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
	f := before("decline-"+name, `answers result "no", `+reason)
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
	AnyCall = sandbox.AnyCall
	Always  = sandbox.Always
	NoFault = sandbox.NoFault
)

// ParseFault reads NAME or NAME:TIMES, as the command line has it. Times is 1 where it isn't given, Always for -1.
func ParseFault(text string) (Setting, error) { return catalogue().Parse(text) }

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
