package dtone

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/jalurhq/jalur/core"
)

var (
	errNotPosted = errors.New("a callback is a POST")
	errForged    = errors.New("the callback's address is not one that was given to the provider")

	errNoTransaction = errors.New("the callback is not about the transaction that its address was given for")
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

// What a callback's address was given for.
const (
	ofOrder = "callback"
	ofQuote = "callback of a quote"
)

// address gives where the provider is to tell of a transaction: an address that only it is told. Without a base there is none.
func (s seal) address(base, purpose, ref string) string {
	if base == "" {
		return ""
	}
	return base + "/" + ref + "." + s.of(purpose, ref)
}

// ReadCallback implements [core.CallbackReader]. The provider signs nothing, so its address is the proof, and names the order; the body proves nothing. It is read only
// for a transaction that began as a quote, whose payment is known by the transaction's number and not by the reference of the inquiry.
func (p *Provider) ReadCallback(_ context.Context, req core.CallbackRequest) (core.Callback, error) {
	order, err := p.named(req)
	if err != nil {
		return core.Callback{}, during("callback", err)
	}
	return core.Callback{Orders: []core.CallbackOrder{order}, Status: http.StatusOK}, nil
}

func (p *Provider) named(req core.CallbackRequest) (core.CallbackOrder, error) {
	ref, mac, _ := strings.Cut(strings.TrimPrefix(req.Path, "/"), ".")
	wellFormed := refForm.MatchString(ref)
	switch {
	case wellFormed && p.seal.holds(mac, ofOrder, ref):
		return core.CallbackOrder{Ref: ref}, posted(req)
	case wellFormed && p.seal.holds(mac, ofQuote, ref):
		return ofTransaction(req, ref)
	default:
		return core.CallbackOrder{}, refuse(core.CodeAuth, errForged)
	}
}

func posted(req core.CallbackRequest) error {
	if req.Method != http.MethodPost {
		return refuse(core.CodeBadRequest, errNotPosted)
	}
	return nil
}

// ofTransaction names a payment by the number of its transaction, as the body has it beside the reference that the address is for.
func ofTransaction(req core.CallbackRequest, ref string) (core.CallbackOrder, error) {
	if err := posted(req); err != nil {
		return core.CallbackOrder{}, err
	}
	var read struct {
		ID         json.Number `json:"id"`
		ExternalID string      `json:"external_id"`
	}
	if json.Unmarshal(req.Body, &read) != nil || read.ExternalID != ref || !productID.MatchString(read.ID.String()) {
		return core.CallbackOrder{}, refuse(core.CodeBadRequest, errNoTransaction)
	}
	return core.CallbackOrder{Invoice: core.Invoice(read.ID.String())}, nil
}
