package digiflazz_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/providers/digiflazz"
)

// saidIn looks for what an outcome rests on without the decoder's help: the body has an object in its data, with these fields.
func saidIn(t *testing.T, body []byte, want map[string]string) {
	t.Helper()
	var decoded struct {
		Data map[string]any `json:"data"`
	}
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\uFEFF"))))
	decoder.UseNumber()
	if err := decoder.Decode(&decoded); err != nil {
		t.Fatalf("believed what is not documented: %q", body)
	}
	for key, value := range want {
		got := strings.TrimSpace(fmt.Sprint(decoded.Data[key]))
		if value == "" && (decoded.Data[key] == nil || got == "") || value != "" && !strings.Contains(value, strings.ToLower(got)) {
			t.Fatalf("%s is %q, not %q, in %q", key, got, value, body)
		}
	}
}

// believable checks that nothing final comes from a body without the fields that it rests on.
func believable(t *testing.T, body []byte, res core.Result, err error) {
	t.Helper()
	if err != nil {
		if res.Outcome != core.Unknown || core.OutcomeOf(err) != core.Unknown {
			t.Fatalf("%s beside %v", res.Outcome, err)
		}
		return
	}
	echoed := map[string]string{"ref_id": "", "customer_no": "", "buyer_sku_code": "", "status": "", "rc": ""}
	switch res.Outcome {
	case core.Succeeded:
		echoed["status"], echoed["rc"] = "sukses", "00"
	case core.Refunded:
		echoed["status"], echoed["rc"] = "gagal", "74"
	case core.Declined:
		echoed = map[string]string{"status": "gagal", "rc": ""}
		if res.Invoice != "" || res.Reference != "" || !res.Code.Valid() {
			t.Fatalf("declined with %+v", res)
		}
	case core.Pending:
	case core.Unknown, core.NotSent:
		t.Fatalf("%s without an error", res.Outcome)
	}
	saidIn(t, body, echoed)
}

func seed(f *testing.F) {
	f.Helper()
	for _, row := range table() {
		f.Add([]byte(transaction(row.status, row.rc)))
	}
	for _, body := range []string{
		"", "{}", `{"data":{}}`, `{"data":{"rc":0,"status":"Sukses"}}`, `{"data":{"rc":"41","status":"Gagal"}}`, `{"data":[]}`, `<html>`,
		`{"data":{"desc":{"detail":[{"periode":"1"},[[{}]]]},"status":"Pending","rc":3,"ref_id":1,"customer_no":1,"buyer_sku_code":1}}`,
	} {
		f.Add([]byte(body))
	}
}

func FuzzPay(f *testing.F) {
	seed(f)
	d := decoder()
	f.Fuzz(func(t *testing.T, body []byte) {
		res, err := d.Pay(body, order(number, 1))
		believable(t, body, res, err)
	})
}

func FuzzStatus(f *testing.F) {
	seed(f)
	d := decoder()
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, read := range []func([]byte, core.PayRequest) (core.Result, error){d.Asked, d.AskedLater} {
			res, err := read(body, order(number, 1))
			believable(t, body, res, err)
		}
	})
}

func FuzzInquiry(f *testing.F) {
	seed(f)
	d := decoder()
	const token = "INQUIRY0000000000000000001B261123"
	f.Add([]byte(`{"data":{"ref_id":"` + token + `","customer_no":"530000000001","buyer_sku_code":"pln","status":"Sukses","rc":"00","price":10000,"selling_price":11000}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		quote, err := d.Inquired(body, inquiry("pln", "530000000001"), token)
		if err != nil {
			return
		}
		saidIn(t, body, map[string]string{"status": "sukses", "rc": "00", "ref_id": strings.ToLower(token), "price": "", "selling_price": ""})
		if quote.Account != "530000000001" || quote.Product != "pln" || quote.Amount.Sign() <= 0 || quote.Cost.Sign() <= 0 {
			t.Fatalf("%+v", quote)
		}
	})
}

func FuzzList(f *testing.F) {
	seed(f)
	d := decoder()
	f.Add([]byte(`{"data":[{"buyer_sku_code":"xld10","product_name":"Xl 10.000","category":"Pulsa","price":"10000","stock":"3","start_cut_off":"23:45","end_cut_off":"0:15"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, bills := range []bool{false, true} {
			listed, err := d.List(body, bills)
			for _, p := range listed {
				if err != nil || p.Code == "" || p.Fee.Known != p.Fee.Flat.Known() || p.Amounts.Min.Sign() < 0 {
					t.Fatalf("%+v, %v", p, err)
				}
			}
		}
	})
}

func FuzzMoney(f *testing.F) {
	for _, text := range []string{"10000", "4995.88", "1e4", "3.2671946E8", "10.000", "-1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := digiflazz.Money(text)
		if !got.Known() {
			return
		}
		said, ok := new(big.Rat).SetString(text)
		read, _ := new(big.Rat).SetString(got.Value())
		if !ok || said.Cmp(read) != 0 {
			t.Fatalf("%q became %s", text, got)
		}
	})
}
