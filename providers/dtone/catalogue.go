package dtone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jalurhq/jalur/core"
)

// Limits of the catalogue.
const (
	pageSize       = 100 // the most that the API gives
	productLife    = 5 * time.Minute
	mostRemembered = 2000
)

// alternatives are sets of fields, each of which is enough.
type alternatives [][]string

// product is what the client needs of a product of the API.
type product struct {
	ID       json.Number `json:"id"`
	Name     string      `json:"name"`
	Type     string      `json:"type"`
	Operator struct {
		ID json.Number `json:"id"`
	} `json:"operator"`
	Source      quantity `json:"source"`
	Destination quantity `json:"destination"`
	Prices      struct {
		Wholesale quantity `json:"wholesale"`
	} `json:"prices"`
	Rates struct {
		Wholesale json.Number `json:"wholesale"`
	} `json:"rates"`
	CreditParty alternatives `json:"required_credit_party_identifier_fields"`
	DebitParty  alternatives `json:"required_debit_party_identifier_fields"`
	Sender      alternatives `json:"required_sender_fields"`
	Beneficiary alternatives `json:"required_beneficiary_fields"`
	Statement   alternatives `json:"required_statement_identifier_fields"`
	Additional  alternatives `json:"required_additional_identifier_fields"`
}

func (p product) ranged() bool { return strings.HasPrefix(p.Type, "RANGED_") }

// complete reports whether the product can be sold: it has a number, a known type, and amounts.
func (p product) complete() error {
	switch {
	case !productID.MatchString(p.ID.String()):
		return fmt.Errorf("product id: %w", core.ErrIncomplete)
	case !p.ranged() && !strings.HasPrefix(p.Type, "FIXED_"):
		return fmt.Errorf("product type %q: %w", clean(p.Type, nil), errUndocumented)
	case p.ranged() && p.Destination.currency() == "", !p.ranged() && !p.Destination.amount().Known():
		return fmt.Errorf("product destination: %w", core.ErrIncomplete)
	default:
		return nil
	}
}

// listing gives the product as core has it. An amount is what arrives: the destination's.
func (p product) listing() core.Product {
	return core.Product{
		Code: p.ID.String(), Name: p.Name, Amounts: p.Destination.bounds(), Fee: p.fee(), Available: true,
	}
}

// fee is the wholesale price: of a fixed product as it stands, of a ranged one by its rate, which is what arrives for one unit of the wholesale currency.
func (p product) fee() core.Fee {
	wholesale := p.Prices.Wholesale
	if !p.ranged() {
		total := wholesale.total()
		return core.Fee{Expr: total.String(), Known: total.Known(), Flat: total, Fixed: true}
	}
	rate, ok := exact(p.Rates.Wholesale)
	if !ok || rate.Sign() <= 0 {
		return core.Fee{}
	}
	flat, err := core.ParseMoney("0.00", wholesale.currency())
	if err == nil && wholesale.Fee != "" {
		flat, err = flat.Add(money(wholesale.Fee, wholesale.Unit))
	}
	expr := "amount / " + p.Rates.Wholesale.String()
	if err != nil {
		return core.Fee{Expr: expr}
	}
	return core.Fee{Expr: expr + " + " + flat.String(), Known: true, Flat: flat, Rate: decimalUp(new(big.Rat).Inv(rate))}
}

// decimalUp is decimal, rounded up: a cost is never thought too low.
func decimalUp(value *big.Rat) string {
	written := decimal(value)
	if down, ok := new(big.Rat).SetString(written); ok && down.Cmp(value) < 0 {
		least, _ := new(big.Rat).SetString("1e-9")
		return decimal(down.Add(down, least))
	}
	return written
}

// ListProducts implements [core.Provider]. A page has at most 100 products; those that can't be read are left out.
func (p *Provider) ListProducts(ctx context.Context, filter core.ProductFilter) (core.ProductPage, error) {
	if filter.Product != "" {
		page, err := p.oneProduct(ctx, filter.Product)
		return page, during("list_products", err)
	}
	number, err := pageNumber(filter.Cursor)
	if err != nil {
		return core.ProductPage{}, during("list_products", refuse(core.CodeBadRequest, err))
	}
	page, err := p.productPage(ctx, number)
	return page, during("list_products", err)
}

func pageNumber(cursor string) (int, error) {
	if cursor == "" {
		return 1, nil
	}
	number, err := strconv.Atoi(cursor)
	if err != nil || number < 1 {
		return 0, errors.New("the cursor is not a page's number")
	}
	return number, nil
}

// oneProduct gives no product where there is none.
func (p *Provider) oneProduct(ctx context.Context, code string) (core.ProductPage, error) {
	found, err := p.fetchProduct(ctx, code)
	if core.CodeOf(err) == core.CodeProductUnknown {
		return core.ProductPage{}, nil
	}
	if err != nil {
		return core.ProductPage{}, err
	}
	return core.ProductPage{Products: []core.Product{found.listing()}}, nil
}

func (p *Provider) productPage(ctx context.Context, number int) (core.ProductPage, error) {
	query := url.Values{"page": {strconv.Itoa(number)}, "per_page": {strconv.Itoa(pageSize)}}
	if p.cfg.Country != "" {
		query.Set("country_iso_code", p.cfg.Country)
	}
	reply, err := p.get(ctx, "/products?"+query.Encode())
	if err != nil {
		return core.ProductPage{}, err
	}
	var rows []json.RawMessage
	if json.Unmarshal(reply.Body, &rows) != nil {
		return core.ProductPage{}, unknown(errNotJSON, "no list of products")
	}
	page := core.ProductPage{}
	for _, row := range rows {
		if one, err := decodeProduct(row); err == nil {
			page.Products = append(page.Products, one.listing())
		}
	}
	if len(rows) > 0 && len(page.Products) == 0 {
		return core.ProductPage{}, unknown(errUndocumented, "no product of the page can be read")
	}
	page.Next, err = nextPage(reply.Header.Get("X-Next-Page"), number)
	return page, err
}

// nextPage distrusts a list that doesn't go on.
func nextPage(header string, number int) (string, error) {
	if header == "" {
		return "", nil
	}
	next, err := strconv.Atoi(header)
	switch {
	case err != nil:
		return "", unknown(errUndocumented, "the number of the next page")
	case next <= number: // the last one names itself, or nothing
		return "", nil
	default:
		return header, nil
	}
}

// fetchProduct asks for a product. One that isn't there is a refusal with the code product_unknown.
func (p *Provider) fetchProduct(ctx context.Context, code string) (product, error) {
	if !productID.MatchString(code) {
		return product{}, refuse(core.CodeProductUnknown, errNoProduct)
	}
	reply, err := p.get(ctx, "/products/"+code)
	if err != nil {
		return product{}, err
	}
	found, err := decodeProduct(reply.Body)
	if err != nil {
		return product{}, unknown(err, "")
	}
	if found.ID.String() != code {
		return product{}, unknown(core.ErrContradiction, "product")
	}
	return found, nil
}

func decodeProduct(raw []byte) (product, error) {
	var found product
	if err := distinctKeys(raw); err != nil {
		return product{}, err
	}
	if json.Unmarshal(raw, &found) != nil {
		return product{}, errUndocumented
	}
	return found, found.complete()
}

// catalogue remembers products for a while, so that an order needn't ask for its product first.
type catalogue struct {
	mu    sync.Mutex
	known map[string]remembered
}

type remembered struct {
	product product
	at      time.Time
}

func (c *catalogue) recall(code string, now time.Time) (product, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, ok := c.known[code]
	age := now.Sub(entry.at)
	return entry.product, ok && age >= 0 && age < productLife
}

func (c *catalogue) remember(code string, found product, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= mostRemembered {
		c.known = map[string]remembered{}
	}
	c.known[code] = remembered{product: found, at: now}
}

// product gives a product that was asked for lately, or asks.
func (p *Provider) product(ctx context.Context, code string) (product, error) {
	if found, ok := p.catalogue.recall(code, p.cfg.Now()); ok {
		return found, nil
	}
	found, err := p.fetchProduct(ctx, code)
	if err == nil {
		p.catalogue.remember(code, found, p.cfg.Now())
	}
	return found, err
}

// creditParty gives the alternatives of the credit party, as the operator has narrowed them.
func (p *Provider) creditParty(sold product) alternatives {
	only, ok := p.cfg.Products[sold.ID.String()]
	if !ok || only.Account == "" || only.Account == core.NoAccount {
		return sold.CreditParty
	}
	return slices.DeleteFunc(slices.Clone(sold.CreditParty), func(fields []string) bool { return !slices.Contains(fields, only.Account) })
}
