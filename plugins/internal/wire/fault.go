package wire

import (
	"errors"

	"github.com/jalurhq/jalur/core"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

// ErrNoAnswer is a reply with neither a result nor a fault in it.
var ErrNoAnswer = errors.New("the plugin's reply holds no answer")

// Fault gives an error the shape in which it travels. One that is no [core.Error] is Unknown and internal.
func Fault(op string, err error) *pb.Fault {
	var known *core.Error
	if !errors.As(err, &known) {
		return &pb.Fault{Code: string(core.CodeInternal), Text: text(err.Error()), Op: op}
	}
	fault := &pb.Fault{Outcome: outcome(known.Outcome), Code: text(string(known.Code)), Op: op}
	switch {
	case error(known) != err: //nolint:errorlint // whether something was wrapped around it is the question
		fault.Text = text(err.Error())
	case known.Err != nil:
		fault.Text = text(known.Err.Error())
	}
	return fault
}

// FaultError reads a fault. No fault at all is an Unknown of its own.
func FaultError(op string, fault *pb.Fault) *core.Error {
	if fault == nil {
		return Unreadable(op, ErrNoAnswer)
	}
	err := &core.Error{Op: op, Outcome: outcomeFrom(fault.GetOutcome()), Code: codeFrom(fault.GetCode())}
	if fault.GetText() != "" {
		err.Err = errors.New(fault.GetText())
	}
	return err
}

// Unreadable is the error for a reply that can't be believed.
func Unreadable(op string, cause error) *core.Error {
	return &core.Error{Op: op, Outcome: core.Unknown, Code: core.CodeInternal, Err: cause}
}
