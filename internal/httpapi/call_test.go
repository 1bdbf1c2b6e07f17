package httpapi_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/internal/httpapi/apitest"
	"github.com/jalurhq/jalur/internal/view"
)

const (
	account = "081234567890"
	order   = `{"merchant":"GOPAY","account":"081234567890","amount":100000}`
)

type header map[string]string

type reply struct {
	status int
	header http.Header
	text   string
}

// into reads the answer's JSON.
func into[T any](t *testing.T, r reply) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(r.text), &value); err != nil {
		t.Fatalf("status %d: %v: %s", r.status, err, r.text)
	}
	return value
}

// call makes one call and reads all of its answer.
func call(t *testing.T, g *apitest.Gateway, line, body string, headers header) reply {
	t.Helper()
	r, err := send(t, g, line, body, headers)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func send(t *testing.T, g *apitest.Gateway, line, body string, headers header) (reply, error) {
	t.Helper()
	method, path, _ := strings.Cut(line, " ")
	request, err := http.NewRequestWithContext(t.Context(), method, g.URL+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	for name, value := range headers {
		if name == "Host" {
			request.Host = value
		}
		request.Header.Set(name, value)
	}
	response, err := g.Client().Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, string(text)}, err
}

// pay makes a top-up and expects the status.
func pay(t *testing.T, g *apitest.Gateway, status int, body string, headers header) reply {
	t.Helper()
	r := call(t, g, "POST /v1/payments", body, headers)
	if r.status != status {
		t.Fatalf("status %d, not %d: %s", r.status, status, r.text)
	}
	return r
}

func key(k string) header { return header{"Idempotency-Key": k} }

// isProblem checks the shape of a problem and its code.
func isProblem(t *testing.T, r reply, status int, code string) view.Problem {
	t.Helper()
	p := into[view.Problem](t, r)
	if r.status != status || string(p.Code) != code {
		t.Fatalf("%d %s, not %d %s: %s", r.status, p.Code, status, code, r.text)
	}
	if kind := r.header.Get("Content-Type"); kind != view.ProblemType {
		t.Errorf("content type %q", kind)
	}
	if p.Status != status || p.Title == "" || p.Detail == "" || p.Type != "urn:jalur:problem:"+code {
		t.Errorf("shape: %s", r.text)
	}
	return p
}
