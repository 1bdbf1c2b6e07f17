package digiflazz

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jalurhq/jalur/core"
)

// What the provider allows: the whole list once in five minutes. How old a list may get when no newer one is to be had, and how many products a page of ours
// has.
const (
	listEvery = 5 * time.Minute
	listLife  = time.Hour
	pageSize  = 1000
	maxLookUp = 1000 // products that were asked for one by one
)

// The two lists. Whether the limits hold for both together isn't documented.
const (
	cmdPrepaid = "prepaid"
	cmdPostpay = "pasca"
)

func commands() []string { return []string{cmdPrepaid, cmdPostpay} }

// item is a row of a price list.
type item struct {
	product core.Product
	bill    bool // it is paid with the token of an inquiry
	emoney  bool // a bill whose amount the caller tells
	pln     bool // a token for a meter whose owner can be asked for
	once    bool // one account can buy it once a day only
	price   core.Money
	face    core.Money // what it stands for
}

// list is one price list, or what was said of one product.
type list struct {
	items  []item
	read   time.Time
	closed time.Time // until then the provider need not be asked
}

func (l *list) fresh(now time.Time) bool { return !l.read.IsZero() && now.Sub(l.read) < listEvery }

func (l *list) usable(now time.Time) bool { return !l.read.IsZero() && now.Sub(l.read) < listLife }

// ask reads one list, of one product where its code isn't empty.
type ask = func(ctx context.Context, cmd, code string) ([]item, error)

// prices keeps the price lists, so that the provider is asked no more often than it wants to be.
type prices struct {
	ask  ask
	now  func() time.Time
	turn chan struct{} // held while the provider is asked

	mu    sync.Mutex
	lists map[string]*list // by command, and by command and code
}

func newPrices(ask ask, now func() time.Time) *prices {
	return &prices{ask: ask, now: now, turn: make(chan struct{}, 1), lists: map[string]*list{}}
}

var errListClosed = errors.New("the price list can't be read again yet")

// all gives the products of both lists; missing says why one of them isn't there. An error means that neither is.
func (p *prices) all(ctx context.Context) (items []item, missing, err error) {
	found := false
	for _, cmd := range commands() {
		part, err := p.one(ctx, cmd, "")
		if err != nil {
			missing = errors.Join(missing, err)
			continue
		}
		found = true
		items = append(items, part...)
	}
	if !found {
		return nil, missing, missing
	}
	return items, missing, nil
}

// find gives one product: of the lists, and where those can't be read, by itself. Errors: product_unknown as NotSent, or why nobody can say.
func (p *prices) find(ctx context.Context, sku string) (item, error) {
	items, missing, _ := p.all(ctx)
	if found, ok := bySKU(items, sku); ok {
		return found, nil
	}
	if missing == nil {
		return item{}, refuse(core.CodeProductUnknown, fmt.Errorf("the price list has no product %q", cut(sku)))
	}
	for _, cmd := range commands() {
		if p.peek(cmd) != nil {
			continue // that whole list is there, and it isn't in it
		}
		items, err := p.one(ctx, cmd, sku)
		if err != nil {
			return item{}, err
		}
		if found, ok := bySKU(items, sku); ok {
			return found, nil
		}
	}
	return item{}, refuse(core.CodeProductUnknown, fmt.Errorf("the price list has no product %q", cut(sku)))
}

// known is find among what was read already.
func (p *prices) known(sku string) (item, bool) {
	for _, cmd := range commands() {
		for _, key := range []string{cmd, cmd + "/" + sku} {
			if found, ok := bySKU(p.peek(key), sku); ok {
				return found, true
			}
		}
	}
	return item{}, false
}

// peek gives a list that can still be used, or nil.
func (p *prices) peek(key string) []item {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.lists[key]; l != nil && l.usable(p.now()) {
		return l.items
	}
	return nil
}

func bySKU(items []item, sku string) (item, bool) {
	for _, listed := range items {
		if listed.product.Code == sku {
			return listed, true
		}
	}
	return item{}, false
}

// one gives one list, at most five minutes old where the provider lets itself be asked, and otherwise an older one.
func (p *prices) one(ctx context.Context, cmd, code string) ([]item, error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return nil, unknown(core.CodeTransportAfterSend, ctx.Err(), "")
	}
	kept := p.entry(cmd, code)
	now := p.now()
	if kept.fresh(now) {
		return kept.items, nil
	}
	err := error(&core.Error{Outcome: core.Declined, Code: core.CodeRateLimited, Err: errListClosed})
	if !now.Before(kept.closed) {
		var items []item
		if items, err = p.ask(ctx, cmd, code); err == nil {
			p.store(kept, list{items: items, read: now})
			return items, nil
		}
	}
	p.close(kept, now, code, err)
	if kept.usable(now) {
		return kept.items, nil
	}
	return nil, err
}

// close remembers that the provider has refused to be asked so often.
func (p *prices) close(kept *list, now time.Time, code string, err error) {
	if core.CodeOf(err) != core.CodeRateLimited || now.Before(kept.closed) {
		return
	}
	wait := listEvery
	if code != "" {
		wait = time.Second
	}
	p.store(kept, list{items: kept.items, read: kept.read, closed: now.Add(wait)})
}

func (p *prices) store(kept *list, l list) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*kept = l
}

func (p *prices) entry(cmd, code string) *list {
	key := cmd
	if code != "" {
		key += "/" + code
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.lists) > maxLookUp {
		for _, old := range commands() {
			if p.lists[old] == nil {
				p.lists[old] = &list{}
			}
		}
		p.lists = map[string]*list{cmdPrepaid: p.lists[cmdPrepaid], cmdPostpay: p.lists[cmdPostpay]}
	}
	if p.lists[key] == nil {
		p.lists[key] = &list{}
	}
	return p.lists[key]
}

// readPrices asks for a price list.
func (p *Provider) readPrices(ctx context.Context, cmd, code string) ([]item, error) {
	body, err := p.exchange(ctx, "price-list", priceList{Cmd: cmd, Code: code, account: p.account("pricelist")})
	if err != nil {
		return nil, err
	}
	return p.read.prices(body, cmd == cmdPostpay, p.cfg.Denominations)
}

// ListProducts implements [core.Provider]. The lists are asked for every five minutes at most.
func (p *Provider) ListProducts(ctx context.Context, filter core.ProductFilter) (core.ProductPage, error) {
	if filter.Product != "" {
		return p.listOne(ctx, filter.Product)
	}
	items, _, err := p.prices.all(ctx)
	if err != nil {
		return core.ProductPage{}, during("list_products", err)
	}
	from, err := strconv.Atoi("0" + filter.Cursor)
	if err != nil || from > len(items) {
		return core.ProductPage{}, during("list_products", refuse(core.CodeBadRequest, errCursor))
	}
	to := min(from+pageSize, len(items))
	var page core.ProductPage
	for _, listed := range items[from:to] {
		page.Products = append(page.Products, listed.product)
	}
	if to < len(items) {
		page.Next = strconv.Itoa(to)
	}
	return page, nil
}

var errCursor = errors.New("the cursor is not one of this list's")

func (p *Provider) listOne(ctx context.Context, sku string) (core.ProductPage, error) {
	listed, err := p.prices.find(ctx, sku)
	switch {
	case err == nil:
		return core.ProductPage{Products: []core.Product{listed.product}}, nil
	case core.CodeOf(err) == core.CodeProductUnknown:
		return core.ProductPage{}, nil
	default:
		return core.ProductPage{}, during("list_products", err)
	}
}

// prices reads the answer to price-list. Rows without a code are left out.
func (r reader) prices(body []byte, bills bool, own map[string]core.Money) ([]item, error) {
	data, err := envelope(body)
	if err != nil {
		return nil, unknown(core.CodeInternal, err, "")
	}
	var rows []json.RawMessage
	if json.Unmarshal(data, &rows) != nil {
		return nil, r.noList(data)
	}
	items := make([]item, 0, len(rows))
	for _, raw := range rows {
		row, err := parseObject(raw)
		if err != nil || row.text("buyer_sku_code") == "" {
			continue
		}
		if bills {
			items = append(items, billItem(row))
		} else {
			items = append(items, prepaidItem(row, own))
		}
	}
	if len(items) == 0 && len(rows) > 0 {
		return nil, unknown(core.CodeInternal, errUndocumented, "no product in the list has a code")
	}
	return items, nil
}

// noList words a refusal in place of a list.
func (r reader) noList(data json.RawMessage) error {
	a, err := parseObject(data)
	if err == nil {
		err = r.refusal(a)
	}
	if err == nil {
		err = errUndocumented
	}
	if _, ok := errors.AsType[*core.Error](err); ok {
		return err
	}
	return unknown(core.CodeInternal, err, "no price list")
}

func prepaidItem(row fields, own map[string]core.Money) item {
	sku, price := row.text("buyer_sku_code"), row["price"].paid()
	face, set := own[sku]
	if !set {
		face = faceOf(row)
	}
	product := core.Product{
		Code: sku, Name: row.text("product_name"),
		Fee:       core.Fee{Expr: row.text("price"), Known: price.Known(), Flat: price, Fixed: price.Known()},
		Available: row.yes("buyer_product_status") && row.yes("seller_product_status"),
		Stock:     stock(row), CutOffs: cutOffs(row),
	}
	if face.Known() {
		product.Amounts = core.AmountSpec{Min: face, Max: face}
	}
	pln := strings.EqualFold(row.text("brand"), "PLN")
	return item{product: product, pln: pln, once: row.text("multi") != "" && !row.yes("multi"), price: price, face: face}
}

func billItem(row fields) item {
	expr := []string{"by inquiry"}
	for _, part := range []string{"admin", "commission"} {
		if said := row.text(part); said != "" {
			expr = append(expr, part+" "+said)
		}
	}
	listed := item{bill: true, emoney: isEMoney(row), product: core.Product{
		Code: row.text("buyer_sku_code"), Name: row.text("product_name"), Fee: core.Fee{Expr: strings.Join(expr, ", ")},
		Available: row.yes("buyer_product_status") && row.yes("seller_product_status"),
	}}
	if listed.emoney {
		listed.product.Amounts = core.AmountSpec{Min: core.IDR(emoneyStep), Step: core.IDR(emoneyStep)}
	}
	return listed
}

// emoneyStep is what amounts of e-money are multiples of.
const emoneyStep = 1000

func isEMoney(row fields) bool {
	said := strings.ToLower(row.text("brand") + " " + row.text("category") + " " + row.text("product_name") + " " + row.text("buyer_sku_code"))
	return strings.Contains(strings.NewReplacer("-", "", " ", "").Replace(said), "emoney")
}

// stock counts what is left, or gives nil where it isn't limited.
func stock(row fields) *int64 {
	if row.yes("unlimited_stock") {
		return nil
	}
	left, err := strconv.ParseInt(row["stock"].money().Value(), 10, 64)
	if err != nil {
		return nil
	}
	return &left
}

var clockTime = regexp.MustCompile(`^(?:[01]?[0-9]|2[0-3]):[0-5][0-9]$`)

// cutOffs gives when a product can't be bought. From and to the same moment, as 00:00 to 00:00, is never.
func cutOffs(row fields) []core.DailyWindow {
	start, end := row.text("start_cut_off"), row.text("end_cut_off")
	if !clockTime.MatchString(start) || !clockTime.MatchString(end) || padded(start) == padded(end) {
		return nil
	}
	return []core.DailyWindow{{Start: padded(start), End: padded(end), Zone: "Asia/Jakarta"}}
}

// padded makes "5:30" of the provider "05:30".
func padded(hhmm string) string {
	if len(hhmm) < len("05:30") {
		return "0" + hhmm
	}
	return hhmm
}

// faceAtEnd finds the amount that a name ends with, written with points: "Xl 10.000", "Go Pay Rp 100.000".
var faceAtEnd = regexp.MustCompile(`^[^.]*?(?:^|[^0-9.,])([1-9][0-9]{0,2}(?:\.[0-9]{3})+)$`)

// faceOf reads what a product stands for from its name. Only what is sold by its amount in rupiah has one.
func faceOf(row fields) core.Money {
	switch strings.ToLower(row.text("category")) {
	case "pulsa", "pln", "e-money", "emoney", "voucher":
	default:
		return core.Money{}
	}
	found := faceAtEnd.FindStringSubmatch(row.text("product_name"))
	if found == nil {
		return core.Money{}
	}
	face, err := core.ParseMoney(strings.ReplaceAll(found[1], ".", ""), core.Rupiah)
	if err != nil {
		return core.Money{}
	}
	return face
}
