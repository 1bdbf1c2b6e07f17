package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// readyTime bounds one look at whether the gateway is ready.
const readyTime = 3 * time.Second

func (s *server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, struct {
		Status string `json:"status"`
	}{"ok"})
}

// readiness is what /readyz answers. A problem is "" where there is none.
type readiness struct {
	Ready     bool                     `json:"ready"`
	Journal   string                   `json:"journal"`
	Providers map[string]providerReady `json:"providers"`
	Other     string                   `json:"other"`
}

type providerReady struct {
	State   string `json:"state"`
	Problem string `json:"problem"`
}

// readyz says whether payments can be taken. A provider that is down for good doesn't hold the others up; one that is still starting does.
func (s *server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	look := s.look(ctx)
	status := http.StatusOK
	if !look.Ready {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, look)
}

func (s *server) look(ctx context.Context) readiness {
	seen := readiness{Ready: true, Providers: map[string]providerReady{}}
	if err := s.Service.Ready(ctx); err != nil {
		seen.Ready, seen.Journal = false, err.Error()
	}
	for _, p := range s.Service.Providers(ctx) {
		seen.Providers[p.Name] = providerReady{p.Health.State, p.Health.Problem}
		if p.Health.State == "starting" {
			seen.Ready = false
		}
	}
	if s.Ready == nil {
		return seen
	}
	if err := s.Ready(ctx); err != nil {
		seen.Ready, seen.Other = false, err.Error()
	}
	return seen
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) //nolint:errchkjson // plain structs; the caller may be gone
}
