package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jalurhq/jalur/providers/mmbc/sandbox"
)

// what status_reload says at a moment after the reload.
type moment struct{ after, status, reference string }

func TestOrdersThatChange(t *testing.T) {
	t.Parallel()
	const ref = "101837139231331"
	tests := []struct {
		account, direct string
		reload          moment
		later           []moment
		state           string
	}{
		{"0812999001", "0", moment{"", "CONFIRM", ""}, []moment{{"59s", "CONFIRM", ""}, {"1s", "CONFIRM", ref}}, "CONFIRM"},
		{"0812999001", "1", moment{"", "CONFIRM", ""}, []moment{{"59s", "CONFIRM", ""}, {"1s", "CONFIRM", ref}}, "CONFIRM"},
		{"0812999002", "1", moment{"", "CONFIRM", ""}, []moment{{"60s", "CONFIRM", ""}, {"1000h", "CONFIRM", ""}}, "PENDING"},
		{"0812999003", "1", moment{"", "CONFIRM", ""}, []moment{{"59s", "CONFIRM", ""}, {"1s", "REFUND", ""}}, "REFUND"},
		{"0812999004", "0", moment{"", "CONFIRM", ref}, []moment{{"9s", "CONFIRM", ref}, {"1s", "REFUND", ref}}, "REFUND"},
		{"0812999004", "1", moment{"", "CONFIRM", ""}, []moment{{"1s", "CONFIRM", ref}, {"10s", "REFUND", ref}}, "REFUND"},
		{"0812999005", "0", moment{"", "REFUND", ""}, []moment{{"0s", "REFUND", ""}}, "REFUND"},
	}
	for _, test := range tests {
		t.Run(test.account+" direct="+test.direct, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(c *sandbox.Config) { c.Deposit = 200_000 })
			reloaded := r.reload(test.account, "direct", test.direct)
			wantFields(t, reloaded, "status", test.reload.status, "reference", test.reload.reference)
			for _, want := range test.later {
				wait, err := time.ParseDuration(want.after)
				if err != nil {
					t.Fatal(err)
				}
				r.clock.advance(wait)
				wantFields(t, r.statusOf(reloaded), "status", want.status, "reference", want.reference)
			}
			l := r.sandbox.Ledger()
			deposit := int64(98_000)
			if test.state == sandbox.StateRefund {
				deposit = 200_000
			}
			if l.Executed[0].State != test.state || l.ByAccount[test.account] != 1 || l.Deposit != deposit {
				t.Errorf("ledger %+v, want %s and a deposit of %d", l, test.state, deposit)
			}
		})
	}
}

func TestRefundIsGivenBackOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *sandbox.Config) { c.Deposit = 102_000 })
	for range 3 {
		wantFields(t, r.reload("0812999003"), "result", "ok")
		wantFields(t, r.reload(phone), "result", "no", "reason", "Saldo tidak cukup")
		r.clock.advance(time.Minute)
	}
	if l := r.sandbox.Ledger(); l.Deposit != 102_000 || l.ByAccount["0812999003"] != 3 {
		t.Errorf("ledger: %+v", l)
	}
}

func TestRefusedNumbers(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	refused := 0
	for _, number := range sandbox.TestNumbers() {
		_, reason, ok := strings.Cut(number.Text, "refused: ")
		if !ok {
			continue
		}
		refused++
		account := "0812" + number.Tail
		wantFields(t, r.reload(account), "result", "no", "reason", reason)
		inquiry := r.must("inquiry_merchant", topUp("GOPAY", account, "100000"))
		if strings.HasPrefix(number.Tail, "9991") {
			wantFields(t, inquiry, "result", "no", "reason", reason)
		} else {
			wantFields(t, inquiry, "result", "ok")
		}
	}
	if refused != 20 || len(r.sandbox.Ledger().Executed) != 0 {
		t.Errorf("%d refused, ledger %+v", refused, r.sandbox.Ledger())
	}
	wantFields(t, r.must("reload_merchant", topUp("PAYTREN", "TNO1999101", "100000")), "reason", "Saldo tidak cukup")
}

func TestNoTestNumbers(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *sandbox.Config) { c.NoTestNumbers = true })
	wantFields(t, r.reload("0812999101"), "result", "ok")
	wantFields(t, r.reload("0812999001"), "result", "ok", "reference", "101837139231332")
}
