package sandbox

import (
	"net/http"

	"github.com/jalurhq/jalur/providers/sandbox"
)

// send delivers a reply, through the fault where there is one.
func (s *Sandbox) send(x exchange, f fault, rep reply) {
	if f.alter != nil && rep.get(keyResult) == resultOK {
		rep = f.alter(s, rep)
	}
	if f.falseNo {
		rep = s.refuse("Internal error")
		rep.status = http.StatusInternalServerError
	}
	body := s.style.encode(x.call, rep)
	if f.andRefuse {
		body = append(body, s.style.encode(x.call, s.refuse(reasonBalance))...)
	}
	deliver := f.deliver
	if deliver == nil {
		deliver = sandbox.Line.Send
	}
	deliver(s.line, x.Exchange, sandbox.Reply{Status: rep.status, Body: body})
}
