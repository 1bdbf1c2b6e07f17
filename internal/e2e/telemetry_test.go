package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// spans collects what is exported to it, with the text of everything that arrived.
type spans struct {
	mu    sync.Mutex
	by    map[string][]*tracepb.Span // by service
	plain strings.Builder
}

func (s *spans) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	var export collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(data, &export)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plain.WriteString(export.String())
	for _, resource := range export.GetResourceSpans() {
		service := ""
		for _, attribute := range resource.GetResource().GetAttributes() {
			if attribute.GetKey() == "service.name" {
				service = attribute.GetValue().GetStringValue()
			}
		}
		for _, scope := range resource.GetScopeSpans() {
			s.by[service] = append(s.by[service], scope.GetSpans()...)
		}
	}
}

// wholeNumber is an account whose digits stand in nothing else.
const wholeNumber = "081298765432"

func TestOneTraceAcrossTheProcessesAndNothingSecretInIt(t *testing.T) {
	t.Parallel()
	exported := &spans{by: map[string][]*tracepb.Span{}}
	server := httptest.NewServer(exported)
	defer server.Close()
	w := newWorld(t, settings{direct: 0})
	w.rewrite("      direct: 0", "      direct: 0\n      encoding: query") // the hardest one: credentials and account in the URL
	g := w.gateway("OTEL_EXPORTER_OTLP_ENDPOINT="+server.URL, "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_BSP_SCHEDULE_DELAY=50")
	const caller = "4bf92f3577b34da6a3ce929d0e0e4736"
	w.mustPost("k", wholeNumber, "traceparent", "00-"+caller+"-00f067aa0ba902b7-01")
	w.fault("cut-after", wholeNumber)
	w.mustPost("k2", wholeNumber)
	if _, _, err := w.get("/v1/payments?account=" + wholeNumber); err != nil {
		t.Fatal(err)
	}
	seen := w.secretsOf(g)
	g.interrupt()

	exported.mu.Lock()
	defer exported.mu.Unlock()
	var names []string
	services := map[string]bool{}
	for service, list := range exported.by {
		for _, span := range list {
			if fmt.Sprintf("%x", span.GetTraceId()) == caller {
				names = append(names, span.GetName())
				services[service] = true
			}
		}
	}
	all := strings.Join(names, ", ")
	for _, part := range []string{"POST /v1/payments", "provider.pay", "Pay", "POST"} {
		if !strings.Contains(all, part) {
			t.Errorf("the caller's trace has no %q: %s", part, all)
		}
	}
	if len(services) != 2 {
		t.Errorf("the trace spans the services %v, want gateway and plugin", services)
	}
	seen["spans"] = exported.plain.String()
	seen["log"] = g.output()
	for where, text := range seen {
		for what, hidden := range map[string]string{"password": secret, "account": wholeNumber, "account without its zero": wholeNumber[1:]} {
			if strings.Contains(text, hidden) {
				t.Errorf("the whole %s stands in the %s", what, where)
			}
		}
	}
}

// secretsOf reads what other users of the machine can see of a gateway and its plugins, and what only its own user can.
func (w *world) secretsOf(g *process) map[string]string {
	w.t.Helper()
	seen := map[string]string{}
	for _, pid := range descendants(g.cmd.Process.Pid) {
		for _, file := range []string{"cmdline", "environ"} {
			text, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(pid), file))
			if err != nil {
				w.t.Fatal(err)
			}
			seen["plugin's "+file] += string(text)
		}
	}
	if len(seen) == 0 {
		w.t.Error("there is no plugin to look at")
	}
	text, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(g.cmd.Process.Pid), "cmdline"))
	if err != nil {
		w.t.Fatal(err)
	}
	seen["gateway's cmdline"] = string(text)
	return seen
}

func TestHealth(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{direct: 0})
	w.gateway()
	w.mustPay("k", pageAccount)
	for path, part := range map[string]string{
		"/healthz": "", "/readyz": "mmbc", "/metrics": "jalur_provider_calls_total", "/": "curl", "/v1/cases": `"cases":[]`, "/openapi.json": "/v1/payments", "/v1/providers": "phone number",
	} {
		resp, err := http.Get("http://" + w.listen + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(text), part) {
			t.Errorf("%s: %s %v: %s", path, resp.Status, err, tail(string(text)))
		}
	}
}
