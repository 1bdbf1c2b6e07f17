package sandbox

import (
	"bytes"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// The media types of what a sandbox sends.
const (
	JSONType = "application/json"
	htmlType = "text/html; charset=utf-8"
)

// Defaults of a Line.
const (
	defaultSlowInterval = time.Second
	defaultHugeBytes    = 64 << 20
)

// Line is how a sandbox's answers go out, and how they fail to.
type Line struct {
	SlowInterval time.Duration   // fault slow-bytes: between two bytes; 0: 1 s
	HugeBytes    int64           // fault huge-body: how many blanks precede the answer; 0: 64 MiB
	Closed       <-chan struct{} // closed with the sandbox: every connection that a fault holds is let go
}

// Exchange is one call on its way.
type Exchange struct {
	W http.ResponseWriter
	R *http.Request
}

// Reply is a JSON answer, whole.
type Reply struct {
	Status int
	Body   []byte
}

// Delivery is a way to send a reply. One that cuts the connection panics with http.ErrAbortHandler, which an http.Server takes as the wish to do so.
type Delivery func(Line, Exchange, Reply)

// LineFault is a fault that lies in the delivery alone.
type LineFault struct {
	Fault

	Deliver Delivery
}

// LineFaults lists every fault that needs to know nothing of the provider.
func LineFaults() []LineFault { return slices.Concat(lostAnswers(), badAnswers()) }

func before(name, text string, deliver Delivery) LineFault {
	return LineFault{Fault{Name: name, Text: text + "; nothing is executed"}, deliver}
}

func after(name, text string, deliver Delivery) LineFault {
	return LineFault{Fault{Name: name, Text: "executes, then " + text, Executes: true}, deliver}
}

// lostAnswers are faults of the connection.
func lostAnswers() []LineFault {
	return []LineFault{
		before("no-answer-before", "never answers", Line.nothing),
		after("no-answer-after", "never answers", Line.nothing),
		before("cut-before", "resets the connection", Line.reset),
		after("cut-after", "closes the connection without a byte", Cut),
		after("reset-after", "resets the connection without a byte", Line.reset),
		after("cut-headers", "sends the headers and closes the connection", Line.headersOnly),
		after("cut-body", "sends half of the announced body and closes the connection", Line.half),
		after("slow-bytes", "sends the answer a byte at a time", Line.slowly),
	}
}

// badAnswers are answers that can't be read.
func badAnswers() []LineFault {
	return []LineFault{
		after("500-html", "answers 500 with a page", page(http.StatusInternalServerError)),
		after("500-html-after", "answers 500 with a page", page(http.StatusInternalServerError)),
		before("500-html-before", "answers 500 with a page", page(http.StatusInternalServerError)),
		after("502-html", "answers 502 with a page, as a proxy does", page(http.StatusBadGateway)),
		before("503-html-before", "answers 503 with a page, as in maintenance", page(http.StatusServiceUnavailable)),
		before("429-html-before", "answers 429 with a page", page(http.StatusTooManyRequests)),
		after("200-html", "answers 200 with a page", page(http.StatusOK)),
		after("500-ok", "sends the right answer with the status 500", Line.failed),
		after("empty-body", "answers 200 without a body", Line.empty),
		after("truncated-json", "answers with half of the JSON as if it were whole", Line.truncated),
		after("array-body", "answers with the JSON inside an array", Line.array),
		after("huge-body", "sends a great many blanks before the answer", Line.huge),
		after("gzip-garbage", "answers with a body that says it is gzip and isn't", Line.falseGzip),
		after("redirect", "answers 307 to the same place: who follows it pays twice", Line.redirect),
		before("redirect-before", "answers 307 to the same place", Line.redirect),
	}
}

// Send delivers a reply as usual.
func (Line) Send(x Exchange, reply Reply) { Write(x.W, reply.Status, JSONType, reply.Body) }

// Write sends a whole body. A client that has gone away can't be told, so the error is of no use.
func Write(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// Pause waits so long, unless the client goes away or the sandbox closes first; then it ends the exchange.
func (l Line) Pause(x Exchange, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-x.R.Context().Done():
		abort()
	case <-l.Closed:
		abort()
	}
}

// abort closes the connection as it is; the server takes this panic for that wish.
func abort() { panic(http.ErrAbortHandler) }

func (l Line) nothing(x Exchange, _ Reply) {
	select {
	case <-x.R.Context().Done():
	case <-l.Closed:
	}
	abort()
}

// Cut closes the connection without a byte.
func Cut(Line, Exchange, Reply) { abort() }

// reset drops the connection with a TCP reset where the server lets it have the connection, and closes it otherwise.
func (Line) reset(x Exchange, _ Reply) {
	conn, _, err := http.NewResponseController(x.W).Hijack()
	if err != nil {
		abort()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func (Line) headersOnly(x Exchange, reply Reply) { part(x, reply, 0) }

func (Line) half(x Exchange, reply Reply) { part(x, reply, len(reply.Body)/2) }

// part announces the whole body and sends the first bytes of it.
func part(x Exchange, reply Reply, size int) {
	x.W.Header().Set("Content-Length", strconv.Itoa(len(reply.Body)))
	push := begin(x.W, reply.Status)
	_ = push(reply.Body[:size])
	abort()
}

// begin sends the headers of a JSON answer and gives what sends its bytes, each piece at once.
func begin(w http.ResponseWriter, status int) func([]byte) error {
	w.Header().Set("Content-Type", JSONType)
	w.WriteHeader(status)
	controller := http.NewResponseController(w)
	_ = controller.Flush()
	return func(piece []byte) error {
		if _, err := w.Write(piece); err != nil {
			return err
		}
		return controller.Flush()
	}
}

func (l Line) slowly(x Exchange, reply Reply) {
	interval := l.SlowInterval
	if interval == 0 {
		interval = defaultSlowInterval
	}
	push := begin(x.W, reply.Status)
	for _, b := range reply.Body {
		if err := push([]byte{b}); err != nil {
			return
		}
		l.Pause(x, interval)
	}
}

// huge sends blanks, which JSON allows before a value: a client that reads without a limit finds the answer behind them.
func (l Line) huge(x Exchange, reply Reply) {
	const piece = 64 << 10
	left := l.HugeBytes
	if left == 0 {
		left = defaultHugeBytes
	}
	blanks := bytes.Repeat([]byte(" "), piece)
	push := begin(x.W, reply.Status)
	for ; left > 0; left -= piece {
		if err := push(blanks[:min(left, piece)]); err != nil {
			return
		}
	}
	_ = push(reply.Body)
}

func page(status int) Delivery {
	return func(_ Line, x Exchange, _ Reply) {
		text := http.StatusText(status)
		Write(x.W, status, htmlType, []byte("<html><head><title>"+text+"</title></head><body><h1>"+text+"</h1></body></html>\n"))
	}
}

func (l Line) failed(x Exchange, reply Reply) {
	reply.Status = http.StatusInternalServerError
	l.Send(x, reply)
}

func (Line) empty(x Exchange, reply Reply) { Write(x.W, reply.Status, JSONType, nil) }

func (Line) truncated(x Exchange, reply Reply) {
	Write(x.W, reply.Status, JSONType, reply.Body[:len(reply.Body)/2])
}

func (Line) array(x Exchange, reply Reply) {
	Write(x.W, reply.Status, JSONType, slices.Concat([]byte("["), reply.Body, []byte("]")))
}

func (l Line) falseGzip(x Exchange, reply Reply) {
	x.W.Header().Set("Content-Encoding", "gzip")
	l.Send(x, reply)
}

func (Line) redirect(x Exchange, _ Reply) {
	x.W.Header().Set("Location", x.R.URL.RequestURI())
	x.W.WriteHeader(http.StatusTemporaryRedirect)
}
