package sandbox

import (
	"fmt"
	"strings"
	"time"
)

// plan is what becomes of an order.
type plan int

const (
	ordinary plan = iota
	pendingThenConfirm
	pendingForEver
	pendingThenRefund
	confirmThenRefund
	refundAtOnce
)

// TestNumber is an ending of account numbers that chooses what becomes of their orders.
type TestNumber struct {
	Tail string // the last digits
	Text string // what happens

	plan       plan
	reason     string // why a reload is refused; empty: it isn't
	inquiryToo bool   // an inquiry is refused as well
}

// TestNumbers lists the endings, as the package's comment does.
func TestNumbers() []TestNumber {
	return append([]TestNumber{
		{Tail: "999001", Text: "pending for 60 s, then CONFIRM with a reference", plan: pendingThenConfirm},
		{Tail: "999002", Text: "pending for ever", plan: pendingForEver},
		{Tail: "999003", Text: "pending for 60 s, then REFUND", plan: pendingThenRefund},
		{Tail: "999004", Text: "CONFIRM with a reference, REFUND 10 s later", plan: confirmThenRefund},
		{Tail: "999005", Text: "REFUND in the reload's own answer", plan: refundAtOnce},
	}, refusedNumbers()...)
}

func refusedNumbers() []TestNumber {
	const forms = 2
	reasons := refusals()
	list := make([]TestNumber, 0, forms*len(reasons))
	for i, refusal := range reasons {
		list = append(list,
			TestNumber{
				Tail: fmt.Sprintf("9991%02d", i+1), Text: "inquiry and reload refused: " + refusal.reason,
				reason: refusal.reason, inquiryToo: true,
			},
			TestNumber{Tail: fmt.Sprintf("9992%02d", i+1), Text: "reload refused: " + refusal.reason, reason: refusal.reason},
		)
	}
	return list
}

// testNumber gives the ending of this account, or the zero TestNumber, which is an ordinary one.
func (c Config) testNumber(account string) TestNumber {
	if c.NoTestNumbers {
		return TestNumber{}
	}
	for _, number := range TestNumbers() {
		if strings.HasSuffix(account, number.Tail) {
			return number
		}
	}
	return TestNumber{}
}

// schedule sets when an order gets its reference and when it is given back. A zero time is never.
func (c Config) schedule(o order, p plan, direct bool) order {
	usual := o.At
	if direct {
		usual = o.At.Add(c.ReferenceAfter)
	}
	switch p {
	case ordinary:
		o.ReferenceAt = usual
	case pendingThenConfirm:
		o.ReferenceAt = o.At.Add(c.PendingFor)
	case pendingForEver:
		o.ReferenceAt = time.Time{}
	case pendingThenRefund:
		o.RefundAt = o.At.Add(c.PendingFor)
	case confirmThenRefund:
		o.ReferenceAt = usual
		o.RefundAt = usual.Add(c.RefundAfter)
	case refundAtOnce:
		o.RefundAt = o.At
	}
	return o
}

// Reasons that the sandbox gives of its own accord.
const (
	reasonBalance     = "Saldo tidak cukup"
	reasonNumber      = "Nomor tujuan salah"
	reasonMerchant    = "Merchant tidak dikenal"
	reasonMinimum     = "Minimal amount Rp. 50.000 / transaksi"
	reasonCredentials = "Username / password salah"
	reasonDummy       = "Please, request with your user! No dummy!"
	reasonNotFound    = "Invoice tidak ditemukan"
	reasonAmount      = "Amount salah"
	reasonParameter   = "Parameter salah"
	reasonIncomplete  = "Parameter tidak lengkap: "
)

type refusal struct{ name, reason string }

// refusals lists the reasons that test numbers and the faults decline-… play, in the order of the test numbers.
func refusals() []refusal {
	return []refusal{
		{"balance", reasonBalance},
		{"number", reasonNumber},
		{"account", "Akun tidak terdaftar"},
		{"merchant", reasonMerchant},
		{"merchant-english", "Merchant not available"},
		{"minimum", reasonMinimum},
		{"credentials", reasonCredentials},
		{"dummy", reasonDummy},
		{"balance-low", "Saldo anda kurang, silakan deposit"},
		{"other", "Transaksi gagal"},
	}
}
