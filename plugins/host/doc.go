// Package host runs a plugin as a process of its own and hands it out as a [core.Provider]: it starts the process, watches it, restarts it when it
// dies or hangs, and ends it without cutting a call.
//
// # Where a process boundary could lie about money
//
//   - No process is ready in time: NotSent, since nothing was asked of the plugin.
//   - The call to the plugin had begun and brought no answer (crash, hang, garbage, too large): Unknown. It is never made again.
//   - An answer passes the checks of package checked before anybody believes it.
//
// # Settings
//
// A process is asked for the schema of its settings before it gets them. What breaks it is a [*SettingsError] with the key's path, and the process is ended.
// [CheckSettings] does the same without a process, where the schema is known.
//
// # What a plugin sees of the host
//
// Its settings, in a call; of the environment only OTEL_*, TZ, ZONEINFO, SSL_CERT_FILE, SSL_CERT_DIR, GOGC, GOMEMLIMIT, GOMAXPROCS, GODEBUG and
// GOTRACEBACK. HOME, PATH and the proxy variables are not among them. A plugin is in a process group of its own; under systemd set
// KillMode=mixed all the same, so that the host ends its plugins and not systemd.
package host
