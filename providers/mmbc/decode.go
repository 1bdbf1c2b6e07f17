package mmbc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/jalurhq/jalur/core"
)

// What makes an answer unfit to be believed.
var (
	errNotJSON      = errors.New("the answer is not the documented JSON")
	errUndocumented = errors.New("the answer is not what the provider documents")
	errConflict     = errors.New("the answer contradicts itself")
	errRefused      = errors.New("the provider refused")
)

// The keys of the answers as [foldKey] gives them.
const (
	keyResult    = "result"
	keyReason    = "reason"
	keyDate      = "date"
	keyInvoice   = "invoice"
	keyProduct   = "merchantcode"
	keyReceiver  = "receivername"
	keyAccount   = "receiveraccountnumber"
	keyAmount    = "amount"
	keyReference = "reference"
	keyDebet     = "debet"
	keyCashback  = "cashback"
	keyStatus    = "status"
	keyFormula   = "merchantdebet"
	keyListBack  = "merchantcashback"
)

// value is a JSON string or number of an answer.
type value struct {
	key    string // as the provider spelled it
	text   string // trimmed; a number's literal
	number bool
}

// fields is one object of an answer, by folded key. Nulls are left out.
type fields struct {
	values map[string]value
	lists  []json.RawMessage // the arrays in it
	nested bool              // it has an array or an object
	// verdicts: an array or object in it has a result, a status or a reason of its own.
	verdicts bool
}

// parseObject reads one JSON object and nothing after it. The same key twice, in whatever spelling, with two values is errConflict; the fields
// are then given all the same, as evidence.
func parseObject(body []byte) (fields, error) {
	body = bytes.TrimPrefix(body, []byte("\uFEFF"))
	if !json.Valid(body) {
		return fields{}, errNotJSON
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return fields{}, errUndocumented
	}
	found := fields{values: map[string]value{}}
	var conflict error
	for decoder.More() {
		key, raw, err := member(decoder)
		if err != nil {
			return fields{}, errNotJSON
		}
		if err := found.add(key, raw); err != nil {
			conflict = err
		}
	}
	return found, conflict
}

func member(decoder *json.Decoder) (key string, raw json.RawMessage, err error) {
	token, err := decoder.Token()
	if err != nil {
		return "", nil, fmt.Errorf("key: %w", err)
	}
	key, ok := token.(string)
	if !ok {
		return "", nil, io.ErrUnexpectedEOF
	}
	if err := decoder.Decode(&raw); err != nil {
		return "", nil, fmt.Errorf("value: %w", err)
	}
	return key, raw, nil
}

func (f *fields) add(key string, raw json.RawMessage) error {
	read := value{key: key}
	switch raw[0] {
	case '[', '{':
		f.nested, f.verdicts = true, f.verdicts || hasVerdict(raw)
		if raw[0] == '[' {
			f.lists = append(f.lists, raw)
		}
		return nil
	case 'n':
		return nil
	case '"':
		if err := json.Unmarshal(raw, &read.text); err != nil {
			return errNotJSON
		}
		read.text = strings.TrimSpace(read.text)
	default:
		read.text, read.number = string(raw), true
	}
	folded := foldKey(key)
	if before, twice := f.values[folded]; twice && before.text != read.text {
		delete(f.values, folded)
		f.values[folded+conflicting] = value{key: key + conflicting, text: before.text + " | " + read.text}
		return errConflict
	}
	f.values[folded] = read
	return nil
}

// hasVerdict reports whether a key anywhere in the value is one by which an answer says how an order ended.
func hasVerdict(raw json.RawMessage) bool {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) == nil {
		for key, inner := range object {
			switch foldKey(key) {
			case keyResult, keyStatus, keyReason:
				return true
			}
			if hasVerdict(inner) {
				return true
			}
		}
	}
	var list []json.RawMessage
	return json.Unmarshal(raw, &list) == nil && slices.ContainsFunc(list, hasVerdict)
}

// conflicting marks the key under which two values of one key are kept as evidence, so that neither is taken for the answer.
const conflicting = " conflict"

// foldKey makes one key of all its spellings: any case, "_", a space or nothing between words, and "mercant" for "merchant".
func foldKey(key string) string {
	letters := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, key)
	if rest, ok := strings.CutPrefix(letters, "mercant"); ok {
		return "merchant" + rest
	}
	return letters
}

// tells reports whether one of the values says anything at all, readable or not. Zeros, in whatever form, say nothing.
func (f *fields) tells(keys ...string) bool {
	for _, key := range keys {
		if strings.Trim(f.text(key), "-0., ") != "" {
			return true
		}
	}
	return false
}

// text gives a value, or "" for the spellings of none.
func (f *fields) text(key string) string {
	text := f.values[key].text
	if text == "-" || strings.EqualFold(text, "null") {
		return ""
	}
	return text
}

// number gives an invoice or a reference. Zeros stand for none, and a JSON number that isn't written out in digits has lost some.
func (f *fields) number(key string) string {
	text := f.text(key)
	if strings.Trim(text, "-0") == "" || f.values[key].number && strings.ContainsAny(text, ".eE") {
		return ""
	}
	return text
}

// reference gives the proof of delivery. What has no digit in it ("PENDING", "menunggu") proves nothing.
func (f *fields) reference() string {
	text := f.number(keyReference)
	if !strings.ContainsFunc(text, unicode.IsDigit) {
		return ""
	}
	return text
}

func (f *fields) amount(key string) core.Money {
	if f.values[key].number {
		return numericAmount(f.text(key))
	}
	return amount(f.text(key))
}

// reader turns answers into what core knows.
type reader struct {
	reasons []rule
	secrets []string // what no text may show
}

func (r reader) clean(text string) string { return clean(text, r.secrets) }

// unknown is an answer that can't be believed.
func unknown(cause error, why string) error {
	code := core.CodeInternal
	if errors.Is(cause, errNotJSON) {
		code = core.CodeTransportAfterSend
	}
	if why != "" {
		cause = fmt.Errorf("%w: %s", cause, why)
	}
	return &core.Error{Outcome: core.Unknown, Code: code, Err: cause}
}

// reload reads the answer to reload_merchant. With an error, the Result is evidence.
func (r reader) reload(body []byte, order core.PayRequest) (core.Result, error) {
	answer, err := parseObject(body)
	said := r.said(answer, order)
	if err != nil {
		return said, unknown(err, "")
	}
	switch strings.ToLower(answer.text(keyResult)) {
	case "ok":
		return r.settle(answer, said)
	case "no":
		return r.decline(answer, said)
	default:
		return said, unknown(errUndocumented, "result is neither ok nor no")
	}
}

// evidence keeps what an answer that isn't believed tells of an order. Nothing of it is taken for the order's own.
func (r reader) evidence(body []byte, order core.PayRequest) core.Result {
	answer, _ := parseObject(body) // what can't be read is no evidence
	return core.Disown(r.said(answer, order))
}

// decline believes a refusal that says why and says nothing else.
func (r reader) decline(answer fields, said core.Result) (core.Result, error) {
	switch {
	case said.Reason == "":
		return said, unknown(errUndocumented, "a refusal without a reason")
	case answer.nested, answer.tells(keyInvoice, keyReference, keyStatus, keyDebet, keyCashback):
		return said, unknown(errConflict, "a refusal of an order that there is")
	case stillRunning().holds(words(answer.text(keyReason))):
		return said, unknown(errConflict, "a refusal of an order that still runs")
	}
	said.Outcome = core.Declined
	said.Code = classify(r.reasons, answer.text(keyReason), core.CodeDeclined)
	return said, nil
}

// settle gives an accepted order the outcome of its status. A status that isn't one of the documented two is not final, and stays in the details.
// An answer that also gives a known reason for a refusal, or another verdict further in, is not believed; the invoice is kept, and can be asked for.
func (r reader) settle(answer fields, said core.Result) (core.Result, error) {
	switch {
	case said.Invoice == "":
		return said, unknown(core.ErrIncomplete, keyInvoice)
	case answer.verdicts, classify(r.reasons, answer.text(keyReason), "") != "":
		return said, unknown(errConflict, "an order that was taken, and a refusal")
	}
	switch status := answer.text(keyStatus); {
	case strings.EqualFold(status, "CONFIRM") && said.Reference != "":
		said.Outcome = core.Succeeded
	case strings.EqualFold(status, "REFUND"):
		said.Outcome, said.Code = core.Refunded, core.CodeRefunded
	default:
		said.Outcome = core.Pending
	}
	return said, nil
}

// status reads the answer to status_reload. A refusal to tell is never a decline.
func (r reader) status(body []byte, req core.StatusRequest) (core.Result, error) {
	answer, err := parseObject(body)
	said := r.said(answer, req.Original)
	if err != nil {
		return said, unknown(err, "")
	}
	switch strings.ToLower(answer.text(keyResult)) {
	case "ok":
		if said.Invoice != "" && said.Invoice != req.Invoice {
			said.Details["returned_invoice"], said.Invoice = string(said.Invoice), ""
			return said, unknown(core.ErrContradiction, keyInvoice)
		}
		return r.settle(answer, said)
	case "no":
		return said, r.statusRefused(answer)
	default:
		return said, unknown(errUndocumented, "result is neither ok nor no")
	}
}

func (r reader) statusRefused(answer fields) error {
	reason := answer.text(keyReason)
	if reason == "" {
		return unknown(errUndocumented, "a refusal without a reason")
	}
	table := append(statusTable(), r.reasons...)
	return &core.Error{
		Outcome: core.Unknown,
		Code:    classify(table, reason, core.CodeDeclined), // it refused to tell, which is no fault of the line
		Err:     fmt.Errorf("%w: %s", errRefused, r.clean(reason)),
	}
}

// inquiry reads the answer to inquiry_merchant.
func (r reader) inquiry(body []byte, req core.InquiryRequest) (core.Quote, error) {
	answer, err := parseObject(body)
	if err != nil {
		return core.Quote{}, unknown(err, "")
	}
	switch strings.ToLower(answer.text(keyResult)) {
	case "ok":
		said := r.said(answer, core.PayRequest{Product: req.Product, Account: req.Account, Amount: req.Amount})
		return quote(said, req)
	case "no":
		return core.Quote{}, r.refusal(answer)
	default:
		return core.Quote{}, unknown(errUndocumented, "result is neither ok nor no")
	}
}

func quote(said core.Result, req core.InquiryRequest) (core.Quote, error) {
	switch {
	case said.Product != "" && said.Product != req.Product:
		return core.Quote{}, unknown(core.ErrContradiction, "product")
	case said.Account != "" && said.Account != req.Account:
		return core.Quote{}, unknown(core.ErrContradiction, "account")
	case said.Amount.Known() && !said.Amount.Equal(req.Amount):
		return core.Quote{}, unknown(core.ErrContradiction, keyAmount)
	}
	return core.Quote{
		Product: said.Product, Account: said.Account, ReceiverName: said.ReceiverName,
		Amount: said.Amount, Cost: said.Cost, Cashback: said.Cashback, Details: said.Details,
	}, nil
}

// refusal is the error of a call that moves no money.
func (r reader) refusal(answer fields) error {
	reason := answer.text(keyReason)
	if reason == "" {
		return unknown(errUndocumented, "a refusal without a reason")
	}
	return &core.Error{
		Outcome: core.Declined,
		Code:    classify(r.reasons, reason, core.CodeDeclined),
		Err:     fmt.Errorf("%w: %s", errRefused, r.clean(reason)),
	}
}

// list reads the answer to list_merchant: an array, alone or as the only one in an object, or a refusal.
func (r reader) list(body []byte) ([]core.Product, error) {
	body = bytes.TrimPrefix(body, []byte("\uFEFF"))
	var rows []json.RawMessage
	if json.Unmarshal(body, &rows) == nil && rows != nil {
		return products(rows)
	}
	answer, err := parseObject(body)
	if err != nil {
		return nil, unknown(err, "")
	}
	result := strings.ToLower(answer.text(keyResult))
	if result == "no" {
		return nil, r.refusal(answer)
	}
	if result != "" && result != "ok" || len(answer.lists) != 1 || json.Unmarshal(answer.lists[0], &rows) != nil {
		return nil, unknown(errUndocumented, "no list of merchants")
	}
	return products(rows)
}

// products leaves out rows that can't be sold: without a code, or with two answers to one question.
func products(rows []json.RawMessage) ([]core.Product, error) {
	listed := make([]core.Product, 0, len(rows))
	for _, row := range rows {
		answer, err := parseObject(row)
		if err != nil || answer.text(keyProduct) == "" {
			continue
		}
		listed = append(listed, product(answer))
	}
	if len(listed) == 0 && len(rows) > 0 {
		return nil, unknown(errUndocumented, "no merchant in the list has a code")
	}
	return listed, nil
}

func product(answer fields) core.Product {
	code := answer.text(keyProduct)
	return core.Product{
		Code: code, Name: code, Amounts: descriptor().Amounts,
		Fee: formula(answer.text(keyFormula)), Cashback: answer.amount(keyListBack), Available: true,
	}
}

// said gathers all that an answer tells of an order, without an outcome. Where it spells product or account in another way, the order's
// spelling stands and the details keep the provider's.
func (r reader) said(answer fields, order core.PayRequest) core.Result {
	res := core.Result{
		Reason:       r.clean(answer.text(keyReason)),
		Invoice:      core.Invoice(answer.number(keyInvoice)),
		Reference:    answer.reference(),
		Product:      answer.text(keyProduct),
		Account:      core.AccountNumber(answer.text(keyAccount)),
		Amount:       answer.amount(keyAmount),
		ReceiverName: answer.text(keyReceiver),
		Cost:         answer.amount(keyDebet),
		Cashback:     answer.amount(keyCashback),
		ProviderTime: providerTime(answer.text(keyDate)),
		Details:      r.rest(answer),
	}
	if res.Product != order.Product && sameProduct(res.Product, order.Product) {
		res.Details["merchant_code"], res.Product = res.Product, order.Product
	}
	if res.Account != order.Account && sameAccount(string(res.Account), string(order.Account)) {
		res.Details["receiver_accountnumber"], res.Account = string(res.Account), order.Account
	}
	return res
}

// Limits of what the details keep.
const (
	maxDetails   = 20
	maxDetailLen = 200
)

// rest gives what the Result has no field for: what the provider doesn't document, and what is documented but could not be read.
func (r reader) rest(answer fields) map[string]string {
	details := map[string]string{}
	for _, folded := range slices.Sorted(maps.Keys(answer.values)) {
		said := answer.values[folded]
		wanted := said.text != "" && len(said.text) <= maxDetailLen && len(details) < maxDetails && !answer.understood(folded)
		if wanted && !strings.Contains(folded, "user") && !strings.Contains(folded, "pass") {
			details[strings.ToLower(said.key)] = redact(said.text, r.secrets)
		}
	}
	return details
}

// understood reports whether the Result has a field for the value.
func (f *fields) understood(key string) bool {
	switch key {
	case keyAmount, keyDebet, keyCashback:
		return f.amount(key).Known()
	case keyDate:
		return !providerTime(f.text(key)).IsZero()
	case keyInvoice:
		return f.number(key) != ""
	case keyReference:
		return f.reference() != ""
	case keyStatus:
		return strings.EqualFold(f.text(key), "CONFIRM") || strings.EqualFold(f.text(key), "REFUND")
	case keyResult, keyReason, keyProduct, keyAccount, keyReceiver:
		return true
	default:
		return false
	}
}

const wibOffset = 7 * 60 * 60 // seconds east of UTC; Jakarta has no summer time

// providerTime reads "2018-01-01 00:01:10" as Jakarta's time. Anything else is the zero Time.
func providerTime(date string) time.Time {
	at, err := time.ParseInLocation(time.DateTime, date, time.FixedZone("WIB", wibOffset))
	if err != nil {
		return time.Time{}
	}
	return at
}
