package dtone

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"github.com/jalurhq/jalur/core"
)

var (
	errNotPosted = errors.New("a callback is a POST")
	errForged    = errors.New("the callback's address is not one that was given to the provider")
)

// seal proves that what comes back to us is what we gave away. It is keyed by the API's secret: nothing else here is secret.
type seal struct{ key []byte }

func (s seal) of(purpose string, parts ...string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte("jalur/dtone/" + purpose + "\x00" + strings.Join(parts, "\x00")))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (s seal) holds(given, purpose string, parts ...string) bool {
	return hmac.Equal([]byte(given), []byte(s.of(purpose, parts...)))
}

// callback gives the end of an order's callback address, which only the provider is told.
func (s seal) callback(ref string) string { return ref + "." + s.of("callback", ref) }

// ReadCallback implements [core.CallbackReader]. The provider signs nothing, so its address is the proof, and names the order; the body proves nothing and
// isn't read.
func (p *Provider) ReadCallback(_ context.Context, req core.CallbackRequest) (core.Callback, error) {
	ref, mac, _ := strings.Cut(strings.TrimPrefix(req.Path, "/"), ".")
	if !refForm.MatchString(ref) || !p.seal.holds(mac, "callback", ref) {
		return core.Callback{}, during("callback", refuse(core.CodeAuth, errForged))
	}
	if req.Method != http.MethodPost {
		return core.Callback{}, during("callback", refuse(core.CodeBadRequest, errNotPosted))
	}
	return core.Callback{Orders: []core.CallbackOrder{{Ref: ref}}, Status: http.StatusOK}, nil
}
