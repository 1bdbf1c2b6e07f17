package plugintest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/providertest"
	"github.com/jalurhq/jalur/plugins/host"
	"github.com/jalurhq/jalur/plugins/reattach"
)

// endsWithin is how long a process may live on after its host.
const endsWithin = 2 * time.Second

// Process makes the harness one of the plugin that cfg names, in a process of its own as a gateway runs it, and adds the rules that are about the process. Name, Settings,
// Secrets, Logger and Grace of cfg are the harness's business. Traces cross the boundary where this process has a propagator (otel.SetTextMapPropagator).
//
// The schema of the settings is asked of the plugin itself; an error means that it could not be.
func Process(ctx context.Context, h providertest.Harness, cfg host.Config) (providertest.Harness, error) {
	cfg.Name, cfg.Secrets, cfg.Grace = "plugin", nil, endsWithin
	cfg.Logger = slog.New(slog.DiscardHandler)
	h.Remote = true
	h.New = func(ctx context.Context, settings json.RawMessage) (core.Set, func() error, error) {
		p, err := launch(ctx, cfg, settings)
		if err != nil {
			return core.Set{}, nil, err
		}
		return p.Set(), func() error { return p.Stop(context.WithoutCancel(ctx)) }, nil
	}
	h.Extra = append(h.Extra, processRules(cfg)...)
	var err error
	h.Schema, err = schemaOf(ctx, cfg)
	return h, err
}

// schemaOf runs the plugin for a moment.
func schemaOf(ctx context.Context, cfg host.Config) (schema json.RawMessage, err error) {
	running, err := reattach.Run(ctx, reattach.Program{Plugin: cfg.Plugin, Shipped: cfg.Shipped, Output: io.Discard})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, running.Stop()) }()
	return reattach.Schema(ctx, running.Target)
}

// launch starts a plugin and waits for its first process.
func launch(ctx context.Context, cfg host.Config, settings json.RawMessage) (*host.Plugin, error) {
	cfg.Settings = settings
	p, err := host.Start(ctx, cfg)
	if err != nil {
		return nil, keyed(err)
	}
	if err := p.Started(ctx); err != nil {
		return nil, errors.Join(keyed(err), p.Stop(context.WithoutCancel(ctx)))
	}
	return p, nil
}

func keyed(err error) error {
	if refused, ok := errors.AsType[*host.SettingsError](err); ok {
		return &core.SettingError{Key: refused.Key, Rule: refused.Rule}
	}
	return err
}

// bench runs rules about the process.
type bench struct{ cfg host.Config }

func processRules(cfg host.Config) []providertest.Rule {
	b := bench{cfg}
	named := func(sample string) func(*providertest.Bench) bool {
		return func(b *providertest.Bench) bool { _, ok := b.Harness.Samples[sample]; return ok }
	}
	return []providertest.Rule{{
		Name:  "process-ignores-sigterm",
		Why:   "a service manager signals every process of the unit at once: plugins that die then cut the payments that the host still finishes",
		Check: b.with(ignoresSigterm),
	}, {
		Name:  "process-ends-with-its-host",
		Why:   "a plugin that outlives its host goes on with credentials that nobody watches",
		Check: b.endsWithHost,
	}, {
		Name:  "process-finishes-its-calls",
		Why:   "a call that is cut at a reload is a payment that nobody knows the end of",
		Check: b.with(finishes),
	}, {
		Name:  "process-killed-while-paying",
		Why:   "a process can die at any moment: what it alone knew of an order is lost",
		Check: b.with(killed),
	}, {
		Name: "process-survives-a-panic", When: "plugins that offer a sample at which their code panics", Applies: named(providertest.Panics),
		Why:   "one bad answer must not end every other call in the process",
		Check: b.with(panics),
	}, {
		Name: "process-keeps-stdout-clean", When: "plugins that offer a sample at which their code prints", Applies: named(providertest.Noisy),
		Why:   "standard output belongs to the handshake, and every library prints to it some day",
		Check: b.with(noisy),
	}, {
		Name: "process-leaves-no-files-open", When: "systems with /proc", Applies: func(*providertest.Bench) bool { return hasProc() },
		Why:   "what one call leaves open, a million calls make into an outage",
		Check: b.with(files),
	}, {
		Name:  "process-logs-no-secrets",
		Why:   "what a plugin prints ends in the gateway's log, and from there elsewhere",
		Check: b.logs,
	}}
}

type check = func(context.Context, *providertest.Bench, *host.Plugin)

// with gives a rule a process of its own.
func (b bench) with(check check) func(context.Context, *providertest.Bench) {
	return func(ctx context.Context, bench *providertest.Bench) {
		p, err := launch(ctx, b.cfg, bench.Settings())
		if err != nil {
			bench.Failf("the plugin can't be started: %v", err)
			return
		}
		check(ctx, bench, p)
		if err := p.Stop(context.WithoutCancel(ctx)); err != nil {
			bench.Failf("stop: %v", err)
		}
	}
}

func ignoresSigterm(ctx context.Context, b *providertest.Bench, p *host.Plugin) {
	pid := p.State().PID
	if err := unix.Kill(pid, unix.SIGTERM); err != nil {
		b.Failf("the process could not be signalled: %v", err)
		return
	}
	settle(ctx, time.Second, func() bool { return p.State().PID != pid })
	same(ctx, b, p, pid)
}

// same wants the process to be the same and to answer.
func same(ctx context.Context, b *providertest.Bench, p *host.Plugin, pid int) {
	ctx, cancel := context.WithTimeout(ctx, b.Harness.Call)
	defer cancel()
	_, err := p.Provider().ListProducts(ctx, core.ProductFilter{Product: b.Harness.Samples[providertest.Succeeds].Product})
	if now := p.State(); now.PID != pid || now.Restarts > 0 || err != nil {
		b.Failf("the process has ended, or answers no more (%s, %v)", now.LastErr, err)
	}
}

// settle waits until something is so, at most that long, and reports whether it is.
func settle(ctx context.Context, most time.Duration, so func() bool) bool {
	const every = 10 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for !so() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return so()
		}
	}
	return true
}

// endsWithHost takes the process's standard input away, as the host's end does. SIGTERM, which comes with it, another rule wants to be ignored.
func (b bench) endsWithHost(ctx context.Context, bench *providertest.Bench) {
	p, err := launch(ctx, b.cfg, bench.Settings())
	if err != nil {
		bench.Failf("the plugin can't be started: %v", err)
		return
	}
	began := time.Now()
	if err := p.Stop(context.WithoutCancel(ctx)); err != nil {
		bench.Failf("stop: %v", err)
	}
	if time.Since(began) >= endsWithin {
		bench.Failf("%s after the end of its standard input the process still lived, and was killed", endsWithin)
	}
}

func finishes(ctx context.Context, b *providertest.Bench, p *host.Plugin) {
	order, ok := b.Order(ctx, providertest.Succeeds)
	if !ok {
		return
	}
	executed, letGo := b.Hold()
	answered := make(chan providertest.Answer, 1)
	go func() { answered <- b.PayAt(ctx, p.Set(), order) }()
	if !happens(ctx, b, executed) {
		letGo()
		<-answered
		return
	}
	stopped := make(chan error, 1)
	go func() { stopped <- p.Stop(context.WithoutCancel(ctx)) }()
	settle(ctx, b.Harness.Call, func() bool { return p.State().Phase == host.Stopped })
	settle(ctx, b.Harness.Deadline, func() bool { return false }) // the call goes on for a while
	letGo()
	if answer := <-answered; answer.Err != nil {
		b.Failf("the plugin was stopped during a call, and the call ended as %s", answer)
	}
	if err := <-stopped; err != nil {
		b.Failf("stop: %v", err)
	}
}

func happens(ctx context.Context, b *providertest.Bench, executed <-chan struct{}) bool {
	ctx, cancel := context.WithTimeout(ctx, b.Harness.Call)
	defer cancel()
	select {
	case <-executed:
		return true
	case <-ctx.Done():
		b.Failf("no request of the order made the sandbox's ledger grow")
		return false
	}
}

func killed(ctx context.Context, b *providertest.Bench, p *host.Plugin) {
	order, ok := b.Order(ctx, providertest.Succeeds)
	if !ok {
		return
	}
	executed, letGo := b.Hold()
	answered := make(chan providertest.Answer, 1)
	go func() { answered <- b.PayAt(ctx, p.Set(), order) }()
	pid := p.State().PID
	if happens(ctx, b, executed) {
		_ = unix.Kill(pid, unix.SIGKILL) // it fails only where there is nobody
	}
	answer := <-answered
	letGo()
	if answer.Err == nil || answer.Outcome() != core.Unknown {
		b.Failf("the process was killed during a call, and the call ended as %s", answer)
		return
	}
	settle(ctx, b.Harness.Call, func() bool { now := p.State(); return now.Phase == host.Ready && now.PID != pid })
	asked := b.StatusAt(ctx, p.Set(), answer) // by the next process
	if outcome := asked.Outcome(); outcome.NothingMoved() || asked.Err == nil && !b.CanAsk(answer) {
		b.Failf("the next process, asked for the order, said %s", asked)
	}
	if b.CanAsk(answer) && asked.Err != nil {
		b.Failf("the order can be asked for by its reference, and the next process said %s", asked)
	}
}

func panics(ctx context.Context, b *providertest.Bench, p *host.Plugin) {
	order, ok := b.Order(ctx, providertest.Panics)
	if !ok {
		return
	}
	pid := p.State().PID
	if answer := b.PayAt(ctx, p.Set(), order); answer.Err == nil || answer.Outcome() != core.Unknown {
		b.Failf("the provider's code panicked, and the call ended as %s", answer)
	}
	same(ctx, b, p, pid)
}

func noisy(ctx context.Context, b *providertest.Bench, p *host.Plugin) {
	order, ok := b.Order(ctx, providertest.Noisy)
	if !ok {
		return
	}
	pid := p.State().PID
	if answer := b.PayAt(ctx, p.Set(), order); answer.Err != nil {
		b.Failf("the provider's code printed to standard output, and the call ended as %s", answer)
	}
	same(ctx, b, p, pid)
}

func hasProc() bool {
	_, err := os.Stat("/proc/self/fd")
	return err == nil
}

// files makes the same calls twice and counts the open files after each time.
func files(ctx context.Context, b *providertest.Bench, p *host.Plugin) {
	const calls, slack = 60, 20
	rounds := func() {
		for range calls {
			if order, ok := b.Order(ctx, providertest.Succeeds); ok {
				b.PayAt(ctx, p.Set(), order)
			}
		}
	}
	open := func() int {
		names, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(p.State().PID), "fd"))
		if err != nil {
			b.Failf("its open files can't be counted: %v", err)
		}
		return len(names)
	}
	rounds()
	before := open()
	rounds()
	if !settle(ctx, b.Harness.Settle, func() bool { return open() <= before+slack }) {
		b.Failf("%d calls left %d files open", calls, open()-before)
	}
}

// logs runs the plugin without the host, which would hide what must not be there, and looks at all that it prints.
func (b bench) logs(ctx context.Context, bench *providertest.Bench) {
	printed, proofs := &lines{}, []string(nil)
	running, err := reattach.Run(ctx, reattach.Program{Plugin: b.cfg.Plugin, Shipped: b.cfg.Shipped, Output: printed})
	if err != nil {
		bench.Failf("%v", err)
		return
	}
	if set, done, err := reattach.Connect(running.Target, bench.Settings()); err != nil {
		bench.Failf("%v", err)
	} else {
		proofs = b.everything(ctx, bench, set)
		if err := done(); err != nil {
			bench.Failf("%v", err)
		}
	}
	if err := running.Stop(); err != nil {
		bench.Failf("%v", err)
	}
	for _, secret := range bench.Harness.Secrets {
		if printed.has(secret) {
			bench.Failf("a line that it printed shows a secret")
		}
	}
	const least = 6 // a shorter number can stand in a text by chance
	for _, sample := range bench.Harness.Samples {
		if account := string(sample.Account); len(account) >= least && printed.has(account) {
			bench.Failf("a line that it printed shows the whole account number %s", sample.Account)
		}
	}
	for _, proof := range proofs {
		if len(proof) >= least && printed.has(proof) {
			bench.Failf("a line that it printed shows the proof of a delivery, which can be the voucher itself")
		}
	}
}

// everything makes each sample's order once, asks for it, and gives what proves the deliveries.
func (b bench) everything(ctx context.Context, bench *providertest.Bench, set core.Set) (proofs []string) {
	_, _ = set.Provider.ListProducts(ctx, core.ProductFilter{}) // what it answers other rules are about
	for _, name := range slices.Sorted(maps.Keys(bench.Harness.Samples)) {
		if name == providertest.UnknownAccount || name == providertest.Panics {
			continue // there may be no quote for it; and a panic prints what it likes
		}
		if order, ok := bench.Order(ctx, name); ok {
			paid := bench.PayAt(ctx, set, order)
			proofs = append(proofs, paid.Result.Reference, bench.StatusAt(ctx, set, paid).Result.Reference)
		}
	}
	return proofs
}

// lines is what a plugin has printed.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements [io.Writer].
func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *lines) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Contains(l.text.Bytes(), []byte(text))
}
