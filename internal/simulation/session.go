package simulation

import (
	"context"
	"errors"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
)

var errBroken = errors.New("the connection broke")

// session is the journal as one gateway reaches it: every call takes time and may go wrong. The contexts' deadlines are of the real
// clock and mean nothing here.
type session struct {
	*Book
	w  *World
	gw *Gateway
}

func (s *session) takes() time.Duration {
	return s.w.between(200*time.Microsecond, 20*time.Millisecond)
}

// read is one reading.
func (s *session) read() error {
	s.w.point(s.takes())
	if s.w.faults && (s.w.boot < s.w.outage || s.w.chance(s.w.profile.unreadable)) {
		s.w.count("readings that failed")
		return errBroken
	}
	return nil
}

// write is one write, with what may become of it.
func (s *session) write(what string, do func() error) error {
	w, p := s.w, &s.w.profile
	s.w.point(s.takes())
	if w.faults && w.chance(p.slow) {
		w.count("slow writes")
		w.point(w.between(time.Second, 2*time.Minute))
	}
	err := s.decide(what, do)
	s.w.point(s.takes())
	return err
}

func (s *session) decide(what string, do func() error) error {
	w, p := s.w, &s.w.profile
	said := func(fate string) { w.trace.addf(w, "%s: %s: %s", s.gw.name, what, fate) }
	switch {
	case s.gw.poisoned:
		return errors.Join(journal.ErrNotWritten, journal.ErrPoisoned)
	case !w.faults:
	case w.boot < w.outage:
		said("the journal is away")
		return notWritten(errBroken)
	case w.chance(p.refused):
		w.count("writes refused")
		said("refused")
		return notWritten(errBroken)
	case w.chance(p.poisoned):
		said("the disk failed")
		s.gw.poison()
		return errors.Join(journal.ErrNotWritten, journal.ErrPoisoned)
	case w.chance(p.crashBefore):
		s.gw.crash("before the write " + what)
		panic(killed{})
	case w.chance(p.crashAfter):
		said("written")
		_ = do() // nobody is left to be told
		s.gw.crash("after the write " + what)
		panic(killed{})
	case w.chance(p.ambiguousDone):
		return s.ambiguous(said, what, "ambiguous, and done", func() { _ = do() })
	case w.chance(p.ambiguousLost):
		return s.ambiguous(said, what, "ambiguous, and lost", func() {})
	case w.chance(p.ambiguousLate):
		return s.ambiguous(said, what, "ambiguous, and done later", func() {
			w.after(w.between(10*time.Millisecond, 10*time.Minute), func() {
				err := do()
				w.trace.addf(w, "%s: %s: done late: %v", s.gw.name, what, err)
			})
		})
	}
	err := do()
	if w.trace.keep {
		said(fateOf(err))
	}
	return err
}

func (s *session) ambiguous(said func(string), _ string, fate string, do func()) error {
	s.w.count("ambiguous commits")
	said(fate)
	do()
	return journal.ErrAmbiguous
}

func fateOf(err error) string {
	if err == nil {
		return "written"
	}
	return err.Error()
}

// Submit implements [journal.Store].
func (s *session) Submit(_ context.Context, p journal.Payment, cause journal.Cause) (journal.Payment, bool, error) {
	var recorded journal.Payment
	var created bool
	what := ""
	if s.w.trace.keep {
		a := p.Last()
		what = "submit key " + string(p.Key) + " as " + short(p.ID) + ", attempt " + short(a.ID) + " " + string(a.State) + " at " + a.Instance
	}
	err := s.write(what, func() (err error) {
		recorded, created, err = s.Book.Submit(context.Background(), p, cause)
		return err
	})
	if err != nil {
		return journal.Payment{}, false, err
	}
	return recorded, created, nil
}

// Apply implements [journal.Store].
func (s *session) Apply(_ context.Context, c journal.Change) error {
	what := ""
	if s.w.trace.keep {
		what = c.Actor + " " + short(c.Attempt.ID) + " " + string(c.From) + "→" + string(c.Attempt.State) + " " + c.Why + " " + string(c.Evidence)
		if c.Next != nil {
			what += ", next " + short(c.Next.ID) + " at " + c.Next.Instance
		}
	}
	id := c.Attempt.ID
	_, mine := s.gw.told[id]
	mine = mine && c.Actor == sender
	if mine {
		s.w.checker.outlives(s.gw, id)
	}
	err := s.write(what, func() error { return s.Book.Apply(context.Background(), c) })
	if mine && (errors.Is(err, journal.ErrNotWritten) || errors.Is(err, journal.ErrAmbiguous)) {
		s.gw.unwritten[id] = true
	}
	return err
}

// Ping implements [journal.Store].
func (s *session) Ping(context.Context) error {
	return s.write("ping", func() error { return s.Book.Ping(context.Background()) })
}

// ClaimDue implements [journal.Store].
func (s *session) ClaimDue(_ context.Context, c journal.Claim) ([]journal.Payment, error) {
	var claimed []journal.Payment
	err := s.write("claim", func() (err error) {
		claimed, err = s.Book.ClaimDue(context.Background(), c)
		return err
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// Payment implements [journal.Store].
func (s *session) Payment(_ context.Context, id core.PaymentID) (journal.Payment, error) {
	if err := s.read(); err != nil {
		return journal.Payment{}, err
	}
	return s.Book.Payment(context.Background(), id)
}

// Find implements [journal.Store].
func (s *session) Find(_ context.Context, n journal.Named) (journal.Payment, error) {
	if err := s.read(); err != nil {
		return journal.Payment{}, err
	}
	return s.Book.Find(context.Background(), n)
}

// ByKey implements [journal.Store].
func (s *session) ByKey(_ context.Context, client string, key core.Key) (journal.Payment, error) {
	if err := s.read(); err != nil {
		return journal.Payment{}, err
	}
	return s.Book.ByKey(context.Background(), client, key)
}
