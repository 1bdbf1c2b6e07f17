package httpspec_test

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/plugintest"
	httpspec "github.com/jalurhq/jalur/providers/http"
)

const (
	iakUser, iakKey = "0817123456", "rahasia-sekali"
	bigInvoice      = 912345678901234567 // a float would lose its last digits
)

func iakSign(suffix string) string {
	sum := md5.Sum([]byte(iakUser + iakKey + suffix))
	return hex.EncodeToString(sum[:])
}

// iak answers as the provider's documentation says: an order is processed first, and a repeat of its reference is a question.
type iak struct {
	mu       sync.Mutex
	orders   map[string]map[string]any
	executed int
}

func (p *iak) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var asked map[string]string
	body, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(body, &asked); err != nil || r.Header.Get("Content-Type") != "application/json" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"data":{"rc":"107","message":"Invalid format","status":2}}`)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	data := map[string]any{"rc": "205", "message": "WRONG COMMAND", "status": 2}
	suffix := map[string]string{"/api/pricelist": "pl", "/api/check-balance": "bl"}[r.URL.Path] + asked["ref_id"]
	switch {
	case asked["sign"] != iakSign(suffix) || asked["username"] != iakUser:
		data = map[string]any{"rc": "204", "message": "WRONG AUTHENTICATION/SIGN", "status": 2}
	case r.URL.Path == "/api/top-up":
		data = p.topUp(asked)
	case r.URL.Path == "/api/check-status":
		data = p.check(asked["ref_id"])
	case r.URL.Path == "/api/check-balance":
		data = map[string]any{"rc": "00", "message": "SUCCESS", "balance": 99_999_999_999}
	case r.URL.Path == "/api/pricelist":
		data = map[string]any{"rc": "00", "pricelist": []any{
			map[string]any{"product_code": "pulsa5000", "product_description": "Telkomsel", "product_nominal": "5000", "product_price": 5450, "status": "active"},
			map[string]any{"product_code": "game1", "product_description": "Diamonds", "product_nominal": "12 Diamonds", "product_price": 3000, "status": "non active"},
			map[string]any{"product_description": "no code"},
		}}
	}
	if err := json.NewEncoder(w).Encode(map[string]any{"data": data}); err != nil {
		panic(err)
	}
}

func (p *iak) topUp(asked map[string]string) map[string]any {
	ref := asked["ref_id"]
	if _, known := p.orders[ref]; known {
		return p.check(ref)
	}
	order := map[string]any{
		"ref_id": ref, "status": 0, "product_code": asked["product_code"], "customer_id": asked["customer_id"], "price": 5450,
		"message": "PROCESS", "balance": 994550, "tr_id": bigInvoice + len(p.orders), "rc": "39",
	}
	switch asked["customer_id"] {
	case "0812000014":
		order["status"], order["rc"], order["message"] = 2, "14", "WRONG NUMBER"
	case "0812000099":
		order["status"], order["rc"], order["message"] = 2, "999", "SOMETHING NEW"
	default:
		p.executed++
	}
	p.orders[ref] = order
	return order
}

func (p *iak) check(ref string) map[string]any {
	order, known := p.orders[ref]
	if !known {
		return map[string]any{"ref_id": ref, "rc": "06", "message": "TRANSACTION NOT FOUND", "status": 2}
	}
	if order["rc"] == "39" {
		order["rc"], order["status"], order["sn"], order["message"] = "00", 1, "123456789012345678901", "SUCCESS"
	}
	return order
}

func iakSettings(t testing.TB, baseURL, key string) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(map[string]any{
		"base_url": baseURL, "spec": string(read(t, "../../examples/http/iak-prepaid.yaml")),
		"secrets": map[string]any{"username": iakUser, "api_key": key},
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func iakOrder(account core.AccountNumber) core.PayRequest {
	return core.PayRequest{
		Ref: "01J0000000000000000000000A", Merchant: "TSEL", Product: "pulsa5000", Account: account, Amount: core.IDR(5000),
	}
}

func TestIAK(t *testing.T) {
	t.Parallel()
	server := &iak{orders: map[string]map[string]any{}}
	up := answering(t, server.ServeHTTP)
	p := made(t, iakSettings(t, up.URL, iakKey)).Provider
	req := iakOrder("081234567890")

	if _, err := p.Status(t.Context(), core.StatusRequest{Original: req}); core.CodeOf(err) != core.CodeNotFound || core.OutcomeOf(err) != core.Unknown {
		t.Errorf("status of no order: %v", err)
	}
	res, err := p.Pay(t.Context(), req)
	if err != nil || res.Outcome != core.Pending || res.Invoice != core.Invoice(strconv.Itoa(bigInvoice)) || !res.BalanceAfter.Equal(core.IDR(994550)) {
		t.Fatalf("pay: %+v, %v", res, err)
	}
	res, err = p.Status(t.Context(), core.StatusRequest{Invoice: res.Invoice, Original: req})
	if err != nil || res.Outcome != core.Succeeded || res.Reference != "123456789012345678901" || !res.Cost.Equal(core.IDR(5450)) {
		t.Fatalf("status: %+v, %v", res, err)
	}
	if res, err = p.Pay(t.Context(), req); err != nil || res.Outcome != core.Succeeded || server.executed != 1 {
		t.Fatalf("again: %+v, %v, %d executed", res, err, server.executed)
	}
}

func TestIAKRefuses(t *testing.T) {
	t.Parallel()
	for account, want := range map[core.AccountNumber]struct {
		outcome core.Outcome
		code    core.Code
	}{
		"0812000014": {core.Declined, core.CodeAccountInvalid},
		"0812000099": {core.Unknown, core.CodeInternal}, // a code on no list
	} {
		up := answering(t, (&iak{orders: map[string]map[string]any{}}).ServeHTTP)
		p := made(t, iakSettings(t, up.URL, iakKey)).Provider
		for range 2 { // the order, and the question
			res, err := p.Pay(t.Context(), iakOrder(account))
			outcome, code, _ := outcomeOf(t, p, iakOrder(account), res, err)
			if outcome != want.outcome || code != want.code {
				t.Errorf("%s: %s/%s, %v", account, outcome, code, err)
			}
		}
	}
	up := answering(t, (&iak{orders: map[string]map[string]any{}}).ServeHTTP)
	p := made(t, iakSettings(t, up.URL, "wrong-key")).Provider
	if res, err := p.Pay(t.Context(), iakOrder("081234567890")); err != nil || res.Outcome != core.Declined || res.Code != core.CodeAuth {
		t.Errorf("pay with a wrong key: %+v, %v", res, err)
	}
	_, err := p.Status(t.Context(), core.StatusRequest{Original: iakOrder("081234567890")})
	if core.OutcomeOf(err) != core.Unknown || core.CodeOf(err) != core.CodeAuth {
		t.Errorf("a question that was refused is no refusal of the order: %v", err)
	}
	if strings.Contains(err.Error(), iakUser) || strings.Contains(err.Error(), "wrong-key") {
		t.Errorf("the error shows a secret: %v", err)
	}
}

func TestIAKListsAndTells(t *testing.T) {
	t.Parallel()
	up := answering(t, (&iak{orders: map[string]map[string]any{}}).ServeHTTP)
	set := made(t, iakSettings(t, up.URL, iakKey))
	page, err := set.Provider.ListProducts(t.Context(), core.ProductFilter{})
	if err != nil || len(page.Products) != 2 {
		t.Fatalf("%+v, %v", page, err)
	}
	pulsa, game := page.Products[0], page.Products[1]
	if cost, known := pulsa.Fee.Cost(core.IDR(5000)); !known || !cost.Equal(core.IDR(5450)) || !pulsa.Amounts.Min.Equal(core.IDR(5000)) || !pulsa.Available {
		t.Errorf("%+v", pulsa)
	}
	if game.Available || game.Amounts.Max.Known() {
		t.Errorf("%+v", game)
	}
	balances, err := set.Balances.Balances(t.Context())
	if err != nil || len(balances) != 1 || !balances[0].Available.Equal(core.IDR(99_999_999_999)) {
		t.Errorf("%+v, %v", balances, err)
	}
	if _, err := made(t, iakSettings(t, up.URL, "wrong-key")).Balances.Balances(t.Context()); core.CodeOf(err) != core.CodeAuth {
		t.Errorf("a wrong key: %v", err)
	}
	d, err := set.Provider.Describe(t.Context())
	if err != nil || !d.TellsBalances || !d.SendsCallbacks || !d.AmountInProduct || d.Ref.Mode != core.RefReplay {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestIAKCallback(t *testing.T) {
	t.Parallel()
	set := made(t, iakSettings(t, "http://127.0.0.1:1", iakKey))
	const ref = "01J0000000000000000000000A"
	genuine := `{"data":{"ref_id":"` + ref + `","status":"1","tr_id":"912345678901234567","sign":"` + iakSign(ref) + `"}}`
	read, err := set.Callbacks.ReadCallback(t.Context(), core.CallbackRequest{Method: http.MethodPost, Body: []byte(genuine)})
	want := core.CallbackOrder{Ref: ref, Invoice: "912345678901234567"}
	if err != nil || len(read.Orders) != 1 || read.Orders[0] != want {
		t.Errorf("%+v, %v", read, err)
	}
	for name, body := range map[string]string{
		"another sign": strings.Replace(genuine, iakSign(ref), iakSign("x"), 1),
		"no sign":      `{"data":{"ref_id":"` + ref + `"}}`,
		"no reference": `{"data":{"sign":"` + iakSign(ref) + `"}}`,
		"a page":       "<html>",
		"nothing":      "",
		"said twice":   strings.Replace(genuine, `"ref_id"`, `"ref_id":"other","ref_id"`, 1),
	} {
		if read, err := set.Callbacks.ReadCallback(t.Context(), core.CallbackRequest{Body: []byte(body)}); core.CodeOf(err) != core.CodeAuth || len(read.Orders) != 0 {
			t.Errorf("%s: %+v, %v", name, read, err)
		}
	}
}

func TestMMBCOverTheWire(t *testing.T) {
	t.Parallel()
	up := saying(t, http.StatusOK, string(read(t, "../mmbc/testdata/reload_odd.json")))
	set, err := httpspec.Factory().New(settings(t, string(read(t, described)), up.URL, "1"))
	if err != nil {
		t.Fatal(err)
	}
	res, err := plugintest.OverWire(t, set).Pay(t.Context(), order())
	if err != nil || res.Outcome != core.Succeeded || res.Details["answered_account"] != "+62 812-345-678" {
		t.Errorf("%+v, %v", res, err)
	}
}
