package digiflazz

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jalurhq/jalur/core"
)

// What makes an answer unfit to be believed.
var (
	errNotJSON      = errors.New("the answer is not the documented JSON")
	errUndocumented = errors.New("the answer is not what the provider documents")
	errConflict     = errors.New("the answer contradicts itself")
	errRefused      = errors.New("the provider refused")
)

// value is a JSON value of an answer.
type value struct {
	text   string // of a string, trimmed; of a number or a bool, its literal
	number bool
	raw    json.RawMessage // of an array or an object
}

// fields is one object of an answer. Nulls are left out.
type fields map[string]value

func (f fields) text(key string) string { return f[key].text }

func (f fields) yes(key string) bool {
	return strings.EqualFold(f.text(key), "true") || f.text(key) == "1"
}

// parse reads one JSON value and nothing after it.
func parse(body []byte) (json.RawMessage, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\uFEFF")))
	if !json.Valid(body) {
		return nil, errNotJSON
	}
	return body, nil
}

// envelope gives what stands in the data of an answer.
func envelope(body []byte) (json.RawMessage, error) {
	whole, err := parse(body)
	if err != nil {
		return nil, err
	}
	outer, err := parseObject(whole)
	if err != nil {
		return nil, err
	}
	data := outer["data"].raw
	if data == nil {
		return nil, fmt.Errorf("%w: it has no data", errUndocumented)
	}
	return data, nil
}

// answer reads the object in the data of an answer.
func answer(body []byte) (fields, error) {
	data, err := envelope(body)
	if err != nil {
		return nil, err
	}
	return parseObject(data)
}

// parseObject reads an object. A key that stands in it twice with two values is errConflict.
func parseObject(raw json.RawMessage) (fields, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, errUndocumented
	}
	found := fields{}
	for decoder.More() {
		key, raw, err := member(decoder)
		if err != nil {
			return nil, errNotJSON
		}
		read, told := valueOf(raw)
		if before, twice := found[key]; twice && (before.text != read.text || !bytes.Equal(before.raw, read.raw)) {
			return nil, errConflict
		}
		if told {
			found[key] = read
		}
	}
	return found, nil
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

func valueOf(raw json.RawMessage) (read value, told bool) {
	switch raw[0] {
	case '[', '{':
		return value{raw: raw}, true
	case 'n':
		return value{}, false
	case '"':
		var text string
		err := json.Unmarshal(raw, &text)
		return value{text: strings.TrimSpace(text)}, err == nil
	case 't', 'f':
		return value{text: string(raw)}, true
	default:
		return value{text: string(raw), number: true}, true
	}
}

// decimal is a number as the provider writes it, also as a string and with an exponent.
var decimal = regexp.MustCompile(`^(-?)([0-9]{1,18})(?:\.([0-9]{1,9}))?(?:[eE]\+?([0-9]{1,2}))?$`)

// ambiguous digits behind a point: "10.000" may be ten or ten thousand.
const ambiguous = 3

// money reads an amount of rupiah, exactly. What isn't plainly one is not known.
func (v value) money() core.Money {
	parts := decimal.FindStringSubmatch(v.text)
	if parts == nil || parts[4] == "" && len(parts[3]) == ambiguous {
		return core.Money{}
	}
	whole, fraction := shift(parts[2], parts[3], parts[4])
	text := parts[1] + whole
	if fraction != "" {
		text += "." + fraction
	}
	money, err := core.ParseMoney(text, core.Rupiah)
	if err != nil {
		return core.Money{}
	}
	return money.Normal()
}

// shift moves the point to the right by an exponent.
func shift(whole, fraction, exponent string) (string, string) {
	places, _ := strconv.Atoi(exponent) // at most two digits, or none
	if missing := places - len(fraction); missing > 0 {
		fraction += strings.Repeat("0", missing)
	}
	return whole + fraction[:places], fraction[places:]
}

// paid is money of which there is some.
func (v value) paid() core.Money {
	if money := v.money(); money.Sign() > 0 {
		return money
	}
	return core.Money{}
}

// rc gives a code with its two digits, however it is written.
func (v value) rc() string {
	if len(v.text) == 1 {
		return "0" + v.text
	}
	return v.text
}

// reader turns answers into what core knows.
type reader struct {
	table   map[string]meaning
	secrets []string // what no text may show
}

func newReader(cfg Config) reader {
	return reader{table: tableWith(cfg.Codes), secrets: []string{cfg.APIKey, cfg.WebhookSecret}}
}

// longNumber finds what may be an account number in free text.
var longNumber = regexp.MustCompile(`[0-9]{9,}`)

// clean takes secrets out of the provider's words and masks long numbers, since reasons end up in errors and logs.
func (r reader) clean(text string) string {
	for _, secret := range r.secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return longNumber.ReplaceAllStringFunc(text, func(number string) string { return core.AccountNumber(number).String() })
}

// unknown is an answer that can't be believed, or none.
func unknown(code core.Code, cause error, why string) error {
	if errors.Is(cause, errNotJSON) {
		code = core.CodeTransportAfterSend
	}
	if why != "" {
		cause = fmt.Errorf("%w: %s", cause, why)
	}
	return &core.Error{Outcome: core.Unknown, Code: code, Err: cause}
}

// stage is when an order is read of.
type stage uint8

const (
	paying      stage = iota
	asking            // sooner than the provider wants to be asked
	askingLater       // long enough after it was sent that a timeout said again is the order's end
)

// order reads the answer about an order. With an error, the Result is evidence.
func (r reader) order(body []byte, order core.PayRequest, at stage) (core.Result, error) {
	said, err := answer(body)
	if err != nil {
		return core.Result{}, unknown(core.CodeInternal, err, "")
	}
	res := r.said(said, order)
	v := r.verdict(said, at)
	res.Outcome, res.Code = v.outcome, v.code
	if v.mark != "" {
		res.Reason = v.mark + ": " + res.Reason
	}
	switch {
	case v.err != nil:
		res.Outcome = core.Unknown
		if res.Contradicts(order) {
			res = core.Disown(res) // what it names is somebody else's
		}
		return res, unknown(v.code, v.err, r.clean(said.text("message")))
	case v.outcome == core.Declined:
		res.Invoice, res.Cost, res.Reference = "", core.Money{}, ""
		return res, nil
	case res.Ref == "" || res.Product == "" || res.Account == "":
		res.Outcome, res.Code = core.Unknown, core.CodeInternal
		return res, unknown(core.CodeInternal, core.ErrIncomplete, "ref_id, buyer_sku_code or customer_no")
	case v.outcome == core.Pending:
		res.Reference = "" // what isn't done has no proof; the details keep it
		return res, nil
	default:
		return res, nil
	}
}

// verdict is what an answer says of its order. With an error it says nothing that can be acted upon.
type verdict struct {
	outcome core.Outcome
	code    core.Code
	mark    string // why a person should look at it
	err     error
}

// verdict trusts the status first and the code second.
func (r reader) verdict(said fields, at stage) verdict {
	status, rc := strings.ToLower(said.text("status")), said["rc"].rc()
	means := r.table[rc]
	if status == "" || rc == "" {
		code := means.code
		if code == "" {
			code = core.CodeInternal
		}
		return verdict{code: code, err: fmt.Errorf("status or rc: %w", core.ErrIncomplete)}
	}
	switch {
	case status == "sukses" && means.fate == done:
		return verdict{outcome: core.Succeeded}
	case status == "pending" && means.fate == waiting:
		return verdict{outcome: core.Pending}
	case status == "pending" && means.fate == withheld && rc == "99":
		return verdict{code: means.code, err: errRefused}
	case status == "gagal" && means.fate >= refused:
		return means.verdict(at)
	default:
		return verdict{outcome: core.Pending, code: core.CodeInternal, mark: fmt.Sprintf("not understood (status %q with rc %q)", cut(status), cut(rc))}
	}
}

// verdict is for an order whose status is Gagal.
func (m meaning) verdict(at stage) verdict {
	switch {
	case m.fate == returned:
		return verdict{outcome: core.Refunded, code: m.code}
	case m.fate == withheld, m.fate == retried && at != askingLater, m.fate == refused && at != paying && !m.formed:
		return verdict{code: m.code, err: errRefused}
	default:
		return verdict{outcome: core.Declined, code: m.code}
	}
}

// said gathers all that an answer tells of an order, without an outcome.
func (r reader) said(a fields, order core.PayRequest) core.Result {
	res := core.Result{
		ProviderCode: cut(a["rc"].rc()),
		Reason:       r.clean(a.text("message")),
		Invoice:      core.Invoice(a.text("ref_id")),
		Reference:    a.text("sn"),
		Ref:          a.text("ref_id"),
		Product:      a.text("buyer_sku_code"),
		Account:      sameAccount(a["customer_no"], order.Account),
		ReceiverName: a.text("customer_name"),
		Cost:         a["price"].paid(),
		BalanceAfter: a["buyer_last_saldo"].money(),
		Details:      details(a),
	}
	if t, ok := parseToken(order.Quote); ok {
		if res.Ref == t.String() {
			res.Ref = order.Ref // the provider knows the order by its inquiry
		}
		if t.kind == kindBill {
			res.Amount = a["selling_price"].paid()
		}
	}
	return res
}

// sameAccount gives the account of an answer: a number has lost its zeros in front.
func sameAccount(v value, sent core.AccountNumber) core.AccountNumber {
	if v.number && v.text == strings.TrimLeft(string(sent), "0") {
		return sent
	}
	return core.AccountNumber(v.text)
}

// Limits of what the details keep, in entries and in bytes.
const (
	maxDetails   = 40
	maxDetailLen = 255
	maxCodeLen   = 16
)

func cut(text string) string {
	if len(text) > maxCodeLen {
		return text[:maxCodeLen]
	}
	return text
}

// details keeps what the Result has no field for: sn, tele, wa, periode, admin, selling_price, and what stands in desc ("desc.tarif", "desc.detail.0.periode").
func details(a fields) map[string]string {
	kept := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(a)) {
		switch key {
		case "rc", "status", "message", "ref_id", "customer_no", "customer_name", "buyer_sku_code", "price", "buyer_last_saldo":
		default:
			keep(kept, key, a[key])
		}
	}
	return kept
}

// keep flattens a value into the details.
func keep(kept map[string]string, name string, v value) {
	if v.raw == nil {
		if v.text != "" && len(v.text) <= maxDetailLen && len(kept) < maxDetails {
			kept[name] = v.text
		}
		return
	}
	if object, err := parseObject(v.raw); err == nil {
		for _, key := range slices.Sorted(maps.Keys(object)) {
			keep(kept, name+"."+key, object[key])
		}
		return
	}
	var list []json.RawMessage
	if json.Unmarshal(v.raw, &list) == nil {
		for i, raw := range list {
			if element, told := valueOf(bytes.TrimSpace(raw)); told && len(kept) < maxDetails {
				keep(kept, name+"."+strconv.Itoa(i), element)
			}
		}
	}
}

// refusal gives the error in an answer that moves no money, or nil where it is none.
func (r reader) refusal(a fields) error {
	status, rc := strings.ToLower(a.text("status")), a["rc"].rc()
	if (status == "" || status == "sukses") && (rc == "" || rc == "00") {
		return nil
	}
	means := r.table[rc]
	why := r.clean(a.text("message"))
	if status == "pending" || means.fate < refused {
		return unknown(core.CodeInternal, errUndocumented, why)
	}
	cause := fmt.Errorf("%w: rc %s: %s", errRefused, cut(rc), why)
	if means.fate != refused {
		return &core.Error{Outcome: core.Unknown, Code: means.code, Err: cause}
	}
	return &core.Error{Outcome: core.Declined, Code: means.code, Err: cause}
}

// balance reads the answer to cek-saldo.
func (r reader) balance(body []byte) (core.Money, error) {
	a, err := answer(body)
	if err != nil {
		return core.Money{}, unknown(core.CodeInternal, err, "")
	}
	if err := r.refusal(a); err != nil {
		return core.Money{}, err
	}
	left := a["deposit"].money()
	if !left.Known() {
		return core.Money{}, unknown(core.CodeInternal, core.ErrIncomplete, "deposit")
	}
	return left, nil
}
