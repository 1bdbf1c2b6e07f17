package config

import (
	"strconv"
	"strings"
)

// SettingError is what a plugin says of a setting of its own, with the position of that setting: the error is [*Error]. The key may lead into
// nested settings by full stops, and into lists by brackets ("reasons[0].code"). The provider's secrets are taken out of the rule.
func (c Config) SettingError(provider, key, rule string) error {
	at := root.child("providers").child(provider)
	for _, secret := range c.Providers[provider].Secrets {
		rule = strings.ReplaceAll(rule, secret, "***")
	}
	at = settingPath(at.child("settings"), c.Providers[provider].Settings, key)
	return c.src.place(at).errorAbout(at, rule)
}

// settingPath follows full stops and brackets only where the settings have no key that holds them.
func settingPath(at path, value any, key string) path {
	if key == "" {
		return at
	}
	switch v := value.(type) {
	case map[string]any:
		head := key[:nameLen(v, key)]
		return settingPath(at.child(head), v[head], strings.TrimPrefix(key[len(head):], "."))
	case []any:
		index, rest, closed := strings.Cut(strings.TrimPrefix(key, "["), "]")
		if i, err := strconv.Atoi(index); closed && err == nil && i >= 0 && i < len(v) {
			return settingPath(at.item(i), v[i], strings.TrimPrefix(rest, "."))
		}
	}
	return at.child(key)
}

// nameLen is how much of a key is the name of a setting: all of it where there is such a setting, or where what precedes a full stop or bracket leads nowhere.
func nameLen(settings map[string]any, key string) int {
	if _, whole := settings[key]; whole {
		return len(key)
	}
	if i := strings.IndexAny(key, ".["); i > 0 {
		switch settings[key[:i]].(type) {
		case map[string]any, []any:
			return i
		}
	}
	return len(key)
}
