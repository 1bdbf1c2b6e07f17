// Package sandbox plays the MMBC Multipayment provider: an http.Handler that answers as the provider's own page says, keeps its own
// ledger of what was really executed, and misbehaves on request. It is an independent reading of the page; it does not share code with the client.
//
// # Paths
//
// The four calls list_merchant, inquiry_merchant, reload_merchant and status_reload are POSTs under /json/multipayment/ and under /.
// Parameters come as a form, as JSON or in the query string. GET /_ledger, POST /_fault and POST /_reset steer it, GET / explains it. They ask
// for no credentials: it is a test double, to be kept on a loopback address.
//
// # Time
//
// An order's state follows from its times and the clock alone, so it survives a restart with Config.LedgerFile. With direct=0 the answer
// has the reference; with direct=1 status_reload shows it after Config.ReferenceAfter. Until then the status is CONFIRM without a
// reference, since the page knows no third word; the ledger calls that PENDING.
//
// # Faults
//
// Faults lists them, and says of each whether the money is taken. A fault that is set is used up by the next calls that it is for, refused ones
// included. Of several that are set, a call takes the one that names it most closely: its account, then its call, then the first.
//
// # Test numbers
//
// The last six digits of an account number choose what becomes of its orders, for phones, cards and member numbers alike:
//
//	…999001  pending for Config.PendingFor (60 s), whatever direct says; then CONFIRM with a reference
//	…999002  pending for ever: the reference never comes
//	…999003  pending for Config.PendingFor (60 s), then REFUND, without a reference
//	…999004  CONFIRM with a reference as usual; REFUND from Config.RefundAfter (10 s) after that
//	…999005  REFUND in the reload's own answer
//	…9991nn  refused, at inquiry_merchant and at reload_merchant
//	…9992nn  refused at reload_merchant only
//
// The reasons nn of a refusal:
//
//	01  Saldo tidak cukup
//	02  Nomor tujuan salah
//	03  Akun tidak terdaftar
//	04  Merchant tidak dikenal
//	05  Merchant not available
//	06  Minimal amount Rp. 50.000 / transaksi
//	07  Username / password salah
//	08  Please, request with your user! No dummy!
//	09  Saldo anda kurang, silakan deposit
//	10  Transaksi gagal
//
// Every other number succeeds, the page's 0812345678 among them. Config.NoTestNumbers switches the scheme off, for tests that count
// through many numbers.
package sandbox
