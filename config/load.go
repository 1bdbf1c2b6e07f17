package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/json"
	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
)

// Where [Find] looks when no flag names a file.
const (
	DefaultFile  = "jalur.yaml"
	FileVariable = "JALUR_CONFIG"
)

// Options says what a configuration is loaded from.
type Options struct {
	// File is the configuration's file. Its ending says the format: .yaml, .yml, .toml or .json. Relative paths in it start at its folder.
	File string
	// Env is the environment as os.Environ gives it; nil: none. It fills placeholders, and its JALUR__… override single values.
	Env []string
	// Overrides are values from flags by their dotted key ("server.listen"). They win over the environment.
	Overrides map[string]any
}

// Find gives the file to load: the one that a flag names, else jalur.yaml in the working directory, else the one that $JALUR_CONFIG names.
// Errors: [ErrNoFile], with what was tried.
func Find(flag string, env func(string) string) (string, error) {
	if flag != "" {
		return flag, exists(flag, "-c "+flag)
	}
	if err := exists(DefaultFile, DefaultFile); err == nil {
		return DefaultFile, nil
	}
	named := env(FileVariable)
	if named == "" {
		return "", fmt.Errorf("%w: there is no %s in the working directory, $%s is not set, and no -c FILE was given", ErrNoFile, DefaultFile, FileVariable)
	}
	return named, exists(named, "$"+FileVariable+" names "+named)
}

func exists(file, named string) error {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s: no such file", ErrNoFile, named)
	}
	return nil
}

// Load reads a configuration file, puts in what the environment and flags say, and checks all of it. An error is [Errors] where the content is wrong.
func Load(o Options) (Config, error) {
	data, err := readFile(o.File, maxFile)
	if err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	return Parse(o.File, data, o)
}

// Parse is [Load] for content that is in memory already. The name stands for the file: its ending says the format, its folder is where relative paths
// start, errors show it. The options' File is not used.
func Parse(name string, data []byte, o Options) (Config, error) {
	folder, err := filepath.Abs(filepath.Dir(name))
	if err != nil {
		return Config{}, fmt.Errorf("folder of %s: %w", name, err)
	}
	l := &loader{options: o, folder: folder, found: newFindings(newSource(name))}
	config, err := l.load(data)
	if wrong := l.found.err(); wrong != nil {
		return Config{}, wrong
	}
	return config, err
}

// format is one way to write a configuration down.
type format struct {
	parser koanf.Parser
	// index notes where the keys stand and reports what makes the document unreadable.
	index func(data []byte, found *findings)
	// wholeFloats: the parser gives whole numbers as floats.
	wholeFloats bool
}

func formatOf(name string) (format, bool) {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".yaml", ".yml":
		return format{parser: yaml.Parser(), index: indexYAML}, true
	case ".toml":
		return format{parser: toml.Parser(), index: indexTOML}, true
	case ".json":
		return format{parser: json.Parser(), index: indexJSON, wholeFloats: true}, true
	default:
		return format{}, false
	}
}

// loader takes one configuration from its bytes to its type.
type loader struct {
	options Options
	folder  string
	found   *findings
}

// load collects what is wrong in l.found. Its error is what ends the loading early.
func (l *loader) load(data []byte) (Config, error) {
	merged, err := l.merge(data)
	if err != nil {
		return Config{}, err
	}
	l.found.nextPhase()
	expand := &expander{env: environment(l.options.Env), folder: l.folder, found: l.found, secrets: map[path][]string{}}
	expand.tree(root, merged)
	l.found.nextPhase()
	config, err := l.decode(merged)
	if err != nil {
		return Config{}, err
	}
	l.found.nextPhase()
	config = l.finish(config, expand)
	checker{found: l.found, config: config}.run()
	return config, nil
}

// merge gives the file's content with the overrides in it.
func (l *loader) merge(data []byte) (map[string]any, error) {
	format, known := formatOf(l.found.src.file)
	switch {
	case !known:
		l.found.add(root, "the file's name must end in .yaml, .yml, .toml or .json")
	case len(data) > maxFile:
		l.found.add(root, fmt.Sprintf("larger than %d bytes", maxFile))
	default:
		format.index(data, l.found)
	}
	if err := l.found.err(); err != nil {
		return nil, err
	}
	k := koanf.New(delim)
	if err := k.Load(rawbytes.Provider(data), format.parser); err != nil {
		l.found.add(root, "not valid: a value doesn't fit its tag, or can't be merged") // the parser's words may show the value
		return nil, l.found.err()
	}
	l.found.nextPhase()
	return l.override(k, format)
}

func (l *loader) override(k *koanf.Koanf, format format) (map[string]any, error) {
	o := overrider{loaded: k.Raw(), found: l.found, set: map[path]bool{}}
	if err := o.env(k, l.options.Env); err != nil {
		return nil, err
	}
	if err := o.flags(k, l.options.Overrides); err != nil {
		return nil, err
	}
	merged := k.Raw()
	plain(merged, format.wholeFloats)
	return merged, nil
}

// decode gives the tree its type. What doesn't fit has been reported and taken out before, so that an error of the decoder is our own mistake.
func (l *loader) decode(tree map[string]any) (Config, error) {
	fitted, _ := shaper{found: l.found}.fit(root, tree, reflect.TypeFor[Config]())
	fields, _ := fitted.(map[string]any)
	k := koanf.New(delim)
	if err := k.Load(confmap.Provider(fields, ""), nil); err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	var config Config
	err := k.UnmarshalWithConf("", &config, koanf.UnmarshalConf{Tag: tagName, DecoderConfig: &mapstructure.DecoderConfig{
		DecodeHook:  mapstructure.StringToTimeDurationHookFunc(),
		ErrorUnused: true,
		MatchName:   func(key, field string) bool { return key == field },
		Result:      &config,
	}})
	if err != nil {
		return Config{}, errors.New("the configuration can't be decoded") //nolint:err113 // the decoder's words may show a value
	}
	return config, nil
}

// finish adds what doesn't stand in the tree: absolute paths, secrets, defaults, positions.
func (l *loader) finish(c Config, expand *expander) Config {
	providers := root.child("providers")
	for name, p := range c.Providers {
		p.Secrets = expand.below(providers.child(name).child("settings"))
		if p.IsPath() {
			p.Plugin = l.absolute(p.Plugin)
		}
		if p.Manifest != "" {
			p.Manifest = l.absolute(p.Manifest)
		}
		c.Providers[name] = p
	}
	c.src = l.found.src
	c = c.WithDefaults()
	if file, ok := strings.CutPrefix(c.Journal, sqliteScheme); ok && file != "" && !strings.HasSuffix(file, "/") {
		c.Journal = sqliteScheme + l.absolute(file)
	}
	c.Spill = l.absolute(c.SpillPath())
	return c
}

func (l *loader) absolute(file string) string {
	if filepath.IsAbs(file) {
		return filepath.Clean(file)
	}
	return filepath.Join(l.folder, file)
}

func environment(environ []string) map[string]string {
	env := make(map[string]string, len(environ))
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok {
			env[name] = value
		}
	}
	return env
}
