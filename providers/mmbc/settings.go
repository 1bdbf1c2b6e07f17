package mmbc

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/jalurhq/jalur/core"
)

//go:embed settings.schema.json
var settingsSchema string

// Factory is what hosts and plugins are given: the schema of the settings, and [New].
func Factory() core.Factory { return core.Factory{Schema: json.RawMessage(settingsSchema), New: New} }

// Encoding is how parameters travel. The provider's page doesn't say.
type Encoding string

// The three encodings.
const (
	EncodingForm  Encoding = "form"  // a form-encoded body
	EncodingJSON  Encoding = "json"  // a JSON object of strings
	EncodingQuery Encoding = "query" // the query string, credentials included, and an empty body
)

// Config is what a [Provider] is made of.
type Config struct {
	// BaseURL is where the four calls stand, without a slash at its end. Required.
	BaseURL string
	// Username and Password go into each call. Required. No error ever shows them.
	Username, Password string
	// AwaitReference makes Pay wait for the reference number (direct=0). Default: take the invoice first and ask for the
	// reference after (direct=1), which shortens the time in which an answer can be lost.
	AwaitReference bool
	// Encoding is how parameters travel. Default: EncodingForm.
	Encoding Encoding
	// Reasons come before the built-in table of reasons.
	Reasons []Reason
}

// Reason gives a code to refusals whose text has all of the phrases. A phrase is one or more whole words that stand together, in any case.
type Reason struct {
	Match []string
	Code  core.Code
}

// settings maps each setting's name to what reads it.
func settings() map[string]func(*Config, json.RawMessage) error {
	return map[string]func(*Config, json.RawMessage) error{
		"base_url": func(c *Config, raw json.RawMessage) error { return core.ReadText("base_url", raw, &c.BaseURL) },
		"username": func(c *Config, raw json.RawMessage) error { return core.ReadText("username", raw, &c.Username) },
		"password": func(c *Config, raw json.RawMessage) error { return core.ReadText("password", raw, &c.Password) },
		"encoding": readEncoding,
		"direct":   readDirect,
		"reasons":  readReasons,
	}
}

// ParseSettings reads {"base_url", "username", "password", "direct", "encoding", "reasons"}. Errors are [*core.SettingError]. Whether what is
// required is there, [NewProvider] checks.
func ParseSettings(raw json.RawMessage) (Config, error) {
	return core.ReadSettings(raw, settings())
}

// readEncoding takes no empty one: who names the setting means something by it.
func readEncoding(cfg *Config, raw json.RawMessage) error {
	if err := core.ReadText("encoding", raw, (*string)(&cfg.Encoding)); err != nil {
		return err
	}
	return cfg.Encoding.check()
}

func (e Encoding) check() error {
	if !slices.Contains([]Encoding{EncodingForm, EncodingJSON, EncodingQuery}, e) {
		return &core.SettingError{Key: "encoding", Rule: "must be form, json or query"}
	}
	return nil
}

// readDirect takes the number as a string too: environment variables have no other type.
func readDirect(cfg *Config, raw json.RawMessage) error {
	switch strings.Trim(string(raw), `"`) {
	case "0":
		cfg.AwaitReference = true
	case "1":
		cfg.AwaitReference = false
	default:
		return &core.SettingError{Key: "direct", Rule: "must be 0 or 1"}
	}
	return nil
}

func readReasons(cfg *Config, raw json.RawMessage) error {
	var list []map[string]json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return &core.SettingError{Key: "reasons", Rule: "must be a list of {match, code}"}
	}
	for i, entry := range list {
		reason, err := readReason(fmt.Sprintf("reasons[%d]", i), entry)
		if err != nil {
			return err
		}
		cfg.Reasons = append(cfg.Reasons, reason)
	}
	return nil
}

func readReason(at string, entry map[string]json.RawMessage) (Reason, error) {
	var reason Reason
	for _, key := range slices.Sorted(maps.Keys(entry)) {
		name := at + "." + key
		switch key {
		case "match":
			if err := readMatch(name, entry[key], &reason.Match); err != nil {
				return Reason{}, err
			}
		case "code":
			if err := core.ReadText(name, entry[key], (*string)(&reason.Code)); err != nil {
				return Reason{}, err
			}
		default:
			return Reason{}, &core.SettingError{Key: name, Rule: "is not known; there are match and code"}
		}
	}
	return reason, nil
}

func readMatch(name string, raw json.RawMessage, into *[]string) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*into = []string{one}
		return nil
	}
	if json.Unmarshal(raw, into) != nil {
		return &core.SettingError{Key: name, Rule: "must be a phrase or a list of phrases"}
	}
	return nil
}

// checked gives the configuration with its defaults.
func (c Config) checked() (Config, error) {
	if c.Encoding == "" {
		c.Encoding = EncodingForm
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	if err := c.checkRequired(); err != nil {
		return Config{}, err
	}
	if err := checkBaseURL(c.BaseURL); err != nil {
		return Config{}, err
	}
	if err := c.Encoding.check(); err != nil {
		return Config{}, err
	}
	for i, reason := range c.Reasons {
		if err := reason.check(fmt.Sprintf("reasons[%d]", i)); err != nil {
			return Config{}, err
		}
	}
	return c, nil
}

func (c Config) checkRequired() error {
	for _, setting := range []struct{ key, value string }{
		{"base_url", c.BaseURL}, {"username", c.Username}, {"password", c.Password},
	} {
		if setting.value == "" {
			return &core.SettingError{Key: setting.key, Rule: "is required"}
		}
	}
	return nil
}

func checkBaseURL(base string) error {
	u, err := url.Parse(base)
	wrong := err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" ||
		u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != ""
	if wrong {
		return &core.SettingError{Key: "base_url", Rule: "must be an http or https URL without user, query and fragment"}
	}
	return nil
}

func (r Reason) check(at string) error {
	if len(r.Match) == 0 {
		return &core.SettingError{Key: at + ".match", Rule: "is required"}
	}
	for _, phrase := range r.Match {
		if words(phrase) == "" {
			return &core.SettingError{Key: at + ".match", Rule: "must have at least one word in each phrase"}
		}
	}
	if !mayDecline(r.Code) {
		return &core.SettingError{Key: at + ".code", Rule: "must be one of " + joinCodes(declineCodes())}
	}
	return nil
}
