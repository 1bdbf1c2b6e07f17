package host

import (
	"errors"
	"strings"

	"github.com/jalurhq/jalur/plugins/internal/client"
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
	case strings.Contains(e.Rule, e.Key):
		return "provider " + e.Provider + ": " + e.Rule
	default:
		return "provider " + e.Provider + ": setting " + e.Key + ": " + e.Rule
	}
}

func settingsError(provider string, err error) error {
	if refused, ok := errors.AsType[*client.RefusedError](err); ok {
		return &SettingsError{Provider: provider, Key: refused.Key, Rule: refused.Rule}
	}
	return err
}
