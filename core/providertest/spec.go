package providertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/jalurhq/jalur/core"
)

// SandboxVariable stands in settings and specs for the address of the sandbox.
const SandboxVariable = "${SANDBOX}"

// spec is a harness as a file tells it.
type spec struct {
	Settings json.RawMessage     `json:"settings"`
	Required []string            `json:"required"`
	Secrets  []string            `json:"secrets"`
	Samples  map[string]Sample   `json:"samples"`
	Faults   map[string][]string `json:"faults"`
	Lacks    map[string]string   `json:"lacks"`
	Callback *specCallback       `json:"callback"`
	Deadline specDuration        `json:"deadline"`
	Settle   specDuration        `json:"settle"`
	Every    specDuration        `json:"every"`
	Parallel int                 `json:"parallel"`
}

type specCallback struct {
	Method   string              `json:"method"`
	Path     string              `json:"path"`
	Query    string              `json:"query"`
	Headers  map[string][]string `json:"headers"`
	Body     string              `json:"body"`
	Unsigned bool                `json:"unsigned"`
	Order    struct {
		Ref     string       `json:"ref"`
		Quote   string       `json:"quote"`
		Invoice core.Invoice `json:"invoice"`
	} `json:"order"`
}

// specDuration is written as "500ms".
type specDuration time.Duration

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *specDuration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = specDuration(parsed)
	return err
}

// ReadSpec reads a harness from YAML: everything but New, Remote, Schema and Extra. ${SANDBOX} in it stands for the address of the sandbox. An unknown key is an error.
//
//	settings: {base_url: "${SANDBOX}", api_key: k3y}    # good ones
//	samples:
//	  succeeds:        {product: GOPAY, account: "0812345678", amount: 50000}
//	  pending:         {product: GOPAY, account: "0812999001", amount: 50000}
//	  refused:         {product: GOPAY, account: "0812999202", amount: 50000, code: account_invalid}
//	faults:                                             # what the sandbox calls what the rules ask for
//	  unknown_status: [odd-word]
//	  wrong_account:  [other-account]
//	lacks:                                              # what there is none of, and why
//	  unknown_account: every number is known
//	callback:                                           # one that the provider would send
//	  method: POST
//	  headers: {X-Signature: ["…"]}
//	  body: '{"ref":"A1"}'
//	  order: {ref: A1}
//
// Further keys: required and secrets (where the plugin publishes no schema), deadline, settle, every ("500ms") and parallel, as [Harness] says. An amount is a whole number,
// a decimal in quotes, or {value: "1.50", currency: USD}; a number alone is rupiah.
func ReadSpec(data []byte, sandbox string) (Harness, error) {
	value, err := decodeYAML(data, sandbox)
	if err != nil {
		return Harness{}, fmt.Errorf("spec: %w", err)
	}
	packed, err := json.Marshal(value)
	if err != nil {
		return Harness{}, fmt.Errorf("spec: %w", err)
	}
	var s spec
	decoder := json.NewDecoder(bytes.NewReader(packed))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return Harness{}, fmt.Errorf("spec: %w", err)
	}
	return Harness{
		Settings: s.Settings, Required: s.Required, Secrets: s.Secrets, Sandbox: strings.TrimRight(sandbox, "/"), Samples: s.Samples, Faults: s.Faults,
		Lacks: s.Lacks, Callback: s.Callback.sample(), Deadline: time.Duration(s.Deadline), Settle: time.Duration(s.Settle), Every: time.Duration(s.Every),
		Parallel: s.Parallel,
	}, nil
}

func (c *specCallback) sample() *CallbackSample {
	if c == nil {
		return nil
	}
	return &CallbackSample{
		Request:  core.CallbackRequest{Method: c.Method, Path: c.Path, Query: c.Query, Header: c.Headers, Body: []byte(c.Body), Remote: "192.0.2.1"},
		Order:    core.CallbackOrder{Ref: c.Order.Ref, Quote: c.Order.Quote, Invoice: c.Order.Invoice},
		Unsigned: c.Unsigned,
	}
}

// ReadSettings reads the settings of a plugin from a YAML file, with the address of the sandbox in place of ${SANDBOX}. As in a configuration, a value ${file:NAME}
// stands for the text of another file, here of the same folder.
func ReadSettings(file, sandbox string) (json.RawMessage, error) {
	folder := os.DirFS(filepath.Dir(file))
	text, err := fs.ReadFile(folder, filepath.Base(file))
	if err != nil {
		return nil, err
	}
	value, err := decodeYAML(text, sandbox)
	if err != nil {
		return nil, err
	}
	if value, err = withFiles(folder, value); err != nil {
		return nil, err
	}
	return json.Marshal(value)
}

func decodeYAML(data []byte, sandbox string) (value any, err error) {
	text := strings.ReplaceAll(string(data), SandboxVariable, strings.TrimRight(sandbox, "/"))
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		return nil, err
	}
	if hasFloat(value) {
		return nil, errors.New("a number with a point must stand in quotes, so that it stays what it is")
	}
	return value, nil
}

// withFiles puts texts of files where they are named, in maps at any depth.
func withFiles(folder fs.FS, value any) (any, error) {
	switch v := value.(type) {
	case string:
		name, named := strings.CutPrefix(v, "${file:")
		name, whole := strings.CutSuffix(name, "}")
		if !named || !whole {
			return v, nil
		}
		text, err := fs.ReadFile(folder, name)
		return string(text), err
	case map[string]any:
		for key, one := range v {
			filled, err := withFiles(folder, one)
			if err != nil {
				return nil, err
			}
			v[key] = filled
		}
	}
	return value, nil
}

func hasFloat(value any) bool {
	switch v := value.(type) {
	case float64:
		return true
	case map[string]any:
		return hasFloat(slices.Collect(maps.Values(v)))
	case []any:
		return slices.ContainsFunc(v, hasFloat)
	default:
		return false
	}
}
