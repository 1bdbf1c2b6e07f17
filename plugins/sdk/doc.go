// Package sdk is the plugin author's side: it serves a provider in a process of its own, so that a plugin's main is three lines.
//
//	func main() {
//		sdk.Serve(myprovider.Factory())
//	}
//
// # What a provider's package exports
//
// A [core.Factory]: New, which makes a [core.Set] of settings, and a Schema, which says how the settings must look (JSON Schema 2020-12, additionalProperties false).
// The host checks settings by it before the plugin sees them, and names file, line and key of what is wrong; New checks what a schema can't say. Give each property a
// description and, where there is one, a default; mark secrets "writeOnly": true, and no log shows them. A null counts as left out. References are "#/…" and never lead in a circle.
//
// A Set holds the Provider and what else yours can: Balances, Callbacks, Quotes. What stays nil the host's callers are told by [errors.ErrUnsupported]; what
// is set, Describe must promise (TellsBalances, SendsCallbacks, CancelsQuotes), or nobody asks for it.
//
// # What Serve takes care of
//
//   - Standard output belongs to the handshake. It is put aside first of all, and whatever prints afterwards prints to standard error.
//   - Standard error is the log: lines of text, or of JSON as log/slog writes them. The host reads it, hides secrets and account numbers, and limits it.
//   - SIGTERM, SIGINT and SIGHUP are ignored: the host decides. When standard input ends, the host is gone and the process exits.
//   - A panic in a call becomes an Unknown answer; the process and its other calls live. A panic in a goroutine of your own ends the process.
//   - The context of a call ends a twentieth of its time (at most 250 ms) before the host stops waiting, so that your own word on what happened arrives.
//   - Tracing follows the OTEL_* variables, which the host passes on. Settings come in the factory's argument, never by environment or arguments.
//   - GOGC is 400 and GOMEMLIMIT is 512 MiB unless the environment sets them.
package sdk
