package digiflazz

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jalurhq/jalur/core"
)

const (
	name    = "digiflazz"
	version = "1.0.0"

	retention    = 90 * 24 * time.Hour
	statusMaxAge = 89 * 24 * time.Hour // a day less, since whose day it is isn't documented
	statusGap    = time.Minute
)

// Config is what a [Provider] is made of.
type Config struct {
	// BaseURL is where the calls stand, without a slash at its end ("https://api.digiflazz.com/v1"). Required.
	BaseURL string
	// Username and APIKey sign each call. Required. No error ever shows the key.
	Username, APIKey string
	// WebhookSecret is what callbacks are signed with. Default: they aren't, and any is read, since it only makes the provider be asked.
	WebhookSecret string
	// Testing marks every order as one of the development mode. Default: real orders.
	Testing bool
	// Denominations are the amounts that products stand for, by product code. Default: read from the names of the price list, where they end with one.
	Denominations map[string]core.Money
	// Codes are classes in place of the built-in ones, by the provider's code; only stricter ones.
	Codes map[string]core.Code
	// Now is the wall clock. Default: time.Now.
	Now func() time.Time
}

//go:embed settings.schema.json
var settingsSchema []byte

// schema is the JSON Schema of the settings.
func schema() json.RawMessage { return bytes.Clone(settingsSchema) }

// settings maps each setting's name to what reads it.
func settings() map[string]func(*Config, json.RawMessage) error {
	return map[string]func(*Config, json.RawMessage) error{
		"base_url": func(c *Config, raw json.RawMessage) error { return core.ReadText("base_url", raw, &c.BaseURL) },
		"username": func(c *Config, raw json.RawMessage) error { return core.ReadText("username", raw, &c.Username) },
		"api_key":  func(c *Config, raw json.RawMessage) error { return core.ReadText("api_key", raw, &c.APIKey) },
		"webhook_secret": func(c *Config, raw json.RawMessage) error {
			return core.ReadText("webhook_secret", raw, &c.WebhookSecret)
		},
		"testing":       readTesting,
		"denominations": readDenominations,
		"codes":         readCodes,
	}
}

// ParseSettings reads the settings of a configuration. Errors are [*core.SettingError]. Whether what is required is there, [New] checks.
func ParseSettings(raw json.RawMessage) (Config, error) {
	return core.ReadSettings(raw, settings())
}

// readTesting takes the word as a string too: environment variables have no other type.
func readTesting(cfg *Config, raw json.RawMessage) error {
	switch strings.Trim(string(raw), `"`) {
	case "true", "1":
		cfg.Testing = true
	case "false", "0", "":
		cfg.Testing = false
	default:
		return &core.SettingError{Key: "testing", Rule: "must be true or false"}
	}
	return nil
}

func readDenominations(cfg *Config, raw json.RawMessage) error {
	var given map[string]core.Money
	if json.Unmarshal(raw, &given) != nil {
		return &core.SettingError{Key: "denominations", Rule: "must be an object of whole rupiah by product code"}
	}
	cfg.Denominations = given
	return nil
}

func readCodes(cfg *Config, raw json.RawMessage) error {
	var given map[string]core.Code
	if json.Unmarshal(raw, &given) != nil {
		return &core.SettingError{Key: "codes", Rule: "must be an object of classes by the provider's code"}
	}
	cfg.Codes = given
	return nil
}

// checked gives the configuration with its defaults.
func (c Config) checked() (Config, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	if err := c.checkRequired(); err != nil {
		return Config{}, err
	}
	if err := checkBaseURL(c.BaseURL); err != nil {
		return Config{}, err
	}
	if err := c.checkDenominations(); err != nil {
		return Config{}, err
	}
	return c, c.checkCodes()
}

func (c Config) checkRequired() error {
	for _, setting := range []struct{ key, value string }{
		{"base_url", c.BaseURL}, {"username", c.Username}, {"api_key", c.APIKey},
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

func (c Config) checkDenominations() error {
	for _, sku := range slices.Sorted(maps.Keys(c.Denominations)) {
		face := c.Denominations[sku]
		if sku == "" || face.Sign() <= 0 || face.Currency() != core.Rupiah || face.Scale() > 0 {
			return &core.SettingError{Key: "denominations." + sku, Rule: "must be whole rupiah, more than 0"}
		}
	}
	return nil
}

func (c Config) checkCodes() error {
	table := meanings()
	for _, rc := range slices.Sorted(maps.Keys(c.Codes)) {
		allowed := stricter(table[rc])
		if len(allowed) == 0 {
			return &core.SettingError{Key: "codes." + rc, Rule: "can't be given another class: it is not a documented refusal"}
		}
		if !slices.Contains(allowed, c.Codes[rc]) {
			names := make([]string, 0, len(allowed))
			for _, code := range allowed {
				names = append(names, string(code))
			}
			return &core.SettingError{Key: "codes." + rc, Rule: "must be one of " + strings.Join(names, ", ")}
		}
	}
	return nil
}

func (c Config) descriptor() core.Descriptor {
	d := core.Descriptor{
		Name:            name,
		Version:         version,
		Instance:        c.instance(),
		Ref:             core.RefSpec{Mode: core.RefReplay, Retention: retention},
		StatusBy:        core.ByRef,
		StatusResubmits: true,
		StatusGap:       statusGap,
		StatusMaxAge:    statusMaxAge,
		MaxCost:         true,
		AmountInProduct: true,
		TellsBalances:   true,
		SendsCallbacks:  true,
		OtherMerchants:  true,
	}
	for _, sku := range slices.Sorted(maps.Keys(c.Denominations)) {
		face := c.Denominations[sku]
		d.Merchants = append(d.Merchants, core.MerchantSpec{Merchant: core.MerchantCode(sku), Amounts: core.AmountSpec{Min: face, Max: face}})
	}
	return d
}

// instance names the account by its address and a hash of its user. The key may change; the account stays the same. Orders of the development mode are
// unknown to the other one.
func (c Config) instance() string {
	const digits = 12
	_, address, _ := strings.Cut(c.BaseURL, "://")
	user := sha256.Sum256([]byte(c.Username))
	instance := address + "#" + hex.EncodeToString(user[:])[:digits]
	if c.Testing {
		instance += "+testing"
	}
	return instance
}
