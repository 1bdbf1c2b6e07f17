package journal

import (
	"time"

	"github.com/jalurhq/jalur/core"
)

// Spilled is an outcome that the sender of an attempt knows, and that the journal could not take at once.
type Spilled struct {
	Payment core.PaymentID
	Attempt string
	Fence   int64 // that it was sent under
	Result  core.Result
	At      time.Time // when it was known
}

// Kept is an outcome that a process which is gone has left behind. Settled is called once the journal has it, or needs it no more.
type Kept struct {
	Spilled

	Settled func()
}
