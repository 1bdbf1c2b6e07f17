package providertest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/settings"
)

// The sample orders that rules ask for.
const (
	Succeeds       = "succeeds"        // ends Succeeded within Harness.Settle. Every harness has it
	Pending        = "pending"         // stays pending for longer than the suite looks
	Refused        = "refused"         // is declined by the provider itself
	UnknownAccount = "unknown_account" // its account looks right, and the provider doesn't know it
	Refunded       = "refunded"        // ends Refunded within Harness.Settle. Optional
	Bill           = "bill"            // has no amount: Inquire tells it, with a token for one payment, by which it succeeds. Optional
	Panics         = "panics"          // the provider's code panics over it. Optional, for plugins that are made for tests
	Noisy          = "noisy"           // succeeds, and the provider's code prints to standard output. Optional, as above
)

// The faults that only the provider's own side can play.
const (
	UnknownStatus = "unknown_status" // executes, and answers with a status that nobody documents
	WrongAccount  = "wrong_account"  // executes, and answers with another account
	WrongAmount   = "wrong_amount"   // executes, and answers with another amount
	WrongProduct  = "wrong_product"  // executes, and answers with another product
)

// The faults that the suite plays on the way. A sandbox that has some of its own names them, and each of them is asked for as well.
const (
	LostAfter  = "lost_after"  // executes, and its answer never arrives
	LostBefore = "lost_before" // the request arrives, nothing is executed, no answer
	Unreadable = "unreadable"  // executes, and the answer is not what is documented
)

// SignedCallback is what Harness.Callback is called in Harness.Lacks.
const SignedCallback = "callback"

// New makes a set of calls from settings. end gives up what was made; it is called once. An error that has the method SettingKey() string, anywhere in its chain, names
// the setting that is to blame.
type New func(ctx context.Context, settings json.RawMessage) (set core.Set, end func() error, err error)

// InProcess makes sets in this process. As a host does, it holds the settings against the factory's schema first.
func InProcess(factory core.Factory) New {
	return func(_ context.Context, given json.RawMessage) (core.Set, func() error, error) {
		schema, err := settings.Compile(factory.Schema)
		if err != nil {
			return core.Set{}, nil, err
		}
		if problems := schema.Check(given); len(problems) > 0 {
			return core.Set{}, nil, &core.SettingError{Key: problems[0].Key, Rule: problems[0].Rule}
		}
		set, err := factory.New(given)
		return set, func() error { return nil }, err
	}
}

// Harness is what the suite must know of a provider.
type Harness struct {
	// New makes the provider. Required.
	New New
	// Remote: it runs in another process, whose goroutines can't be counted here.
	Remote bool
	// Settings are good ones, a JSON object that holds the address of the sandbox. Required.
	Settings json.RawMessage
	// Schema is the JSON Schema of the settings. Default: the provider publishes none.
	Schema json.RawMessage
	// Required are the settings that can't be left out. Default: those of the schema.
	Required []string
	// Secrets are texts that no error may show. Default: the values of the settings that the schema calls writeOnly.
	Secrets []string

	// Sandbox is the address of the sandbox, as it stands in the settings: scheme, host and port. Required.
	Sandbox string
	// Samples are orders by name; Succeeds is required.
	Samples map[string]Sample
	// Faults are the sandbox's names of the faults. A name may be followed by further parameters of its own ("cut-after&call=pay").
	Faults map[string][]string
	// Callback is one that the provider would send.
	Callback *CallbackSample
	// Lacks says of a sample, a fault or SignedCallback why there is none.
	Lacks map[string]string

	// Call bounds one call. Default: 10 s.
	Call time.Duration
	// Deadline is what a call that gets no answer is given. Default: 500 ms.
	Deadline time.Duration
	// Grace is how long after its deadline a call may return. Default: 2 s.
	Grace time.Duration
	// Settle is how long an order may take to its end. Default: 10 s.
	Settle time.Duration
	// Every is the pause between two Status calls. Default: 50 ms.
	Every time.Duration
	// Parallel is the number of calls at once. Default: 64.
	Parallel int

	// Only are the rules that are asked. Default: all of them.
	Only []string
	// Extra are rules of the author's own, or of how the provider is run.
	Extra []Rule
}

// Sample is an order.
type Sample struct {
	Merchant core.MerchantCode  `json:"merchant,omitempty"` // default: Product
	Product  string             `json:"product"`
	Account  core.AccountNumber `json:"account"`
	Amount   core.Money         `json:"amount"` // zero Money: a bill, whose amount the provider tells
	Extra    map[string]string  `json:"extra,omitempty"`
	Code     core.Code          `json:"code,omitempty"` // why it is refused, where that is known
}

// CallbackSample is a request as the provider would send it, and the order that it is about.
type CallbackSample struct {
	Request core.CallbackRequest
	Order   core.CallbackOrder
	// Unsigned: this provider signs nothing, so that everything is taken for a hint.
	Unsigned bool
}

// Defaults of a Harness.
const (
	defaultCall     = 10 * time.Second
	defaultDeadline = 500 * time.Millisecond
	defaultGrace    = 2 * time.Second
	defaultSettle   = 10 * time.Second
	defaultEvery    = 50 * time.Millisecond
	defaultParallel = 64
)

func samples() []string {
	return []string{Succeeds, Pending, Refused, UnknownAccount, Refunded, Bill, Panics, Noisy}
}

func faults() []string {
	return []string{UnknownStatus, WrongAccount, WrongAmount, WrongProduct, LostAfter, LostBefore, Unreadable}
}

// checked gives the harness with its defaults.
func (h Harness) checked() (Harness, error) {
	h.Call = cmp.Or(h.Call, defaultCall)
	h.Deadline = cmp.Or(h.Deadline, defaultDeadline)
	h.Grace = cmp.Or(h.Grace, defaultGrace)
	h.Settle = cmp.Or(h.Settle, defaultSettle)
	h.Every = cmp.Or(h.Every, defaultEvery)
	h.Parallel = cmp.Or(h.Parallel, defaultParallel)
	if err := h.checkRequired(); err != nil {
		return Harness{}, err
	}
	if err := h.checkNames(); err != nil {
		return Harness{}, err
	}
	if err := h.checkAddress(); err != nil {
		return Harness{}, err
	}
	schema, err := readSchema(h.Schema)
	if err != nil {
		return h, nil //nolint:nilerr // a rule says so
	}
	if h.Required == nil {
		h.Required = schema.Required
	}
	compiled, err := settings.Compile(h.Schema)
	if err == nil && h.Secrets == nil {
		h.Secrets = compiled.Secrets(h.Settings)
	}
	return h, nil
}

func (h Harness) checkRequired() error {
	if h.New == nil {
		return errors.New("harness: New is required")
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(h.Settings, &object) != nil || object == nil {
		return errors.New("harness: the settings must be a JSON object")
	}
	if h.Samples[Succeeds].Product == "" {
		return fmt.Errorf("harness: the sample %q is required, with its product", Succeeds)
	}
	return nil
}

func (h Harness) checkNames() error {
	for _, name := range slices.Sorted(maps.Keys(h.Samples)) {
		if !slices.Contains(samples(), name) {
			return fmt.Errorf("harness: there is no sample %q, only %s", name, strings.Join(samples(), ", "))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(h.Faults)) {
		if !slices.Contains(faults(), name) {
			return fmt.Errorf("harness: there is no fault %q, only %s", name, strings.Join(faults(), ", "))
		}
	}
	known := append(append(samples(), faults()...), SignedCallback)
	for _, name := range slices.Sorted(maps.Keys(h.Lacks)) {
		switch {
		case !slices.Contains(known, name) || name == Succeeds:
			return fmt.Errorf("harness: %q can't be lacking", name)
		case h.Lacks[name] == "":
			return fmt.Errorf("harness: lacks %q, and doesn't say why", name)
		case h.names(name):
			return fmt.Errorf("harness: lacks %q, and names it", name)
		}
	}
	return nil
}

func (h Harness) checkAddress() error {
	address, err := url.Parse(h.Sandbox)
	if err != nil || address.Scheme != "http" && address.Scheme != "https" || address.Host == "" || strings.Trim(address.Path, "/") != "" {
		return fmt.Errorf("harness: the sandbox's address must be scheme, host and port, not %q", h.Sandbox)
	}
	if !strings.Contains(string(h.Settings), h.origin()) {
		return fmt.Errorf("harness: the settings don't hold the sandbox's address %s, so that nothing could be put between", h.origin())
	}
	return nil
}

func (h Harness) origin() string { return strings.TrimRight(h.Sandbox, "/") }

// at gives the settings with another address in place of the sandbox's.
func (h Harness) at(address string) json.RawMessage {
	return json.RawMessage(strings.ReplaceAll(string(h.Settings), h.origin(), address))
}

// names reports whether the harness has such a sample, fault or callback.
func (h Harness) names(need string) bool {
	_, sample := h.Samples[need]
	return sample || len(h.Faults[need]) > 0 || need == SignedCallback && h.Callback != nil
}
