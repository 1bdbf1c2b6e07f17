// Package sandbox is what the simulators of all providers share: the shape of their ledgers and its file, the faults that can be set, the faults that lie in
// the delivery of an answer alone, and the control calls over them. What a provider is, each simulator knows by itself.
package sandbox

import (
	"encoding/json"
	"time"
)

// Entry is one executed order as GET /_ledger shows it.
type Entry struct {
	Invoice  string      `json:"invoice"` // the number by which the order is known to its client
	Ref      string      `json:"ref"`
	Merchant string      `json:"merchant"`
	Account  string      `json:"account"`
	Amount   json.Number `json:"amount"` // a plain decimal, in the units that the order was made in
	State    string      `json:"state"`  // in the provider's own words
	At       time.Time   `json:"at"`     // UTC
}

// Ledger is what was really executed. What was given back stays in it.
type Ledger struct {
	Executed  []Entry        `json:"executed"`   // in the order in which the calls came
	ByAccount map[string]int `json:"by_account"` // how many were executed, given back or not
}

// NewLedger gives the ledger of these entries.
func NewLedger(entries ...Entry) Ledger {
	l := Ledger{Executed: append([]Entry{}, entries...), ByAccount: map[string]int{}}
	for _, entry := range entries {
		l.ByAccount[entry.Account]++
	}
	return l
}

// Of gives the part of the ledger that is about one account.
func (l Ledger) Of(account string) Ledger {
	var part []Entry
	for _, entry := range l.Executed {
		if entry.Account == account {
			part = append(part, entry)
		}
	}
	return NewLedger(part...)
}
