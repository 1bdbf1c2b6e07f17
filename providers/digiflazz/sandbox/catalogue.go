package sandbox

import "time"

// Product is a row of the prepaid price list. Amounts are whole rupiah.
type Product struct {
	SKU, Name, Category, Brand string
	Face                       int64 // what the ledger shows as its amount
	Price                      int64 // what leaves the deposit
	Down                       bool  // the seller doesn't sell it now
	Once                       bool  // multi is false: one number can buy it once a day
	Stock                      int64 // what is left; 0: unlimited
	CutOff                     [2]string
}

// products is what is sold prepaid, the vendor's own test product first.
//
//nolint:mnd // a price list is made of numbers
func products() []Product {
	return []Product{
		{SKU: "xld10", Name: "Xl 10.000", Category: "Pulsa", Brand: "XL", Face: 10_000, Price: 10_000},
		{SKU: "gopay", Name: "Go Pay 100.000", Category: "E-Money", Brand: "GO PAY", Face: 100_000, Price: 100_500},
		{SKU: "ovo100", Name: "Ovo 100.000", Category: "E-Money", Brand: "OVO", Face: 100_000, Price: 100_700},
		{SKU: "tsel5", Name: "Telkomsel 5.000", Category: "Pulsa", Brand: "TELKOMSEL", Face: 5_000, Price: 5_325},
		{SKU: "pln20", Name: "PLN 20.000", Category: "PLN", Brand: "PLN", Face: 20_000, Price: 20_150},
		{SKU: "ml86", Name: "MOBILELEGENDS - 86 Diamond", Category: "Games", Brand: "MOBILE LEGENDS", Face: 20_000, Price: 20_500},
		{SKU: "once10", Name: "Indosat 10.000", Category: "Pulsa", Brand: "INDOSAT", Face: 10_000, Price: 10_400, Once: true},
		{SKU: "few5", Name: "Three 5.000", Category: "Pulsa", Brand: "TRI", Face: 5_000, Price: 5_200, Stock: 3},
		{SKU: "night10", Name: "Axis 10.000", Category: "Pulsa", Brand: "AXIS", Face: 10_000, Price: 10_300, CutOff: [2]string{"23:45", "00:15"}},
		{SKU: "down10", Name: "Smartfren 10.000", Category: "Pulsa", Brand: "SMARTFREN", Face: 10_000, Price: 10_200, Down: true},
	}
}

// closedAt reports whether the cut-off holds at a moment, by Jakarta's clock. From and to the same time is never.
func (p Product) closedAt(now time.Time) bool {
	start, end := p.CutOff[0], p.CutOff[1]
	at := now.In(jakarta()).Format("15:04")
	switch {
	case start == end:
		return false
	case start < end:
		return start <= at && at < end
	default:
		return at >= start || at < end
	}
}

// jakarta is UTC+7 all year.
func jakarta() *time.Location {
	const ahead = 7 * 60 * 60
	return time.FixedZone("Asia/Jakarta", ahead)
}

// biller is a row of the postpaid price list, with the vendor's test numbers of it.
type biller struct {
	sku, name, brand string
	numbers          fates
}

// fates are the vendor's numbers, by what becomes of them.
type fates struct {
	paid, twoBills             string
	inquiryFails, paymentFails string
	pendingPaid, pendingTwo    string
	pendingFails               string
}

func billers() []biller {
	return []biller{
		{"pln", "Pln Pascabayar", "PLN PASCABAYAR", fates{
			paid: "530000000001", twoBills: "530000000002", inquiryFails: "530000000003", paymentFails: "530000000006",
			pendingPaid: "630000000001", pendingTwo: "630000000002", pendingFails: "630000000006",
		}},
		{"pdam", "Pdam", "PDAM", simple("1013226", "1013227", "1013230", "2013226", "2013230")},
		{"internet", "Internet", "INTERNET PASCABAYAR", simple("6391601001", "6391601002", "6391601005", "7391601001", "7391601005")},
		{"bpjs", "Bpjs Kesehatan", "BPJS KESEHATAN", simple("8801234560001", "8801234560002", "8801234560005", "9801234560001", "9801234560005")},
		{"multifinance", "Multifinance", "MULTIFINANCE", simple("6391601201", "6391601202", "6391601205", "7391601201", "7391601205")},
		{"cimahi", "Pbb Cimahi", "PBB", simple(
			"329801092375999991", "329801092375999992", "329801092375999995", "429801092375999991", "429801092375999995")},
		{"pdl", "Pajak Daerah Lainnya", "PAJAK DAERAH LAINNYA", simple("3298010921", "3298010922", "3298010923", "4298010921", "4298010923")},
		{"pgas", "Gas Negara", "GAS NEGARA", fates{
			paid: "0110014601", twoBills: "0110014602", inquiryFails: "0110014603", paymentFails: "0110014605",
			pendingPaid: "1110014601", pendingTwo: "1110014602", pendingFails: "1110014605",
		}},
		{"tv", "Tv Pascabayar", "TV PASCABAYAR", simple("127246500101", "127246500102", "127246500105", "227246500101", "227246500105")},
		{"bpjstk", "Bpjs Ketenagakerjaan", "BPJS KETENAGAKERJAAN", simple(
			"8102051011270001", "8102051011270002", "8102051011270003", "9102051011270001", "9102051011270003")},
		{"bpjstkpu", "Bpjs Ketenagakerjaan PU", "BPJS KETENAGAKERJAAN PU", simple(
			"400000100001", "400000100002", "400000100003", "500000100001", "500000100003")},
		{"plnnontaglist", "Pln Nontaglis", "PLN NONTAGLIS", simple(
			"3225030005921", "3225030005922", "3225030005923", "4225030005921", "4225030005923")},
		{skuEMoney, "E-Money", "E-MONEY", simple("082100000001", "082100000002", "082100000003", "082110000001", "082110000003")},
		{"samsat", "Samsat", "SAMSAT", simple(
			"9658548523568701,0212502110170100", "9658548523568702,0212502110170100", "9658548523568705,0212502110170100",
			"0658548523568701,0212502110170100", "0658548523568705,0212502110170100")},
		{"hp", "Hp Pascabayar", "HP PASCABAYAR", simple("081234554320", "081234554321", "081234554324", "081244554320", "081244554324")},
	}
}

// skuEMoney is the postpaid product whose amount the caller tells.
const skuEMoney = "emoney"

func simple(paid, inquiryFails, paymentFails, pendingPaid, pendingFails string) fates {
	return fates{paid: paid, inquiryFails: inquiryFails, paymentFails: paymentFails, pendingPaid: pendingPaid, pendingFails: pendingFails}
}

// TestNumber is one of the vendor's numbers, or one of the two of ours.
type TestNumber struct {
	SKU, Number, Text string

	plan  plan
	bills int // 0 is one
}

// plan is what becomes of an order.
type plan int

const (
	succeeds plan = iota
	fails
	pendingThenSucceeds
	pendingThenFails
	inquiryFails
	unknownNumber
	succeedsThenRefunded
)

// TestNumbers lists them.
func TestNumbers() []TestNumber {
	list := []TestNumber{
		{SKU: "xld10", Number: "087800001230", Text: "success", plan: succeeds},
		{SKU: "xld10", Number: "087800001232", Text: "failed (02)", plan: fails},
		{SKU: "xld10", Number: "087800001233", Text: "pending, then success", plan: pendingThenSucceeds},
		{SKU: "xld10", Number: "087800001234", Text: "pending, then failed", plan: pendingThenFails},
		{SKU: "xld10", Number: "087800001235", Text: "success, given back 10 s later (74); ours, not the vendor's", plan: succeedsThenRefunded},
		{SKU: "xld10", Number: "087800001236", Text: "no such number (54); ours, not the vendor's", plan: unknownNumber},
	}
	for _, b := range billers() {
		n := b.numbers
		for _, number := range []TestNumber{
			{b.sku, n.paid, "success", succeeds, 1}, {b.sku, n.twoBills, "success, two bills", succeeds, 2},
			{b.sku, n.inquiryFails, "the inquiry fails (60)", inquiryFails, 1}, {b.sku, n.paymentFails, "the payment fails (02)", fails, 1},
			{b.sku, n.pendingPaid, "pending, then success", pendingThenSucceeds, 1},
			{b.sku, n.pendingTwo, "pending, then success, two bills", pendingThenSucceeds, 2},
			{b.sku, n.pendingFails, "pending, then failed", pendingThenFails, 1},
		} {
			if number.Number != "" {
				list = append(list, number)
			}
		}
	}
	return list
}

// testNumber gives what the vendor has planned for a number, or the zero TestNumber, which succeeds. The numbers of xld10 hold for every prepaid product.
func (c Config) testNumber(sku, number string) TestNumber {
	if c.NoTestNumbers {
		return TestNumber{}
	}
	for _, known := range TestNumbers() {
		if known.Number == number && (known.SKU == sku || known.SKU == "xld10" && !isBiller(sku)) {
			return known
		}
	}
	return TestNumber{}
}

func isBiller(sku string) bool {
	_, ok := billerOf(sku)
	return ok
}

func billerOf(sku string) (biller, bool) {
	for _, b := range billers() {
		if b.sku == sku {
			return b, true
		}
	}
	return biller{}, false
}
