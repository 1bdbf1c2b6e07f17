package core

import "slices"

// Middleware decorates a [Provider]. No middleware turns Unknown into anything else, and none repeats a Pay.
type Middleware func(Provider) Provider

// Chain wraps a provider so that the first middleware listed is the outermost.
func Chain(p Provider, layers ...Middleware) Provider {
	for _, layer := range slices.Backward(layers) {
		p = layer(p)
	}
	return p
}
