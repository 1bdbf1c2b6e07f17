package httpspec

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/cel-go/cel"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
)

// What an answer is not believed for, beside errNotJSON, errConflict and errExpression.
var (
	errStatus    = errors.New("the answer has an http status that is not read")
	errUnmatched = errors.New("no case of the description holds for the answer")
	errUnlisted  = errors.New("no rule of the description lists the reason of the refusal")
	errDoubtful  = errors.New("the provider refused, which doesn't say that nothing moved")
	errRefused   = errors.New("the provider refused")
)

// The names of outcomes that calls without money have.
const (
	outcomeOK      = "ok"
	outcomeUnknown = "unknown"
)

// The fields of answers that this package itself looks at.
const (
	fieldProviderCode = "provider_code"
	fieldReason       = "reason"
	fieldProduct      = "product"
	fieldAccount      = "account"
	fieldAmount       = "amount"
	fieldCost         = "cost"
	fieldCashback     = "cashback"
	fieldReceiver     = "receiver_name"
	fieldDetails      = "details"
	fieldInvoice      = "invoice"
	fieldRef          = "ref"
)

func orderFields() map[string]kind {
	return map[string]kind{
		fieldProviderCode: kindText, fieldReason: kindText, fieldInvoice: kindText, "reference": kindText, fieldRef: kindText,
		fieldProduct: kindText, fieldAccount: kindText, fieldReceiver: kindText,
		fieldAmount: kindMoney, fieldCost: kindMoney, fieldCashback: kindMoney, "balance_after": kindMoney, "provider_time": kindTime,
	}
}

func quoteFields() map[string]kind {
	return map[string]kind{
		fieldProviderCode: kindText, fieldReason: kindText, "token": kindText, fieldProduct: kindText, fieldAccount: kindText, fieldReceiver: kindText,
		fieldAmount: kindMoney, fieldCost: kindMoney, fieldCashback: kindMoney, "expires_at": kindTime,
	}
}

func balanceFields() map[string]kind {
	return map[string]kind{
		fieldProviderCode: kindText, fieldReason: kindText, "available": kindMoney, "holding": kindMoney, "credit": kindMoney,
	}
}

func refusalFields() map[string]kind {
	return map[string]kind{fieldProviderCode: kindText, fieldReason: kindText}
}

// answer reads the answers to one call.
type answer struct {
	key      string
	statuses []int
	pick     *expression // the part of the body that is the answer; nil: all of it
	kinds    map[string]kind
	fields   map[string]*expression
	details  map[string]*expression
	cases    []outcomeCase
	*reading
}

// reading is what all answers have in common.
type reading struct {
	foldKeys bool
	nothing  []string
	loose    bool
	currency string
	reasons  reasonTable
	clean    cleaner
}

// outcomeCase is one of the cases of an answer.
type outcomeCase struct {
	when    *expression
	outcome string
	code    core.Code
}

// answerScopes are what the expressions of answers may use: to find the answer, to read its fields, and to judge it.
type answerScopes struct{ find, read, judge scope }

func (r *reading) scopes(base scope) (answerScopes, error) {
	read, err := base.with(append(vars(cel.DynType, "body"), cel.Variable("status", cel.IntType), cel.Variable("header", cel.MapType(cel.StringType, cel.StringType)))...)
	if err != nil {
		return answerScopes{}, err
	}
	find, err := read.with(orderVariables()...)
	if err != nil {
		return answerScopes{}, err
	}
	judge, err := find.with(function("refusal", []*cel.Type{cel.StringType}, cel.BoolType, func(a []any) (any, bool) {
		said, _ := a[0].(string)
		return r.reasons.refuses(said, said), true
	}))
	return answerScopes{find: find, read: read, judge: judge}, err
}

// compile checks how a call's answers are read.
func (c callSpec) compile(key string, r *reading, scopes answerScopes, kinds map[string]kind, outcomes []string) (*answer, error) {
	made := &answer{key: key, statuses: c.Statuses, kinds: kinds, reading: r}
	for i, status := range c.Statuses {
		if status < http.StatusOK || status > 599 || status/100 == 3 {
			return nil, &core.SettingError{Key: at(key+".statuses", i), Rule: "must be an HTTP status of an answer, 200 to 599, and no redirect"}
		}
	}
	var err error
	if c.Select != "" {
		if made.pick, err = scopes.find.compile(key+".select", c.Select, kindValue); err != nil {
			return nil, err
		}
	}
	if err := made.compileFields(key+".fields", c.Fields, scopes.read); err != nil {
		return nil, err
	}
	judge, err := scopes.judge.with(vars(cel.StringType, saidNames(kinds)...)...)
	if err != nil {
		return nil, err
	}
	made.cases, err = compileCases(key+".cases", c.Cases, judge, outcomes)
	return made, err
}

func saidNames(kinds map[string]kind) []string {
	var names []string
	for name, k := range kinds {
		if k != kindTime {
			names = append(names, "said."+name)
		}
	}
	return names
}

func (a *answer) compileFields(key string, fields map[string]any, read scope) error {
	a.fields = map[string]*expression{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if name == fieldDetails {
			continue
		}
		want, known := a.kinds[name]
		if !known {
			return &core.SettingError{Key: key + "." + name, Rule: "is not known; there are " + strings.Join(slices.Sorted(maps.Keys(a.kinds)), ", ")}
		}
		source, err := sourceOf(key+"."+name, fields[name])
		if err != nil {
			return err
		}
		if a.fields[name], err = read.compile(key+"."+name, source, want); err != nil {
			return err
		}
	}
	if fields[fieldDetails] == nil {
		return nil
	}
	details, ok := fields[fieldDetails].(map[string]any)
	_, known := a.kinds[fieldProduct]
	if !ok || !known {
		return &core.SettingError{Key: key + "." + fieldDetails, Rule: "must be a map, and belongs to orders and quotes"}
	}
	var err error
	a.details, err = read.compileAll(key+"."+fieldDetails, details)
	return err
}

func compileCases(key string, given []caseSpec, judge scope, outcomes []string) ([]outcomeCase, error) {
	if len(given) == 0 {
		return nil, &core.SettingError{Key: key, Rule: "is required: without a case no answer is believed"}
	}
	made := make([]outcomeCase, 0, len(given))
	for i, c := range given {
		one, err := c.compile(at(key, i), judge, outcomes)
		if err != nil {
			return nil, err
		}
		made = append(made, one)
	}
	return made, nil
}

func (c caseSpec) compile(key string, judge scope, outcomes []string) (outcomeCase, error) {
	made := outcomeCase{outcome: c.Outcome, code: core.Code(c.Code)}
	if !slices.Contains(outcomes, c.Outcome) {
		return made, &core.SettingError{Key: key + ".outcome", Rule: "must be one of " + strings.Join(outcomes, ", ")}
	}
	refused := c.Outcome == core.Declined.String()
	switch {
	case c.Code == "":
	case !refused && c.Outcome != outcomeUnknown:
		return made, &core.SettingError{Key: key + ".code", Rule: "belongs to declined and unknown"}
	case !made.code.Valid() || refused && !mayDecline(made.code):
		return made, &core.SettingError{Key: key + ".code", Rule: "must be a code under which nothing moved where the outcome is declined, else one of " + joinCodes(core.Codes())}
	}
	source, err := sourceOf(key+".when", c.When)
	if err != nil {
		return made, err
	}
	made.when, err = judge.compile(key+".when", source, kindBool)
	return made, err
}

// said is what an answer tells, without an outcome.
type said struct {
	texts   map[string]string
	amounts map[string]core.Money
	times   map[string]time.Time
	details map[string]string

	variables map[string]any
}

// verdict is what the case that holds makes of an answer.
type verdict struct {
	outcome string
	code    core.Code
}

// read gives what an answer tells, and the verdict on it. With an error there is none, and what was told is evidence; the error is Unknown.
func (a *answer) read(ctx context.Context, reply transport.Reply, order map[string]any) (said, verdict, error) {
	ctx = context.WithoutCancel(ctx) // what has come is not lost because nobody waits any more
	s, err := a.tell(ctx, reply, order)
	if err != nil {
		return s, verdict{}, err
	}
	v, err := a.judge(ctx, s)
	return s, v, err
}

// tell reads the fields, those that can be read. An error is the first thing that is wrong.
func (a *answer) tell(ctx context.Context, reply transport.Reply, order map[string]any) (said, error) {
	decode := decoder{foldKeys: a.foldKeys, nothing: a.nothing}
	decoded, wrong := decode.decode(reply.Body)
	if wrong != nil && decoded == nil {
		return said{}, unknown(core.CodeTransportAfterSend, wrong)
	}
	if !a.readsStatus(reply.Status) {
		wrong = fmt.Errorf("%w: %d", errStatus, reply.Status)
	}
	variables := maps.Clone(order)
	variables["status"], variables["header"], variables["body"] = int64(reply.Status), headers(reply.Header), decoded
	if a.pick != nil {
		part, err := a.pick.eval(ctx, variables)
		if err != nil {
			return said{}, unknown(codeOf(wrong), firstOf(wrong, err))
		}
		variables["body"] = part
	}
	s, err := a.readFields(ctx, variables)
	for key, values := range decode.conflicts {
		s.details[key+" conflict"] = a.clean.text(values)
	}
	if wrong = firstOf(wrong, err); wrong != nil {
		return s, unknown(codeOf(wrong), wrong)
	}
	return s, nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// codeOf tells an answer that isn't the provider's from one that nobody could map.
func codeOf(err error) core.Code {
	if errors.Is(err, errStatus) || errors.Is(err, errNotJSON) {
		return core.CodeTransportAfterSend
	}
	return core.CodeInternal
}

func unknown(code core.Code, cause error) error {
	return &core.Error{Outcome: core.Unknown, Code: code, Err: cause}
}

func (a *answer) readsStatus(status int) bool {
	if len(a.statuses) == 0 {
		return status >= http.StatusOK && status < http.StatusMultipleChoices
	}
	return slices.Contains(a.statuses, status)
}

// headers gives the first value of each header, by its name in lower case.
func headers(from http.Header) map[string]string {
	made := map[string]string{}
	for name, values := range from {
		if len(values) > 0 {
			made[strings.ToLower(name)] = values[0]
		}
	}
	return made
}

// readFields reads all that can be read. The error is of the first that can't.
func (a *answer) readFields(ctx context.Context, variables map[string]any) (said, error) {
	s := said{texts: map[string]string{}, amounts: map[string]core.Money{}, times: map[string]time.Time{}, details: map[string]string{}, variables: variables}
	var wrong error
	for _, name := range slices.Sorted(maps.Keys(a.fields)) {
		if err := a.readField(ctx, name, &s); wrong == nil {
			wrong = err
		}
	}
	for name, e := range a.details {
		text, err := e.text(ctx, variables)
		if text = a.clean.redact(text); err == nil && text != "" && len(text) <= maxDetail {
			s.details[name] = text
		}
	}
	return s, wrong
}

const maxDetail = 200 // characters; what is longer is left out

func (a *answer) readField(ctx context.Context, name string, into *said) error {
	e := a.fields[name]
	var err error
	switch a.kinds[name] {
	case kindMoney:
		into.amounts[name], err = e.money(ctx, into.variables, a.currency)
	case kindTime:
		into.times[name], err = e.time(ctx, into.variables)
	default:
		into.texts[name], err = e.text(ctx, into.variables)
	}
	return err
}

// money reads an amount. Nothing and "" are not known; another currency than the provider's is money(…).
func (e *expression) money(ctx context.Context, variables map[string]any, currency string) (core.Money, error) {
	value, err := e.eval(ctx, variables)
	if err != nil {
		return core.Money{}, err
	}
	if known, ok := value.(money); ok {
		return core.Money(known), nil
	}
	if value == nil || value == "" {
		return core.Money{}, nil
	}
	text, ok := scalarText(value)
	plain, _ := text.(string)
	amount, err := core.ParseMoney(plain, currency)
	if !ok || err != nil {
		return core.Money{}, fmt.Errorf("%w: %s: it is no amount", errExpression, e.key)
	}
	return amount, nil
}

func (e *expression) time(ctx context.Context, variables map[string]any) (time.Time, error) {
	value, err := e.eval(ctx, variables)
	if err != nil || value == nil {
		return time.Time{}, err
	}
	at, ok := value.(time.Time)
	if !ok {
		return time.Time{}, fmt.Errorf("%w: %s: %w", errExpression, e.key, errType)
	}
	return at, nil
}

// judge finds the case that holds. An expression that fails ends the search: what it would have said, nobody knows.
func (a *answer) judge(ctx context.Context, s said) (verdict, error) {
	for name, k := range a.kinds {
		switch k {
		case kindMoney:
			s.variables["said."+name] = s.amounts[name].Value()
		case kindTime:
		default:
			s.variables["said."+name] = s.texts[name]
		}
	}
	for _, c := range a.cases {
		holds, err := c.when.bool(ctx, s.variables)
		if err != nil {
			return verdict{}, unknown(core.CodeInternal, err)
		}
		if holds {
			return a.conclude(c, s)
		}
	}
	return verdict{}, unknown(core.CodeInternal, errUnmatched)
}

// conclude gives a case its code. A refusal stands only where the table of reasons agrees.
func (a *answer) conclude(c outcomeCase, s said) (verdict, error) {
	listed, found := a.reasons.find(s.texts[fieldProviderCode], s.texts[fieldReason])
	code := c.code
	switch {
	case code != "":
	case found:
		code = listed.code
	case a.reasons.unlisted != "":
		code = a.reasons.unlisted
	default:
		code = core.CodeInternal
	}
	switch c.outcome {
	case outcomeUnknown:
		return verdict{}, a.refusal(code, errRefused, s)
	case core.Declined.String():
		if found && !listed.refusal {
			return verdict{}, a.refusal(listed.code, errDoubtful, s)
		}
		if code == core.CodeInternal {
			return verdict{}, a.refusal(code, errUnlisted, s)
		}
	case core.Refunded.String():
		code = core.CodeRefunded
	default:
		code = ""
	}
	return verdict{outcome: c.outcome, code: code}, nil
}

// refusal is an answer that was understood and says nothing of the money.
func (a *answer) refusal(code core.Code, cause error, s said) error {
	return unknown(code, a.saying(cause, s))
}

// saying adds the provider's words.
func (a *answer) saying(cause error, s said) error {
	reason := a.clean.text(strings.TrimSpace(s.texts[fieldProviderCode] + " " + s.texts[fieldReason]))
	if reason == "" {
		return cause
	}
	return fmt.Errorf("%w: %s", cause, reason)
}
