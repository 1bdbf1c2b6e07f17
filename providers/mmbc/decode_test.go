package mmbc_test

import (
	"testing"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/providers/mmbc"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	cases := map[string]core.Code{
		"Please, request with your user! No dummy!": core.CodeAuth,
		"PASSWORD salah":                      core.CodeAuth,
		"Saldo Anda tidak cukup":              core.CodeDepositEmpty,
		"saldo kurang dari minimal":           core.CodeDepositEmpty,
		"Saldo habis.":                        core.CodeDepositEmpty,
		"Insufficient balance":                core.CodeDepositEmpty,
		"Minimal transaksi Rp. 50.000":        core.CodeAmountInvalid,
		"Merchant tidak ditemukan":            core.CodeProductUnknown,
		"merchant not found":                  core.CodeProductUnknown,
		"Nomor tujuan salah":                  core.CodeAccountInvalid,
		"Akun tidak terdaftar":                core.CodeAccountInvalid,
		"Nomor akun merchant tidak terdaftar": core.CodeAccountInvalid,
		"Gangguan":                            core.CodeDeclined,
		"Bersaldo tidak cukup":                core.CodeDeclined, // whole words only
		"Saldo cukup, tidak ada":              core.CodeDeclined,
		"minimalis":                           core.CodeDeclined,
		"":                                    core.CodeDeclined,
	}
	decoder := mmbc.NewDecoder()
	for reason, want := range cases {
		if got := decoder.Classify(reason); got != want {
			t.Errorf("%q: got %s, want %s", reason, got, want)
		}
	}
}

func TestOwnReasonsWin(t *testing.T) {
	t.Parallel()
	decoder := mmbc.NewDecoder(
		mmbc.Reason{Match: []string{"Gangguan"}, Code: core.CodeProductDown},
		mmbc.Reason{Match: []string{"saldo", "tidak cukup"}, Code: core.CodeOutOfStock},
	)
	for reason, want := range map[string]core.Code{
		"sedang GANGGUAN!":             core.CodeProductDown,
		"tidak cukup: saldo":           core.CodeOutOfStock,
		"saldo habis":                  core.CodeDepositEmpty,
		"gangguannya, saldo tak cukup": core.CodeDeclined,
	} {
		if got := decoder.Classify(reason); got != want {
			t.Errorf("%q: got %s, want %s", reason, got, want)
		}
	}
}

func TestAmount(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"100000": "100000", "100.000": "100000", "100,000": "100000", "1.234.567": "1234567", "100.000,00": "100000", "100,000.00": "100000",
		"100000.00": "100000", "100000,0": "100000", "Rp 100.000": "100000", "Rp. 100.000,-": "100000", "rp100000": "100000", "IDR 5": "5",
		"100000 IDR": "100000", " 1500 ": "1500", "0": "0",
		"": "", "x": "", "1.5": "", "100.00.000": "", "1,000.000": "", "-5": "", "+5": "", "1e5": "", "100.000.50": "", "Rp": "", "1 000": "",
		"99999999999999999999": "",
	} {
		if got := mmbc.Amount(text).Value(); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	for literal, want := range map[string]string{
		"100000": "100000", "100000.0": "100000", "100.000": "", "1e5": "", "-1": "", "1.5": "",
	} {
		if got := mmbc.NumericAmount(literal).Value(); got != want {
			t.Errorf("number %s: got %q, want %q", literal, got, want)
		}
	}
}

func TestFormula(t *testing.T) {
	t.Parallel()
	cost := map[string]string{ // of a top-up of 100000; empty: not known
		"amount": "100000", "amount+2000": "102000", "AMOUNT + 2.000": "102000", "amount-500": "99500", " amount - Rp 500 ": "99500",
		"52500": "52500", "Rp. 52.500": "52500", "amount+0": "100000",
		"": "", "0": "", "amount2000": "", "amount*1.01": "", "2000+amount": "", "amount+-5": "", "amount+": "", "-5": "", "+5": "", "nominal": "",
		"amount+1%": "",
	}
	for expr, want := range cost {
		fee := mmbc.Formula(expr)
		got, known := fee.Cost(core.IDR(100_000))
		if got.Value() != want || known != (want != "") {
			t.Errorf("%q: got %q (%+v), want %q", expr, got.Value(), fee, want)
		}
	}
}

func TestSameAccount(t *testing.T) {
	t.Parallel()
	cases := []struct {
		a, b string
		same bool
	}{
		{"0812345678", "+62812345678", true},
		{"0812345678", "62 812-345-678", true},
		{"0812345678", "812345678", true},
		{"TNO12345", "tno12345", true},
		{"6032981012345678", "6032 9810 1234 5678", true},
		{"0812345678", "0812345679", false},
		{"0812345678", "08123456789", false},
		{"6032981012345678", "032981012345678", false},
		{"0812345678", "", false},
	}
	for _, tc := range cases {
		if mmbc.SameAccount(tc.a, tc.b) != tc.same || mmbc.SameAccount(tc.b, tc.a) != tc.same {
			t.Errorf("%q and %q: not %t", tc.a, tc.b, tc.same)
		}
	}
	if !mmbc.SameProduct("KARTU EMONEY", "kartu_emoney") || mmbc.SameProduct("KARTU EMONEY", "KARTUEMONEY") {
		t.Error("products")
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"No dummy! geheim":                "No dummy! ***",
		"Minimal Rp 1.000.000, 20 detik":  "Minimal Rp 1.000.000, 20 detik",
		"2018-01-01 00:01:10":             "2018-01-01 00:01:10",
		"nomor 0812-3456-7890 salah":      "nomor 08*********890 salah",
		"kartu 6032 9810 1234 5678 salah": "kartu 60**************678 salah",
	} {
		if got := mmbc.Clean(text, []string{"geheim", "dummy"}); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
