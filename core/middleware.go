package core

// Middleware decorates a [Provider]. No middleware turns Unknown into anything else, and none repeats a Pay.
type Middleware func(Provider) Provider

// Chain wraps a provider so that the first middleware listed is the outermost.
func Chain(p Provider, layers ...Middleware) Provider {
	for i := len(layers) - 1; i >= 0; i-- {
		p = layers[i](p)
	}
	return p
}
