// Package sdk is the plugin author's side: it serves a provider in a process of its own, so that a plugin's main is three lines.
//
//	func main() {
//		sdk.Serve(myprovider.New)
//	}
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
