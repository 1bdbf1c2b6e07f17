package config

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	sqliteScheme   = "sqlite://"
	postgresScheme = "postgres://"
	postgresAlias  = "postgresql://"
)

// The strategies that a later version will know.
const (
	strategyWeighted  = "weighted"
	strategyLeastCost = "least_cost"
)

var (
	hexSHA256    = regexp.MustCompile(`^[0-9a-f]{64}$`)
	providerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	clientID     = regexp.MustCompile(`^[^:\s[:cntrl:]]+$`)
)

// Check holds a configuration against its rules, with the defaults in place of what isn't set. The error is [Errors]. What [Load] returned has been
// checked.
func (c Config) Check() error {
	found := newFindings(c.src)
	checker{found: found, config: c.WithDefaults()}.run()
	return found.err()
}

// checker looks for what types can't say. Its config has its defaults.
type checker struct {
	found  *findings
	config Config
}

func (c checker) run() {
	c.journal(root.child("journal"))
	if c.config.SpillPath() == c.config.JournalPath() {
		c.found.add(root.child("spill"), "must be a folder of its own, not the journal")
	}
	for name, p := range c.config.Providers {
		c.provider(root.child("providers").child(name), name, p)
	}
	c.routes(root.child("routes"))
	c.server(root.child("server"))
	if c.config.Resolve.SecondPersonAbove < 0 {
		c.found.add(root.child("resolve").child("second_person_above"), "must be more than 0")
	}
}

func (c checker) journal(at path) {
	file, isSQLite := strings.CutPrefix(c.config.Journal, sqliteScheme)
	switch {
	case isPostgres(c.config.Journal):
		if !namesDatabase(c.config.Journal) {
			c.found.add(at, "must be "+postgresScheme+"USER@HOST/DATABASE")
		}
	case !isSQLite || file == "":
		c.found.add(at, "must be sqlite://FILE, such as "+DefaultJournal+", or "+postgresScheme+"USER@HOST/DATABASE")
	case strings.Contains(file, ":memory:") || strings.HasSuffix(file, "/"):
		c.found.add(at, "must name a file: the journal has to outlive the process")
	case strings.ContainsAny(file, "?#"):
		c.found.add(at, "takes a file's path only, no options after it")
	}
}

func isPostgres(journal string) bool {
	return strings.HasPrefix(journal, postgresScheme) || strings.HasPrefix(journal, postgresAlias)
}

// namesDatabase looks only whether the database is named: without a name it would be the user's, which is hardly ever meant. Several hosts with ports are no
// URL in the strict sense, so the address is not parsed as one.
func namesDatabase(address string) bool {
	_, rest, _ := strings.Cut(address, "://")
	rest, options, _ := strings.Cut(rest, "?")
	_, database, _ := strings.Cut(rest, "/")
	return database != "" || strings.Contains("&"+options, "&dbname=")
}

func (c checker) provider(at path, name string, p Provider) {
	if !providerName.MatchString(name) {
		c.found.add(at, "a provider's name is up to 64 letters, digits, '.', '_' and '-', and begins with a letter or digit")
	}
	if p.Plugin == "" {
		c.found.add(at.child("plugin"), "must name a shipped plugin or the path of a plugin binary")
	}
	c.program(at, p)
	c.positive(at.child("timeout"), p.Timeout > 0)
	if _, err := p.Limits.Bytes(); err != nil {
		c.found.add(at.child("limits").child("memory"), err.Error())
	}
	c.positive(at.child("limits").child("cpus"), p.Limits.CPUs >= 0)
	breaker := at.child("breaker")
	c.positive(breaker.child("calls"), p.Breaker.Calls > 0)
	c.positive(breaker.child("within"), p.Breaker.Within > 0)
	c.positive(breaker.child("open_for"), p.Breaker.OpenFor > 0)
	if ratio := p.Breaker.Ratio; !(ratio > 0 && ratio <= 1) {
		c.found.add(breaker.child("ratio"), "must be more than 0 and at most 1")
	}
}

// program looks at how the plugin's files are pinned.
func (c checker) program(at path, p Provider) {
	c.sha256(at.child("sha256"), p.SHA256)
	switch {
	case p.ReloadOnChange && !p.IsPath():
		c.found.add(at.child("reload_on_change"), "is for a plugin that is a path")
	case p.Manifest == "":
	case !p.IsPath():
		c.found.add(at.child("manifest"), "is for a plugin that is a path")
	case p.SHA256 == "":
		c.found.add(at.child("sha256"), "must be the SHA-256 of the manifest, as 64 hex digits")
	case !isBelow(filepath.Dir(p.Manifest), p.Plugin):
		c.found.add(at.child("manifest"), "must lie in the plugin's folder, or in one above it")
	}
}

func isBelow(folder, file string) bool {
	below, err := filepath.Rel(folder, file)
	return err == nil && filepath.IsLocal(below)
}

func (c checker) positive(at path, ok bool) {
	if !ok {
		c.found.add(at, rulePositive)
	}
}

func (c checker) sha256(at path, hash string) {
	if hash != "" && !hexSHA256.MatchString(hash) {
		c.found.add(at, "must be a SHA-256 as 64 hex digits")
	}
}

func (c checker) routes(at path) {
	first := map[string]path{}
	for i, route := range c.config.Routes {
		merchant := at.item(i).child("merchant")
		switch earlier, again := first[route.Merchant]; {
		case route.Merchant == "":
			c.found.add(merchant, `must be a merchant's code, or "*" for all others`)
		case again:
			c.found.add(merchant, c.quote(merchant, route.Merchant)+" has a route already: "+earlier.String())
		default:
			first[route.Merchant] = at.item(i)
		}
		c.strategy(at.item(i).child("strategy"), route.Strategy)
		c.lanes(at.item(i).child("via"), route.Via)
	}
}

func (c checker) strategy(at path, strategy string) {
	switch strategy {
	case StrategyPriority:
	case strategyWeighted, strategyLeastCost:
		c.found.add(at, strconv.Quote(strategy)+" is not supported in this version; use "+strconv.Quote(StrategyPriority))
	default:
		c.unknown(at, "strategy", strategy, []string{StrategyPriority, strategyWeighted, strategyLeastCost})
	}
}

func (c checker) lanes(at path, lanes []Lane) {
	if len(lanes) == 0 {
		c.found.add(at, "must list at least one provider")
	}
	first := map[string]path{}
	for i, lane := range lanes {
		provider := at.item(i).child("provider")
		_, configured := c.config.Providers[lane.Provider]
		switch earlier, again := first[lane.Provider]; {
		case lane.Provider == "":
			c.found.add(provider, "must name a provider")
		case again:
			c.found.add(provider, c.quote(provider, lane.Provider)+" is listed already: "+earlier.String())
		case !configured:
			c.unknown(provider, "configured provider", lane.Provider, c.providerNames())
		}
		first[lane.Provider] = at.item(i)
	}
}

func (c checker) providerNames() []string {
	return slices.Collect(maps.Keys(c.config.Providers))
}

// unknown reports a name that should be one of a few.
func (c checker) unknown(at path, what, name string, known []string) {
	rule := fmt.Sprintf("no %s %q", what, name)
	if c.hidden(at) {
		name, rule = "", "no such "+what
	}
	c.found.add(at, rule+suggest(name, known))
}

func (c checker) hidden(at path) bool { return c.found.src != nil && c.found.src.hidden[at] }

func (c checker) quote(at path, value string) string { return c.found.src.quote(at, value) }

func (c checker) server(at path) {
	c.listen(at.child("listen"))
	c.publicURL(at.child("public_url"))
	first := map[string]path{}
	for i, client := range c.config.Server.Clients {
		here := at.child("clients").item(i)
		c.client(here, client)
		if earlier, again := first[client.ID]; again && client.ID != "" {
			c.found.add(here.child("id"), c.quote(here.child("id"), client.ID)+" is listed already: "+earlier.String())
			continue
		}
		first[client.ID] = here
	}
}

func (c checker) listen(at path) {
	host, port, err := net.SplitHostPort(c.config.Server.Listen)
	_, portErr := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil || portErr != nil:
		c.found.add(at, "must be HOST:PORT, such as "+DefaultListen)
	case len(c.config.Server.Clients) == 0 && !isLoopback(host):
		c.found.add(at, "must be a loopback address, such as "+DefaultListen+", unless server.clients lists who may call")
	}
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.Unmap().IsLoopback()
}

func (c checker) publicURL(at path) {
	if c.config.Server.PublicURL == "" {
		return
	}
	u, err := url.Parse(c.config.Server.PublicURL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		c.found.add(at, "must be a URL that begins with https:// or http://")
	}
}

func (c checker) client(at path, client Client) {
	if !clientID.MatchString(client.ID) {
		c.found.add(at.child("id"), "must be a name without spaces and colons")
	}
	if client.SecretSHA256 == "" {
		c.found.add(at.child("secret_sha256"), "must be the SHA-256 of the client's secret, as 64 hex digits")
	}
	c.sha256(at.child("secret_sha256"), client.SecretSHA256)
	if len(client.Scopes) == 0 {
		c.found.add(at.child("scopes"), "must list at least one of "+strings.Join(Scopes(), ", "))
	}
	for i, scope := range client.Scopes {
		if !slices.Contains(Scopes(), scope) {
			c.unknown(at.child("scopes").item(i), "scope", scope, Scopes())
		}
	}
}
