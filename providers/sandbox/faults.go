package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Fault is one way in which a provider can misbehave.
type Fault struct {
	Name     string `json:"name"`
	Text     string `json:"text"`
	Executes bool   `json:"executes"` // whether an order takes the money; other calls move none
}

// Whom a setting is for, and for how long.
const (
	AnyCall = "*"
	Always  = -1     // Times of a fault that stays until it is cleared
	NoFault = "none" // the name that clears
)

const timesOnce = 1

// Setting is a fault that is set.
type Setting struct {
	Name    string `json:"name"`
	Times   int    `json:"times"`             // how many calls it is still for; Always: until cleared
	Call    string `json:"call"`              // empty: the call that makes an order; AnyCall: every one
	Account string `json:"account,omitempty"` // only calls about this account; empty: any
}

// ErrUnknownFault is the error of a name that is not in the catalogue.
var ErrUnknownFault = errors.New("unknown fault")

// Catalogue is what can be set at one sandbox.
type Catalogue struct {
	Faults []Fault
	Calls  []string // the provider's calls; the first one makes an order, and is what a setting without a call is for
}

// Names lists the faults' names.
func (c Catalogue) Names() []string {
	names := make([]string, len(c.Faults))
	for i, f := range c.Faults {
		names[i] = f.Name
	}
	return names
}

// Options lists the faults as plain text, for a command's help.
func (c Catalogue) Options() string {
	var text strings.Builder
	text.WriteString("Faults (* = the money is taken):\n")
	for _, f := range c.Faults {
		mark := " "
		if f.Executes {
			mark = "*"
		}
		fmt.Fprintf(&text, "  %s %-24s %s\n", mark, f.Name, f.Text)
	}
	return text.String()
}

// Parse reads NAME or NAME:TIMES, as a command line has it. Times is 1 where it isn't given, Always for -1.
func (c Catalogue) Parse(text string) (Setting, error) {
	name, count, given := strings.Cut(text, ":")
	setting := Setting{Name: name, Times: timesOnce}
	if given {
		var err error
		if setting.Times, err = strconv.Atoi(count); err != nil {
			return Setting{}, fmt.Errorf("fault %q: times is not a number", text)
		}
	}
	if setting.Times != Always && setting.Times < timesOnce {
		return Setting{}, fmt.Errorf("fault %q: times is a positive number or -1", text)
	}
	return setting, c.known(name)
}

func (c Catalogue) known(name string) error {
	if names := c.Names(); !slices.Contains(names, name) {
		return fmt.Errorf("%w %q; there are: %s", ErrUnknownFault, name, strings.Join(names, ", "))
	}
	return nil
}

// checked gives the setting with its call filled in.
func (c Catalogue) checked(f Setting) (Setting, error) {
	if f.Call == "" {
		f.Call = c.Calls[0]
	}
	if f.Call != AnyCall && !slices.Contains(c.Calls, f.Call) {
		return f, fmt.Errorf("call %q is not one of %s or %s", f.Call, strings.Join(c.Calls, ", "), AnyCall)
	}
	if f.Times < Always {
		return f, fmt.Errorf("times is a positive number, 0 or -1, not %d", f.Times)
	}
	if f.Name == NoFault {
		f.Times = 0
		return f, nil
	}
	return f, c.known(f.Name)
}

// Faults are those that are set. A call takes the one that names it most closely. It is safe for use by many goroutines at once.
type Faults struct {
	catalogue Catalogue

	mu      sync.Mutex
	waiting []Setting
}

// NewFaults checks what is set from the start, which is used up in this order. The catalogue has at least one call.
func NewFaults(catalogue Catalogue, start ...Setting) (*Faults, error) {
	faults := &Faults{catalogue: catalogue}
	for _, setting := range start {
		if err := faults.Add(setting); err != nil {
			return nil, err
		}
	}
	return faults, nil
}

// Add puts a fault behind those already set.
func (q *Faults) Add(setting Setting) error {
	setting, err := q.catalogue.checked(setting)
	if err != nil {
		return err
	}
	if setting.Times == 0 {
		return fmt.Errorf("fault %s: times is 0", setting.Name)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, setting)
	return nil
}

// Set replaces what is set for the same call and account; times 0 leaves nothing there. AnyCall replaces every call's, and clearing without an
// account clears every account's.
func (q *Faults) Set(setting Setting) error {
	setting, err := q.catalogue.checked(setting)
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = slices.DeleteFunc(q.waiting, setting.replaces)
	if setting.Times != 0 {
		q.waiting = append(q.waiting, setting)
	}
	return nil
}

func (f Setting) replaces(other Setting) bool {
	sameCall := f.Call == AnyCall || f.Call == other.Call
	return sameCall && (f.Account == other.Account || f.Account == "" && f.Times == 0)
}

// fit tells how closely the setting names a call: 0 is not at all; an account counts more than a call.
func (f Setting) fit(call, account string) int {
	if f.Call != AnyCall && f.Call != call || f.Account != "" && f.Account != account {
		return 0
	}
	fit := 1
	if f.Call != AnyCall {
		fit++
	}
	if f.Account != "" {
		fit += 2
	}
	return fit
}

// Take uses up one of the fault that names the call most closely, the first of several, and gives its name, or "".
func (q *Faults) Take(call, account string) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	at, best := -1, 0
	for i, setting := range q.waiting {
		if fit := setting.fit(call, account); fit > best {
			at, best = i, fit
		}
	}
	if at < 0 {
		return ""
	}
	name := q.waiting[at].Name
	q.use(at)
	return name
}

func (q *Faults) use(at int) {
	if q.waiting[at].Times > 0 {
		q.waiting[at].Times--
	}
	if q.waiting[at].Times == 0 {
		q.waiting = slices.Delete(q.waiting, at, at+1)
	}
}

// Clear takes all faults away.
func (q *Faults) Clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = nil
}

// List gives those that are set.
func (q *Faults) List() []Setting {
	q.mu.Lock()
	defer q.mu.Unlock()
	return append([]Setting{}, q.waiting...)
}
