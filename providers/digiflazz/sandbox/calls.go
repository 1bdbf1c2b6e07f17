package sandbox

import (
	"context"
	"crypto/md5" //nolint:gosec // the provider's own signature
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/jalurhq/jalur/providers/sandbox"
)

// The calls, as faults name them. An order is made by transaction: prepaid, or the payment of a bill.
const (
	callOrder   = "transaction"
	callInquiry = "inq-pasca"
	callStatus  = "status-pasca"
	callPrices  = "price-list"
	callSaldo   = "cek-saldo"
	callPLN     = "inquiry-pln"
)

const commandPay = "pay-pasca"

// calls lists them, the one that makes an order first.
func calls() []string {
	return []string{callOrder, callInquiry, callStatus, callPrices, callSaldo, callPLN}
}

func isAPI(path string) bool {
	switch path {
	case callOrder, callPrices, callSaldo, callPLN:
		return true
	default:
		return false
	}
}

const maxRequestBytes = 64 << 10

// params are a call's parameters.
type params map[string]any

func readParams(r *http.Request) (params, error) {
	body := io.LimitReader(r.Body, maxRequestBytes)
	decoder := json.NewDecoder(body)
	decoder.UseNumber()
	var p params
	if err := decoder.Decode(&p); err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	return p, nil
}

// text gives a parameter that is text or a number.
func (p params) text(key string) string {
	switch v := p[key].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	default:
		return ""
	}
}

func (p params) yes(key string) bool { v, _ := p[key].(bool); return v }

func (p params) rupiah(key string) int64 {
	n, _ := strconv.ParseInt(p.text(key), 10, 64)
	return n
}

// callOf tells which call a request is. A transaction without a command that is known is a prepaid order.
func callOf(path string, p params) string {
	if path != callOrder {
		return path
	}
	switch command := p.text("commands"); command {
	case callInquiry, callStatus:
		return command
	default:
		return callOrder
	}
}

// serveAPI answers one of the provider's calls, with the fault that is set for it.
func (s *Sandbox) serveAPI(ctx context.Context, x sandbox.Exchange, path string) {
	if x.R.Method != http.MethodPost {
		x.W.Header().Set("Allow", http.MethodPost)
		http.Error(x.W, "POST only", http.StatusMethodNotAllowed)
		return
	}
	p, err := readParams(x.R)
	call := callOf(path, p)
	f := s.takeFault(call, p.text("customer_no"))
	rep := refuse(p, "40")
	switch {
	case f.Name != "" && !f.Executes && f.rc == "":
	case err == nil:
		rep = s.answer(call, p, f)
	}
	if f.hooks.first {
		s.Deliver(ctx)
	}
	s.send(x, f, rep)
}

// suffix is what each call's signature ends with.
func suffix(call string, p params) string {
	switch call {
	case callSaldo:
		return "depo"
	case callPrices:
		return "pricelist"
	case callPLN:
		return p.text("customer_no")
	default:
		return p.text("ref_id")
	}
}

func (s *Sandbox) signed(call string, p params) bool {
	sum := md5.Sum([]byte(s.cfg.Username + s.cfg.APIKey + suffix(call, p))) //nolint:gosec // the provider's own signature
	return subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(p.text("sign"))) == 1
}

func (s *Sandbox) answer(call string, p params, f fault) reply {
	switch {
	case p.text("username") != s.cfg.Username:
		return refuse(p, "42")
	case !s.signed(call, p):
		return refuse(p, "41")
	}
	switch call {
	case callSaldo:
		return s.saldoReply(p)
	case callPrices:
		return s.prices(p, f)
	case callPLN:
		return meter(p, f)
	case callInquiry:
		return s.inquire(p, f)
	case callStatus:
		return s.status(p, f)
	default:
		return s.order(p, f)
	}
}

func (s *Sandbox) saldoReply(p params) reply {
	if p.text("cmd") != "deposit" {
		return refuse(p, "40")
	}
	return reply{data: data{"deposit": rupiah(s.book.left())}}
}

func meter(p params, f fault) reply {
	const least = 11
	number := p.text("customer_no")
	switch {
	case f.rc != "":
		return refuse(p, f.rc)
	case len(number) < least:
		return refuse(p, "57")
	}
	return reply{data: data{
		"message": codeOf(rcOK).message, "status": statusOK, "rc": rcOK, "customer_no": number, "meter_no": number, "subscriber_id": "523300817840",
		"name": "DAVID", "segment_power": "R1 /000001300",
	}}
}

func (s *Sandbox) prices(p params, f fault) reply {
	cmd, sku := p.text("cmd"), p.text("code")
	switch {
	case cmd != "prepaid" && cmd != "pasca":
		return refuse(p, "40")
	case f.rc != "":
		return refuse(p, f.rc)
	case !s.lists.allows(cmd, sku):
		return refuse(p, "83")
	}
	rows := []data{}
	for _, row := range s.rows(cmd) {
		if sku == "" || row["buyer_sku_code"] == sku {
			rows = append(rows, row)
		}
	}
	return reply{list: rows}
}

func (s *Sandbox) rows(cmd string) []data {
	var rows []data
	if cmd == "pasca" {
		for _, b := range billers() {
			rows = append(rows, data{
				"product_name": b.name, "category": "Pascabayar", "brand": b.brand, "seller_name": "Toko Sejahtera", "admin": rupiah(billAdmin),
				"commission": rupiah(billCommission), "buyer_sku_code": b.sku, "buyer_product_status": true, "seller_product_status": true, "desc": "-",
			})
		}
		return rows
	}
	for _, p := range s.cfg.products() {
		start, end := p.CutOff[0], p.CutOff[1]
		if start == "" {
			start, end = "00:00", "00:00"
		}
		rows = append(rows, data{
			"product_name": p.Name, "category": p.Category, "brand": p.Brand, "type": "Umum", "seller_name": "Toko Makmur", "price": rupiah(p.Price),
			"buyer_sku_code": p.SKU, "buyer_product_status": true, "seller_product_status": !p.Down, "unlimited_stock": p.Stock == 0,
			"stock": rupiah(s.book.stock(p)), "multi": !p.Once, "start_cut_off": start, "end_cut_off": end, "desc": "-",
		})
	}
	return rows
}

func (b *book) stock(p Product) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(p.Stock-b.sold[p.SKU], 0)
}

// order answers a prepaid order or the payment of a bill: with the stored one where there is one, and otherwise by making it.
func (s *Sandbox) order(p params, f fault) reply {
	for _, key := range []string{"buyer_sku_code", "customer_no", "ref_id"} {
		if p.text(key) == "" {
			return refuse(p, "40")
		}
	}
	s.book.mu.Lock()
	o, rc := s.book.repeat(p, f, s.cfg.RepeatWithin)
	if o == nil && rc == "" {
		o, rc = s.make(p, f)
	}
	var made order
	if o != nil {
		made = *o
	}
	s.book.mu.Unlock()
	if rc != "" {
		return refuse(p, rc)
	}
	return s.show(made, s.cfg.Now())
}

// repeat gives the order of a ref_id that came before, or why it isn't given.
func (b *book) repeat(p params, f fault, within time.Duration) (*order, string) {
	now := b.now()
	if late := b.byRef[p.text("ref_id")]; late != nil && !late.there(now) {
		late.Late, late.At, late.SettledAt = false, now, now // it is here before the one that was late, which then is the repetition
	}
	o := b.find(p.text("ref_id"))
	if o == nil {
		return nil, ""
	}
	last := o.AskedAt
	o.AskedAt = now
	switch {
	case o.SKU != p.text("buyer_sku_code") || o.Account != p.text("customer_no"):
		return nil, "49"
	case f.rc != "" && !codeOf(f.rc).formed:
		return nil, f.rc
	case f.repeat85 || within > 0 && now.Sub(last) < within:
		return nil, "85"
	case f.race:
		if _, err := b.add(*o, 1); err != nil {
			return nil, "99"
		}
	}
	return o, ""
}

// make makes an order, where nothing is against it. The caller holds the book's lock.
func (s *Sandbox) make(p params, f fault) (*order, string) {
	o, rc := s.draft(p)
	if rc != "" {
		return nil, rc
	}
	if rc = s.against(o, p, f); rc != "" && !codeOf(rc).formed {
		return nil, rc
	}
	now := s.cfg.Now()
	o.At, o.AskedAt, o.SettledAt, o.FailedRC = now, now, now, rc
	if rc == "" {
		o = s.schedule(o, f)
	}
	made, err := s.book.add(o, f.executions())
	if err != nil {
		return nil, "99"
	}
	s.hooks.plan(made, p.text("cb_url"), f)
	return s.book.byRef[made.Ref], ""
}

// schedule sets when an order ends, and how.
func (s *Sandbox) schedule(o order, f fault) order {
	if f.late {
		o.Late, o.At = true, o.At.Add(s.cfg.LateBy)
		o.SettledAt = o.At
	}
	number := s.cfg.testNumber(o.SKU, o.Account)
	switch number.plan {
	case pendingThenSucceeds, pendingThenFails:
		o.SettledAt = o.At.Add(s.cfg.PendingFor)
	case succeeds, fails, inquiryFails, unknownNumber, succeedsThenRefunded:
	}
	switch number.plan {
	case fails, pendingThenFails:
		o.FailedRC = rcFailed
	case unknownNumber:
		o.FailedRC = "54"
	case succeeds, pendingThenSucceeds, inquiryFails, succeedsThenRefunded:
	}
	if f.refund || number.plan == succeedsThenRefunded {
		o.RefundAt = o.SettledAt.Add(s.cfg.RefundAfter)
	}
	return o
}

// draft gives the order that the parameters ask for, or why there is none.
func (s *Sandbox) draft(p params) (order, string) {
	o := order{Ref: p.text("ref_id"), SKU: p.text("buyer_sku_code"), Account: p.text("customer_no"), Testing: p.yes("testing")}
	if p.text("commands") == commandPay {
		return s.draftBill(o)
	}
	product, ok := productIn(s.cfg.products(), o.SKU)
	if !ok {
		return o, "43"
	}
	o.Amount, o.Price = product.Face, product.Price
	return o, ""
}

// draftBill takes a bill as it was inquired, on the same day.
func (s *Sandbox) draftBill(o order) (order, string) {
	asked, ok := s.book.inquiries[o.Ref]
	switch {
	case !ok || asked.day != day(s.cfg.Now()):
		return o, "50"
	case asked.order.SKU != o.SKU || asked.order.Account != o.Account:
		return o, "49"
	}
	bill := asked.order
	bill.Testing = o.Testing
	return bill, ""
}

// against gives the first thing that is against an order, or "".
func (s *Sandbox) against(o order, p params, f fault) string {
	if f.rc != "" {
		return f.rc
	}
	if !o.Postpaid {
		if rc := s.againstPrepaid(o, p); rc != "" {
			return rc
		}
	}
	if s.book.balance() < o.Price*int64(f.executions()) {
		return "44"
	}
	return ""
}

func (s *Sandbox) againstPrepaid(o order, p params) string {
	product, _ := productIn(s.cfg.products(), o.SKU)
	most := p.rupiah("max_price")
	switch {
	case product.Down:
		return "53"
	case product.closedAt(s.cfg.Now()):
		return "58"
	case product.Stock > 0 && s.book.sold[o.SKU] >= product.Stock:
		return "68"
	case product.Once && s.book.boughtToday(o.SKU, o.Account):
		return "63"
	case most > 0 && most < product.Price:
		return "69"
	default:
		return ""
	}
}

// What a bill comes to, by the vendor's examples, and e-money, of which there is none.
const (
	billAdmin      = 2500
	billCommission = 1000
	oneBillPrice   = 10_000
	oneBillSelling = 11_000
	twoBillPrice   = 23_000
	twoBillSelling = 25_000
	emoneyAdmin    = 1500
	emoneyStep     = 1000
)

// inquire answers what a bill comes to, and remembers that it was asked.
func (s *Sandbox) inquire(p params, f fault) reply {
	o := order{Ref: p.text("ref_id"), SKU: p.text("buyer_sku_code"), Account: p.text("customer_no"), Postpaid: true, Testing: p.yes("testing")}
	number := s.cfg.testNumber(o.SKU, o.Account)
	switch {
	case o.Ref == "" || o.SKU == "" || o.Account == "":
		return refuse(p, "40")
	case f.rc != "":
		return refuse(p, f.rc)
	case !isBiller(o.SKU):
		return refuse(p, "43")
	case number.plan == inquiryFails:
		return refuse(p, "60")
	}
	o, rc := priced(o, number, p)
	if rc != "" {
		return refuse(p, rc)
	}
	now := s.cfg.Now()
	s.book.mu.Lock()
	_, paid := s.book.byRef[o.Ref]
	if !paid {
		s.book.inquiries[o.Ref] = inquiry{order: o, day: day(now)}
	}
	s.book.mu.Unlock()
	if paid {
		return refuse(p, "49")
	}
	o.SettledAt = now
	return s.show(o, now).without("sn")
}

func priced(o order, number TestNumber, p params) (order, string) {
	const two = 2
	switch {
	case o.SKU == skuEMoney:
		o.Amount = p.rupiah("amount")
		if o.Amount <= 0 || o.Amount%emoneyStep != 0 {
			return o, "87"
		}
		o.Admin, o.Price, o.Selling = emoneyAdmin, o.Amount+emoneyAdmin-billCommission, o.Amount+emoneyAdmin
		return o, ""
	case number.bills == two:
		o.Admin, o.Price, o.Selling = two*billAdmin, twoBillPrice, twoBillSelling
	default:
		o.Admin, o.Price, o.Selling = billAdmin, oneBillPrice, oneBillSelling
	}
	o.Amount = o.Selling
	return o, ""
}

// status answers how a bill's payment stands. Of one that is older than 90 days there is no data.
func (s *Sandbox) status(p params, f fault) reply {
	s.book.mu.Lock()
	o := s.book.find(p.text("ref_id"))
	var found order
	if o != nil {
		found = *o
	}
	s.book.mu.Unlock()
	switch {
	case f.rc != "":
		return refuse(p, f.rc)
	case o == nil || !found.Postpaid || found.SKU != p.text("buyer_sku_code"):
		return refuse(p, "50").with("message", "Data belum ada")
	default:
		return s.show(found, s.cfg.Now())
	}
}
