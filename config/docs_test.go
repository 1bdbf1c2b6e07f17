package config_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jalurhq/jalur/config"
	"github.com/jalurhq/jalur/providers/mmbc"
)

// manual is docs/configuration.md.
func manual(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// block is one fenced block of a page.
type block struct {
	line int
	info string // what follows the fence: "yaml", "sh"
	text string
}

func blocks(page string) []block {
	var all []block
	var open *block
	for i, line := range strings.Split(page, "\n") {
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			open = &block{line: i + 1, info: info}
		case fence:
			all = append(all, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	return all
}

// withInfo gives the texts of one kind. A sample that is no whole configuration is marked ("yaml fragment") and has to be of another kind.
func withInfo(all []block, info string) []block {
	return slices.DeleteFunc(slices.Clone(all), func(b block) bool { return b.info != info })
}

// reader gives a folder with what the samples' placeholders name, and the environment that they need.
func reader(t *testing.T) (file string, env []string) {
	t.Helper()
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "secrets", "mmbc-password"), []byte("rahasia\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, "jalur.yaml"), []string{"MMBC_USERNAME=toko", "MMBC_PASSWORD=rahasia"}
}

func TestSamplesOfTheManual(t *testing.T) {
	t.Parallel()
	file, env := reader(t)
	samples := withInfo(blocks(manual(t)), "yaml")
	if len(samples) < 5 {
		t.Fatalf("only %d samples", len(samples))
	}
	for _, sample := range samples {
		c, err := config.Parse(file, []byte(sample.text), config.Options{Env: env})
		if err != nil {
			t.Errorf("the sample in line %d: %v", sample.line, err)
			continue
		}
		for name, p := range c.Providers {
			takesSettings(t, sample.line, name, p)
		}
	}
}

// takesSettings holds the sample's settings against the plugin that they are for.
func takesSettings(t *testing.T, line int, name string, p config.Provider) {
	t.Helper()
	settings, err := json.Marshal(p.Settings)
	if err != nil {
		t.Fatal(err)
	}
	if p.Plugin != "mmbc" {
		t.Errorf("the sample in line %d: provider %s has the plugin %q, which nobody ships", line, name, p.Plugin)
	}
	if _, err := mmbc.New(settings); err != nil {
		t.Errorf("the sample in line %d: provider %s: %v", line, name, err)
	}
}

func TestOverridesOfTheManual(t *testing.T) {
	t.Parallel()
	file, env := reader(t)
	all := blocks(manual(t))
	for _, sample := range withInfo(all, "sh") {
		env = append(env, regexp.MustCompile(`(?m)^JALUR__\S+=\S+$`).FindAllString(sample.text, -1)...)
	}
	if len(env) < 6 {
		t.Fatalf("only %q", env)
	}
	c, err := config.Parse(file, []byte(withInfo(all, "yaml")[0].text), config.Options{Env: env})
	if err != nil {
		t.Fatal(err)
	}
	if mmbc := c.Providers["mmbc"]; mmbc.Timeout != 45*time.Second || mmbc.Settings["direct"] != 0 || c.Server.Listen != "127.0.0.1:9000" {
		t.Errorf("timeout %s, direct %v, listen %s", mmbc.Timeout, mmbc.Settings["direct"], c.Server.Listen)
	}
}

// keys gives the paths of every value that a configuration can hold.
func keys(at string, typ reflect.Type) []string {
	switch typ.Kind() {
	case reflect.Slice:
		return keys(at+"[]", typ.Elem())
	case reflect.Map:
		return keys(at+".NAME", typ.Elem())
	case reflect.Struct:
	default:
		return nil
	}
	var all []string
	for f := range typ.Fields() {
		if key := f.Tag.Get("koanf"); key != "" && key != "-" {
			path := strings.TrimPrefix(at+"."+key, ".")
			all = append(append(all, path), keys(path, f.Type)...)
		}
	}
	return all
}

func TestTheManualHasEveryKeyAndNoOther(t *testing.T) {
	t.Parallel()
	known := keys("", reflect.TypeFor[config.Config]())
	if len(known) < 20 {
		t.Fatalf("only %q", known)
	}
	var written []string
	for _, row := range regexp.MustCompile("(?m)^\\| `((?:journal|spill|providers|routes|server|resolve)[^`]*)` \\|").FindAllStringSubmatch(manual(t), -1) {
		written = append(written, row[1])
	}
	for _, key := range known {
		isGroup := slices.ContainsFunc(written, func(w string) bool { return strings.HasPrefix(w, key+".") })
		if !isGroup && !slices.Contains(written, key) {
			t.Errorf("the manual doesn't say what %s is", key)
		}
	}
	for _, key := range written {
		if !slices.Contains(known, key) {
			t.Errorf("the manual has %s, and there is no such key", key)
		}
	}
}
