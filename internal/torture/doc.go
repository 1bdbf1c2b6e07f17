// Package torture kills, stops and starves real gateways, their real plugins and their databases in the middle of load, and holds the journal against the
// sandbox's own ledger afterwards. It has no code of its own: its binaries are built with the tag faultpoints (core/internal/faultpoint).
package torture
