package dtone

import (
	"regexp"
	"slices"
	"strings"

	"github.com/jalurhq/jalur/core"
)

// API error codes that the client itself needs to know.
const (
	errorNotFound       = "1000404"
	errorNotInAccount   = "1003001"
	errorRefUsed        = "1007001"
	errorConfirmed      = "1007002"
	errorNotConfirmable = "1007004"
	errorCancelled      = "1007005"
	errorNotCancellable = "1007007"
	errorNoTransaction  = "1008004"
	errorUnexpected     = "1009001"
	errorUnavailable    = "1009503"
)

// apiCodes are the API's error codes under which nothing was done. What isn't here leaves open what was.
func apiCodes() map[string]core.Code {
	return map[string]core.Code{
		"1000400":           core.CodeBadRequest,
		"1000401":           core.CodeAuth,
		errorNotFound:       core.CodeProductUnknown,
		"1000429":           core.CodeRateLimited, // refused at the door; without the code, a 429 is anybody's
		errorNotInAccount:   core.CodeProductUnknown,
		"1003002":           core.CodeAmountInvalid,
		"1003003":           core.CodeAmountInvalid,  // the unit
		"1003101":           core.CodeProductUnknown, // its benefits are not defined
		"1003201":           core.CodeBadRequest,     // a promotion
		"1003301":           core.CodeBadRequest,     // a campaign
		"1005003":           core.CodeAccountInvalid,
		"1005004":           core.CodeBadRequest, // a service
		"1005005":           core.CodeBadRequest, // a country
		"1005006":           core.CodeBadRequest, // an operator
		"1005503":           core.CodeBadRequest, // the sender's number
		"1006001":           core.CodeDepositEmpty,
		"1006003":           core.CodeBadRequest,   // the debit party's number
		"1006009":           core.CodeDepositEmpty, // there is no balance in this currency
		"1006503":           core.CodeBadRequest,   // the beneficiary's number
		errorNotConfirmable: core.CodeQuoteExpired,
		errorCancelled:      core.CodeQuoteExpired,
		errorNotCancellable: core.CodeBadRequest,
		"1007500":           core.CodeBadRequest,
	}
}

// openCodes are the error codes that leave open what was done, and why each does.
func openCodes() map[string]core.Code {
	return map[string]core.Code{
		errorRefUsed:       core.CodeDuplicateRef, // by an earlier order, or by this one
		errorConfirmed:     core.CodeDuplicateRef,
		errorNoTransaction: core.CodeNotFound,
		errorUnexpected:    core.CodeInternal,
		errorUnavailable:   core.CodeMaintenance,
	}
}

// ambiguous reports whether an operator's own table may not make a refusal of the code.
func ambiguous(code string) bool {
	_, open := openCodes()[code]
	return open
}

// Classes of a transaction's status, by their number.
const (
	classCreated   = "1"
	classConfirmed = "2"
	classRejected  = "3" // by DT One
	classCancelled = "4"
	classSubmitted = "5"
	classCompleted = "7"
	classReversed  = "8"
	classDeclined  = "9" // by the operator
)

func classNames() map[string]string {
	return map[string]string{
		classCreated: "CREATED", classConfirmed: "CONFIRMED", classRejected: "REJECTED", classCancelled: "CANCELLED",
		classSubmitted: "SUBMITTED", classCompleted: "COMPLETED", classReversed: "REVERSED", classDeclined: "DECLINED",
	}
}

// statusCodes are what stands behind REJECTED- or DECLINED-. Money isn't moved in either class, so each is a refusal; the code only says
// whether another provider may differ.
func statusCodes() map[string]core.Code {
	return map[string]core.Code{
		"INVALID-CREDIT-PARTY":                 core.CodeAccountInvalid,
		"BARRED-CREDIT-PARTY":                  core.CodeAccountInvalid,
		"INELIGIBLE-CREDIT-PARTY":              core.CodeAccountInvalid,
		"INVALID-DEBIT-PARTY":                  core.CodeBadRequest,
		"BARRED-DEBIT-PARTY":                   core.CodeBadRequest,
		"LIMITATIONS-ON-OPERATOR-AMOUNT":       core.CodeRepeatTooSoon,
		"LIMITATIONS-ON-OPERATOR-QUANTITY":     core.CodeRepeatTooSoon,
		"LIMITATIONS-ON-CREDIT-PARTY-AMOUNT":   core.CodeRepeatTooSoon,
		"LIMITATIONS-ON-CREDIT-PARTY-QUANTITY": core.CodeRepeatTooSoon,
		"LIMITATIONS-ON-CUSTOMER-AMOUNT":       core.CodeRepeatTooSoon,
		"LIMITATIONS-ON-CUSTOMER-QUANTITY":     core.CodeRepeatTooSoon,
		"DUPLICATED-TRANSACTION":               core.CodeRepeatTooSoon, // this one moved nothing; an earlier one may have
		"OPERATOR-CURRENTLY-UNAVAILABLE":       core.CodeProductDown,
		"INSUFFICIENT-BALANCE":                 core.CodeDepositEmpty,
		"EXCEPTION":                            core.CodeUpstreamTimeout,
		"":                                     core.CodeDeclined,
	}
}

// codeTable gives codes to refusals: the operator's own come before the built-in ones.
type codeTable map[string]core.Code

// ofStatus gives the code of a message such as "DECLINED-BARRED-CREDIT-PARTY"; one that isn't known is plainly declined.
func (own codeTable) ofStatus(message string) core.Code {
	_, suffix, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(message)), "-")
	if code, ok := own[suffix]; ok {
		return code
	}
	if code, ok := statusCodes()[suffix]; ok {
		return code
	}
	return core.CodeDeclined
}

// ofError gives the code of an API error code, and whether it proves that nothing was done.
func (own codeTable) ofError(code string) (class core.Code, refused bool) {
	if class, ok := openCodes()[code]; ok {
		return class, false
	}
	if class, ok := own[code]; ok {
		return class, true
	}
	if class, ok := apiCodes()[code]; ok {
		return class, true
	}
	return core.CodeInternal, false
}

// declineCodes are the codes that a refusal of the operator's own table can have: those under which nothing moved.
func declineCodes() []core.Code {
	return slices.DeleteFunc(core.Codes(), func(code core.Code) bool { return !mayDecline(code) })
}

func mayDecline(code core.Code) bool {
	switch code {
	case core.CodeInternal, core.CodeNotFound, core.CodeRefunded, core.CodeDuplicateRef, core.CodeDuplicateElsewhere,
		core.CodeUpstreamTimeout, core.CodeTransportNotSent, core.CodeTransportAfterSend:
		return false
	default:
		return code.Valid()
	}
}

func joinCodes(codes []core.Code) string {
	names := make([]string, 0, len(codes))
	for _, code := range codes {
		names = append(names, string(code))
	}
	return strings.Join(names, ", ")
}

// longNumber finds what may be an account number in free text.
var longNumber = regexp.MustCompile(`\+?[0-9]{8,}`)

// leastSecret is how long a secret is at least that can be told from any other word.
const leastSecret = 4

// clean takes credentials out of the provider's words and masks long numbers, since reasons end up in errors and logs.
func clean(text string, secrets []string) string {
	for _, secret := range secrets {
		if len(secret) >= leastSecret {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return longNumber.ReplaceAllStringFunc(text, func(number string) string { return core.AccountNumber(number).String() })
}
