package sandbox

import (
	"bytes"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	jsonType = "application/json"
	htmlType = "text/html; charset=utf-8"
)

// send delivers a reply, through the fault where there is one.
func (s *Sandbox) send(x exchange, f fault, rep reply) {
	if f.alter != nil && rep.get(keyResult) == resultOK {
		rep = f.alter(s, rep)
	}
	if f.send != nil {
		f.send(s, x, rep)
		return
	}
	s.sendJSON(x, rep)
}

func (s *Sandbox) sendJSON(x exchange, rep reply) {
	write(x.w, rep.status, jsonType, s.style.encode(x.call, rep))
}

// write sends a whole body. A client that has gone away can't be told, so the error is of no use.
func write(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// pause waits so long, unless the client goes away or the sandbox closes first; then it ends the exchange.
func (s *Sandbox) pause(x exchange, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-x.r.Context().Done():
		abort()
	case <-s.closed:
		abort()
	}
}

// abort closes the connection as it is; the server takes this panic for that wish.
func abort() { panic(http.ErrAbortHandler) }

func (s *Sandbox) sendNothing(x exchange, _ reply) {
	select {
	case <-x.r.Context().Done():
	case <-s.closed:
	}
	abort()
}

func (s *Sandbox) sendCut(exchange, reply) { abort() }

// sendReset drops the connection with a TCP reset where the server lets it have the connection, and closes it otherwise.
func (s *Sandbox) sendReset(x exchange, _ reply) {
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		abort()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func (s *Sandbox) sendHeadersOnly(x exchange, rep reply) { s.sendPart(x, rep, 0) }

func (s *Sandbox) sendHalf(x exchange, rep reply) {
	s.sendPart(x, rep, len(s.style.encode(x.call, rep))/2)
}

// sendPart announces the whole body and sends the first bytes of it.
func (s *Sandbox) sendPart(x exchange, rep reply, size int) {
	body := s.style.encode(x.call, rep)
	x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	push := begin(x.w, rep.status)
	_ = push(body[:size])
	abort()
}

// begin sends the headers of a JSON answer and gives what sends its bytes, each piece at once.
func begin(w http.ResponseWriter, status int) func([]byte) error {
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(status)
	controller := http.NewResponseController(w)
	_ = controller.Flush()
	return func(piece []byte) error {
		if _, err := w.Write(piece); err != nil {
			return err //nolint:wrapcheck // only whether there is one counts
		}
		return controller.Flush()
	}
}

func (s *Sandbox) sendSlowly(x exchange, rep reply) {
	push := begin(x.w, rep.status)
	for _, b := range s.style.encode(x.call, rep) {
		if err := push([]byte{b}); err != nil {
			return
		}
		s.pause(x, s.cfg.SlowInterval)
	}
}

// sendHuge sends blanks, which JSON allows before a value: a client that reads without a limit finds the answer behind them.
func (s *Sandbox) sendHuge(x exchange, rep reply) {
	const piece = 64 << 10
	blanks := bytes.Repeat([]byte(" "), piece)
	push := begin(x.w, rep.status)
	for left := s.cfg.HugeBytes; left > 0; left -= piece {
		if err := push(blanks[:min(left, piece)]); err != nil {
			return
		}
	}
	_ = push(s.style.encode(x.call, rep))
}

func page(status int) delivery {
	return func(_ *Sandbox, x exchange, _ reply) {
		text := http.StatusText(status)
		write(x.w, status, htmlType, []byte("<html><head><title>"+text+"</title></head><body><h1>"+text+"</h1></body></html>\n"))
	}
}

func (s *Sandbox) sendFalseNo(x exchange, _ reply) {
	rep := s.refuse("Internal error")
	rep.status = http.StatusInternalServerError
	s.sendJSON(x, rep)
}

func (s *Sandbox) sendFailed(x exchange, rep reply) {
	rep.status = http.StatusInternalServerError
	s.sendJSON(x, rep)
}

func (s *Sandbox) sendEmpty(x exchange, rep reply) { write(x.w, rep.status, jsonType, nil) }

func (s *Sandbox) sendTruncated(x exchange, rep reply) {
	body := s.style.encode(x.call, rep)
	write(x.w, rep.status, jsonType, body[:len(body)/2])
}

func (s *Sandbox) sendArray(x exchange, rep reply) {
	write(x.w, rep.status, jsonType, slices.Concat([]byte("["), s.style.encode(x.call, rep), []byte("]")))
}

func (s *Sandbox) sendTwo(x exchange, rep reply) {
	second := s.style.encode(x.call, s.refuse(reasonBalance))
	write(x.w, rep.status, jsonType, append(s.style.encode(x.call, rep), second...))
}

func (s *Sandbox) sendFalseGzip(x exchange, rep reply) {
	x.w.Header().Set("Content-Encoding", "gzip")
	s.sendJSON(x, rep)
}

func (s *Sandbox) sendRedirect(x exchange, _ reply) {
	x.w.Header().Set("Location", x.r.URL.RequestURI())
	x.w.WriteHeader(http.StatusTemporaryRedirect)
}
