package httpapi

import (
	"log/slog"
	"net/http"
	"time"
)

// The limits of one connection. There is none for a whole call: a caller may wait 60 s for a payment's final state. Bodies have their own.
const (
	headerTime = 10 * time.Second
	idleTime   = 2 * time.Minute
	maxHeader  = 32 << 10
)

// Server gives the http.Server for a handler of [New]. Its own complaints go to the log.
func Server(handler http.Handler, addr string, log *slog.Logger) *http.Server {
	return &http.Server{
		Addr: addr, Handler: handler,
		ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}
