package core

import (
	"errors"
	"fmt"
	"maps"
	"time"
)

// What an answer can be distrusted for. Both make it Unknown.
var (
	ErrIncomplete    = errors.New("the answer lacks a field that it must have")
	ErrContradiction = errors.New("the answer is about another order")
)

// Contradicts reports whether an answer names another reference, product, account or amount than the order. What it leaves out contradicts nothing.
func (r Result) Contradicts(order PayRequest) bool {
	return r.Ref != "" && r.Ref != order.Ref || r.Product != "" && r.Product != order.Product || r.Account != "" && r.Account != order.Account ||
		r.Amount.Known() && order.Amount.Known() && !r.Amount.Equal(order.Amount)
}

// CheckDescriptor refuses a description that the engine could not work with.
func CheckDescriptor(d Descriptor) error {
	switch {
	case d.Name == "":
		return fmt.Errorf("the description has no name: %w", ErrIncomplete)
	case d.Instance == "":
		return fmt.Errorf("the description has no instance, so that a change of account would not show: %w", ErrIncomplete)
	case d.StatusGap > longestGap:
		return fmt.Errorf("a status gap of %s is longer than %s, for which an order can be put off: %w", d.StatusGap, longestGap, ErrIncomplete)
	default:
		return nil
	}
}

// longestGap is how long an order may have to wait before it is asked for again: what is due much later was written by a clock that was wrong.
const longestGap = time.Hour

// CheckResult decides whether an answer about an order can be believed, whoever gave it. The outcome must be one that an answer can have; what
// moved or may move money must name product, account and amount of this very order, and a number to ask for it by.
//
// What can't be believed comes back as Unknown: the error says why and the Result keeps what was said as evidence. After a contradiction the
// invoice may be somebody else's, so it is moved to the details ("returned_invoice").
func CheckResult(d Descriptor, order PayRequest, res Result) (Result, error) {
	err := firstError(
		checkOutcome(res.Outcome),
		checkRefusal(res),
		checkRef(order.Ref, res.Ref),
		checkEcho("product", order.Product, res.Product, res.Outcome),
		checkEcho("account", string(order.Account), string(res.Account), res.Outcome),
		checkAmount(d, order.Amount, res),
		checkPollable(d, res),
	)
	if err == nil {
		return res, nil
	}
	res.Outcome, res.Code = Unknown, CodeInternal
	if errors.Is(err, ErrContradiction) {
		res = Disown(res)
	}
	return res, &Error{Outcome: Unknown, Code: CodeInternal, Err: err}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func checkOutcome(o Outcome) error {
	if o.IsAnswer() {
		return nil
	}
	return fmt.Errorf("an answer can't have the outcome %s: %w", o, ErrIncomplete)
}

// checkRefusal doesn't take a duplicate for a refusal: it may be the trace of this very order, or of an earlier success.
func checkRefusal(res Result) error {
	if res.Outcome == Declined && (res.Code == CodeDuplicateRef || res.Code == CodeDuplicateElsewhere) {
		return fmt.Errorf("a refusal as %s doesn't say that nothing moved: %w", res.Code, ErrIncomplete)
	}
	return nil
}

// checkRef tells twins apart: two orders for the same account and amount.
func checkRef(sent, echoed string) error {
	if echoed == "" || echoed == sent {
		return nil
	}
	return fmt.Errorf("our reference: %w", ErrContradiction)
}

// checkEcho says what was wrong without the values: an account number is not for logs.
func checkEcho(field, asked, echoed string, o Outcome) error {
	switch {
	case echoed == asked:
		return nil
	case echoed == "" && o == Declined:
		return nil
	case echoed == "":
		return fmt.Errorf("%s: %w", field, ErrIncomplete)
	default:
		return fmt.Errorf("%s: %w", field, ErrContradiction)
	}
}

func checkAmount(d Descriptor, asked Money, res Result) error {
	echoed := res.Amount
	switch {
	case !asked.Known(), echoed.Equal(asked):
		return nil
	case !echoed.Known() && (res.Outcome == Declined || d.AmountInProduct && res.Product != ""):
		return nil
	case !echoed.Known():
		return fmt.Errorf("amount: %w", ErrIncomplete)
	default:
		return fmt.Errorf("amount %s, not %s: %w", echoed, asked, ErrContradiction)
	}
}

func checkPollable(d Descriptor, res Result) error {
	if res.Outcome == Declined || res.Invoice != "" || d.StatusBy.Has(ByRef) {
		return nil
	}
	return fmt.Errorf("invoice: %w", ErrIncomplete)
}

// Disown moves what names an order to the details, as evidence: the answer may belong to somebody else's order, and so its account number is masked.
func Disown(res Result) Result {
	details := maps.Clone(res.Details)
	if details == nil {
		details = map[string]string{}
	}
	for name, value := range map[string]string{
		"returned_invoice": string(res.Invoice), "returned_reference": res.Reference, "returned_ref": res.Ref,
		"returned_product": res.Product, "returned_account": res.Account.String(), "returned_amount": res.Amount.Value(),
	} {
		if value != "" {
			details[name] = value
		}
	}
	res.Details = details
	res.Invoice, res.Reference, res.Ref = "", "", ""
	return res
}
