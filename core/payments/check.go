package payments

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/checker"
)

// Checks says when a Service looks over its journal by itself. A violation stops the sending. The zero Checks: never.
type Checks struct {
	First time.Duration // after the start
	Every time.Duration // 0: never
	// KeepSending only logs what is found: an operator has looked, and it can't be mended, since what is written stays written.
	KeepSending bool
}

// Halt makes the service send nothing more until it is started anew: Pay refuses new orders with the code halted. Known keys are still
// answered, calls that have begun are settled, and the reconciler goes on asking, which moves no money.
func (s *Service) Halt(reason string) { s.engine.Halt(reason) }

// check looks the journal over again and again until the context ends.
func (s *Service) check(ctx context.Context, store journal.Store, when Checks) {
	clock := s.engine.Clock
	watched := clock.Now()
	for pause := when.First; clock.Sleep(ctx, pause) == nil; pause = when.Every {
		report, err := checker.Check(ctx, store, checker.Options{Now: clock.Now, Watched: watched})
		s.heed(ctx, report, when.KeepSending)
		if err != nil && ctx.Err() == nil {
			s.log.LogAttrs(ctx, slog.LevelError, "the journal could not be checked to its end", slog.String("err", err.Error()))
		}
	}
}

// heed logs what a check has found, and stops the sending where money is at stake.
func (s *Service) heed(ctx context.Context, report checker.Report, keepSending bool) {
	for _, v := range report.Violations {
		s.log.LogAttrs(ctx, slog.LevelError, "the journal breaks its own rules", slog.Int("invariant", int(v.Invariant)),
			slog.String("payment", string(v.Payment)), slog.String("attempt", v.Attempt), slog.String("what", v.What))
	}
	if v, found := report.StopsSending(); found && !keepSending {
		s.Halt(fmt.Sprintf("%s; %d violations in all", v, len(report.Violations)+report.Omitted))
		s.log.LogAttrs(ctx, slog.LevelError, "nothing is sent any more until an operator has looked and started the gateway anew")
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "the journal was checked", slog.Int("payments", report.Payments),
		slog.Int("violations", len(report.Violations)+report.Omitted), slog.Any("unchecked", report.Unchecked))
}
