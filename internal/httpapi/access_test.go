package httpapi_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/internal/httpapi"
	"github.com/jalurhq/jalur/internal/httpapi/apitest"
	"github.com/jalurhq/jalur/internal/view"
)

func client(id string, scopes ...string) httpapi.Client {
	sum := sha256.Sum256([]byte(id + "-secret"))
	return httpapi.Client{ID: id, SecretSHA256: hex.EncodeToString(sum[:]), Scopes: scopes}
}

func as(id string) header {
	return header{"Authorization": "Bearer " + id + ":" + id + "-secret", "Idempotency-Key": "k"}
}

func shop(t *testing.T, provider *apitest.Provider) *apitest.Gateway {
	t.Helper()
	return apitest.Start(t, apitest.Config{Provider: provider, Clients: httpapi.Clients{
		client("toko", "pay"), client("kios", "pay", "read"), client("viewer", "read"),
		client("desk", "resolve"), client("root", "admin"),
	}})
}

func TestWhoMayWhat(t *testing.T) {
	t.Parallel()
	g := shop(t, nil)
	for line, may := range map[string][]string{
		"GET /v1/products":                      {"toko", "kios", "viewer", "desk", "root"},
		"POST /v1/inquiries":                    {"toko", "kios", "viewer", "desk", "root"},
		"POST /v1/payments":                     {"toko", "kios", "root"},
		"GET /v1/payments":                      {"toko", "kios", "viewer", "desk", "root"},
		"GET /v1/payments/none":                 {"toko", "kios", "viewer", "desk", "root"},
		"POST /v1/payments/none/resolve":        {"desk", "root"},
		"GET /v1/cases":                         {"desk", "root"},
		"POST /v1/cases/1/close":                {"desk", "root"},
		"GET /v1/providers":                     {"toko", "kios", "viewer", "desk", "root"},
		"POST /v1/providers/fake/reload":        {"root"},
		"GET /v1/routes/explain?merchant=GOPAY": {"toko", "kios", "viewer", "desk", "root"},
	} {
		for _, id := range []string{"toko", "kios", "viewer", "desk", "root"} {
			r := call(t, g, line, order, as(id))
			if allowed := r.status != http.StatusForbidden && r.status != http.StatusUnauthorized; allowed != slices.Contains(may, id) {
				t.Errorf("%s by %s: %d %s", line, id, r.status, r.text)
			}
		}
		for _, wrong := range []string{"", "Bearer", "Bearer toko", "Bearer toko:wrong", "Bearer nobody:toko-secret", "Basic toko:toko-secret", "Bearer :", "Bearer toko:kios-secret"} {
			r := call(t, g, line, order, header{"Authorization": wrong, "Idempotency-Key": "k"})
			p := isProblem(t, r, 401, "unauthorized")
			if r.header.Get("WWW-Authenticate") != "Bearer" || strings.HasSuffix(line, "payments") && strings.HasPrefix(line, "POST") && p.Outcome != "not_sent" {
				t.Errorf("%s with %q: %v %s", line, wrong, r.header, r.text)
			}
		}
	}
	for _, page := range []string{"/healthz", "/readyz", "/openapi.json", "/"} {
		if r := call(t, g, "GET "+page, "", nil); r.status != http.StatusOK {
			t.Errorf("%s: %d", page, r.status)
		}
	}
}

func TestClientsDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	g := shop(t, answering(core.Unknown))
	mine := into[view.Payment](t, pay(t, g, http.StatusAccepted, order, as("toko")))
	other := into[view.Payment](t, pay(t, g, http.StatusAccepted, strings.Replace(order, "890", "891", 1), as("kios")))
	if mine.ID == other.ID {
		t.Fatal("two clients share a key")
	}
	for id, sees := range map[string][]core.PaymentID{
		"toko": {mine.ID}, "kios": {other.ID}, "viewer": {}, "desk": {mine.ID, other.ID}, "root": {mine.ID, other.ID},
	} {
		for _, p := range []core.PaymentID{mine.ID, other.ID} {
			r := call(t, g, "GET /v1/payments/"+string(p), "", as(id))
			if slices.Contains(sees, p) != (r.status == http.StatusOK) {
				t.Errorf("%s reads %s: %d", id, p, r.status)
			}
			if r.status != http.StatusOK {
				isProblem(t, r, 404, "not_found")
			}
		}
		for _, query := range []string{"", "?key=k", "?state=unknown", "?since=1h"} {
			page := into[view.Payments](t, call(t, g, "GET /v1/payments"+query, "", as(id)))
			if len(page.Payments) != len(sees) {
				t.Errorf("%s lists %d by %q, not %d", id, len(page.Payments), query, len(sees))
			}
		}
		foreign := call(t, g, "GET /v1/payments?account="+string(other.Account), "", as(id))
		if got := len(into[view.Payments](t, foreign).Payments); (got > 0) != slices.Contains(sees, other.ID) {
			t.Errorf("%s lists %d by account", id, got)
		}
	}
	r := call(t, g, "POST /v1/payments/"+string(mine.ID)+"/resolve", `{"not_executed":true,"reason":"none"}`, as("desk"))
	if p := into[view.Payment](t, r); p.State != journal.StateFailed {
		t.Errorf("%d %s", r.status, r.text)
	}
	events, err := g.Store.Events(t.Context(), mine.ID)
	if err != nil || events[len(events)-1].Actor != "operator:desk" {
		t.Errorf("%+v, %v", events, err)
	}
}

func TestClientsThatCannotBe(t *testing.T) {
	t.Parallel()
	good := client("a", "read")
	for name, clients := range map[string]httpapi.Clients{
		"no id":    {client("", "read")},
		"colon":    {client("a:b", "read")},
		"twice":    {good, good},
		"no scope": {client("a")},
		"scope":    {client("a", "write")},
		"hash":     {{ID: "a", SecretSHA256: "secret", Scopes: []string{"read"}}},
	} {
		g := apitest.Start(t, apitest.Config{})
		if _, err := httpapi.New(httpapi.Config{Service: g.Service, Log: slog.New(slog.DiscardHandler), Clients: clients}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := httpapi.New(httpapi.Config{}); err == nil {
		t.Error("a configuration without a service: taken")
	}
}

// Without clients, a page of another site must not be able to order through the browser of this machine.
func TestBrowsersOfOtherSites(t *testing.T) {
	t.Parallel()
	provider := &apitest.Provider{}
	g := apitest.Start(t, apitest.Config{Provider: provider})
	for name, headers := range map[string]header{
		"rebound name":  {"Host": "evil.example"},
		"rebound port":  {"Host": "evil.example:8080"},
		"other address": {"Host": "192.0.2.1:8080"},
		"empty":         {"Host": ":8080"},
		"other site":    {"Origin": "https://evil.example"},
		"sandboxed":     {"Origin": "null"},
		"cross-site":    {"Sec-Fetch-Site": "cross-site"},
	} {
		headers["Idempotency-Key"] = name
		if r := call(t, g, "POST /v1/payments", order, headers); r.status != http.StatusForbidden {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
	if provider.Pays() != 0 {
		t.Errorf("%d pays", provider.Pays())
	}
	for _, host := range []string{"localhost", "localhost:8080", "LOCALHOST:1", "127.0.0.1:8080", "127.0.0.5", "[::1]:8080", "[::1]"} {
		if r := call(t, g, "GET /healthz", "", header{"Host": host}); r.status != http.StatusOK {
			t.Errorf("%s: %d", host, r.status)
		}
	}
	pay(t, g, http.StatusCreated, order, header{"Idempotency-Key": "own", "Origin": g.URL, "Sec-Fetch-Site": "same-origin"})
}

func TestCallsThatDoNotExist(t *testing.T) {
	t.Parallel()
	g := apitest.Start(t, apitest.Config{})
	for _, line := range []string{"GET /v2/payments", "POST /v1/payment", "GET /metrics", "GET /v1/payments/a/b", "GET /index.html"} {
		isProblem(t, call(t, g, line, "", nil), 404, "not_found")
	}
	for line, allow := range map[string]string{
		"DELETE /v1/payments": "GET, HEAD, POST",
		"PUT /v1/payments/x":  "GET, HEAD",
		"GET /v1/inquiries":   "POST",
		"POST /":              "GET, HEAD",
	} {
		r := call(t, g, line, "", nil)
		isProblem(t, r, 405, "method_not_allowed")
		if got := r.header.Get("Allow"); got != allow {
			t.Errorf("%s allows %q", line, got)
		}
	}
}

func TestBodiesThatAreNotTaken(t *testing.T) {
	t.Parallel()
	g := apitest.Start(t, apitest.Config{})
	large := `{"merchant":"` + strings.Repeat("x", 64<<10) + `"}`
	for _, line := range []string{"POST /v1/payments", "POST /v1/inquiries", "POST /v1/payments/x/resolve", "POST /v1/cases/1/close"} {
		isProblem(t, call(t, g, line, large, key("k")), 413, "body_too_large")
		for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "nonsense;;"} {
			isProblem(t, call(t, g, line, order, header{"Idempotency-Key": "k", "Content-Type": kind}), 415, "unsupported_media_type")
		}
		isProblem(t, call(t, g, line, "", key("k")), 400, "malformed_json")
	}
	pay(t, g, http.StatusCreated, order, header{"Idempotency-Key": "k", "Content-Type": "application/json; charset=utf-8"})
}

// lines is a log that a test can read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// recorded runs a gateway whose spans end up in a recorder of its own.
func recorded(t *testing.T, cfg apitest.Config) (*apitest.Gateway, *tracetest.SpanRecorder, *lines) {
	t.Helper()
	spans, log := tracetest.NewSpanRecorder(), &lines{}
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test")
	cfg.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg.Serve = func(h http.Handler) *httptest.Server {
		return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, span := tracer.Start(r.Context(), "outside")
			defer span.End()
			h.ServeHTTP(w, r.WithContext(ctx))
		}))
	}
	return apitest.Start(t, cfg), spans, log
}

func TestNothingPrivateInLogsAndSpans(t *testing.T) {
	t.Parallel()
	g, spans, log := recorded(t, apitest.Config{Clients: httpapi.Clients{client("toko", "pay", "resolve")}, Provider: answering(core.Unknown)})
	for _, line := range []string{
		"POST /v1/payments", "POST /v1/inquiries", "GET /v1/payments?account=" + account, "GET /v1/payments?acount=" + account, "GET /v1/payments/" + account,
		"GET /v1/payments/" + account + "/" + account, "DELETE /v1/payments?account=" + account, "POST /v1/payments?account=" + account,
		"GET /v1/payments?since=" + account, "GET //v1/payments?account=" + account,
	} {
		call(t, g, line, order, as("toko"))
		call(t, g, line, order, header{"Authorization": "Bearer toko:toko-secrets"})
	}
	call(t, g, "POST /v1/payments", `{"account":`+account+`}`, as("toko"))
	g.Close()
	var seen strings.Builder
	seen.WriteString(log.String())
	names := map[string]int{}
	for _, span := range spans.Ended() {
		names[span.Name()]++
		fmt.Fprintln(&seen, span.Name(), span.Attributes(), span.Events(), span.Status())
	}
	for _, private := range []string{account, account[1:], "toko-secret", "account="} {
		if strings.Contains(seen.String(), private) {
			t.Errorf("%q stands in:\n%s", private, &seen)
		}
	}
	for _, name := range []string{"POST /v1/payments", "GET /v1/payments/{id}", "no such path"} {
		if names[name] == 0 {
			t.Errorf("no span %q among %v", name, names)
		}
	}
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	g, _, log := recorded(t, apitest.Config{Clients: httpapi.Clients{client("toko", "pay")}})
	pay(t, g, http.StatusCreated, order, as("toko"))
	g.Close()
	var line struct {
		Msg    string `json:"msg"`
		Method string `json:"method"`
		Route  string `json:"route"`
		Client string `json:"client"`
		Status int    `json:"status"`
	}
	if err := json.Unmarshal([]byte(strings.Split(log.String(), "\n")[0]), &line); err != nil {
		t.Fatal(err)
	}
	if line.Msg != "call" || line.Method != http.MethodPost || line.Route != "POST /v1/payments" || line.Client != "toko" || line.Status != 201 {
		t.Errorf("%+v", line)
	}
}

func TestPanics(t *testing.T) {
	t.Parallel()
	g, _, log := recorded(t, apitest.Config{Edit: func(c *httpapi.Config) {
		c.Also = map[string]http.Handler{
			"GET /broken": http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a bug") }),
			"POST /late": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte("half"))
				panic("a bug")
			}),
		}
	}})
	if p := isProblem(t, call(t, g, "GET /broken", "", nil), 500, "internal"); strings.Contains(p.Detail, "bug") {
		t.Errorf("%+v", p)
	}
	if r, err := send(t, g, "POST /late", "", nil); err == nil {
		t.Errorf("an answer that broke off looks whole: %d %s", r.status, r.text)
	}
	g.Close()
	if got := strings.Count(log.String(), "a handler panicked"); got != 2 {
		t.Errorf("%d panics in the log:\n%s", got, log)
	}
}

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	g := apitest.Start(t, apitest.Config{})
	r := call(t, g, "GET /openapi.json", "", nil)
	doc := into[struct {
		OpenAPI    string
		Paths      map[string]map[string]struct{ Responses map[string]any }
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ Enum []any }
			}
		}
	}](t, r)
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("version %q", doc.OpenAPI)
	}
	calls := map[string]string{
		"/v1/products": "get", "/v1/inquiries": "post", "/v1/inquiries/{id}": "get delete", "/v1/payments": "post get", "/v1/payments/{id}": "get",
		"/v1/payments/{id}/resolve": "post", "/v1/cases": "get", "/v1/cases/{id}/close": "post", "/v1/providers": "get", "/v1/routes/explain": "get",
		"/v1/providers/{name}/reload": "post",
	}
	for path, methods := range calls {
		for method := range strings.FieldsSeq(methods) {
			if doc.Paths[path][method].Responses["default"] == nil {
				t.Errorf("%s %s is missing or has no problem", method, path)
			}
		}
	}
	if len(doc.Paths) != len(calls) {
		t.Errorf("%d paths", len(doc.Paths))
	}
	for _, status := range []string{"200", "201", "202"} {
		if doc.Paths["/v1/payments"]["post"].Responses[status] == nil {
			t.Errorf("no answer %s to a pay", status)
		}
	}
	for _, ref := range regexp.MustCompile(`#/components/schemas/(\w+)`).FindAllStringSubmatch(r.text, -1) {
		if _, ok := doc.Components.Schemas[ref[1]]; !ok {
			t.Errorf("%s leads nowhere", ref[0])
		}
	}
	states := []any{}
	for _, state := range journal.PaymentStates() {
		states = append(states, string(state))
	}
	described := doc.Components.Schemas["Payment"].Properties["state"].Enum
	for _, state := range states {
		if !slices.Contains(described, state) || len(described) != len(states) {
			t.Errorf("states %v, not %v", described, states)
		}
	}
	// The list of states stands in tags, which can't be made from the journal's.
	for _, state := range journal.PaymentStates() {
		if r := call(t, g, "GET /v1/payments?state="+string(state), "", nil); r.status != http.StatusOK {
			t.Errorf("state %s can't be asked for: %s", state, r.text)
		}
	}
}

func TestConsole(t *testing.T) {
	t.Parallel()
	g := apitest.Start(t, apitest.Config{})
	r := call(t, g, "GET /", "", nil)
	if r.status != http.StatusOK || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
		t.Fatalf("%d %v", r.status, r.header)
	}
	if policy := r.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("policy %q", policy)
	}
	for _, wants := range []string{"/openapi.json", "curl", "Idempotency-Key", "/v1/payments/{id}/resolve"} {
		if !strings.Contains(r.text, wants) {
			t.Errorf("%s is missing", wants)
		}
	}
	for _, outside := range []string{"<script", "src=", "https://", "@import", "url("} {
		if strings.Contains(r.text, outside) {
			t.Errorf("the page holds %s", outside)
		}
	}
}

// The guide explains every code, and no others.
func TestGuideNamesEveryCode(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	explained := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (\\d{3}) \\| `(\\w+)` \\|").FindAllStringSubmatch(string(guide), -1) {
		explained[row[1]+" "+row[2]] = true
	}
	for _, kind := range view.ProblemKinds() {
		if name := fmt.Sprintf("%d %s", kind.Status, kind.Code); !explained[name] {
			t.Errorf("%s is not explained", name)
		}
	}
	if len(explained) != len(view.ProblemKinds()) {
		t.Errorf("%d codes are explained, of %d", len(explained), len(view.ProblemKinds()))
	}
}

func TestServerHasLimits(t *testing.T) {
	t.Parallel()
	s := httpapi.Server(http.NotFoundHandler(), "127.0.0.1:0", slog.New(slog.DiscardHandler))
	if s.ReadHeaderTimeout == 0 || s.IdleTimeout == 0 || s.WriteTimeout != 0 || s.ReadTimeout != 0 {
		t.Errorf("%+v", s)
	}
}

func TestMetricsAndFurtherHandlers(t *testing.T) {
	t.Parallel()
	said := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("said")) })
	g := apitest.Start(t, apitest.Config{Edit: func(c *httpapi.Config) {
		c.Metrics, c.Also = said, map[string]http.Handler{"POST /hooks/{provider}": said}
	}})
	for _, line := range []string{"GET /metrics", "POST /hooks/fake"} {
		if r := call(t, g, line, "", nil); r.text != "said" {
			t.Errorf("%s: %d", line, r.status)
		}
	}
}
