package dtone

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jalurhq/jalur/core"
)

//go:embed settings.schema.json
var schema []byte

// Config is what a [Provider] is made of.
type Config struct {
	// BaseURL is where the API stands, with its /v1 and without a slash at its end. Required.
	BaseURL string
	// Key and Secret are the API's. Required. No error ever shows them.
	Key, Secret string
	// FirmQuotes makes Inquire create the transaction unconfirmed, so that its price is firm and its cost is held. Default: an inquiry only looks up.
	FirmQuotes bool
	// CallingCode ("62") is the country of phone numbers with a leading 0. Default: none, such numbers are refused.
	CallingCode string
	// Country (ISO 3166 alpha-3) narrows ListProducts. Default: all.
	Country string
	// Quarantine is core.Descriptor's. Default: 0, since the documentation gives no time.
	Quarantine time.Duration
	// Products says what products ask for that aren't for a mobile number alone, by id.
	Products map[string]ProductConfig
	// Codes come before the built-in tables, by API error code or status message without its class.
	Codes map[string]core.Code
	// Now is the clock that catalogue entries age by, and that tells which transactions are too old for a listing without dates. Default: time.Now.
	Now func() time.Time
}

// ProductConfig says what one product asks for.
type ProductConfig struct {
	Account string   // the credit party's field that the account fills; [core.NoAccount]: there is none. Default: mobile_number
	Extra   []string // further fields that an order must bring
}

// settings maps each setting's name to what reads it.
func settings() map[string]func(*Config, json.RawMessage) error {
	return map[string]func(*Config, json.RawMessage) error{
		"base_url":     func(c *Config, raw json.RawMessage) error { return core.ReadText("base_url", raw, &c.BaseURL) },
		"key":          func(c *Config, raw json.RawMessage) error { return core.ReadText("key", raw, &c.Key) },
		"secret":       func(c *Config, raw json.RawMessage) error { return core.ReadText("secret", raw, &c.Secret) },
		"firm_quotes":  readFirmQuotes,
		"calling_code": readCallingCode,
		"country":      func(c *Config, raw json.RawMessage) error { return core.ReadText("country", raw, &c.Country) },
		"quarantine":   readQuarantine,
		"products":     readProducts,
		"codes":        readCodes,
	}
}

// ParseSettings reads the settings as settings.schema.json describes them. Errors are [*core.SettingError]. Whether what is required is there,
// [NewProvider] checks.
func ParseSettings(raw json.RawMessage) (Config, error) {
	return core.ReadSettings(raw, settings())
}

// readFirmQuotes takes a string too: environment variables have no other type.
func readFirmQuotes(cfg *Config, raw json.RawMessage) error {
	switch strings.Trim(string(raw), `"`) {
	case "true":
		cfg.FirmQuotes = true
	case "false":
		cfg.FirmQuotes = false
	default:
		return &core.SettingError{Key: "firm_quotes", Rule: "must be true or false"}
	}
	return nil
}

// readCallingCode takes a number too, as which YAML reads 62.
func readCallingCode(cfg *Config, raw json.RawMessage) error {
	cfg.CallingCode = strings.TrimPrefix(strings.Trim(string(raw), `"`), "+")
	return nil
}

func readQuarantine(cfg *Config, raw json.RawMessage) error {
	wrong := &core.SettingError{Key: "quarantine", Rule: "must be a duration such as 15m"}
	var written string
	if json.Unmarshal(raw, &written) != nil {
		return wrong
	}
	quarantine, err := time.ParseDuration(written)
	if err != nil {
		return wrong
	}
	cfg.Quarantine = quarantine
	return nil
}

func readProducts(cfg *Config, raw json.RawMessage) error {
	var given map[string]map[string]json.RawMessage
	if json.Unmarshal(raw, &given) != nil {
		return &core.SettingError{Key: "products", Rule: "must be an object of {account, extra}"}
	}
	cfg.Products = map[string]ProductConfig{}
	for _, id := range slices.Sorted(maps.Keys(given)) {
		product, err := readProduct("products."+id, given[id])
		if err != nil {
			return err
		}
		cfg.Products[id] = product
	}
	return nil
}

func readProduct(at string, given map[string]json.RawMessage) (ProductConfig, error) {
	var product ProductConfig
	for _, key := range slices.Sorted(maps.Keys(given)) {
		name := at + "." + key
		switch key {
		case "account":
			if err := core.ReadText(name, given[key], &product.Account); err != nil {
				return product, err
			}
		case "extra":
			if json.Unmarshal(given[key], &product.Extra) != nil {
				return product, &core.SettingError{Key: name, Rule: "must be a list of field names"}
			}
		default:
			return product, &core.SettingError{Key: name, Rule: "is not known; there are account and extra"}
		}
	}
	return product, nil
}

func readCodes(cfg *Config, raw json.RawMessage) error {
	if json.Unmarshal(raw, &cfg.Codes) != nil {
		return &core.SettingError{Key: "codes", Rule: "must be an object of codes"}
	}
	return nil
}

// checked gives the configuration with its defaults.
func (c Config) checked() (Config, error) {
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	if c.Now == nil {
		c.Now = time.Now
	}
	for _, setting := range []struct{ key, value string }{{"base_url", c.BaseURL}, {"key", c.Key}, {"secret", c.Secret}} {
		if setting.value == "" {
			return Config{}, &core.SettingError{Key: setting.key, Rule: "is required"}
		}
	}
	for _, check := range []func() error{c.checkURL, c.checkFormats, c.checkProducts, c.checkCodes} {
		if err := check(); err != nil {
			return Config{}, err
		}
	}
	return c, nil
}

func (c Config) checkURL() error {
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return &core.SettingError{Key: "base_url", Rule: "must be an http or https URL without user, query and fragment"}
	}
	return nil
}

var (
	callingCode = regexp.MustCompile(`^[1-9][0-9]{0,2}$`)
	countryCode = regexp.MustCompile(`^[A-Z]{3}$`)
	productID   = regexp.MustCompile(`^[1-9][0-9]{0,17}$`)
	fieldName   = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	extraName   = regexp.MustCompile(`^(?:(?:sender|beneficiary|debit_party|statement|additional)\.)?[a-z][a-z0-9_]*$`)
)

func (c Config) checkFormats() error {
	switch {
	case strings.Contains(c.Key, ":"):
		return &core.SettingError{Key: "key", Rule: "must have no colon"}
	case c.CallingCode != "" && !callingCode.MatchString(c.CallingCode):
		return &core.SettingError{Key: "calling_code", Rule: "must be a country calling code of one to three digits"}
	case c.Country != "" && !countryCode.MatchString(c.Country):
		return &core.SettingError{Key: "country", Rule: "must be three capital letters, as ISO 3166 has them"}
	case c.Quarantine < 0:
		return &core.SettingError{Key: "quarantine", Rule: "can't be negative"}
	default:
		return nil
	}
}

func (c Config) checkProducts() error {
	for _, id := range slices.Sorted(maps.Keys(c.Products)) {
		product := c.Products[id]
		switch at := "products." + id; {
		case !productID.MatchString(id):
			return &core.SettingError{Key: at, Rule: "must be the number of a product"}
		case product.Account != "" && !fieldName.MatchString(product.Account):
			return &core.SettingError{Key: at + ".account", Rule: "must be a field of the credit party, or none"}
		case slices.ContainsFunc(product.Extra, func(name string) bool { return !extraName.MatchString(name) }):
			return &core.SettingError{Key: at + ".extra", Rule: "must be names of fields, alone or behind sender., beneficiary., debit_party., statement. or additional."}
		}
	}
	return nil
}

func (c Config) checkCodes() error {
	for _, provider := range slices.Sorted(maps.Keys(c.Codes)) {
		switch at := "codes." + provider; {
		case !mayDecline(c.Codes[provider]):
			return &core.SettingError{Key: at, Rule: "must be one of " + joinCodes(declineCodes())}
		case ambiguous(provider):
			return &core.SettingError{Key: at, Rule: "is never a refusal"}
		}
	}
	return nil
}

// instance names the account by its address and a hash of its key. The secret may change; the account stays the same.
func (c Config) instance() string {
	const digits = 12
	_, address, _ := strings.Cut(c.BaseURL, "://")
	key := sha256.Sum256([]byte(c.Key))
	return address + "#" + hex.EncodeToString(key[:])[:digits]
}
