package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/settings"
)

// SettingsError is a plugin's refusal of its settings. Starting it again would change nothing.
type SettingsError struct {
	Provider string
	Key      string // as in the settings, "" where no single key is to blame
	Rule     string // what is wrong, without the value of a secret
}

// Error gives "provider mmbc: setting base_url: must be an http or https URL". A rule that names the key itself stands alone.
func (e *SettingsError) Error() string {
	switch {
	case e.Key == "":
		return "provider " + e.Provider + ": settings: " + e.Rule
	case strings.Contains(e.Rule, strconv.Quote(e.Key)):
		return "provider " + e.Provider + ": " + e.Rule
	default:
		return "provider " + e.Provider + ": setting " + e.Key + ": " + e.Rule
	}
}

// CheckSettings holds settings against a plugin's schema, without the plugin. Each rule that they break is refused; an error is about the schema itself.
func CheckSettings(provider string, schema, given json.RawMessage) (refused []*SettingsError, err error) {
	compiled, err := settings.Compile(schema)
	if err != nil {
		return nil, fmt.Errorf("provider %s: %w", provider, err)
	}
	for _, problem := range compiled.Check(given) {
		refused = append(refused, &SettingsError{Provider: provider, Key: problem.Key, Rule: problem.Rule})
	}
	return refused, nil
}

// configure hands the settings over once they have been held against the plugin's own schema: until then the plugin has seen none. What the schema calls a secret is
// hidden from then on.
func (i *instance) configure(ctx context.Context) error {
	schema, err := i.link.client.Schema(ctx)
	if err != nil {
		return err
	}
	compiled, err := settings.Compile(schema)
	if err != nil {
		return errors.New(i.link.hide.text(cut(err.Error()))) //nolint:err113 // the text is the plugin's
	}
	if problems := compiled.Check(i.cfg.Settings); len(problems) > 0 {
		return &SettingsError{Provider: i.cfg.Name, Key: problems[0].Key, Rule: i.link.hide.text(cut(problems[0].Rule))}
	}
	i.link.hide.also(compiled.Secrets(i.cfg.Settings))
	return settingsError(i.cfg.Name, i.link.client.Configure(ctx, i.cfg.Settings))
}

// maxRule bounds what of a plugin's schema is shown, in bytes.
const maxRule = 1 << 10

func cut(s string) string {
	if len(s) <= maxRule {
		return s
	}
	return strings.ToValidUTF8(s[:maxRule], "") + "…"
}

func settingsError(provider string, err error) error {
	if refused, ok := errors.AsType[*core.SettingError](err); ok {
		return &SettingsError{Provider: provider, Key: refused.Key, Rule: refused.Rule}
	}
	return err
}
