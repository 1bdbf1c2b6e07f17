package sandbox_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jalurhq/jalur/providers/mmbc/sandbox"
)

// The page's figures in every spelling and form: the answers are compared byte by byte, since the order of the keys is the page's, too.
func TestPageFigures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		spelling sandbox.Spelling
		values   sandbox.Values
		inquiry  string
		reload   string
		status   string
	}{
		{
			"the defaults", "", "",
			`{"result":"ok","merchant_code":"GOPAY","receiver_name":"GOPAY MMBC TOUR TRAVEL","receiver_accountnumber":"0812345678",` +
				`"amount":"100000","debet":"102000","cashback":"1500"}`,
			`{"result":"ok","duration":"20 sec","date":"2018-01-01 00:01:10","invoice":"123456789","merchant_code":"GOPAY",` +
				`"receiver_name":"GOPAY MMBC TOUR TRAVEL","receiver_accountnumber":"0812345678","amount":"100000",` +
				`"reference":"101837139231331","debet":"102000","cashback":"1500","status":"CONFIRM"}`,
			`{"result":"ok","date":"2018-01-01 00:01:10","invoice":"123456789","merchant_code":"GOPAY",` +
				`"receiver_name":"GOPAY MMBC TOUR TRAVEL","receiver_accountnumber":"0812345678","amount":"100000",` +
				`"reference":"101837139231331","debet":"102000","status":"CONFIRM"}`,
		},
		{
			"as scanned, numbers", sandbox.SpellingScan, sandbox.ValuesNumber,
			`{"result":"ok","mercant code":"GOPAY","receiver name":"GOPAY MMBC TOUR TRAVEL","receiver accountnumber":"0812345678",` +
				`"amount":100000,"debet":102000,"cashback":1500}`,
			`{"result":"ok","duration":"20 sec","date":"2018-01-01 00:01:10","invoice":123456789,"merchant code":"GOPAY",` +
				`"receiver name":"GOPAY MMBC TOUR TRAVEL","receiver accountnumber":"0812345678","amount":100000,` +
				`"reference":101837139231331,"debet":102000,"cashback":1500,"status":"CONFIRM"}`,
			`{"result":"ok","date":"2018-01-01 00:01:10","invoice":123456789,"merchant code":"GOPAY",` +
				`"receiver name":"GOPAY MMBC TOUR TRAVEL","receiver accountnumber":"0812345678","amount":100000,` +
				`"reference":101837139231331,"debet":102000,"status":"CONFIRM"}`,
		},
		{
			"spaces, dots", sandbox.SpellingSpace, sandbox.ValuesDotted,
			`{"result":"ok","merchant code":"GOPAY","receiver name":"GOPAY MMBC TOUR TRAVEL","receiver accountnumber":"0812345678",` +
				`"amount":"100.000","debet":"102.000","cashback":"1.500"}`,
			`{"result":"ok","duration":"20 sec","date":"2018-01-01 00:01:10","invoice":"123456789","merchant code":"GOPAY",` +
				`"receiver name":"GOPAY MMBC TOUR TRAVEL","receiver accountnumber":"0812345678","amount":"100.000",` +
				`"reference":"101837139231331","debet":"102.000","cashback":"1.500","status":"CONFIRM"}`,
			`{"result":"ok","date":"2018-01-01 00:01:10","invoice":"123456789","merchant code":"GOPAY",` +
				`"receiver name":"GOPAY MMBC TOUR TRAVEL","receiver accountnumber":"0812345678","amount":"100.000",` +
				`"reference":"101837139231331","debet":"102.000","status":"CONFIRM"}`,
		},
		{
			"capitals, rupiah", sandbox.SpellingTitle, sandbox.ValuesRupiah,
			`{"Result":"ok","Merchant_Code":"GOPAY","Receiver_Name":"GOPAY MMBC TOUR TRAVEL","Receiver_Accountnumber":"0812345678",` +
				`"Amount":"Rp. 100.000","Debet":"Rp. 102.000","Cashback":"Rp. 1.500"}`,
			`{"Result":"ok","Duration":"20 sec","Date":"2018-01-01 00:01:10","Invoice":"123456789","Merchant_Code":"GOPAY",` +
				`"Receiver_Name":"GOPAY MMBC TOUR TRAVEL","Receiver_Accountnumber":"0812345678","Amount":"Rp. 100.000",` +
				`"Reference":"101837139231331","Debet":"Rp. 102.000","Cashback":"Rp. 1.500","Status":"CONFIRM"}`,
			`{"Result":"ok","Date":"2018-01-01 00:01:10","Invoice":"123456789","Merchant_Code":"GOPAY",` +
				`"Receiver_Name":"GOPAY MMBC TOUR TRAVEL","Receiver_Accountnumber":"0812345678","Amount":"Rp. 100.000",` +
				`"Reference":"101837139231331","Debet":"Rp. 102.000","Status":"CONFIRM"}`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(c *sandbox.Config) { c.Spelling, c.Values = test.spelling, test.values })
			for _, step := range []struct {
				call   string
				values url.Values
				want   string
			}{
				{"inquiry_merchant", topUp("GOPAY", phone, "100000"), test.inquiry},
				{"reload_merchant", topUp("GOPAY", phone, "100000"), test.reload},
				{"status_reload", form("invoice", "123456789"), test.status},
			} {
				got, err := r.post(step.call, step.values)
				if err != nil || got.body != step.want || got.status != http.StatusOK {
					t.Errorf("%s: %v, %d\n got %s\nwant %s", step.call, err, got.status, got.body, step.want)
				}
			}
			if n := r.count(phone); n != 1 {
				t.Errorf("executed %d times", n)
			}
		})
	}
}

func TestListMerchant(t *testing.T) {
	t.Parallel()
	tests := []struct {
		spelling sandbox.Spelling
		values   sandbox.Values
		want     string
	}{
		{"", "", `[{"merchant_code":"GOPAY","merchant_debet":"amount+2000","merchant_cashback":"1500"},`},
		{sandbox.SpellingScan, "", `[{"merchant code":"GOPAY","merchant debet":"amount+2000","merchant cashback":"1500"},`},
		{sandbox.SpellingMercant, sandbox.ValuesNumber, `[{"mercant_code":"GOPAY","mercant_debet":"amount+2000","mercant_cashback":1500},`},
	}
	for _, test := range tests {
		r := newRig(t, func(c *sandbox.Config) { c.Spelling, c.Values = test.spelling, test.values })
		got, err := r.post("list_merchant", form())
		if err != nil || !strings.HasPrefix(got.body, test.want) {
			t.Errorf("%v: got %s, want %s…", err, got.body, test.want)
		}
		if n := strings.Count(got.body, "{"); n != 8 {
			t.Errorf("%d merchants, want 8", n)
		}
	}
}

func TestDebetOfEveryMerchant(t *testing.T) {
	t.Parallel()
	tests := []struct{ merchant, account, debet, cashback string }{
		{"GOPAY", phone, "102000", "1500"},
		{"GRABPAY", phone, "102000", "1500"},
		{"PAYTREN", "TNOXXXXX", "102000", "1500"},
		{"TCASH", phone, "100000", "0"},
		{"OVO", "+62812345678", "99500", "0"},
		{"KARTU EMONEY", "6032981234567890", "101000", "500"},
		{"BRIZZI", "6013501234567890", "101000", "0"},
		{"BNI TAP CASH", "7546001234567890", "102500", "0"},
	}
	r := newRig(t, func(c *sandbox.Config) { c.Deposit = 1_000_000 })
	for _, test := range tests {
		got := r.must("reload_merchant", topUp(test.merchant, test.account, "100000"))
		wantFields(t, got, "result", "ok", "debet", test.debet, "cashback", test.cashback, "merchant_code", test.merchant)
	}
	if got, want := r.sandbox.Ledger().Deposit, int64(1_000_000-3*102000-100000-99500-2*101000-102500); got != want {
		t.Errorf("deposit %d, want %d", got, want)
	}
}

func TestParametersInEveryPlace(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	values := topUp("KARTU EMONEY", "6032981234567890", "100000")
	object := `{"username":"toko","password":"rahasia","merchant_code":"KARTU EMONEY",` +
		`"merchant_accountnumber":"6032981234567890","amount":100000,"direct":0}`
	for _, test := range []struct{ name, path, contentType, body string }{
		{"form", "/json/multipayment/reload_merchant", "application/x-www-form-urlencoded", values.Encode()},
		{"trailing slash", "/json/multipayment/reload_merchant/", "application/x-www-form-urlencoded", values.Encode()},
		{"bare path", "/reload_merchant", "application/x-www-form-urlencoded", values.Encode()},
		{"query", "/json/multipayment/reload_merchant?" + values.Encode(), "", ""},
		{"json", "/json/multipayment/reload_merchant", "application/json", object},
	} {
		got, err := r.do(http.MethodPost, test.path, test.contentType, test.body)
		if err != nil {
			t.Fatal(err)
		}
		wantFields(t, r.object(got.body), "result", "ok", "receiver_accountnumber", "6032981234567890", "amount", "100000")
	}
	if n := r.count("6032981234567890"); n != 5 {
		t.Errorf("executed %d times, want 5: equal calls are top-ups of their own", n)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	dummy := topUp("GOPAY", phone, "100000")
	dummy.Set("username", "dummy")
	dummy.Set("password", "dummy123")
	wrong := topUp("GOPAY", phone, "100000")
	wrong.Set("password", "salah")
	tests := []struct {
		name, call string
		values     url.Values
		reason     string
	}{
		{"dummy", "reload_merchant", dummy, "Please, request with your user! No dummy!"},
		{"dummy list", "list_merchant", dummy, "Please, request with your user! No dummy!"},
		{"password", "reload_merchant", wrong, "Username / password salah"},
		{"no credentials", "list_merchant", url.Values{}, "Username / password salah"},
		{"merchant", "inquiry_merchant", topUp("gopay", phone, "100000"), "Merchant tidak dikenal"},
		{"phone", "reload_merchant", topUp("GOPAY", "TNOXXXXX", "100000"), "Nomor tujuan salah"},
		{"card", "reload_merchant", topUp("BRIZZI", "123", "100000"), "Nomor tujuan salah"},
		{"member", "reload_merchant", topUp("PAYTREN", phone, "100000"), "Nomor tujuan salah"},
		{"least amount", "reload_merchant", topUp("GOPAY", phone, "49999"), "Minimal amount Rp. 50.000 / transaksi"},
		{"no number", "reload_merchant", topUp("GOPAY", phone, "100.000"), "Amount salah"},
		{"negative", "reload_merchant", topUp("GOPAY", phone, "-100000"), "Amount salah"},
		{"too much", "reload_merchant", topUp("GOPAY", phone, "9223372036854775807"), "Amount salah"},
		{"deposit", "reload_merchant", topUp("GOPAY", phone, "500000"), "Saldo tidak cukup"},
		{"missing", "reload_merchant", form("merchant_code", "GOPAY", "amount", "100000"), "Parameter tidak lengkap: merchant_accountnumber"},
		{"direct", "reload_merchant", topUp("GOPAY", phone, "100000", "direct", "2"), "Parameter salah"},
		{"no invoice", "status_reload", form(), "Parameter tidak lengkap: invoice"},
		{"unknown invoice", "status_reload", form("invoice", "1"), "Invoice tidak ditemukan"},
	}
	for _, status := range []int{http.StatusOK, http.StatusBadRequest} {
		r := newRig(t, func(c *sandbox.Config) { c.FailureStatus, c.Deposit = status, 300_000 })
		for _, test := range tests {
			got, err := r.post(test.call, test.values)
			if err != nil {
				t.Fatal(err)
			}
			if got.status != status {
				t.Errorf("%s: HTTP status %d, want %d", test.name, got.status, status)
			}
			wantFields(t, r.object(got.body), "result", "no", "reason", test.reason)
		}
		if l := r.sandbox.Ledger(); len(l.Executed) != 0 || l.Deposit != 300_000 {
			t.Errorf("refusals were executed: %+v", l)
		}
	}
}

func TestUnreadableRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for _, body := range []string{"{", `{"username":[]}`, "a=%zz", strings.Repeat("a", 70_000)} {
		got, err := r.do(http.MethodPost, "/reload_merchant", "", body)
		if err != nil {
			t.Fatal(err)
		}
		wantFields(t, r.object(got.body), "result", "no", "reason", "Parameter salah")
	}
}

func TestPostOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	got, err := r.do(http.MethodGet, "/json/multipayment/reload_merchant?"+topUp("GOPAY", phone, "100000").Encode(), "", "")
	if err != nil || got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != http.MethodPost {
		t.Errorf("%v: %+v", err, got)
	}
	if r.count(phone) != 0 {
		t.Error("a GET was executed")
	}
}

func TestDirect(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *sandbox.Config) { c.ReferenceAfter = 3 * time.Second })
	first := r.reload(phone, "direct", "1")
	wantFields(t, first, "result", "ok", "status", "CONFIRM", "reference", "")
	if l := r.sandbox.Ledger(); l.Executed[0].State != sandbox.StatePending || l.Executed[0].Ref != "" {
		t.Errorf("ledger: %+v", l)
	}
	r.clock.advance(3*time.Second - 1)
	wantFields(t, r.statusOf(first), "status", "CONFIRM", "reference", "")
	r.clock.advance(1)
	wantFields(t, r.statusOf(first), "status", "CONFIRM", "reference", "101837139231331")
	if l := r.sandbox.Ledger(); l.Executed[0].State != sandbox.StateConfirm || l.Executed[0].Ref != "101837139231331" {
		t.Errorf("ledger: %+v", l)
	}
}

func TestDirectOptions(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *sandbox.Config) { c.DirectDefault, c.ReferenceAfter, c.AbsentReference = 1, -1, true })
	first := r.reload(phone)
	wantFields(t, first, "result", "ok", "reference", "-")
	wantFields(t, r.statusOf(first), "reference", "101837139231331")
	wantFields(t, r.reload(phone, "direct", "0"), "reference", "101837139231332")
}

func TestConcurrentReloads(t *testing.T) {
	t.Parallel()
	const callers, each = 8, 20
	r := newRig(t, func(c *sandbox.Config) { c.Deposit = 100 * 102_000 })
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for range each {
				if _, err := r.post("reload_merchant", topUp("GOPAY", phone, "100000")); err != nil {
					t.Error(err)
				}
				r.sandbox.Ledger()
			}
		})
	}
	group.Wait()
	l := r.sandbox.Ledger()
	invoices := map[string]bool{}
	for _, entry := range l.Executed {
		invoices[entry.Invoice], invoices[entry.Ref] = true, true
	}
	if l.ByAccount[phone] != 100 || l.Deposit != 0 || len(invoices) != 200 {
		t.Errorf("%d executed, deposit %d, %d numbers; want 100, 0, 200", l.ByAccount[phone], l.Deposit, len(invoices))
	}
}
