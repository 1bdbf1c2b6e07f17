package httpspec

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
)

var errNoRows = errors.New("no row of the list could be read")

// list reads the products: those that the description has, or those of a call.
type list struct {
	static []core.Product
	call   *call
	items  *expression
	item   map[string]*expression
	next   *expression
	same   func(a, b string) bool
	amount core.AmountSpec // of a product that has no bounds
	money  string          // the currency
}

func itemFields() map[string]kind {
	return map[string]kind{
		"code": kindText, "name": kindText, "available": kindBool, "min": kindMoney, "max": kindMoney, "step": kindMoney, fieldCashback: kindMoney,
		"fee": kindText, "price": kindMoney, "flat": kindMoney, "rate": kindText, "stock": kindText,
		"cut_off_start": kindText, "cut_off_end": kindText, "cut_off_zone": kindText,
	}
}

// compile checks how products are listed.
func (s listSpec) compile(r *reading, requests, base scope, baseURL string) (*list, error) {
	key := specKey + ".list_products"
	made := &list{money: r.currency, same: func(a, b string) bool { return a == b }}
	if r.loose {
		made.same = sameProduct
	}
	if s.Static != nil {
		if s.Items != "" || s.Item != nil || s.Next != nil || s.Cases != nil || s.Fields != nil {
			return nil, &core.SettingError{Key: key + ".static", Rule: "stands alone: products are listed here, or asked for"}
		}
		return made, made.compileStatic(key+".static", s.Static)
	}
	scopes, err := r.scopes(base)
	if err != nil {
		return nil, err
	}
	made.call = &call{}
	if made.call.request, err = s.Request.compile(key+".request", baseURL, requests); err != nil {
		return nil, err
	}
	outcomes := []string{outcomeOK, core.Declined.String(), outcomeUnknown}
	if made.call.answer, err = s.callSpec.compile(key, r, scopes, refusalFields(), outcomes); err != nil {
		return nil, err
	}
	return made, s.compileRows(key, scopes.read, made)
}

func (s listSpec) compileRows(key string, read scope, into *list) error {
	var err error
	if into.items, err = read.compile(key+".items", s.Items, kindList); err != nil {
		return err
	}
	if s.Next != nil {
		source, err := sourceOf(key+".next", s.Next)
		if err != nil {
			return err
		}
		if into.next, err = read.compile(key+".next", source, kindText); err != nil {
			return err
		}
	}
	row, err := read.with(cel.Variable("item", cel.DynType))
	if err != nil {
		return err
	}
	if s.Item["code"] == nil {
		return &core.SettingError{Key: key + ".item.code", Rule: "is required"}
	}
	into.item = map[string]*expression{}
	for _, name := range slices.Sorted(maps.Keys(s.Item)) {
		want, known := itemFields()[name]
		if !known {
			return &core.SettingError{Key: key + ".item." + name, Rule: "is not known; there are " + strings.Join(slices.Sorted(maps.Keys(itemFields())), ", ")}
		}
		source, err := sourceOf(key+".item."+name, s.Item[name])
		if err != nil {
			return err
		}
		if into.item[name], err = row.compile(key+".item."+name, source, want); err != nil {
			return err
		}
	}
	return nil
}

func (l *list) compileStatic(key string, given []productSpec) error {
	l.static = []core.Product{}
	for i, p := range given {
		amounts, err := p.Amounts.amounts(at(key, i)+".amounts", l.money)
		if err != nil {
			return err
		}
		price, err := literalMoney(at(key, i)+".price", p.Price, l.money)
		if err != nil {
			return err
		}
		cashback, err := literalMoney(at(key, i)+".cashback", p.Cashback, l.money)
		if err != nil {
			return err
		}
		if p.Code == "" {
			return &core.SettingError{Key: at(key, i) + ".code", Rule: "is required"}
		}
		l.static = append(l.static, core.Product{
			Code: p.Code, Name: firstText(p.Name, p.Code), Amounts: amounts, Fee: feeOf(p.Fee, price, core.Money{}, ""), Cashback: cashback, Available: true,
		})
	}
	return nil
}

func firstText(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// feeOf makes a fee of a price, a rate and a flat part, or a formula in words.
func feeOf(words string, price, flat core.Money, rate string) core.Fee {
	switch {
	case price.Known():
		return core.Fee{Expr: words, Known: true, Flat: price, Fixed: true}
	case flat.Known():
		return core.Fee{Expr: words, Known: true, Flat: flat, Rate: rate}
	default:
		return formula(words)
	}
}

// ListProducts implements [core.Provider].
func (p *Provider) ListProducts(ctx context.Context, filter core.ProductFilter) (core.ProductPage, error) {
	page, err := p.list.page(ctx, p, filter)
	if err != nil {
		return core.ProductPage{}, during("list_products", err)
	}
	page.Products = slices.DeleteFunc(page.Products, func(product core.Product) bool {
		return filter.Product != "" && !p.list.same(filter.Product, product.Code)
	})
	return page, nil
}

func (l *list) page(ctx context.Context, p *Provider, filter core.ProductFilter) (core.ProductPage, error) {
	if l.call == nil {
		return core.ProductPage{Products: slices.Clone(l.static)}, nil
	}
	variables := maps.Clone(p.vars)
	variables["cursor"], variables["product"] = filter.Cursor, filter.Product
	reply, err := p.ask(ctx, l.call, variables)
	if err != nil {
		return core.ProductPage{}, err
	}
	return l.read(ctx, reply, variables)
}

func (l *list) read(ctx context.Context, reply transport.Reply, variables map[string]any) (core.ProductPage, error) {
	s, v, err := l.call.answer.read(ctx, reply, variables)
	if err != nil {
		return core.ProductPage{}, err
	}
	if v.outcome != outcomeOK {
		return core.ProductPage{}, &core.Error{Outcome: core.Declined, Code: v.code, Err: l.call.answer.saying(errRefused, s)}
	}
	rows, err := l.items.eval(ctx, s.variables)
	if err != nil {
		return core.ProductPage{}, err
	}
	items, ok := rows.([]any)
	if !ok {
		return core.ProductPage{}, unknown(core.CodeInternal, fmt.Errorf("%w: %s: %w", errExpression, l.items.key, errType))
	}
	var page core.ProductPage
	if page.Products = l.products(ctx, items, s.variables); len(page.Products) == 0 && len(items) > 0 {
		return page, unknown(core.CodeInternal, errNoRows)
	}
	if l.next != nil {
		page.Next, err = l.next.text(ctx, s.variables)
	}
	return page, err
}

// products leaves out rows that can't be sold: without a code, or with an expression that fails on them.
func (l *list) products(ctx context.Context, items []any, variables map[string]any) []core.Product {
	var products []core.Product
	for _, item := range items {
		variables["item"] = item
		row := row{ctx: ctx, list: l, variables: variables}
		product := row.product()
		if row.wrong == nil && product.Code != "" {
			products = append(products, product)
		}
	}
	return products
}

// row evaluates the fields of one product. The first failure stays.
type row struct {
	ctx       context.Context //nolint:containedctx // it lives for one product
	list      *list
	variables map[string]any
	wrong     error
}

func (r *row) text(name string) string {
	e, wanted := r.list.item[name]
	if !wanted || r.wrong != nil {
		return ""
	}
	value, err := e.text(r.ctx, r.variables)
	r.wrong = err
	return value
}

func (r *row) money(name string) core.Money {
	e, wanted := r.list.item[name]
	if !wanted || r.wrong != nil {
		return core.Money{}
	}
	value, err := e.money(r.ctx, r.variables, r.list.money)
	r.wrong = err
	return value
}

func (r *row) available() bool {
	e, wanted := r.list.item["available"]
	if !wanted || r.wrong != nil {
		return true
	}
	value, err := e.bool(r.ctx, r.variables)
	r.wrong = err
	return value
}

func (r *row) product() core.Product {
	product := core.Product{
		Code: r.text("code"), Available: r.available(), Cashback: r.money(fieldCashback),
		Amounts: core.AmountSpec{Min: r.money("min"), Max: r.money("max"), Step: r.money("step")},
		Fee:     feeOf(r.text("fee"), r.money("price"), r.money("flat"), r.text("rate")),
	}
	product.Name = firstText(r.text("name"), product.Code)
	if product.Amounts == (core.AmountSpec{}) {
		product.Amounts = r.list.amount
	}
	product.Stock = r.stock()
	if start, end := r.text("cut_off_start"), r.text("cut_off_end"); start != end {
		product.CutOffs = []core.DailyWindow{{Start: start, End: end, Zone: r.text("cut_off_zone")}}
	}
	return product
}

// stock is nil where it isn't counted.
func (r *row) stock() *int64 {
	text := r.text("stock")
	if text == "" {
		return nil
	}
	left, ok := numeric(text).(int64)
	if !ok {
		r.wrong = errType
		return nil
	}
	return &left
}
