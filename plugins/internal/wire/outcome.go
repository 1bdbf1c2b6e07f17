package wire

import (
	"github.com/jalurhq/jalur/core"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

func outcome(o core.Outcome) pb.Outcome {
	switch o {
	case core.NotSent:
		return pb.Outcome_OUTCOME_NOT_SENT
	case core.Declined:
		return pb.Outcome_OUTCOME_DECLINED
	case core.Pending:
		return pb.Outcome_OUTCOME_PENDING
	case core.Succeeded:
		return pb.Outcome_OUTCOME_SUCCEEDED
	case core.Refunded:
		return pb.Outcome_OUTCOME_REFUNDED
	case core.Unknown:
		return pb.Outcome_OUTCOME_UNSPECIFIED
	default:
		return pb.Outcome_OUTCOME_UNSPECIFIED
	}
}

func outcomeFrom(o pb.Outcome) core.Outcome {
	switch o {
	case pb.Outcome_OUTCOME_NOT_SENT:
		return core.NotSent
	case pb.Outcome_OUTCOME_DECLINED:
		return core.Declined
	case pb.Outcome_OUTCOME_PENDING:
		return core.Pending
	case pb.Outcome_OUTCOME_SUCCEEDED:
		return core.Succeeded
	case pb.Outcome_OUTCOME_REFUNDED:
		return core.Refunded
	case pb.Outcome_OUTCOME_UNSPECIFIED:
		return core.Unknown
	default:
		return core.Unknown
	}
}

// codeFrom reads a code of the closed list. None is none; one that isn't on the list is internal.
func codeFrom(code string) core.Code {
	if c := core.Code(code); code == "" || c.Valid() {
		return c
	}
	return core.CodeInternal
}

func refMode(m core.RefMode) pb.RefMode {
	switch m {
	case core.RefReplay:
		return pb.RefMode_REF_MODE_REPLAY
	case core.RefRejectDuplicate:
		return pb.RefMode_REF_MODE_REJECT_DUPLICATE
	case core.RefLabel:
		return pb.RefMode_REF_MODE_LABEL
	case core.RefNone:
		return pb.RefMode_REF_MODE_NONE
	default:
		return pb.RefMode_REF_MODE_UNSPECIFIED
	}
}

// refModeFrom trusts a reference only where the plugin says in known words what it is worth.
func refModeFrom(m pb.RefMode) core.RefMode {
	switch m {
	case pb.RefMode_REF_MODE_REPLAY:
		return core.RefReplay
	case pb.RefMode_REF_MODE_REJECT_DUPLICATE:
		return core.RefRejectDuplicate
	case pb.RefMode_REF_MODE_LABEL:
		return core.RefLabel
	case pb.RefMode_REF_MODE_NONE, pb.RefMode_REF_MODE_UNSPECIFIED:
		return core.RefNone
	default:
		return core.RefNone
	}
}
