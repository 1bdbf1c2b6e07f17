package digiflazz

import (
	"crypto/md5" //nolint:gosec // the provider's own signature
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/jalurhq/jalur/core"
)

// wib is Jakarta's time: UTC+7 all year.
func wib() *time.Location {
	const ahead = 7 * 60 * 60
	return time.FixedZone("WIB", ahead)
}

// sign is what proves a call: the hex MD5 of user, key and a suffix that depends on the call.
func sign(username, key, suffix string) string {
	sum := md5.Sum([]byte(username + key + suffix)) //nolint:gosec // the provider's own signature
	return hex.EncodeToString(sum[:])
}

// account is what every call begins with.
type account struct {
	Username string `json:"username"`
	Sign     string `json:"sign"`
}

func (p *Provider) account(suffix string) account {
	return account{Username: p.cfg.Username, Sign: sign(p.cfg.Username, p.cfg.APIKey, suffix)}
}

type deposit struct {
	account

	Cmd string `json:"cmd"`
}

type priceList struct {
	account

	Cmd  string `json:"cmd"`
	Code string `json:"code,omitempty"`
}

type plnInquiry struct {
	account

	CustomerNo string `json:"customer_no"`
}

// transaction is the body of every call about an order. Without commands it is a prepaid order.
type transaction struct {
	account

	Commands   string `json:"commands,omitempty"`
	SKU        string `json:"buyer_sku_code"`
	CustomerNo string `json:"customer_no"`
	RefID      string `json:"ref_id"`
	Testing    bool   `json:"testing,omitempty"`
	MaxPrice   int64  `json:"max_price,omitempty"`
	CallbackTo string `json:"cb_url,omitempty"`
	AllowDot   bool   `json:"allow_dot,omitempty"`
	Amount     int64  `json:"amount,omitempty"`
	Year       string `json:"year,omitempty"`
}

// extraYear is the further field of a land tax (PBB).
const extraYear = "year"

// orderBody words an order. The command is for bills.
func (p *Provider) orderBody(order core.PayRequest, command string) transaction {
	if token, ok := parseToken(order.Quote); ok {
		body := p.billBody(command, bill{token: token, sku: order.Product, account: order.Account, year: order.Extra[extraYear]})
		body.Amount = token.emoneyAmount(order.Amount)
		return body
	}
	most, _ := wholeRupiah(order.MaxCost) // checked before
	return transaction{
		account: p.account(order.Ref), SKU: order.Product, CustomerNo: string(order.Account), RefID: order.Ref, Testing: p.cfg.Testing,
		MaxPrice: most, CallbackTo: order.CallbackURL, AllowDot: strings.Contains(string(order.Account), "."),
	}
}

// bill is what a command about one names.
type bill struct {
	token   token
	sku     string
	account core.AccountNumber
	year    string
}

func (p *Provider) billBody(command string, b bill) transaction {
	return transaction{
		account: p.account(b.token.String()), Commands: command, SKU: b.sku, CustomerNo: string(b.account), RefID: b.token.String(),
		Testing: p.cfg.Testing, Year: b.year,
	}
}

var (
	errTooOld    = errors.New("the order is so old that asking could book a new sale")
	errNoOrder   = errors.New("the order names no product, no account or no reference")
	errNoAmount  = errors.New("the order names no amount")
	errAmount    = errors.New("the product stands for another amount")
	errNoBill    = errors.New("the product is a bill: it is paid with the token of an inquiry")
	errToken     = errors.New("the token is not one of this provider's inquiries")
	errExpired   = errors.New("a bill is paid on the day of its inquiry: inquire again")
	errForgotten = errors.New("what the inquiry said of the cost is not known any more: inquire again")
	errCostLimit = errors.New("the cost may not be above the limit that the order sets")
	errNotRupiah = errors.New("the limit of the cost is not in rupiah")
)

// checkPay refuses what must not be sent.
func (p *Provider) checkPay(order core.PayRequest) error {
	if err := p.checkOrder(order); err != nil {
		return err
	}
	if token, ok := parseToken(order.Quote); ok {
		return p.checkBill(order, token)
	}
	item, known := p.prices.known(order.Product)
	if known && item.bill {
		return refuse(core.CodeBadRequest, errNoBill)
	}
	if face := p.face(order.Product, item); face.Known() && !face.Equal(order.Amount) {
		return refuse(core.CodeAmountInvalid, errAmount)
	}
	return nil
}

// checkOrder refuses what can't be worded.
func (p *Provider) checkOrder(order core.PayRequest) error {
	switch {
	case order.Product == "" || order.Account == "" || order.Ref == "":
		return refuse(core.CodeBadRequest, errNoOrder)
	case !order.Amount.Known():
		return refuse(core.CodeAmountInvalid, errNoAmount)
	}
	if _, ok := wholeRupiah(order.MaxCost); !ok {
		return refuse(core.CodeBadRequest, errNotRupiah)
	}
	if _, ok := parseToken(order.Quote); !ok && order.Quote != "" {
		return refuse(core.CodeBadRequest, errToken)
	}
	return nil
}

// checkBill holds a bill against its inquiry. The provider takes no limit for the cost of one, so it is kept here; what an inquiry said is not known any more
// after a restart.
func (p *Provider) checkBill(order core.PayRequest, t token) error {
	if !p.cfg.Now().Before(t.expires()) {
		return refuse(core.CodeQuoteExpired, errExpired)
	}
	if !order.MaxCost.Known() {
		return nil
	}
	cost, known := p.quoted.of(t.String())
	if !known {
		return refuse(core.CodeQuoteExpired, errForgotten)
	}
	if above, err := cost.Cmp(order.MaxCost); err != nil || above > 0 {
		return refuse(core.CodePriceAboveLimit, errCostLimit)
	}
	return nil
}

// face gives the amount that a product stands for, or zero Money.
func (p *Provider) face(sku string, listed item) core.Money {
	if face, ok := p.cfg.Denominations[sku]; ok {
		return face
	}
	return listed.face
}

// wholeRupiah gives the rupiah of a limit without what is behind the point; 0 for no limit.
func wholeRupiah(limit core.Money) (rupiah int64, ok bool) {
	if !limit.Known() {
		return 0, true
	}
	whole, _, _ := strings.Cut(limit.Normal().Value(), ".")
	rupiah, err := strconv.ParseInt(whole, 10, 64)
	return rupiah, err == nil && rupiah > 0 && limit.Currency() == core.Rupiah
}

// tokenKind tells what was inquired.
type tokenKind byte

// The kinds: of a bill the provider tells the amount, of e-money the caller does.
const (
	kindBill   tokenKind = 'B'
	kindEMoney tokenKind = 'E'
)

const tokenDay = "060102"

// token names an inquiry. It is the ref_id that the provider knows it by, and it holds the day on which it can be paid: reference, kind, day.
type token struct {
	ref  string
	kind tokenKind
	day  time.Time // its start, in Jakarta
}

func newToken(ref string, kind tokenKind, now time.Time) token {
	year, month, day := now.In(wib()).Date()
	return token{ref: ref, kind: kind, day: time.Date(year, month, day, 0, 0, 0, 0, wib())}
}

// String gives the ref_id.
func (t token) String() string { return t.ref + string(rune(t.kind)) + t.day.Format(tokenDay) }

// expires gives the end of the day.
func (t token) expires() time.Time { return t.day.AddDate(0, 0, 1) }

func (t token) emoneyAmount(amount core.Money) int64 {
	if t.kind != kindEMoney {
		return 0
	}
	rupiah, _ := wholeRupiah(amount) // it was taken by the inquiry
	return rupiah
}

// parseToken reads what String wrote.
func parseToken(text string) (token, bool) {
	at := len(text) - len(tokenDay) - 1
	if at <= 0 {
		return token{}, false
	}
	kind, day := tokenKind(text[at]), text[at+1:]
	if kind != kindBill && kind != kindEMoney {
		return token{}, false
	}
	if _, err := strconv.ParseUint(day, 10, 64); err != nil {
		return token{}, false
	}
	start, err := time.ParseInLocation(tokenDay, day, wib())
	return token{ref: text[:at], kind: kind, day: start}, err == nil
}
