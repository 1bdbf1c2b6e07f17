package host

// Name gives the provider's name in the configuration.
func (p *Plugin) Name() string { return p.cfg.Name }

// Refused gives the plugin's refusal of its settings, after which it is never started again; nil where there is none.
func (p *Plugin) Refused() error { return nil }
