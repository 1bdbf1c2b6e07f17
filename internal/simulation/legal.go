package simulation

import (
	"slices"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
)

// Who makes changes, as the journal names them; an operator stands there with his name behind a colon.
const (
	submit     = "submit"
	sender     = "sender"
	asker      = "reconciler"
	operatorOf = "operator"
)

// rule is one line of the table of legal changes: who may make it, and on what evidence.
type rule struct {
	from, to journal.State
	who      []string
	// said: what a provider must have said, in the event's own evidence; nil: nothing.
	said []core.Outcome
	// sameFence: only under the fence of the event before, so by the very sender.
	sameFence bool
}

// rules is the state machine as docs/states.md and the specification of the faults have it, typed from there. The engine's own table is not
// looked at: a mistake in it must show.
func rules() []rule {
	positive := []string{sender, asker, operatorOf}
	return []rule{
		{from: "", to: journal.Created, who: []string{submit, sender}},
		{from: journal.Created, to: journal.Sending, who: []string{submit, sender}},
		{from: journal.Created, to: journal.Failed, who: []string{submit, asker}},

		{from: journal.Sending, to: journal.Confirmed, who: []string{sender}, said: []core.Outcome{core.Succeeded}, sameFence: true},
		{from: journal.Sending, to: journal.Refunded, who: []string{sender}, said: []core.Outcome{core.Refunded}, sameFence: true},
		{from: journal.Sending, to: journal.Accepted, who: []string{sender}, said: []core.Outcome{core.Pending}, sameFence: true},
		{from: journal.Sending, to: journal.Failed, who: []string{sender}, said: []core.Outcome{core.Declined, core.NotSent}, sameFence: true},
		{from: journal.Sending, to: journal.Unknown, who: []string{sender, asker}},

		{from: journal.Accepted, to: journal.Confirmed, who: []string{asker}, said: []core.Outcome{core.Succeeded}},
		{from: journal.Accepted, to: journal.Refunded, who: []string{asker}, said: []core.Outcome{core.Refunded}},
		{from: journal.Accepted, to: journal.Failed, who: []string{asker}, said: []core.Outcome{core.Declined}},
		{from: journal.Accepted, to: journal.Parked, who: []string{asker}},

		{from: journal.Unknown, to: journal.Confirmed, who: positive, said: []core.Outcome{core.Succeeded}},
		{from: journal.Unknown, to: journal.Refunded, who: positive, said: []core.Outcome{core.Refunded}},
		{from: journal.Unknown, to: journal.Accepted, who: positive, said: []core.Outcome{core.Pending, core.Declined}},
		{from: journal.Unknown, to: journal.Failed, who: []string{operatorOf, asker}}, // the asker's word is looked at beside: absent
		{from: journal.Unknown, to: journal.Parked, who: []string{asker}},

		{from: journal.Parked, to: journal.Confirmed, who: []string{sender, operatorOf}, said: []core.Outcome{core.Succeeded}},
		{from: journal.Parked, to: journal.Refunded, who: []string{sender, operatorOf}, said: []core.Outcome{core.Refunded}},
		{from: journal.Parked, to: journal.Failed, who: []string{operatorOf}},

		{from: journal.Confirmed, to: journal.Refunded, who: []string{asker, operatorOf}, said: []core.Outcome{core.Refunded}},
	}
}

// passes reports whether a refusal of this class lets another provider be tried. The list is typed from the specification.
func passes(code core.Code) bool {
	return slices.Contains([]core.Code{
		core.CodeAuth, core.CodeIPNotAllowed, core.CodeAccountSuspended, core.CodeDepositEmpty, core.CodeProductUnknown, core.CodeProductDown,
		core.CodeOutOfStock, core.CodeCutOff, core.CodeMaintenance, core.CodePriceAboveLimit, core.CodeTransportNotSent,
	}, code)
}
