package payments_test

import (
	"testing"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/payments"
)

// What no text column takes is refused by its field's name before any database sees it.
func TestCharactersThatNobodyCanStoreAreRefused(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newFake("one")
	s := r.service(p)
	for _, bad := range []string{"a\x00b", "\x00", "\xff", "a\uFFFD", "a\nb"} {
		for field, spoil := range map[string]func(*payments.Order){
			"key":      func(o *payments.Order) { o.Key = core.Key(bad) },
			"merchant": func(o *payments.Order) { o.Merchant = core.MerchantCode(bad) },
			"account":  func(o *payments.Order) { o.Account = core.AccountNumber(bad) },
		} {
			o := order("k")
			spoil(&o)
			_, err := s.Pay(t.Context(), o)
			refusal, ok := err.(*payments.Refusal)
			if !ok || refusal.Field != field || refusal.Code == payments.CodeJournalUnavailable {
				t.Errorf("%s %q: %v", field, bad, err)
			}
		}
		o := order("k")
		o.Inquiry = bad
		_, err := s.Pay(t.Context(), o)
		r.refused(err, payments.CodeInquiryNotFound)
	}
}
