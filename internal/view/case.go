package view

import (
	"encoding/json"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
)

// Case is something that a person has to look at.
type Case struct {
	ID         string           `json:"id" doc:"A number; a later case has a higher one."`
	Payment    core.PaymentID   `json:"payment"`
	Attempt    string           `json:"attempt" doc:"Our own reference at the provider."`
	Kind       journal.CaseKind `json:"kind" example:"parked" doc:"parked, contradiction or invoice_taken; a later version may know more."`
	Why        string           `json:"why" doc:"For people."`
	Evidence   json.RawMessage  `json:"evidence" doc:"What the provider said, or what is known of the attempt; null where there is nothing."`
	OpenedAt   time.Time        `json:"opened_at"`
	ClosedAt   *time.Time       `json:"closed_at" doc:"null while it is open."`
	ClosedBy   string           `json:"closed_by"`
	Resolution string           `json:"resolution" doc:"What was found out and done."`
}

// Cases is one page of cases, newest first.
type Cases struct {
	Cases []Case `json:"cases" nullable:"false"`
	Next  string `json:"next" doc:"The cursor of the next page; empty at the end."`
}

// CaseOf shows a case of the journal.
func CaseOf(c journal.Case) Case {
	return Case{
		ID: c.ID, Payment: c.PaymentID, Attempt: c.AttemptID, Kind: c.Kind, Why: c.Why, Evidence: evidenceOf(c.Evidence),
		OpenedAt: c.OpenedAt.UTC(), ClosedAt: timeOf(c.ClosedAt), ClosedBy: c.ClosedBy, Resolution: c.Resolution,
	}
}

// evidenceOf leaves out what is no JSON: it would spoil the whole answer.
func evidenceOf(evidence json.RawMessage) json.RawMessage {
	if !json.Valid(evidence) {
		return json.RawMessage("null")
	}
	return evidence
}

// CasesOf shows a page of the journal.
func CasesOf(page journal.CasePage) Cases {
	shown := Cases{Cases: make([]Case, len(page.Cases)), Next: page.Next}
	for i, c := range page.Cases {
		shown.Cases[i] = CaseOf(c)
	}
	return shown
}

// CloseBody is the body of POST /v1/cases/{id}/close.
type CloseBody struct {
	Resolution string `json:"resolution" maxLength:"500" doc:"What was found out and done. Required."`
}

// Closed is its answer.
type Closed struct {
	ID string `json:"id" doc:"Of the case that was closed."`
}
