// Package sandbox plays Digiflazz's buyer API: an http.Handler that answers as the provider documents, keeps its own ledger of what was really executed, and
// misbehaves on request. It is an independent reading of the documentation; it does not share code with the client.
//
// # Paths
//
// cek-saldo, price-list, transaction and inquiry-pln are POSTs under /v1/ and under /, and POST /v1/report/hooks/{id}/pings sends a ping to the callback URL.
// GET /_ledger, POST /_fault and POST /_reset steer it, GET / explains it. Those ask for no credentials: it is a test double, to be kept on a loopback
// address.
//
// # Time
//
// An order's state follows from its times and the clock alone, so it survives a restart with Config.LedgerFile. The deposit is debited when an order is
// accepted and restored when it fails or is given back. The same ref_id again is answered with the stored order for 90 days; after that it is a new sale.
//
// # Ledger
//
// An order is in the ledger when it was carried out, is being carried out, or was given back; one that failed or will fail is not. Its invoice is its ref_id.
//
// # Callbacks
//
// They go to the cb_url of an order, else to Config.CallbackURL: "create" when an order was taken, "update" when a pending one ends. Run sends them as they
// come due; Deliver sends those that are due now.
//
// # Test numbers
//
// TestNumbers lists the provider's own, and two of ours. Every other number succeeds. Config.NoTestNumbers switches them off.
package sandbox
