package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The scopes of a client.
const (
	ScopeRead    = "read"    // products, inquiries, providers, routes and the client's own payments
	ScopePay     = "pay"     // making payments, and all of read
	ScopeResolve = "resolve" // resolving payments, cases, all of read, and the payments of every client
	ScopeAdmin   = "admin"   // everything
)

// Client is somebody who may call.
type Client struct {
	ID           string
	SecretSHA256 string // of the secret, as 64 hex digits
	Scopes       []string
}

// Clients are all who may call.
type Clients []Client

func (cs Clients) check() error {
	seen := map[string]bool{}
	for _, c := range cs {
		sum, err := hex.DecodeString(c.SecretSHA256)
		switch {
		case c.ID == "" || strings.Contains(c.ID, ":"):
			return fmt.Errorf("httpapi: client id %q is empty or holds a colon", c.ID)
		case seen[c.ID]:
			return fmt.Errorf("httpapi: client %q stands twice", c.ID)
		case err != nil || len(sum) != sha256.Size:
			return fmt.Errorf("httpapi: client %q: secret_sha256 is not 64 hex digits", c.ID)
		case len(c.Scopes) == 0:
			return fmt.Errorf("httpapi: client %q has no scopes", c.ID)
		}
		if err := checkScopes(c); err != nil {
			return err
		}
		seen[c.ID] = true
	}
	return nil
}

func checkScopes(c Client) error {
	for _, scope := range c.Scopes {
		if !slices.Contains([]string{ScopeRead, ScopePay, ScopeResolve, ScopeAdmin}, scope) {
			return fmt.Errorf("httpapi: client %q: scope %q is none", c.ID, scope)
		}
	}
	return nil
}

// errNobody stands for every way of not being a client: which part was wrong is nobody's business.
var errNobody = errors.New("no such client, or a wrong secret")

// Verify gives the client with this id and secret. It takes as long for an id that doesn't exist.
func (cs Clients) Verify(id, secret string) (Client, error) {
	sum := sha256.Sum256([]byte(secret))
	var found Client
	same := 0
	for _, c := range cs {
		want, err := hex.DecodeString(c.SecretSHA256)
		if err != nil {
			continue // New has refused it
		}
		match := subtle.ConstantTimeCompare([]byte(c.ID), []byte(id)) & subtle.ConstantTimeCompare(want, sum[:])
		if match == 1 {
			found, same = c, match
		}
	}
	if same != 1 {
		return Client{}, errNobody
	}
	return found, nil
}

// May reports whether the client may do what the scope stands for.
func (c Client) May(scope string) bool {
	if slices.Contains(c.Scopes, ScopeAdmin) || slices.Contains(c.Scopes, scope) {
		return true
	}
	return scope == ScopeRead && len(c.Scopes) > 0
}

// seesAll reports whether the payments of every client are this client's business.
func (c Client) seesAll() bool { return c.May(ScopeResolve) }
