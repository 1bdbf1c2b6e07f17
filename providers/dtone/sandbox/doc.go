// Package sandbox plays DT One's DVS API: an http.Handler that answers as its description says, keeps its own ledger of what was really executed, and
// misbehaves on request. It is an independent reading of the description; it does not share code with the client.
//
// # Paths
//
// The API stands under /v1 and under /: products, transactions, look-ups, balances, with HTTP Basic. GET /_ledger, POST /_fault and POST /_reset steer the
// sandbox, GET / explains it. They ask for no credentials: it is a test double, to be kept on a loopback address.
//
// # Time
//
// What a transaction is follows from its times and the clock alone, so it survives a restart with Config.LedgerFile. One that is confirmed is SUBMITTED until it ends;
// one that isn't confirmed in time is CANCELLED. Config.Delays scales how long all of that takes.
//
// # Test numbers
//
// The last three digits of a credit party, a phone number or an account number, choose what becomes of its transactions:
//
//	x00  COMPLETED without a PIN
//	x01  COMPLETED with a PIN
//	x02  DECLINED-INVALID-CREDIT-PARTY
//	x03  DECLINED-BARRED-CREDIT-PARTY
//	x04  DECLINED-OPERATOR-CURRENTLY-UNAVAILABLE
//	x05  DECLINED-DUPLICATED-TRANSACTION
//	x06  DECLINED
//	x07  DECLINED-EXCEPTION
//	x08  COMPLETED, and REVERSED after as long again: the sandbox's own, the provider has none for it
//
// and the first of the three, how long that takes: 1 at least three seconds, 2 at least twenty (here: sixty), 3 at least five minutes. Every other number, and every
// transaction without a credit party, is COMPLETED after a second.
//
// # Ledger
//
// A transaction is executed once it is confirmed and will not be refused. Those that are given back stay in the ledger, as REVERSED. Its invoice is
// the transaction's number, its ref the client's external_id, its merchant the product.
package sandbox
