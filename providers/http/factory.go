package httpspec

import (
	_ "embed"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/cel-go/cel"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/transport"
)

//go:embed schema.json
var schema []byte

const mostBody = 64 << 20

// Factory makes providers of descriptions.
func Factory() core.Factory { return core.Factory{Schema: slices.Clone(schema), New: New} }

// New makes the provider that the settings describe, with a transport of its own. Errors are [*core.SettingError].
func New(raw json.RawMessage) (core.Set, error) {
	set, described, err := parse(raw)
	if err != nil {
		return core.Set{}, err
	}
	made, err := compile(set, described)
	if err != nil {
		return core.Set{}, err
	}
	out := core.Set{Provider: made}
	if made.balance != nil {
		out.Balances = made
	}
	if made.callback != nil {
		out.Callbacks = made
	}
	return out, nil
}

// compile checks the whole description. Nothing of it is left to be found out while money is on its way.
func compile(set settings, s spec) (*Provider, error) {
	if set.MaxBody < 0 || set.MaxBody > mostBody {
		return nil, &core.SettingError{Key: "max_body", Rule: "must be a number of bytes, at most 67108864"}
	}
	p := &Provider{
		bills: s.Describe.Bills, loose: s.Reading.Spelling == spellingLoose, now: time.Now,
		http: transport.New(transport.Config{MaxBody: set.MaxBody}),
		vars: prefixed("vars", set.Vars), secrets: prefixed("secrets", set.Secrets),
	}
	r, err := s.reading(secretsOf(set.Secrets))
	if err != nil {
		return nil, err
	}
	if p.descriptor, err = s.descriptor(); err != nil {
		return nil, err
	}
	open, closed, err := p.scopes()
	if err != nil {
		return nil, err
	}
	all := p.forRequest(p.vars)
	if p.descriptor.Instance, err = s.instance(closed, set.BaseURL, all); err != nil {
		return nil, err
	}
	return p, s.calls(p, builder{reading: r, open: open, closed: closed, baseURL: set.BaseURL})
}

// scopes gives that of answers, which is open to see, and that of requests, with the secrets.
func (p *Provider) scopes() (open, closed scope, err error) {
	options := functions()
	for name := range p.vars {
		options = append(options, cel.Variable(name, cel.StringType))
	}
	if open, err = newScope(options...); err != nil {
		return open, closed, err
	}
	options = []cel.EnvOption{cel.Variable("now", cel.TimestampType)}
	for name := range p.secrets {
		options = append(options, cel.Variable(name, cel.StringType))
	}
	closed, err = open.with(options...)
	return open, closed, err
}

// How keys and values of answers may be spelled.
const (
	exact         = "exact"
	keysFolded    = "folded"
	spellingLoose = "loose"
)

func (s *spec) reading(clean cleaner) (*reading, error) {
	if !slices.Contains([]string{"", exact, keysFolded}, s.Reading.Keys) {
		return nil, &core.SettingError{Key: specKey + ".reading.keys", Rule: "must be exact or folded"}
	}
	if !slices.Contains([]string{"", exact, spellingLoose}, s.Reading.Spelling) {
		return nil, &core.SettingError{Key: specKey + ".reading.spelling", Rule: "must be exact or loose"}
	}
	reasons, err := s.Reasons.table()
	return &reading{
		foldKeys: s.Reading.Keys == keysFolded, nothing: s.Reading.Nothing, loose: s.Reading.Spelling == spellingLoose,
		currency: s.Describe.currency(), reasons: reasons, clean: clean,
	}, err
}

// builder compiles the calls of a description.
type builder struct {
	reading      *reading
	open, closed scope
	baseURL      string
}

// calls compiles all that the description has.
func (s *spec) calls(p *Provider, b builder) error {
	if s.Request.Path != "" || s.Request.Text != "" || s.Request.Escape != "" {
		return &core.SettingError{Key: specKey + ".request", Rule: "has what all requests have: method, query, headers, and members of form or json"}
	}
	refused := []string{outcomeOK, core.Declined.String(), outcomeUnknown}
	settled := []string{
		core.Succeeded.String(), core.Pending.String(), core.Declined.String(), core.Refunded.String(), outcomeUnknown,
	}
	invoice := cel.Variable("invoice", cel.StringType)
	var err error
	for _, c := range []struct {
		name     string
		spec     *callSpec
		into     **call
		kinds    map[string]kind
		outcomes []string
		options  []cel.EnvOption
	}{
		{"inquire", s.Inquire, &p.inquire, quoteFields(), refused, orderVariables()},
		{"pay", s.Pay, &p.pay, orderFields(), settled, orderVariables()},
		{"status", s.Status, &p.status, orderFields(), settled, append(orderVariables(), invoice)},
		{"balance", s.Balance, &p.balance, balanceFields(), refused, nil},
	} {
		if c.spec == nil {
			continue
		}
		c.spec.Request = c.spec.Request.merged(s.Request)
		if *c.into, err = b.call(specKey+"."+c.name, *c.spec, c.options, c.kinds, c.outcomes); err != nil {
			return err
		}
	}
	return s.rest(p, b)
}

func (b builder) call(key string, c callSpec, options []cel.EnvOption, kinds map[string]kind, outcomes []string) (*call, error) {
	requests, err := b.closed.with(options...)
	if err != nil {
		return nil, err
	}
	scopes, err := b.reading.scopes(b.open)
	if err != nil {
		return nil, err
	}
	made := &call{}
	if made.request, err = c.Request.compile(key+".request", b.baseURL, requests); err != nil {
		return nil, err
	}
	made.answer, err = c.compile(key, b.reading, scopes, kinds, outcomes)
	return made, err
}

func (s *spec) rest(p *Provider, b builder) error {
	listing, err := b.closed.with(vars(cel.StringType, "cursor", "product")...)
	if err != nil {
		return err
	}
	s.ListProducts.Request = s.ListProducts.Request.merged(s.Request)
	if p.list, err = s.ListProducts.compile(b.reading, listing, b.open, b.baseURL); err != nil {
		return err
	}
	p.list.amount = p.descriptor.Amounts
	if s.Callback != nil {
		p.callback, err = s.Callback.compile(b.reading, b.closed)
	}
	return err
}
