package dtone

import (
	"encoding/json"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
)

// Decoder gives the tests the decoders without HTTP around them.
type Decoder struct{ reader }

func NewDecoder() Decoder { return Decoder{reader{secrets: []string{"geheim"}, callingCode: "62"}} }

func (d Decoder) Taken(reply transport.Reply, order core.PayRequest) (core.Result, error) {
	return d.taken(reply, order)
}

func (d Decoder) Order(body []byte, order core.PayRequest) (core.Result, error) {
	return d.order(body, order)
}

// Product reads a product as the catalogue lists it.
func Product(body []byte) (core.Product, error) {
	found, err := decodeProduct(body)
	return found.listing(), err
}

var (
	APICodes      = apiCodes
	OpenCodes     = openCodes
	StatusCodes   = statusCodes
	Settings      = settings
	International = international
	DecodeToken   = openToken
	Clean         = clean
)

func MoneyOf(literal, unit string) core.Money { return money(json.Number(literal), unit) }

func CallbackAddress(secret, base, ref string) string {
	return seal{[]byte(secret)}.address(base, ofOrder, ref)
}
