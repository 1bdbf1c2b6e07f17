package host

import "time"

// Phase is where a plugin's life stands.
type Phase string

// The phases. Calls go through in Ready, wait a while in Starting and Backoff, and are refused at once in GaveUp and Stopped.
const (
	Starting Phase = "starting"
	Ready    Phase = "ready"
	Backoff  Phase = "backoff" // the process was lost; the next one is started after a pause
	GaveUp   Phase = "gave_up" // too many were lost: the next one is started after a long rest, or by Reload
	Stopped  Phase = "stopped" // for good by Stop; until Reload where the settings are refused
)

// Phases lists them all.
func Phases() []Phase { return []Phase{Starting, Ready, Backoff, GaveUp, Stopped} }

// State is what there is to know about a plugin's process.
type State struct {
	Phase    Phase
	Since    time.Time
	LastErr  string // why the last process was lost or could not start
	Restarts int    // processes that were lost since Start
	PID      int    // 0 where there is no process
}
