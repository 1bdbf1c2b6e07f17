package dtone

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
)

// What makes an answer unfit to be believed.
var (
	errNotJSON      = errors.New("the answer is not the documented JSON")
	errUndocumented = errors.New("the answer is not what the provider documents")
	errConflict     = errors.New("the answer contradicts itself")
	errRefused      = errors.New("the provider refused")
)

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

// distinctKeys refuses JSON in which an object has a key twice, in whatever case: nobody knows which of the two is meant.
func distinctKeys(raw []byte) error {
	if !json.Valid(raw) {
		return errNotJSON
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	return distinctValue(decoder)
}

func distinctValue(decoder *json.Decoder) error {
	start, err := decoder.Token()
	if err != nil {
		return errNotJSON
	}
	delim, nested := start.(json.Delim)
	if !nested {
		return nil
	}
	seen := map[string]bool{}
	for decoder.More() {
		if delim == '{' {
			key, _ := decoder.Token() // an error shows at the value
			folded := strings.Map(foldRune, fmt.Sprint(key))
			if seen[folded] {
				return errConflict
			}
			seen[folded] = true
		}
		if err := distinctValue(decoder); err != nil {
			return err
		}
	}
	_, err = decoder.Token()
	return err
}

// foldRune gives one letter of all that encoding/json takes for the same in a key: "ſ" is an "s" to it.
func foldRune(r rune) rune {
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return least
}

type label struct {
	ID      json.Number `json:"id"`
	Message string      `json:"message"`
}

type movement struct {
	Source      quantity `json:"source"`
	Destination quantity `json:"destination"`
}

// transaction is what the client reads of one.
type transaction struct {
	ID         json.Number `json:"id"`
	ExternalID string      `json:"external_id"`
	Status     struct {
		label
		Class label `json:"class"`
	} `json:"status"`
	CreatedAt   string `json:"creation_date"`
	ConfirmedAt string `json:"confirmation_date"`
	ConfirmTill string `json:"confirmation_expiration_date"`
	Operator    string `json:"operator_reference"`
	PIN         struct {
		Code   string `json:"code"`
		Serial string `json:"serial"`
	} `json:"pin"`
	Product struct {
		ID          json.Number `json:"id"`
		Destination quantity    `json:"destination"`
	} `json:"product"`
	Prices struct {
		Wholesale quantity `json:"wholesale"`
	} `json:"prices"`
	Requested   movement                   `json:"requested_values"`
	Adjusted    movement                   `json:"adjusted_values"`
	CreditParty map[string]json.RawMessage `json:"credit_party_identifier"`
	Metadata    json.RawMessage            `json:"metadata"`
	Errors      json.RawMessage            `json:"errors"`
}

// decodeTransaction reads one transaction and nothing else. With an error, what could be read is evidence.
func decodeTransaction(body []byte) (transaction, error) {
	var read transaction
	if err := distinctKeys(body); err != nil {
		return read, err
	}
	if err := json.Unmarshal(body, &read); err != nil {
		return read, errUndocumented
	}
	switch {
	case len(read.Errors) > 0 && string(read.Errors) != "null":
		return read, fmt.Errorf("%w: a transaction and errors", errConflict)
	case !productID.MatchString(read.ID.String()):
		return read, fmt.Errorf("id: %w", core.ErrIncomplete)
	case read.ExternalID == "":
		return read, fmt.Errorf("external_id: %w", core.ErrIncomplete)
	case read.Product.ID == "":
		return read, fmt.Errorf("product: %w", core.ErrIncomplete)
	case read.Status.Class.ID == "":
		return read, fmt.Errorf("status class: %w", core.ErrIncomplete)
	}
	return read, read.agrees()
}

// agrees refuses a status whose words tell of another class than its number.
func (t *transaction) agrees() error {
	class := t.Status.Class.ID.String()
	names := classNames()
	for _, said := range []string{t.Status.Class.Message, t.Status.Message} {
		word, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(said)), "-")
		for number, name := range names {
			if word == name && number != class {
				return fmt.Errorf("%w: status class %s and the word %s", errConflict, clean(class, nil), name)
			}
		}
	}
	return nil
}

// reader turns answers into what core knows.
type reader struct {
	codes       codeTable
	secrets     []string // what no text may show
	callingCode string
	products    map[string]ProductConfig
}

func (r reader) clean(text string) string { return clean(text, r.secrets) }

// order reads a transaction as the answer about an order. With an error, the Result is evidence.
func (r reader) order(body []byte, order core.PayRequest) (core.Result, error) {
	read, err := decodeTransaction(body)
	said := r.said(read, order)
	if err == nil {
		err = belongs(read, order)
	}
	if err != nil {
		return core.Disown(said), unknown(err, "")
	}
	return r.settle(read, said, order), nil
}

// belongs holds a transaction against the reference that it was made under: the order's, or that of the quote which it pays.
func belongs(read transaction, order core.PayRequest) error {
	quote, _ := openToken(order.Quote) // what isn't one of ours names no transaction
	if quote.Transaction == "" {
		if read.ExternalID != order.Ref {
			return fmt.Errorf("external_id: %w", core.ErrContradiction)
		}
		return nil
	}
	if read.ID.String() != quote.Transaction || read.ExternalID != quote.External {
		return fmt.Errorf("the quote's transaction: %w", core.ErrContradiction)
	}
	return nil
}

// settle gives a transaction the outcome of its class. One that isn't documented is not final, and stays in the details.
func (r reader) settle(read transaction, said core.Result, order core.PayRequest) core.Result {
	switch read.Status.Class.ID.String() {
	case classCompleted:
		said.Outcome = core.Succeeded
	case classReversed:
		said.Outcome, said.Code = core.Refunded, core.CodeRefunded
	case classRejected, classDeclined:
		said.Outcome, said.Code = core.Declined, r.codes.ofStatus(read.Status.Message)
	case classCancelled:
		said.Outcome, said.Code = core.Declined, core.CodeDeclined
		if quote, err := openToken(order.Quote); err == nil && quote.Transaction != "" {
			said.Code = core.CodeQuoteExpired // nobody confirmed it in time, or somebody gave it up
		}
	case classCreated, classConfirmed, classSubmitted:
		said.Outcome = core.Pending
	default:
		said.Outcome = core.Pending
		said.Details["status_class"] = clean(read.Status.Class.ID.String()+" "+read.Status.Class.Message, r.secrets)
	}
	return said
}

// said gathers what a transaction tells, without an outcome. The PIN is the customer's: it stands in the reference and nowhere else.
func (r reader) said(read transaction, order core.PayRequest) core.Result {
	res := core.Result{
		ProviderCode: r.clean(read.Status.ID.String()),
		Reason:       r.clean(read.Status.Message),
		Invoice:      core.Invoice(read.ID.String()),
		Reference:    read.reference(),
		Product:      read.Product.ID.String(),
		Amount:       read.amount(order.Amount),
		Cost:         read.Prices.Wholesale.total(),
		ProviderTime: moment(read.ConfirmedAt, read.CreatedAt),
		Details:      read.details(),
	}
	if read.ExternalID == order.Ref {
		res.Ref = order.Ref
	}
	res.Account = r.account(read, order)
	return res
}

func (t *transaction) reference() string {
	for _, proof := range []string{t.PIN.Code, t.PIN.Serial, t.Operator} {
		if proof != "" {
			return proof
		}
	}
	return ""
}

// amount gives what was asked for: the destination's, or the source's where the order is in that currency.
func (t *transaction) amount(ordered core.Money) core.Money {
	destination, source := t.Requested.Destination.amount(), t.Requested.Source.amount()
	switch {
	case source.Known() && source.Currency() == ordered.Currency() && destination.Currency() != ordered.Currency():
		return source
	case destination.Known():
		return destination
	default:
		return t.Product.Destination.amount()
	}
}

// account gives the credit party's number, as the order spells it where both are the same.
func (r reader) account(read transaction, order core.PayRequest) core.AccountNumber {
	number := read.creditNumber(r.products[read.Product.ID.String()].Account)
	if number == "" {
		return ""
	}
	mine, theirs := international(string(order.Account), r.callingCode), international(number, r.callingCode)
	if mine != "" && mine == theirs {
		return order.Account
	}
	return core.AccountNumber(number)
}

func (t *transaction) creditNumber(preferred string) string {
	fields := append([]string{preferred, fieldMobile, fieldAccount}, slices.Sorted(maps.Keys(t.CreditParty))...)
	for _, field := range fields {
		var number string
		if json.Unmarshal(t.CreditParty[field], &number) == nil && number != "" {
			return number
		}
	}
	return ""
}

// Limits of what the details keep.
const (
	maxDetails   = 12
	maxDetailLen = 500
)

func (t *transaction) details() map[string]string {
	details := map[string]string{}
	add := func(name, value string) {
		if value != "" && len(value) <= maxDetailLen && len(details) < maxDetails {
			details[name] = value
		}
	}
	if t.PIN.Code != "" {
		add("pin_serial", t.PIN.Serial)
	}
	if t.PIN.Code != "" || t.PIN.Serial != "" {
		add("operator_reference", t.Operator)
	}
	if adjusted := t.Adjusted.Destination.amount(); !adjusted.Equal(t.Requested.Destination.amount()) {
		add("adjusted_destination", adjusted.String())
	}
	var metadata map[string]json.RawMessage
	if json.Unmarshal(t.Metadata, &metadata) == nil {
		for _, key := range slices.Sorted(maps.Keys(metadata)) {
			var value string
			if json.Unmarshal(metadata[key], &value) == nil {
				add("metadata."+key, value)
			}
		}
	}
	return details
}

// moment gives the first of the times that can be read.
func moment(written ...string) time.Time {
	for _, text := range written {
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return at
		}
	}
	return time.Time{}
}

// verdict is what an error answer says.
type verdict struct {
	code    core.Code
	refused bool // nothing was done
	first   string
	text    string
}

// verdict reads {"errors":[{"code","message"}]}. All of them must be refusals for it to be one; the code is the first one's that isn't, else the first.
func (r reader) verdict(body []byte) (verdict, error) {
	var read struct {
		Errors []struct {
			Code    json.Number `json:"code"`
			Message string      `json:"message"`
		} `json:"errors"`
		ID     json.RawMessage `json:"id"`
		Status json.RawMessage `json:"status"`
	}
	if err := distinctKeys(body); err != nil {
		return verdict{}, err
	}
	if json.Unmarshal(body, &read) != nil || len(read.Errors) == 0 {
		return verdict{}, errUndocumented
	}
	if read.ID != nil || read.Status != nil {
		return verdict{}, fmt.Errorf("%w: errors and a transaction", errConflict)
	}
	said := verdict{refused: true}
	for i, problem := range read.Errors {
		code, refused := r.codes.ofError(problem.Code.String())
		if i == 0 || said.refused && !refused {
			said = verdict{code: code, refused: refused, first: r.clean(problem.Code.String()), text: r.clean(problem.Message)}
		}
	}
	return said, nil
}

// refusal is the error of a call that moves no money.
func (r reader) refusal(reply transport.Reply) error {
	said, err := r.verdict(reply.Body)
	if err != nil {
		return &core.Error{
			Outcome: core.Unknown, Code: core.CodeTransportAfterSend, Err: fmt.Errorf("%w (http status %d)", err, reply.Status),
		}
	}
	outcome := core.Unknown
	if said.refused {
		outcome = core.Declined
	}
	return &core.Error{Outcome: outcome, Code: said.code, Err: fmt.Errorf("%w: %s %s", errRefused, said.first, said.text)}
}

// taken reads the answer to a call that moves money: a transaction, or errors that prove that nothing was done.
func (r reader) taken(reply transport.Reply, order core.PayRequest) (core.Result, error) {
	if accepted(reply.Status) {
		return r.order(reply.Body, order)
	}
	said, err := r.verdict(reply.Body)
	res := core.Result{Code: said.code, ProviderCode: said.first, Reason: said.text}
	if quote, _ := openToken(order.Quote); quote.Transaction != "" && said.first == errorNoTransaction {
		said.refused, res.Code = true, core.CodeQuoteExpired // there is nothing to confirm
	}
	if err != nil || !said.refused || reply.Status < http.StatusBadRequest {
		return res, undecided(r.refusal(reply))
	}
	res.Outcome = core.Declined
	return res, nil
}

// undecided takes from an error what only a call that moves no money may say.
func undecided(err error) error {
	known, ok := errors.AsType[*core.Error](err)
	if !ok {
		return err
	}
	open := *known
	open.Outcome = core.Unknown
	return &open
}

func accepted(status int) bool {
	return status == http.StatusOK || status == http.StatusCreated || status == http.StatusAccepted
}
