package mmbc

import (
	"maps"
	"slices"

	"github.com/jalurhq/jalur/core"
)

// Decoder gives the tests the decoders without HTTP around them.
type Decoder struct{ reader }

func NewDecoder(own ...Reason) Decoder {
	return Decoder{reader{reasons: reasonTable(own), secrets: []string{"geheim", "toko"}}}
}

func (d Decoder) Reload(body []byte, order core.PayRequest) (core.Result, error) {
	return d.reload(body, order)
}

func (d Decoder) Status(body []byte, req core.StatusRequest) (core.Result, error) {
	return d.status(body, req)
}

func (d Decoder) Inquiry(body []byte, req core.InquiryRequest) (core.Quote, error) {
	return d.inquiry(body, req)
}

func (d Decoder) List(body []byte) ([]core.Product, error) { return d.list(body) }

func (d Decoder) Classify(reason string) core.Code {
	return classify(d.reasons, reason, core.CodeDeclined)
}

var (
	Amount        = amount
	NumericAmount = numericAmount
	Formula       = formula
	SameAccount   = sameAccount
	SameProduct   = sameProduct
	Clean         = clean
	DeclineCodes  = declineCodes
)

// SettingNames are the settings that the code reads.
func SettingNames() []string { return slices.Sorted(maps.Keys(settings())) }
