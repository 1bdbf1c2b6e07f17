package config_test

import (
	"errors"
	"os"
	"testing"

	"github.com/jalurhq/jalur/config"
)

// FuzzParse holds that no file makes Parse panic, that what it accepts passes Check, and that what it refuses is explained.
func FuzzParse(f *testing.F) {
	files := []string{"jalur.yaml", "jalur.toml", "jalur.json"}
	for i, name := range files {
		data, err := os.ReadFile("samples/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), string(data), "SERVER__LISTEN", "127.0.0.1:1")
	}
	f.Add(uint8(0), "a: &a [*a, {<<: *a, ? [x] : y}]\n--- !!set\n", "PROVIDERS__A", "")
	f.Add(uint8(0), "providers: {x: {plugin: \"${V}$${\", settings: {\"\\x1f\": \"${file:}\"}}}", "PROVIDERS__X__SETTINGS__A__B", "'1'")
	f.Add(uint8(1), "a.b=[[{c=1979-05-27}],[]]\n[[d.e]]\n[d.e.f]\n[[d.e]]\n", "__", "1e5")
	f.Add(uint8(2), "{\"server\":{\"\":[1e400]}}", "JOURNAL", "\"")
	f.Fuzz(func(t *testing.T, format uint8, text, variable, value string) {
		c, err := config.Parse(files[int(format)%len(files)], []byte(text), config.Options{
			Env:       []string{"V=v", "MMBC_USERNAME=toko", "MMBC_PASSWORD=rahasia", "JALUR__" + variable + "=" + value},
			Overrides: map[string]any{"providers.mmbc." + variable: value},
		})
		_, explained := errors.AsType[config.Errors](err)
		switch {
		case err == nil && c.Check() != nil:
			t.Errorf("accepted, but %v", c.Check())
		case err != nil && !explained:
			t.Errorf("refused without a reason: %v", err)
		}
	})
}
