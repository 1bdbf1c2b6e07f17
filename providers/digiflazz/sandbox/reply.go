package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// The three words for how an order stands.
const (
	statusOK      = "Sukses"
	statusPending = "Pending"
	statusFailed  = "Gagal"
)

// code is a row of the vendor's table.
type code struct {
	rc, message string
	formed      bool // an order is made of it
}

const (
	rcOK      = "00"
	rcPending = "03"
	rcFailed  = "02"
)

// refusals is every code under which an order fails.
func refusals() []code {
	return []code{
		{"01", "Timeout", true},
		{"02", "Transaksi Gagal", true},
		{"40", "Payload Error", false},
		{"41", "Signature tidak valid", false},
		{"42", "Gagal memproses API Buyer", false},
		{"43", "SKU tidak di temukan atau Non-Aktif", false},
		{"44", "Saldo tidak cukup", false},
		{"45", "IP Anda tidak kami kenali", false},
		{"47", "Transaksi sudah terjadi di buyer lain", false},
		{"49", "Ref ID tidak unik", false},
		{"50", "Transaksi Tidak Ditemukan", true},
		{"51", "Nomor Tujuan Diblokir", true},
		{"52", "Prefix Tidak Sesuai Dengan Operator", true},
		{"53", "Produk Seller Sedang Tidak Tersedia", true},
		{"54", "Nomor Tujuan Salah", true},
		{"55", "Produk Sedang Gangguan", true},
		{"56", "Limit saldo seller", false},
		{"57", "Jumlah Digit Kurang Atau Lebih", true},
		{"58", "Sedang Cut Off", true},
		{"59", "Tujuan di Luar Wilayah/Cluster", true},
		{"60", "Tagihan belum tersedia", true},
		{"61", "Belum pernah melakukan deposit", false},
		{"62", "Seller sedang mengalami gangguan", false},
		{"63", "Tidak support transaksi multi", false},
		{"64", "Tarik tiket gagal", false},
		{"65", "Limit transaksi multi", false},
		{"66", "Cut Off (Perbaikan Sistem Seller)", false},
		{"67", "Seller belum terverifikasi", false},
		{"68", "Stok habis", false},
		{"69", "Harga seller lebih besar dari ketentuan harga Buyer", false},
		{"70", "Timeout Dari Biller", true},
		{"71", "Produk Sedang Tidak Stabil", true},
		{"72", "Lakukan Unreg Paket Dahulu", true},
		{"73", "Kwh Melebihi Batas", true},
		{"80", "Akun Anda telah diblokir oleh Seller", false},
		{"81", "Seller ini telah diblokir oleh Anda", false},
		{"82", "Akun Anda belum terverifikasi", false},
		{"83", "Limitasi pengecekan pricelist", false},
		{"84", "Nominal tidak valid", true},
		{"85", "Limitasi transaksi, silahkan coba 1 menit lagi", true},
		{"86", "Limitasi pengecekan nomor PLN", true},
		{"87", "Nominal e-money harus kelipatan 1.000", false},
		{"88", "Akun Anda tidak dapat melakukan transaksi ini", false},
	}
}

func codeOf(rc string) code {
	for _, c := range refusals() {
		if c.rc == rc {
			return c
		}
	}
	return map[string]code{
		rcOK: {rcOK, "Transaksi Sukses", true}, rcPending: {rcPending, "Transaksi Pending", true},
		"74": {"74", "Transaksi Refund", true}, "99": {"99", "DF Router Issue", true},
	}[rc]
}

// Values is how an answer's numbers are written.
type Values string

// The ways to write them.
const (
	ValuesNumber Values = "number" // 10000
	ValuesString Values = "string" // "10000"
	ValuesFloat  Values = "float"  // 10000.0
)

// ValueForms lists them.
func ValueForms() []Values { return []Values{ValuesNumber, ValuesString, ValuesFloat} }

func (v Values) check() error {
	if !slices.Contains(ValueForms(), v) {
		return fmt.Errorf("values %q is not one of %v", v, ValueForms())
	}
	return nil
}

// rupiah is an amount in an answer.
type rupiah int64

// data is the object of an answer, or its list.
type data map[string]any

// reply is an answer before it is written.
type reply struct {
	data  data
	list  []data // in place of the object, where it isn't nil
	order *order // that it is about
	bare  bool   // without the wrapping data

	refused bool // a refusal stands behind it
}

func (r reply) with(key string, value any) reply {
	r.data = maps.Clone(r.data)
	r.data[key] = value
	return r
}

func (r reply) without(key string) reply {
	r.data = maps.Clone(r.data)
	delete(r.data, key)
	return r
}

// encode writes an answer.
func (v Values) encode(r reply) []byte {
	var inner any = v.object(r.data)
	if r.list != nil {
		rows := make([]any, len(r.list))
		for i, row := range r.list {
			rows[i] = v.object(row)
		}
		inner = rows
	}
	if !r.bare {
		inner = map[string]any{"data": inner}
	}
	body, err := json.Marshal(inner)
	if err != nil {
		return []byte(`{}`) // it is made of text and numbers alone
	}
	return body
}

func (v Values) object(d data) map[string]any {
	written := make(map[string]any, len(d))
	for key, value := range d {
		written[key] = v.value(value)
	}
	return written
}

func (v Values) value(value any) any {
	switch known := value.(type) {
	case rupiah:
		return v.number(known)
	case data:
		return v.object(known)
	case []data:
		rows := make([]any, len(known))
		for i, row := range known {
			rows[i] = v.object(row)
		}
		return rows
	default:
		return value
	}
}

func (v Values) number(n rupiah) any {
	plain := strconv.FormatInt(int64(n), 10)
	switch v {
	case ValuesString:
		return plain
	case ValuesFloat:
		return json.Number(plain + ".0")
	case ValuesNumber:
		return json.Number(plain)
	default:
		return json.Number(plain)
	}
}

// refuse is the answer to a request of which no order was made.
func refuse(p params, rc string) reply {
	status := statusFailed
	if rc == "99" {
		status = statusPending
	}
	d := data{"message": codeOf(rc).message, "status": status, "rc": rc}
	for _, key := range []string{"ref_id", "customer_no", "buyer_sku_code"} {
		if p.text(key) != "" {
			d[key] = p.text(key)
		}
	}
	return reply{data: d}
}

// show is the answer about an order, as it stands at a moment.
func (s *Sandbox) show(o order, now time.Time) reply {
	status, rc := o.stands(now)
	d := data{
		"ref_id": o.Ref, "customer_no": o.Account, "buyer_sku_code": o.SKU, "message": codeOf(rc).message, "status": status, "rc": rc,
		"buyer_last_saldo": rupiah(s.saldo(o, status)), "price": rupiah(o.Price), "sn": o.sn(status), "tele": "@telegram", "wa": "081234512345",
	}
	if o.Postpaid {
		delete(d, "tele")
		delete(d, "wa")
		s.describe(d, o)
	}
	return reply{data: d, order: &o}
}

// The vendor's test orders are all answered with the same deposit.
const (
	testSaldo      = 1_000_000
	testSaldoAfter = 990_000
)

func (s *Sandbox) saldo(o order, status string) int64 {
	switch {
	case !o.Testing || s.cfg.testNumber(o.SKU, o.Account).Number == "":
		return s.book.left()
	case status == statusFailed:
		return testSaldo
	default:
		return testSaldoAfter
	}
}

// describe adds what the answer about a bill tells of it.
func (s *Sandbox) describe(d data, o order) {
	d["customer_name"], d["admin"], d["selling_price"], d["periode"] = customerName, rupiah(o.Admin), rupiah(o.Selling), "202611"
	one := data{"periode": "202611", "nilai_tagihan": "8000", "admin": "2500", "denda": "500"}
	detail := slices.Repeat([]data{one}, o.bills())
	desc := data{"lembar_tagihan": o.bills(), "detail": detail}
	if o.SKU == "pln" {
		desc["tarif"], desc["daya"] = "R1", "1300"
	}
	d["desc"] = desc
}

const customerName = "Nama Pelanggan Pertama"
