package wire

import (
	"regexp"

	"github.com/hashicorp/go-plugin"
)

const (
	// PluginName is the one service of a plugin, as go-plugin dispenses it.
	PluginName = "provider"
	// ServicePrefix starts the full name of every method of ours, and of none of go-plugin's.
	ServicePrefix = "/jalur.plugin.v1."
	// MaxMessage is the largest message that either side takes, in bytes.
	MaxMessage = 4 << 20
	// SelfCommand is the first argument of a program that starts itself as one of its plugins; the plugin's name follows.
	SelfCommand = "jalur-plugin"

	protocolVersion = 1
	cookieKey       = "JALUR_PLUGIN"
	cookieValue     = "5d0f1c8e-provider"
)

// Handshake is what host and plugin must agree on. The cookie is no secret: it keeps people from starting a plugin by hand.
func Handshake() plugin.HandshakeConfig {
	return plugin.HandshakeConfig{ProtocolVersion: protocolVersion, MagicCookieKey: cookieKey, MagicCookieValue: cookieValue}
}

// The line that a plugin writes to its standard output once it listens: core protocol 1, our version, network, address, "grpc", certificate.
var handshakeLine = regexp.MustCompile(`1\|\d+\|(?:unix|tcp)\|[^|]+\|.*`)

// FindHandshake gives the handshake in a line of standard output, and what stands before it; without one, ok is false.
func FindHandshake(line []byte) (noise, handshake []byte, ok bool) {
	at := handshakeLine.FindIndex(line)
	if at == nil {
		return line, nil, false
	}
	return line[:at[0]], line[at[0]:at[1]], true
}
