package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jalurhq/jalur/config"
)

const hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"

func parse(t *testing.T, name, text string, env ...string) (config.Config, error) {
	t.Helper()
	return config.Parse(name, []byte(text), config.Options{Env: env})
}

// sameSettings compares what is exported; positions differ between formats.
func sameSettings(a, b config.Config) bool {
	return a.Journal == b.Journal && a.Spill == b.Spill && reflect.DeepEqual(a.Providers, b.Providers) &&
		reflect.DeepEqual(a.Routes, b.Routes) && reflect.DeepEqual(a.Server, b.Server)
}

func TestSamplesAreEqualInEveryFormat(t *testing.T) {
	t.Parallel()
	env := []string{"MMBC_USERNAME=toko", "MMBC_PASSWORD=rahasia"}
	want, err := config.Load(config.Options{File: "samples/jalur.yaml", Env: env})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"samples/jalur.toml", "samples/jalur.json"} {
		got, err := config.Load(config.Options{File: name, Env: env})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !sameSettings(got, want) {
			t.Errorf("%s:\n got %#v\nwant %#v", name, got, want)
		}
	}
	folder, _ := filepath.Abs("samples")
	if got := want.JournalPath(); got != filepath.Join(folder, "jalur.db") {
		t.Errorf("journal %s is not in the file's folder", got)
	}
	settings := want.Providers["mmbc"].Settings
	if got := settings["direct"]; got != 1 {
		t.Errorf("direct: %T %v", got, got)
	}
	if settings["username"] != "toko" || settings["password"] != "rahasia" {
		t.Error("the credentials are not those of the environment")
	}
}

func TestWhereTheSpillIs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                   "/etc/jalur/jalur.db.spill",
		"journal: sqlite:///var/lib/j.db":    "/var/lib/j.db.spill",
		"journal: postgres://jalur@db/jalur": "/etc/jalur/jalur.spill",
		"spill: kept":                        "/etc/jalur/kept",
		"{spill: /mnt/kept/, journal: sqlite://a}": "/mnt/kept",
	} {
		c, err := parse(t, "/etc/jalur/a.yaml", text)
		if err != nil || c.SpillPath() != want {
			t.Errorf("%s: %s, %v", text, c.SpillPath(), err)
		}
	}
	if _, err := parse(t, "a.yaml", "{spill: j.db, journal: sqlite://j.db}"); err == nil || !strings.Contains(err.Error(), "spill: must be a folder") {
		t.Errorf("the journal's own path: %v", err)
	}
	if got := (config.Config{Journal: "sqlite://j.db"}).SpillPath(); got != "j.db.spill" {
		t.Errorf("in a Go program: %s", got)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a.yaml": "providers:\n  mmbc: {plugin: mmbc}\nroutes:\n- {merchant: GOPAY, via: [{provider: mmbc}]}\n",
		"a.toml": "providers.mmbc.plugin = 'mmbc'\n[[routes]]\nmerchant = 'GOPAY'\n[[routes.via]]\nprovider = 'mmbc'\n",
		"a.json": `{"providers": {"mmbc": {"plugin": "mmbc"}}, "routes": [{"merchant": "GOPAY", "via": [{"provider": "mmbc"}]}]}`,
	} {
		c, err := parse(t, name, text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := config.Provider{Plugin: "mmbc", Timeout: 30 * time.Second, Breaker: config.Breaker{
			Calls: 20, Within: time.Minute, Ratio: 0.5, OpenFor: 30 * time.Second,
		}}
		if got := c.Providers["mmbc"]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: provider %+v %+v", name, got.Breaker, got)
		}
		if c.Routes[0].Strategy != config.StrategyPriority || c.Server.Listen != "127.0.0.1:8080" {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestEmptyFileIsADefaultConfiguration(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a.yaml", "a.toml"} {
		for _, text := range []string{"", "# nothing\n"} {
			c, err := parse(t, name, text)
			if err != nil || c.Server.Listen != config.DefaultListen {
				t.Errorf("%s %q: %+v, %v", name, text, c, err)
			}
		}
	}
}

func TestPathsStartAtTheFilesFolder(t *testing.T) {
	t.Parallel()
	c, err := parse(t, "/etc/jalur/jalur.yaml", "journal: sqlite://data/j.db\nproviders:\n  a: {plugin: ./plugins/a}\n  b: {plugin: /opt/b}\n  c: {plugin: mmbc}\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.JournalPath(); got != "/etc/jalur/data/j.db" {
		t.Errorf("journal %s", got)
	}
	for name, want := range map[string]string{"a": "/etc/jalur/plugins/a", "b": "/opt/b", "c": "mmbc"} {
		if got := c.Providers[name].Plugin; got != want {
			t.Errorf("plugin %s: %s, want %s", name, got, want)
		}
	}
	c, err = parse(t, "/etc/jalur/jalur.yaml", "journal: sqlite:///var/lib/j.db")
	if err != nil || c.JournalPath() != "/var/lib/j.db" {
		t.Errorf("absolute journal: %s, %v", c.JournalPath(), err)
	}
}

func TestAnchorsAndMerges(t *testing.T) {
	t.Parallel()
	c, err := parse(t, "a.yaml", `
providers:
  a: &base {plugin: mmbc, timeout: 5s}
  b: {<<: *base, timeout: 7s}
  c: *base
`)
	if err != nil {
		t.Fatal(err)
	}
	if a, b, other := c.Providers["a"], c.Providers["b"], c.Providers["c"]; a.Timeout != 5*time.Second || b.Timeout != 7*time.Second ||
		b.Plugin != "mmbc" || other.Timeout != a.Timeout {
		t.Errorf("%v %v %v", a, b, other)
	}
}

func TestPlaceholders(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, filepath.Join(folder, "secret"), "from file\n")
	c, err := config.Parse(filepath.Join(folder, "jalur.yaml"), []byte(`
providers:
  mmbc:
    plugin: mmbc
    timeout: ${TIMEOUT}
    settings:
      username: ${USER_NAME}
      password: ${file:secret}
      url: http://${USER_NAME}:${PASS}@host/
      plain: $${USER_NAME} costs $5 $$
      again: ${TRICK}
      empty: "<${EMPTY}>"
      nested: {list: ["${PASS}"], api_key: 12345}
`), config.Options{Env: []string{"TIMEOUT=3s", "USER_NAME=toko", "PASS=hunter2", "TRICK=${PASS}", "EMPTY="}})
	if err != nil {
		t.Fatal(err)
	}
	p := c.Providers["mmbc"]
	want := map[string]any{
		"username": "toko", "password": "from file", "url": "http://toko:hunter2@host/", "plain": "${USER_NAME} costs $5 $$",
		"again": "${PASS}", "empty": "<>", "nested": map[string]any{"list": []any{"hunter2"}, "api_key": 12345},
	}
	if !reflect.DeepEqual(p.Settings, want) {
		t.Errorf("settings\n got %v\nwant %v", p.Settings, want)
	}
	if p.Timeout != 3*time.Second {
		t.Errorf("timeout %v", p.Timeout)
	}
	if wanted := []string{"from file", "${PASS}", "hunter2", "12345", "toko"}; !reflect.DeepEqual(p.Secrets, wanted) {
		t.Errorf("secrets %q, want %q", p.Secrets, wanted)
	}
}

func TestSecretsByName(t *testing.T) {
	t.Parallel()
	c := config.Config{Providers: map[string]config.Provider{"x": {Plugin: "x", Settings: map[string]any{
		"Password": "first", "api_key": "second", "webhook_secret": "three", "access_token": "fourth", "pin": 123456, "username": "open", "token_url": "", "key": "abc",
	}}}}.WithDefaults()
	if got, want := c.Providers["x"].Secrets, []string{"123456", "fourth", "second", "first", "three"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

const overridable = `
providers:
  mmbc-2:
    plugin: mmbc
    settings: {username: toko, direct: 1, reasons: {saldo: deposit_empty}}
`

func TestEnvironmentOverrides(t *testing.T) {
	t.Parallel()
	c, err := parse(t, "a.yaml", overridable,
		"JALUR__SERVER__LISTEN=127.0.0.1:9999", "JALUR__PROVIDERS__MMBC_2__TIMEOUT=5s", "JALUR__PROVIDERS__MMBC_2__BREAKER__CALLS=7",
		"JALUR__PROVIDERS__MMBC_2__BREAKER__RATIO=1", "JALUR__providers__mmbc_2__SETTINGS__USERNAME=0812", "JALUR__PROVIDERS__MMBC_2__SETTINGS__DIRECT=0",
		"JALUR__PROVIDERS__MMBC_2__SETTINGS__PASSWORD=12345", "JALUR__PROVIDERS__MMBC_2__SETTINGS__REASONS__SALDO=declined",
		"JALUR__PROVIDERS__MMBC_2__SETTINGS__CODE=00812", `JALUR__PROVIDERS__MMBC_2__SETTINGS__QUOTED="7"`, "JALUR__PROVIDERS__MMBC_2__SETTINGS__ON=true",
		"JALUR__PROVIDERS__MMBC_2__SETTINGS__API_KEY=${K}", "K=k!", "JALUR_CONFIG=elsewhere", "PATH=/bin")
	if err != nil {
		t.Fatal(err)
	}
	p := c.Providers["mmbc-2"]
	want := map[string]any{
		"username": "0812", "direct": 0, "password": "12345", "reasons": map[string]any{"saldo": "declined"},
		"code": "00812", "quoted": "7", "on": true, "api_key": "k!",
	}
	if !reflect.DeepEqual(p.Settings, want) {
		t.Errorf("settings\n got %#v\nwant %#v", p.Settings, want)
	}
	if c.Server.Listen != "127.0.0.1:9999" || p.Timeout != 5*time.Second || p.Breaker.Calls != 7 || p.Breaker.Ratio != 1 {
		t.Errorf("%+v %+v %v", c.Server, p.Breaker, p.Timeout)
	}
}

func TestFlagsWinOverTheEnvironment(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("a.yaml", []byte(overridable), config.Options{
		Env:       []string{"JALUR__SERVER__LISTEN=127.0.0.1:1"},
		Overrides: map[string]any{"server.listen": "127.0.0.1:2", "providers.mmbc-2.timeout": time.Second, "providers.mmbc-2.breaker.calls": 3},
	})
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Providers["mmbc-2"]; c.Server.Listen != "127.0.0.1:2" || p.Timeout != time.Second || p.Breaker.Calls != 3 {
		t.Errorf("%+v %+v", c.Server, p.Breaker)
	}
}

func TestFlagErrorsNameTheCommandLine(t *testing.T) {
	t.Parallel()
	_, err := config.Parse("a.yaml", []byte(overridable), config.Options{Overrides: map[string]any{"server.listn": "x", "server.public_url": 5}})
	want := "command line: server.listn: no key of that name, did you mean \"listen\"?\n" +
		"command line: server.public_url: must be a string, not a whole number; put it in quotes"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestOverridesStandBesideAbsentKeys(t *testing.T) {
	t.Parallel()
	c, err := parse(t, "a.yaml", "", "JALUR__JOURNAL=sqlite:///tmp/x.db")
	if err != nil || c.JournalPath() != "/tmp/x.db" {
		t.Errorf("%v %v", c.JournalPath(), err)
	}
}

func TestSettingErrorHasThePositionOfTheSetting(t *testing.T) {
	t.Parallel()
	c, err := parse(t, "a.yaml", "providers:\n  mmbc:\n    plugin: mmbc\n    settings:\n      base_url: x\n      password: hunter2\n      reasons: {saldo: y}\n      list: [{a: [1, {b.c: 2}]}]\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ key, rule, want string }{
		{"base_url", "must be a URL", "a.yaml:5:7: providers.mmbc.settings.base_url: must be a URL"},
		{"reasons.saldo", "unknown code", "a.yaml:7:17: providers.mmbc.settings.reasons.saldo: unknown code"},
		{"list[0].a[1].b.c", "is odd", "a.yaml:8:23: providers.mmbc.settings.list[0].a[1][\"b.c\"]: is odd"},
		{"list[0].x", "is required", "a.yaml:8:14: providers.mmbc.settings.list[0].x: is required"},
		{"list[1]", "is missing", "a.yaml:8:7: providers.mmbc.settings.list[1]: is missing"},
		{"other[0].x", "is odd", "a.yaml:4:5: providers.mmbc.settings[\"other[0].x\"]: is odd"},
		{"username", "is required", "a.yaml:4:5: providers.mmbc.settings.username: is required"},
		{"password", "hunter2 is too short", "a.yaml:6:7: providers.mmbc.settings.password: *** is too short"},
		{"", "is empty", "a.yaml:4:5: providers.mmbc.settings: is empty"},
	} {
		got := c.SettingError("mmbc", tc.key, tc.rule)
		if got.Error() != tc.want {
			t.Errorf("%s: got %v, want %s", tc.key, got, tc.want)
		}
	}
	built := config.Config{}.SettingError("mmbc", "direct", "must be 0 or 1")
	if built.Error() != "providers.mmbc.settings.direct: must be 0 or 1" {
		t.Errorf("without a file: %v", built)
	}
}

func TestFind(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	other := filepath.Join(folder, "other.yaml")
	write(t, other, "")
	for _, tc := range []struct {
		name, flag, variable string
		inPlace              bool // jalur.yaml stands in the working directory
		want, fails          string
	}{
		{name: "nothing", fails: "no configuration file: there is no jalur.yaml in the working directory, $JALUR_CONFIG is not set, and no -c FILE was given"},
		{name: "a flag to nowhere", flag: "missing.yaml", variable: other, inPlace: true, fails: "no configuration file: -c missing.yaml: no such file"},
		{name: "a variable to nowhere", variable: "missing.toml", fails: "no configuration file: $JALUR_CONFIG names missing.toml: no such file"},
		{name: "a variable", variable: other, want: other},
		{name: "the working directory before the variable", variable: other, inPlace: true, want: "jalur.yaml"},
		{name: "the flag before both", flag: other, variable: "missing.toml", inPlace: true, want: other},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.inPlace {
				write(t, "jalur.yaml", "")
				t.Cleanup(func() { _ = os.Remove("jalur.yaml") })
			}
			got, err := config.Find(tc.flag, func(name string) string { return map[string]string{"JALUR_CONFIG": tc.variable}[name] })
			if tc.fails == "" && (err != nil || got != tc.want) {
				t.Errorf("%q, %v; want %q", got, err, tc.want)
			}
			if tc.fails != "" && (!errors.Is(err, config.ErrNoFile) || err.Error() != tc.fails) {
				t.Errorf("%v; want %s", err, tc.fails)
			}
		})
	}
}

func TestLoadOfNoFile(t *testing.T) {
	t.Parallel()
	if _, err := config.Load(config.Options{File: filepath.Join(t.TempDir(), "x.yaml")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if _, err := config.Load(config.Options{File: t.TempDir()}); err == nil {
		t.Error("a folder was loaded")
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPostgresJournal(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"postgres://jalur@host/db", "postgresql://jalur@a:5432,b:5433/db?sslmode=require", "postgres:///db?host=/run/postgresql",
		"postgres://host/?dbname=db",
	} {
		c, err := parse(t, "a.yaml", "journal: "+address+"\n")
		if err != nil || c.JournalDSN() != address {
			t.Errorf("%s: %q, %v", address, c.JournalDSN(), err)
		}
	}
	if c, err := parse(t, "a.yaml", ""); err != nil || c.JournalDSN() != "" {
		t.Errorf("a file has the address %q, %v", c.JournalDSN(), err)
	}
}
