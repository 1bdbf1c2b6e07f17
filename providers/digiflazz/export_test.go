package digiflazz

import "github.com/jalurhq/jalur/core"

// Decoder gives the tests the decoders without HTTP around them.
type Decoder struct{ reader }

func NewDecoder(cfg Config) Decoder { return Decoder{newReader(cfg)} }

func (d Decoder) Pay(body []byte, order core.PayRequest) (core.Result, error) {
	return d.order(body, order, paying)
}

func (d Decoder) Asked(body []byte, order core.PayRequest) (core.Result, error) {
	return d.order(body, order, asking)
}

func (d Decoder) AskedLater(body []byte, order core.PayRequest) (core.Result, error) {
	return d.order(body, order, askingLater)
}

func (d Decoder) Inquired(body []byte, req core.InquiryRequest, tokenText string) (core.Quote, error) {
	t, _ := parseToken(tokenText)
	return d.bill(body, req, t)
}

func (d Decoder) List(body []byte, bills bool) ([]core.Product, error) {
	items, err := d.prices(body, bills, nil)
	var products []core.Product
	for _, listed := range items {
		products = append(products, listed.product)
	}
	return products, err
}

func (d Decoder) Balance(body []byte) (core.Money, error) { return d.balance(body) }

// Codes are all that are documented.
func Codes() []string {
	var codes []string
	for rc := range meanings() {
		codes = append(codes, rc)
	}
	return codes
}

func Money(text string) core.Money { return value{text: text}.money() }

func Face(category, name string) core.Money {
	return faceOf(fields{"category": {text: category}, "product_name": {text: name}})
}

func Stricter(rc string) []core.Code { return stricter(meanings()[rc]) }

var (
	Sign         = sign
	HubSignature = hubSignature
)
