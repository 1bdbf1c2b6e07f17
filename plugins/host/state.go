package host

import "time"

// Phase is where a plugin's life stands.
type Phase string

// The phases. Calls go through in Ready, wait a while in Starting and Backoff, and are refused in Stopped.
const (
	Starting Phase = "starting"
	Ready    Phase = "ready"
	Backoff  Phase = "backoff" // the process was lost; the next one is started after a pause
	Stopped  Phase = "stopped" // for good: by Stop, or since the settings are refused
)

// State is what there is to know about a plugin's process.
type State struct {
	Phase    Phase
	Since    time.Time
	LastErr  string // why the last process was lost or could not start
	Restarts int    // processes that were lost since Start
	PID      int    // 0 where there is no process
}
