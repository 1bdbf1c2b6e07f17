// Package config reads, checks and types the settings that a Jalur gateway runs with: its journal, providers, routes and server.
//
// A configuration is a YAML, TOML or JSON file. An environment variable (JALUR__SERVER__LISTEN) or a flag replaces a single value of it, and
// ${NAME} or ${file:PATH} inside a value stand for something that doesn't belong in the file. Everything that is wrong is found at once and named by
// file, line, key and rule; see [Errors]. A host that builds its [Config] in Go calls [Config.WithDefaults] and [Config.Check] instead.
package config
