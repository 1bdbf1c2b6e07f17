package config_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jalurhq/jalur/config"
)

// provider is what most of the bad files below have in common; it takes three lines.
const provider = "providers:\n  mmbc:\n    plugin: mmbc\n"

// badFile is a configuration that must be refused, by default as a.yaml, with exactly these errors.
type badFile struct {
	file, text string
	env, want  []string
}

func refuse(t *testing.T, files map[string]badFile) {
	t.Helper()
	for name, bad := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := bad.file
			if file == "" {
				file = "a.yaml"
			}
			_, err := parse(t, file, bad.text, bad.env...)
			compare(t, err, bad.want)
		})
	}
}

func TestUnknownKeysAndWrongTypes(t *testing.T) {
	t.Parallel()
	refuse(t, map[string]badFile{
		"unknown key": {text: provider + "    timeot: 5s\n", want: []string{
			`a.yaml:4:5: providers.mmbc.timeot: unknown key, did you mean "timeout"?`,
		}},
		"unknown key, nothing near": {text: "colour: red\n", want: []string{
			`a.yaml:1:1: colour: unknown key; known here: journal, providers, resolve, routes, server, spill`,
		}},
		"unknown key in toml": {file: "a.toml", text: "[server]\nlisten = '127.0.0.1:1'\n  publik_url = ''\n", want: []string{
			`a.toml:3:3: server.publik_url: unknown key, did you mean "public_url"?`,
		}},
		"unknown key in a toml array": {file: "a.toml", text: "[providers.p]\nplugin='p'\n[[routes]]\nmerchant='A'\nvia=[{provider='p'}]\n[[routes]]\nmerchant='B'\n[[routes.via]]\nprovider='p'\nprodukt='x'\n", want: []string{
			`a.toml:10:1: routes[1].via[0].produkt: unknown key, did you mean "product"?`,
		}},
		"unknown key in json": {file: "a.json", text: "{\n\t\"server\": {\n\t\t\"listn\": \"127.0.0.1:1\"\n\t}\n}", want: []string{
			`a.json:3:3: server.listn: unknown key, did you mean "listen"?`,
		}},
		"unknown key behind an anchor": {text: "providers:\n  a: &x\n    plugin: m\n    typo: 1\n  b: *x\n", want: []string{
			`a.yaml:4:5: providers.a.typo: unknown key; known here: breaker, limits, manifest, plugin, reload_on_change, settings, sha256, timeout`,
			`a.yaml:4:5: providers.b.typo: unknown key; known here: breaker, limits, manifest, plugin, reload_on_change, settings, sha256, timeout`,
		}},
		"a key that wins over a merged one": {text: "providers:\n  a: &x {plugin: m, timeout: 5s}\n  b: {timeout: 30, <<: *x}\n", want: []string{
			`a.yaml:3:7: providers.b.timeout: must be a duration with its unit, such as "30s", not a whole number`,
		}},
		"a provider with a mistake in it is still configured": {text: "providers:\n  mmbc: 5\nroutes:\n- {merchant: A, via: [{provider: mmbc}]}\n", want: []string{
			`a.yaml:2:3: providers.mmbc: must be a map of settings, not a whole number`,
		}},
		"keys are case-sensitive": {text: "Journal: sqlite://x\n", want: []string{`a.yaml:1:1: Journal: unknown key, did you mean "journal"?`}},
		"wrong types": {text: "journal: 5\nproviders:\n  mmbc:\n    plugin: [mmbc]\n    sha256: 12\n    timeout: soon\n    breaker: {calls: many, ratio: \"0.5\", within: 1.5}\nserver: []\nroutes: {}\n", want: []string{
			`a.yaml:1:1: journal: must be a string, not a whole number; put it in quotes`,
			`a.yaml:4:5: providers.mmbc.plugin: must be a string, not a list; put it in quotes`,
			`a.yaml:5:5: providers.mmbc.sha256: must be a string, not a whole number; put it in quotes`,
			`a.yaml:6:5: providers.mmbc.timeout: must be a duration with its unit, such as "30s"`,
			`a.yaml:7:15: providers.mmbc.breaker.calls: must be a whole number, not a string`,
			`a.yaml:7:28: providers.mmbc.breaker.ratio: must be a number, not a string`,
			`a.yaml:7:42: providers.mmbc.breaker.within: must be a duration with its unit, such as "30s", not a number`,
			`a.yaml:8:1: server: must be a map of settings, not a list`,
			`a.yaml:9:1: routes: must be a list, not a map`,
		}},
		"a bare lane": {text: provider + "routes:\n- merchant: A\n  via: [mmbc]\n- merchant: B\n  inquire_first: 1\n  via: mmbc\n", want: []string{
			`a.yaml:6:9: routes[0].via[0]: must be a map of settings, not a string`,
			`a.yaml:8:3: routes[1].inquire_first: must be true or false, not a whole number`,
			`a.yaml:9:3: routes[1].via: must be a list, not a string`,
		}},
		"a duration without a unit": {text: provider + "    timeout: 30\n", want: []string{
			`a.yaml:4:5: providers.mmbc.timeout: must be a duration with its unit, such as "30s", not a whole number`,
		}},
		"a duration without a unit in quotes": {text: provider + "    timeout: \"30\"\n", want: []string{
			`a.yaml:4:5: providers.mmbc.timeout: must be a duration with its unit, such as "30s"`,
		}},
	})
}

func TestBadProviders(t *testing.T) {
	t.Parallel()
	refuse(t, map[string]badFile{
		"not positive": {text: provider + "    timeout: 0s\n    breaker: {calls: 0, within: -1s, open_for: 0s, ratio: 0}\n", want: []string{
			`a.yaml:4:5: providers.mmbc.timeout: must be more than 0`,
			`a.yaml:5:15: providers.mmbc.breaker.calls: must be more than 0`,
			`a.yaml:5:25: providers.mmbc.breaker.within: must be more than 0`,
			`a.yaml:5:38: providers.mmbc.breaker.open_for: must be more than 0`,
			`a.yaml:5:52: providers.mmbc.breaker.ratio: must be more than 0`,
		}},
		"ratio": {text: provider + "    breaker: {ratio: 1.01}\n", want: []string{
			`a.yaml:4:15: providers.mmbc.breaker.ratio: must be more than 0 and at most 1`,
		}},
		"ratio that is no number": {text: provider + "    breaker: {ratio: .nan}\n", want: []string{
			`a.yaml:4:15: providers.mmbc.breaker.ratio: must be more than 0`,
		}},
		"half a call": {text: provider + "    breaker: {calls: 2.5}\n", want: []string{
			`a.yaml:4:15: providers.mmbc.breaker.calls: must be a whole number, not a number`,
		}},
		"a provider without a plugin": {text: "providers:\n  mmbc:\n    timeout: 5s\n  x:\n", want: []string{
			`a.yaml:2:3: providers.mmbc.plugin: must name a shipped plugin or the path of a plugin binary`,
			`a.yaml:4:3: providers.x.plugin: must name a shipped plugin or the path of a plugin binary`,
		}},
		"a provider's name": {text: "providers:\n  a b: {plugin: x}\n", want: []string{
			`a.yaml:2:3: providers["a b"]: a provider's name is up to 64 letters, digits, '.', '_' and '-', and begins with a letter or digit`,
		}},
		"sha256": {text: provider + "    sha256: abc\n", want: []string{`a.yaml:4:5: providers.mmbc.sha256: must be a SHA-256 as 64 hex digits`}},
		"a manifest without its pin": {text: "providers:\n  own: {plugin: ./own/run, manifest: ./own/SHA256SUMS}\n", want: []string{
			`a.yaml:2:3: providers.own.sha256: must be the SHA-256 of the manifest, as 64 hex digits`,
		}},
		"a manifest elsewhere": {text: "providers:\n  own: {plugin: ./own/run, manifest: ./other/SHA256SUMS, sha256: " + strings.Repeat("a", 64) + "}\n", want: []string{
			`a.yaml:2:28: providers.own.manifest: must lie in the plugin's folder, or in one above it`,
		}},
		"what is for a plugin that is a path": {text: provider + "    manifest: ./SHA256SUMS\n", want: []string{
			`a.yaml:4:5: providers.mmbc.manifest: is for a plugin that is a path`,
		}},
		"a shipped plugin's file": {text: provider + "    reload_on_change: true\n", want: []string{
			`a.yaml:4:5: providers.mmbc.reload_on_change: is for a plugin that is a path`,
		}},
		"limits": {text: provider + "    limits: {memory: 512MB, cpus: 0}\n", want: []string{
			`a.yaml:4:14: providers.mmbc.limits.memory: must be a size with its unit, such as "512MiB" (KiB, MiB or GiB)`,
			`a.yaml:4:29: providers.mmbc.limits.cpus: must be more than 0`,
		}},
		"settings": {text: provider + "    settings: {since: 2020-01-01, n: .inf, ok: [1, {a: 0.5}]}\n", want: []string{
			`a.yaml:4:16: providers.mmbc.settings.since: must be a string, a number, true, false, a list or a map, not a date or time; put it in quotes`,
			`a.yaml:4:35: providers.mmbc.settings.n: must be a finite number`,
		}},
	})
}

func TestBadRoutes(t *testing.T) {
	t.Parallel()
	refuse(t, map[string]badFile{
		"a route via nobody": {text: provider + "routes:\n- merchant: A\n  via: [{provider: mmcb}, {provider: mmbc}, {product: x}, {provider: digiflazz}]\n", want: []string{
			`a.yaml:6:10: routes[0].via[0].provider: no configured provider "mmcb", did you mean "mmbc"?`,
			`a.yaml:6:45: routes[0].via[2].provider: must name a provider`,
			`a.yaml:6:60: routes[0].via[3].provider: no configured provider "digiflazz"; known here: mmbc`,
		}},
		"no provider at all": {text: "routes:\n- merchant: A\n  via: [{provider: mmbc}]\n", want: []string{
			`a.yaml:3:10: routes[0].via[0].provider: no configured provider "mmbc"; nothing is known here`,
		}},
		"duplicates in routes": {text: provider + "routes:\n- {merchant: A, via: [{provider: mmbc}, {provider: mmbc, product: x}]}\n- {merchant: A, via: [{provider: mmbc}]}\n", want: []string{
			`a.yaml:5:42: routes[0].via[1].provider: "mmbc" is listed already: routes[0].via[0]`,
			`a.yaml:6:4: routes[1].merchant: "A" has a route already: routes[0]`,
		}},
		"empty routes": {text: provider + "routes:\n- merchant: A\n- merchant: B\n  via: []\n- via:\n  - provider: mmbc\n-\n", want: []string{
			`a.yaml:5:3: routes[0].via: must list at least one provider`,
			`a.yaml:7:3: routes[1].via: must list at least one provider`,
			`a.yaml:8:3: routes[2].merchant: must be a merchant's code, or "*" for all others`,
			`a.yaml:10:2: routes[3].merchant: must be a merchant's code, or "*" for all others`,
			`a.yaml:10:2: routes[3].via: must list at least one provider`,
		}},
		"strategies": {text: provider + "routes:\n- {merchant: A, strategy: weighted, via: [{provider: mmbc}]}\n- {merchant: B, strategy: least_cost, via: [{provider: mmbc}]}\n- {merchant: C, strategy: prioriti, via: [{provider: mmbc}]}\n", want: []string{
			`a.yaml:5:17: routes[0].strategy: "weighted" is not supported in this version; use "priority"`,
			`a.yaml:6:17: routes[1].strategy: "least_cost" is not supported in this version; use "priority"`,
			`a.yaml:7:17: routes[2].strategy: no strategy "prioriti", did you mean "priority"?`,
		}},
	})
}

func TestBadJournalAndServer(t *testing.T) {
	t.Parallel()
	refuse(t, map[string]badFile{
		"no database":           {text: "journal: postgres://user:hunter2@host\n", want: []string{`a.yaml:1:1: journal: must be postgres://USER@HOST/DATABASE`}},
		"no database, 2":        {text: "journal: postgresql://user:hunter2@host/?sslmode=require\n", want: []string{`a.yaml:1:1: journal: must be postgres://USER@HOST/DATABASE`}},
		"an unknown journal":    {text: "journal: jalur.db\n", want: []string{`a.yaml:1:1: journal: must be sqlite://FILE, such as sqlite://jalur.db, or postgres://USER@HOST/DATABASE`}},
		"a journal in memory":   {text: `journal: "sqlite://:memory:"`, want: []string{`a.yaml:1:1: journal: must name a file: the journal has to outlive the process`}},
		"a journal's options":   {text: "journal: sqlite://a.db?mode=ro\n", want: []string{`a.yaml:1:1: journal: takes a file's path only, no options after it`}},
		"a journal's folder":    {text: "journal: sqlite://data/\n", want: []string{`a.yaml:1:1: journal: must name a file: the journal has to outlive the process`}},
		"an open door":          {text: "server:\n  listen: 0.0.0.0:8080\n", want: []string{`a.yaml:2:3: server.listen: must be a loopback address, such as 127.0.0.1:8080, unless server.clients lists who may call`}},
		"an open door, no host": {text: "server:\n  listen: :8080\n", want: []string{`a.yaml:2:3: server.listen: must be a loopback address, such as 127.0.0.1:8080, unless server.clients lists who may call`}},
		"no port":               {text: "server:\n  listen: localhost\n", want: []string{`a.yaml:2:3: server.listen: must be HOST:PORT, such as 127.0.0.1:8080`}},
		"public url":            {text: "server:\n  public_url: jalur.example\n", want: []string{`a.yaml:2:3: server.public_url: must be a URL that begins with https:// or http://`}},
		"clients": {text: "server:\n  clients:\n  - {id: toko, scopes: [pay, reed]}\n  - {secret_sha256: " + hash + ", scopes: [read]}\n  - {id: toko, secret_sha256: x}\n", want: []string{
			`a.yaml:3:5: server.clients[0].secret_sha256: must be the SHA-256 of the client's secret, as 64 hex digits`,
			`a.yaml:3:30: server.clients[0].scopes[1]: no scope "reed", did you mean "read"?`,
			`a.yaml:4:5: server.clients[1].id: must be a name without spaces and colons`,
			`a.yaml:5:5: server.clients[2].scopes: must list at least one of read, pay, resolve, admin`,
			`a.yaml:5:6: server.clients[2].id: "toko" is listed already: server.clients[0]`,
			`a.yaml:5:16: server.clients[2].secret_sha256: must be a SHA-256 as 64 hex digits`,
		}},
	})
}

func TestBadPlaceholdersAndOverrides(t *testing.T) {
	t.Parallel()
	refuse(t, map[string]badFile{
		"unset variables": {text: provider + "    settings:\n      a: ${NOPE}\n      b: x${ALSO_NOPE}y${THIS}\n", env: []string{"THIS=hunter2"}, want: []string{
			`a.yaml:5:7: providers.mmbc.settings.a: the environment variable NOPE is not set`,
			`a.yaml:6:7: providers.mmbc.settings.b: the environment variable ALSO_NOPE is not set`,
		}},
		"bad placeholders": {text: provider + "    settings: {a: \"pre${hunter2\", b: \"${hunter-2}\"}\n", want: []string{
			`a.yaml:4:16: providers.mmbc.settings.a: "${" without "}"; a plain "${" is written "$${"`,
			`a.yaml:4:35: providers.mmbc.settings.b: a placeholder is ${NAME} of an environment variable or ${file:PATH}; a plain "${" is written "$${"`,
		}},
		"a missing file of a placeholder": {file: "/nowhere/a.yaml", text: provider + "    settings: {a: \"${file:s/x}\"}\n", want: []string{
			`/nowhere/a.yaml:4:16: providers.mmbc.settings.a: can't be read: open /nowhere/s/x: no such file or directory`,
		}},
		"environment": {text: provider, env: []string{
			"JALUR__SERVER__LISTN=x", "JALUR__SERVER__LISTEN=0.0.0.0:1", "JALUR__PROVIDERS__MMBC__BREAKER__CALLS=many", "JALUR__PROVIDERS__MMCB__TIMEOUT=1s",
			"JALUR__ROUTES__0__MERCHANT=A", "JALUR__SERVER=x", "JALUR__=1", "JALUR__PROVIDERS__MMBC__TIMEOUT=30",
		}, want: []string{
			`$JALUR__: no key of that name; known here: journal, providers, resolve, routes, server, spill`,
			`$JALUR__PROVIDERS__MMBC__BREAKER__CALLS: providers.mmbc.breaker.calls: must be a whole number, not a string`,
			`$JALUR__PROVIDERS__MMBC__TIMEOUT: providers.mmbc.timeout: must be a duration with its unit, such as "30s"`,
			`$JALUR__PROVIDERS__MMCB__TIMEOUT: providers.mmcb: no key of that name, did you mean "mmbc"?`,
			`$JALUR__ROUTES__0__MERCHANT: routes: a list can't be overridden; set it in the file`,
			`$JALUR__SERVER: server: a group of settings can't be overridden, only a single value`,
			`$JALUR__SERVER__LISTEN: server.listen: must be a loopback address, such as 127.0.0.1:8080, unless server.clients lists who may call`,
			`$JALUR__SERVER__LISTN: server.listn: no key of that name, did you mean "listen"?`,
		}},
		"environment, a name that fits twice": {text: "providers:\n  a-b: {plugin: x}\n  a_b: {plugin: x}\n", env: []string{"JALUR__PROVIDERS__A_B__TIMEOUT=1s"}, want: []string{
			`$JALUR__PROVIDERS__A_B__TIMEOUT: providers: more than one key of that name: a-b, a_b`,
		}},
		"environment, twice": {text: "", env: []string{"JALUR__JOURNAL=sqlite://a", "JALUR__journal=sqlite://b"}, want: []string{
			`$JALUR__journal: journal: set by $JALUR__JOURNAL too`,
		}},
	})
}

func TestUnreadableFiles(t *testing.T) {
	t.Parallel()
	refuse(t, map[string]badFile{
		"yaml: set twice":           {text: "journal: sqlite://a\nserver: {}\njournal: sqlite://b\n", want: []string{`a.yaml:3:1: journal: set twice; the first is in line 1`}},
		"json: set twice":           {file: "a.json", text: "{\"journal\": \"sqlite://a\",\n \"journal\": \"sqlite://b\"}", want: []string{`a.json:2:2: journal: set twice; the first is in line 1`}},
		"toml: set twice":           {file: "a.toml", text: "journal = 'a'\njournal = 'b'\n", want: []string{`a.toml:2:1: not valid TOML: key journal is already defined`}},
		"yaml: syntax":              {text: "journal: sqlite://a\n  server: {}\n", want: []string{`a.yaml:2: not valid YAML: mapping values are not allowed in this context`}},
		"yaml: an alias of nothing": {text: provider + "    settings: {password: *hunter2}\n", want: []string{`a.yaml:4: an alias that no anchor defines; a value that begins with * must be put in quotes`}},
		"yaml: a cyclic alias":      {text: "server: &a\n  clients: [*a]\n", want: []string{`a.yaml: more than 20000 values, or nested more than 64 deep`}},
		"yaml: two documents":       {text: "journal: sqlite://a\n---\njournal: sqlite://b\n", want: []string{`a.yaml: a second document follows the first; one file holds one configuration`}},
		"yaml: a number as a key":   {text: "providers:\n  123: {plugin: x}\n", want: []string{`a.yaml:2:3: providers: a key must be a string; put it in quotes`}},
		"yaml: a wrong tag":         {text: "server: {listen: !!int hunter2}\n", want: []string{`a.yaml: not valid: a value doesn't fit its tag, or can't be merged`}},
		"yaml: a list":              {text: "- journal\n", want: []string{`a.yaml: must be a map of settings, such as {journal: …, providers: …}`}},
		"json: a list":              {file: "a.json", text: "[]", want: []string{`a.json: must be a map of settings, such as {journal: …, providers: …}`}},
		"json: syntax":              {file: "a.json", text: "{\n \"journal\": }", want: []string{`a.json:2:13: not valid JSON: invalid character '}' looking for beginning of value`}},
		"toml: syntax":              {file: "a.toml", text: "[server]\nlisten = hunter2\n", want: []string{`a.toml:2:10: not valid TOML: unexpected character U+0068 'h' at start of value`}},
		"another format":            {file: "jalur.ini", text: "", want: []string{`jalur.ini: the file's name must end in .yaml, .yml, .toml or .json`}},
		"too large":                 {text: strings.Repeat("# very long\n", 100_000), want: []string{`a.yaml: larger than 1048576 bytes`}},
		"too many values":           {text: "server: [" + strings.Repeat("1,", 20_001) + "]", want: []string{`a.yaml: more than 20000 values, or nested more than 64 deep`}},
		"json: too deep":            {file: "a.json", text: `{"server":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + "}", want: []string{`a.json: more than 20000 values, or nested more than 64 deep`}},
		"toml: too deep":            {file: "a.toml", text: `server = ` + strings.Repeat("[", 70) + strings.Repeat("]", 70), want: []string{`a.toml: more than 20000 values, or nested more than 64 deep`}},
	})
}

func compare(t *testing.T, err error, want []string) {
	t.Helper()
	if _, ok := errors.AsType[config.Errors](err); !ok {
		t.Fatalf("no Errors: %v", err)
	}
	if got := err.Error(); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	if strings.Contains(err.Error(), "hunter") {
		t.Error("a secret shows")
	}
}

// Every value of this configuration is wrong and came through a placeholder; none of them may show.
func TestSubstitutedValuesNeverShow(t *testing.T) {
	t.Parallel()
	const text = `
journal: ${S}
providers:
  mmbc: {plugin: "${S}/x", sha256: "${S}", timeout: "${S}", breaker: {calls: "${S}", ratio: "${S}", within: "${S}"}, settings: "${S}"}
routes:
- {merchant: "${S}", strategy: "${S}", inquire_first: "${S}", via: [{provider: "${S}"}, {provider: "${S}"}]}
- {merchant: "${S}", via: "${S}"}
server:
  listen: ${S}
  public_url: ${S}
  clients: [{id: "${S} :", secret_sha256: "${S}", scopes: ["${S}"]}, {id: "${S} :", secret_sha256: "${S}", scopes: "${S}"}]
`
	const secret = "hunter2"
	_, err := parse(t, "a.yaml", text, "S="+secret)
	errs, ok := errors.AsType[config.Errors](err)
	if !ok {
		t.Fatal(err)
	}
	const wrong = 22
	if len(errs) != wrong {
		t.Errorf("%d errors, want %d:\n%v", len(errs), wrong, err)
	}
	for _, verb := range []string{"%v", "%+v", "%s"} {
		if shown := fmt.Sprintf(verb, err); strings.Contains(shown, secret) {
			t.Errorf("%s shows the secret:\n%s", verb, shown)
		}
	}
}

func TestPrintedProviderHidesItsSettings(t *testing.T) {
	t.Parallel()
	c, err := parse(t, "a.yaml", provider+"    settings: {password: hunter2}\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		if shown := fmt.Sprintf(verb, c); strings.Contains(shown, "hunter2") {
			t.Errorf("%s: %s", verb, shown)
		}
	}
}

func TestErrorsAsError(t *testing.T) {
	t.Parallel()
	_, err := parse(t, "a.yaml", "jurnal: x\n")
	one, ok := errors.AsType[*config.Error](err)
	if !ok {
		t.Fatal(err)
	}
	want := config.Error{File: "a.yaml", Line: 1, Column: 1, Key: "jurnal", Rule: `unknown key, did you mean "journal"?`}
	if *one != want {
		t.Errorf("%+v", *one)
	}
}

func TestCheckOfABuiltConfiguration(t *testing.T) {
	t.Parallel()
	good := config.Config{
		Providers: map[string]config.Provider{"mmbc": {Plugin: "mmbc", SHA256: strings.ToUpper(hash)}},
		Routes:    []config.Route{{Merchant: "GOPAY", Via: []config.Lane{{Provider: "mmbc"}}}},
		Server: config.Server{Listen: ":443", PublicURL: "https://jalur.example", Clients: []config.Client{
			{ID: "toko", SecretSHA256: hash, Scopes: config.Scopes()},
		}},
	}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	if good.Routes[0].Strategy != "" || good.Providers["mmbc"].Timeout != 0 {
		t.Error("Check changed its receiver")
	}
	bad := config.Config{
		Providers: map[string]config.Provider{"mmbc": {Timeout: -time.Second, Breaker: config.Breaker{Ratio: 2, Calls: -1}}},
		Server:    config.Server{Listen: "192.0.2.1:80"},
	}
	compare(t, bad.Check(), []string{
		"providers.mmbc.breaker.calls: must be more than 0",
		"providers.mmbc.breaker.ratio: must be more than 0 and at most 1",
		"providers.mmbc.plugin: must name a shipped plugin or the path of a plugin binary",
		"providers.mmbc.timeout: must be more than 0",
		"server.listen: must be a loopback address, such as 127.0.0.1:8080, unless server.clients lists who may call",
	})
}

func TestLoopbackAddresses(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]bool{
		"127.0.0.1:1": true, "127.9.9.9:1": true, "[::1]:1": true, "localhost:0": true, "[::ffff:127.0.0.1]:1": true,
		"[::]:1": false, "10.0.0.1:1": false, "example.com:1": false, "127.0.0.1:65536": false, "127.0.0.1:http": false,
	} {
		err := config.Config{Server: config.Server{Listen: listen}}.Check()
		if (err == nil) != want {
			t.Errorf("%s: %v", listen, err)
		}
	}
}
