package core

import (
	"log/slog"
	"strings"
)

// PaymentID names one payment, over all clients.
type PaymentID string

// Key is the caller's idempotency key. It belongs to a client: two clients may use the same one.
type Key string

// Invoice is the provider's own number for an order.
type Invoice string

// MerchantCode is the wallet or product family that a top-up goes to ("GOPAY"). It may hold spaces ("KARTU EMONEY").
type MerchantCode string

// AccountNumber is the customer's number at a merchant: a phone, card, meter or member number.
// It prints masked; string(a) is the whole number.
type AccountNumber string

// Mask limits: a masked number shows at most maskHead characters of its start and maskTail of its end.
const (
	maskHead = 2
	maskTail = 3
)

// String gives the number with its middle hidden ("08*****678"), so that no log or error shows it whole.
func (a AccountNumber) String() string {
	whole := string(a)
	shown := maskHead + maskTail
	if len(whole) < 2*shown {
		shown = len(whole) / 2
		return strings.Repeat("*", len(whole)-shown/2) + whole[len(whole)-shown/2:]
	}
	return whole[:maskHead] + strings.Repeat("*", len(whole)-shown) + whole[len(whole)-maskTail:]
}

// GoString is String: a dump with %#v must not show the number either.
func (a AccountNumber) GoString() string { return a.String() }

// LogValue is String: a structured log would otherwise marshal the whole number.
func (a AccountNumber) LogValue() slog.Value { return slog.StringValue(a.String()) }
