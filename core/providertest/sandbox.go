package providertest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
)

// sandbox is the author's sandbox, as it is told what to do and asks what it did.
type sandbox struct {
	origin string
	client *http.Client
}

func newSandbox(origin string) sandbox {
	return sandbox{origin: origin, client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
}

// ledger is what a sandbox has really executed.
type ledger struct {
	Executed []execution `json:"executed"`
}

type execution struct {
	Invoice  text            `json:"invoice"`
	Ref      text            `json:"ref"`
	Merchant text            `json:"merchant"`
	Account  text            `json:"account"`
	Amount   json.RawMessage `json:"amount"`
	State    text            `json:"state"`
}

// text takes a string or a number.
type text string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *text) UnmarshalJSON(data []byte) error {
	if !bytes.HasPrefix(data, []byte(`"`)) {
		*t = text(strings.TrimSpace(string(data)))
		return nil
	}
	return json.Unmarshal(data, (*string)(t))
}

// amount reads a number, a string of one, or {"value": …}.
func (e execution) amount() (*big.Rat, bool) {
	raw := e.Amount
	var object struct {
		Value json.RawMessage `json:"value"`
	}
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) && json.Unmarshal(raw, &object) == nil {
		raw = object.Value
	}
	var digits text
	if json.Unmarshal(raw, &digits) != nil {
		return nil, false
	}
	return new(big.Rat).SetString(string(digits))
}

func (s sandbox) ledger(ctx context.Context) (ledger, error) {
	body, err := s.call(ctx, http.MethodGet, "/_ledger")
	if err != nil {
		return ledger{}, fmt.Errorf("the sandbox's ledger: %w", err)
	}
	var told struct {
		Executed *[]execution `json:"executed"`
	}
	if err := json.Unmarshal(body, &told); err != nil {
		return ledger{}, fmt.Errorf("the sandbox's ledger: %w", err)
	}
	if told.Executed == nil {
		return ledger{}, fmt.Errorf("the sandbox's ledger has no list %q", "executed")
	}
	return ledger{Executed: *told.Executed}, nil
}

// fault sets a fault for the next order, or takes it back (times 0).
func (s sandbox) fault(ctx context.Context, name string, times int) error {
	if _, err := s.call(ctx, http.MethodPost, fmt.Sprintf("/_fault?name=%s&times=%d", name, times)); err != nil {
		return fmt.Errorf("the sandbox doesn't take the fault %q: %w", name, err)
	}
	return nil
}

func (s sandbox) call(ctx context.Context, method, path string) ([]byte, error) {
	const mostBytes = 64 << 20
	req, err := http.NewRequestWithContext(ctx, method, s.origin+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // all of it that counts has been read
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostBytes))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != http.StatusOK/100 {
		return nil, fmt.Errorf("%s %s: http status %d", method, path, resp.StatusCode)
	}
	return body, nil
}
