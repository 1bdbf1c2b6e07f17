package digiflazz

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the provider's own signature
	"encoding/hex"
	"errors"
	"net/http"
	"strings"

	"github.com/jalurhq/jalur/core"
)

var (
	errUnsigned = errors.New("the callback is not signed, and a secret is set")
	errForged   = errors.New("the callback's signature is wrong")
	errMethod   = errors.New("a callback is a POST")
	errNoRef    = errors.New("the callback names no order")
)

// ReadCallback implements [core.CallbackReader]. A ping names no order.
func (p *Provider) ReadCallback(_ context.Context, req core.CallbackRequest) (core.Callback, error) {
	if req.Method != http.MethodPost {
		return core.Callback{}, during("read_callback", unknown(core.CodeBadRequest, errMethod, ""))
	}
	if err := p.verify(req); err != nil {
		return core.Callback{}, during("read_callback", err)
	}
	whole, err := parse(req.Body)
	if err != nil {
		return core.Callback{}, during("read_callback", unreadable(err))
	}
	outer, err := parseObject(whole)
	if err != nil {
		return core.Callback{}, during("read_callback", unreadable(err))
	}
	if outer["data"].raw == nil && (outer.text("sed") != "" || outer["hook"].raw != nil) {
		return core.Callback{}, nil
	}
	return orderOf(outer)
}

// orderOf gives the order that a callback is about: ours by its reference, or a bill by its inquiry's token, which are both the ref_id.
func orderOf(outer fields) (core.Callback, error) {
	said, err := parseObject(outer["data"].raw)
	if err != nil {
		return core.Callback{}, during("read_callback", unreadable(err))
	}
	ref := said.text("ref_id")
	if ref == "" {
		return core.Callback{}, during("read_callback", unreadable(errNoRef))
	}
	return core.Callback{Orders: []core.CallbackOrder{{Ref: ref, Quote: ref, Invoice: core.Invoice(ref)}}}, nil
}

func unreadable(err error) error {
	return &core.Error{Outcome: core.Unknown, Code: core.CodeBadRequest, Err: err}
}

// verify holds the raw body against its signature, in constant time.
func (p *Provider) verify(req core.CallbackRequest) error {
	if p.cfg.WebhookSecret == "" {
		return nil
	}
	given, signed := strings.CutPrefix(header(req.Header, "X-Hub-Signature"), "sha1=")
	if !signed {
		return unknown(core.CodeAuth, errUnsigned, "")
	}
	sum, err := hex.DecodeString(given)
	if err != nil || !hmac.Equal(sum, hubSignature(p.cfg.WebhookSecret, req.Body)) {
		return unknown(core.CodeAuth, errForged, "")
	}
	return nil
}

func hubSignature(secret string, body []byte) []byte {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write(body)
	return mac.Sum(nil)
}

// header finds a header however its name is written.
func header(all map[string][]string, name string) string {
	for key, values := range all {
		if strings.EqualFold(key, name) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}
