// Package clock is time as the engine sees it, so that a test or a simulation can play it.
package clock

import (
	"context"
	"time"

	"github.com/jalurhq/jalur/core/internal/faultpoint"
	"github.com/jalurhq/jalur/core/transport"
)

// Clock tells the time and lets it pass.
type Clock interface {
	// Now is the wall clock, for records and for the next time to ask.
	Now() time.Time
	// Boot is the machine's boot-time clock, which every process of the machine shares and nobody sets. Only
	// differences and [core.PayRequest.SendBefore] are made of it.
	Boot() time.Duration
	// Sleep returns after d, or with the context's error when that ends first.
	Sleep(ctx context.Context, d time.Duration) error
}

// System is the machine's own clock.
type System struct{}

// Now gives the wall clock in UTC, to the microsecond that the journal keeps.
func (System) Now() time.Time {
	return faultpoint.Wall(time.Now()).UTC().Truncate(time.Microsecond)
}

// Boot gives the time since the machine started, suspension included.
func (System) Boot() time.Duration { return transport.BootTime() }

// Sleep waits on a timer.
func (System) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
