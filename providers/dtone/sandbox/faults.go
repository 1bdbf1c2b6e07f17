package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/jalurhq/jalur/providers/sandbox"
)

// What can be set, as every sandbox has it.
type (
	// Fault is one way in which the provider can misbehave.
	Fault = sandbox.Fault
	// Setting is a fault that is set. Its empty call is the one that makes a transaction.
	Setting = sandbox.Setting
)

// Whom a setting is for, and for how long.
const (
	AnyCall = sandbox.AnyCall
	Always  = sandbox.Always
	NoFault = sandbox.NoFault
)

// fault is how a Fault is done.
type fault struct {
	Fault

	refuse   apiError           // for a fault that does nothing: what is answered
	claim    apiError           // what is answered although it was done
	plan     func(*transaction) // what becomes of a new or confirmed transaction
	times    int64              // 0 is once
	late     bool
	drift    bool                // the price has risen since the catalogue was read
	alter    func(object)        // changes the answer
	whole    func([]byte) []byte // changes its bytes
	deliver  sandbox.Delivery    // nil: as usual
	callback callbackFault
}

// callbackFault is what goes wrong with the callbacks of a transaction.
type callbackFault struct {
	lost, twice, late, wrong, lying bool
}

// Faults lists every fault, for help texts.
func Faults() []Fault { return faults().Faults }

func faults() sandbox.Catalogue {
	made := sandbox.Catalogue{Calls: calls()}
	for _, f := range faultTable() {
		made.Faults = append(made.Faults, f.Fault)
	}
	return made
}

// ParseFault reads NAME or NAME:TIMES, as the command line has it. Times is 1 where it isn't given, -1 for always.
func ParseFault(text string) (Setting, error) { return faults().Parse(text) }

func faultTable() []fault {
	line := sandbox.LineFaults()
	list := make([]fault, 0, len(line))
	for _, f := range line {
		list = append(list, fault{Fault: f.Fault, deliver: f.Deliver})
	}
	return slices.Concat(list, doubtfulAnswers(), falseAnswers(), doubtfulOrders(), callbackFaults(), endings(), refusals())
}

func before(name, text string) fault {
	return fault{Fault: Fault{Name: name, Text: text + "; nothing is executed"}}
}

func after(name, text string) fault {
	return fault{Fault: Fault{Name: name, Text: "executes, then " + text, Executes: true}}
}

// doubtfulAnswers say that something went wrong, and it didn't.
func doubtfulAnswers() []fault {
	var list []fault
	for name, code := range map[string]int{"error-1009001-after": codeUnexpected, "error-1009503-after": codeUnavailable, "error-1007001-after": codeDuplicate} {
		f := after(name, "answers with the error "+strconv.Itoa(code))
		f.claim = failure(code)
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b fault) int { return b.claim.code - a.claim.code })
	two := after("two-objects", "answers with the transaction and an error behind it")
	two.whole = func(body []byte) []byte { return slices.Concat(body, failure(codeBalance).body()) }
	both := after("both", "answers with a transaction that has errors in it")
	both.alter = func(answer object) { answer["errors"] = failure(codeBalance).shown()["errors"] }
	twice := after("status-twice", "answers with a second status behind the first")
	twice.whole = func(body []byte) []byte {
		return slices.Concat(body[:len(body)-1], []byte(`,"status":{"id":90000,"message":"DECLINED","class":{"id":9,"message":"DECLINED"}}}`))
	}
	return append(list, two, both, twice)
}

func altered(name, text string, alter func(object)) fault {
	f := after(name, "answers "+text)
	f.alter = alter
	return f
}

func leaveOut(keys ...string) func(object) {
	return func(answer object) {
		maps.DeleteFunc(answer, func(key string, _ any) bool { return slices.Contains(keys, key) })
	}
}

// falseAnswers can be read, and are wrong or lack something.
func falseAnswers() []fault {
	word := func(class int, message string) func(object) {
		return func(answer object) {
			answer["status"] = object{"id": class, "message": message, "class": object{"id": class, "message": message}}
		}
	}
	const unheard, another = 6, 77
	return []fault{
		altered("wrong-amount", "with another amount", func(answer object) {
			answer["requested_values"] = object{"source": nil, "destination": amountIn(dollar, of(another))}
		}),
		altered("wrong-account", "with another credit party", func(answer object) {
			answer["credit_party_identifier"] = object{"mobile_number": "+6590000000"}
		}),
		altered("wrong-product", "with another product", func(answer object) { answer["product"] = object{"id": 1} }),
		altered("wrong-external-id", "with another external_id", func(answer object) { answer["external_id"] = "SOMEBODYELSES" }),
		altered("no-id", "without its number", leaveOut("id")),
		altered("no-external-id", "without the external_id", leaveOut("external_id")),
		altered("no-account", "without the credit party", leaveOut("credit_party_identifier")),
		altered("no-product", "without the product", leaveOut("product")),
		altered("no-status", "without a status", leaveOut("status")),
		altered("no-requested", "without the amounts that were asked for", leaveOut("requested_values")),
		altered("text-numbers", "with its numbers as text", func(answer object) { answer["id"] = fmt.Sprint(answer["id"]) }),
		altered("unknown-class", "with a class that nobody has heard of", word(unheard, "THINKING")),
		altered("torn-status", "with a class and a message that disagree", func(answer object) {
			answer["status"] = object{"id": completed, "message": "DECLINED", "class": object{"id": completed, "message": "DECLINED"}}
		}),
	}
}

// doubtfulOrders go wrong on the provider's own side.
func doubtfulOrders() []fault {
	const twice = 2
	late := after("late", "")
	late.Text, late.late, late.deliver = "closes the connection without a byte, and executes 5 s later", true, sandbox.Cut
	double := after("double", "executes once more and answers for the second")
	double.times = twice
	drift := after("price-drift", "charges a tenth more than the catalogue says")
	drift.drift = true
	back := after("reversed", "completes, and gives the money back after that")
	back.plan = func(t *transaction) { t.ReversedAt = t.DoneAt.Add(t.DoneAt.Sub(t.ConfirmedAt)) }
	never := after("never", "stays SUBMITTED")
	const ever = 100 * 365 * 24 * time.Hour
	never.plan = func(t *transaction) { t.DoneAt = t.ConfirmedAt.Add(ever) }
	atOnce := after("at-once", "is COMPLETED in the first answer")
	atOnce.plan = func(t *transaction) { t.DoneAt = t.ConfirmedAt }
	return []fault{late, double, drift, back, never, atOnce}
}

func callbackFaults() []fault {
	table := []struct {
		name, text string
		fault      callbackFault
	}{
		{"callback-lost", "sends no callback", callbackFault{lost: true}},
		{"callback-twice", "sends each callback twice", callbackFault{twice: true}},
		{"callback-late", "sends its callbacks late", callbackFault{late: true}},
		{"callback-wrong", "sends its callbacks to an address with another end", callbackFault{wrong: true}},
		{"callback-lies", "says DECLINED in its callbacks", callbackFault{lying: true}},
	}
	list := make([]fault, 0, len(table))
	for _, row := range table {
		f := after(row.name, row.text)
		f.callback = row.fault
		list = append(list, f)
	}
	return list
}

// messages are the words that a refused transaction can end with.
func messages() []string {
	list := []string{
		"REJECTED", "DECLINED", "REJECTED-INSUFFICIENT-BALANCE", "DECLINED-DUPLICATED-TRANSACTION", "DECLINED-EXCEPTION",
		"DECLINED-LIMITATIONS-ON-OPERATOR-AMOUNT", "DECLINED-LIMITATIONS-ON-OPERATOR-QUANTITY",
		"DECLINED-LIMITATIONS-ON-CUSTOMER-AMOUNT", "DECLINED-LIMITATIONS-ON-CUSTOMER-QUANTITY",
	}
	both := []string{
		"INVALID-CREDIT-PARTY", "BARRED-CREDIT-PARTY", "INELIGIBLE-CREDIT-PARTY", "INVALID-DEBIT-PARTY", "BARRED-DEBIT-PARTY",
		"LIMITATIONS-ON-CREDIT-PARTY-AMOUNT", "LIMITATIONS-ON-CREDIT-PARTY-QUANTITY", "OPERATOR-CURRENTLY-UNAVAILABLE",
	}
	for _, suffix := range both {
		list = append(slices.Grow(list, len(both)), "REJECTED-"+suffix, "DECLINED-"+suffix)
	}
	return list
}

// endings let a transaction end in words.
func endings() []fault {
	words := messages()
	list := make([]fault, 0, len(words))
	for _, message := range words {
		f := fault{Fault: Fault{Name: "end-" + message, Text: "takes the transaction and ends it as " + message + "; the money is not taken"}}
		f.plan = func(t *transaction) {
			t.Class, t.Message = declined, message
			if message[0] == 'R' {
				t.Class = rejected
			}
		}
		list = append(list, f)
	}
	return list
}

// refusals answer a call with an error.
func refusals() []fault {
	codes := slices.Sorted(maps.Keys(errorTexts()))
	list := make([]fault, 0, len(codes))
	for _, code := range codes {
		f := before("error-"+strconv.Itoa(code), "answers with the error "+strconv.Itoa(code)+", "+errorTexts()[code])
		f.refuse = failure(code)
		list = append(list, f)
	}
	return list
}

// take uses up one of the fault that names the call most closely, or gives the zero fault.
func (s *Sandbox) take(call, account string) fault {
	name := s.faults.Take(call, account)
	for _, f := range faultTable() {
		if f.Name == name {
			return f
		}
	}
	return fault{}
}

// Error codes that the sandbox answers with by itself.
const (
	codeBadRequest     = 1000400
	codeUnauthorised   = 1000401
	codeNotFound       = 1000404
	codeNoProduct      = 1003001
	codeOutOfRange     = 1003002
	codeUnit           = 1003003
	codeParty          = 1005003
	codeBalance        = 1006001
	codeDuplicate      = 1007001
	codeConfirmed      = 1007002
	codeExpired        = 1007004
	codeCancelled      = 1007005
	codeNotCancellable = 1007007
	codeNoTransaction  = 1008004
	codeUnexpected     = 1009001
	codeUnavailable    = 1009503
)

func errorTexts() map[int]string {
	return map[int]string{
		codeBadRequest: "Bad request", codeUnauthorised: "Unauthorized", codeNotFound: "Not found", 1000429: "Too many requests",
		codeNoProduct: "Product is not available in your account", codeOutOfRange: "Amount is out of range", codeUnit: "Unit is invalid",
		1003101: "Benefits are undefined", 1003201: "Promotion not found", 1003301: "Campaign not found",
		codeParty: "Credit party mobile number is invalid", 1005004: "Service is invalid", 1005005: "Country is invalid",
		1005006: "Operator is invalid", 1005503: "Sender mobile number is invalid", codeBalance: "Insufficient balance",
		1006003: "Debit party mobile number is invalid", 1006009: "Balance not found", 1006503: "Beneficiary mobile number is invalid",
		codeDuplicate: "External ID has already been used", codeConfirmed: "Transaction is already confirmed",
		codeExpired: "Transaction can no longer be confirmed", codeCancelled: "Transaction is already cancelled",
		codeNotCancellable: "Transaction can no longer be cancelled", 1007500: "Method is not supported",
		codeNoTransaction: "Transaction not found", codeUnexpected: "Unexpected error", codeUnavailable: "Service unavailable",
	}
}

// apiError is an error answer; its zero value is none.
type apiError struct {
	code   int
	status int
}

func failure(code int) apiError {
	status, known := map[int]int{
		codeUnauthorised: http.StatusUnauthorized, codeNotFound: http.StatusNotFound, 1000429: http.StatusTooManyRequests,
		codeNoTransaction: http.StatusNotFound, codeUnexpected: http.StatusInternalServerError, codeUnavailable: http.StatusServiceUnavailable,
	}[code]
	if !known {
		status = http.StatusBadRequest
	}
	return apiError{code: code, status: status}
}

func (e apiError) shown() object {
	return object{"errors": []object{{"code": e.code, "message": errorTexts()[e.code]}}}
}

func (e apiError) body() []byte {
	body, _ := json.Marshal(e.shown()) //nolint:errchkjson // numbers and text always encode
	return body
}

func (e apiError) reply() answer { return answer{status: e.status, body: e.shown()} }
