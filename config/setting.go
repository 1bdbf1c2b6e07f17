package config

import "strings"

// SettingError is what a plugin says of a setting of its own, with the position of that setting: the error is [*Error]. The key may lead into
// nested settings by full stops ("reasons.saldo"). The provider's secrets are taken out of the rule.
func (c Config) SettingError(provider, key, rule string) error {
	at := root.child("providers").child(provider)
	for _, secret := range c.Providers[provider].Secrets {
		rule = strings.ReplaceAll(rule, secret, "***")
	}
	at = settingPath(at.child("settings"), c.Providers[provider].Settings, key)
	return c.src.place(at).errorAbout(at, rule)
}

// settingPath follows full stops only where the settings have no key that holds them.
func settingPath(at path, settings map[string]any, key string) path {
	head, rest, nested := strings.Cut(key, ".")
	below, isMap := settings[head].(map[string]any)
	if _, whole := settings[key]; whole || key == "" || !nested || !isMap {
		if key == "" {
			return at
		}
		return at.child(key)
	}
	return settingPath(at.child(head), below, rest)
}
