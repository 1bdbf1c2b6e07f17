package sqlite

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/internal/group"
	"github.com/jalurhq/jalur/core/journal/sqlite/internal/db"
)

var (
	_ journal.Holder     = (*Store)(nil)
	_ journal.Timekeeper = (*Store)(nil)
)

// The words of journal_identity for what nobody had to decide.
const (
	byNobody = "gateway"
	whyFirst = "the journal was made, or first opened by a program that marks it"
)

// standing is whether the journal may be sent from. While it is held the mark stays as it is: it tells what the file lacks.
type standing struct {
	path string
	log  *slog.Logger

	mu   sync.Mutex
	held string
	mark *mark // nil while it is held
}

// traces are what a file and the mark beside it say of where they come from.
type traces struct {
	last   db.JournalIdentity // the newest epoch; zero where there is none
	newest int64              // event
	said   sign
	marked bool
}

func look(ctx context.Context, q *db.Queries, path string) (t traces, err error) {
	epochs, err := q.Identities(ctx)
	if err != nil {
		return t, err
	}
	if len(epochs) > 0 {
		t.last = epochs[len(epochs)-1]
	}
	if t.newest, err = q.NewestEvent(ctx); err != nil {
		return t, err
	}
	t.said, t.marked, err = readMark(path)
	return t, err
}

// doubt says why nothing may be sent, or "". A file without events and without a mark is new; one with events and without any epoch was written by a
// program that knew neither.
func (t traces) doubt() string {
	known := t.last.Epoch > 0
	switch {
	case known && t.last.Home == "":
		return fmt.Sprintf("%s has held it: %s", t.last.ByWhom, t.last.Why)
	case t.said.Event > t.newest:
		return fmt.Sprintf("its newest event is %d, and event %d was written here before: the file was put back from a backup, or made anew", t.newest, t.said.Event)
	case known && t.marked && t.said.Home != t.last.Home:
		return "the mark beside it is another journal's: the file was moved or restored"
	case known && !t.marked && t.newest > 0:
		return "its mark is not beside it: the file was moved or restored"
	default:
		return ""
	}
}

// home gives the word that the file and its mark share.
func (t traces) home() string {
	switch {
	case t.last.Home != "":
		return t.last.Home
	case t.said.Home != "":
		return t.said.Home
	default:
		return rand.Text()
	}
}

// stand looks whether the file may be sent from. The mark is written before the first epoch, so that a crash between the two doubts nothing.
func (s *standing) stand(ctx context.Context, q *db.Queries, now time.Time) error {
	t, err := look(ctx, q, s.path)
	if err != nil {
		return fmt.Errorf("the journal's identity: %w", err)
	}
	if why := t.doubt(); why != "" {
		s.keep(ctx, why)
		return nil
	}
	home := t.home()
	if err := s.sign(sign{home, t.newest}); err != nil || t.last.Epoch > 0 {
		return err
	}
	return q.InsertIdentity(ctx, db.InsertIdentityParams{Home: home, ByWhom: byNobody, Why: whyFirst, At: now.UnixMicro()})
}

// sign writes a new mark, from which on the journal may be sent from.
func (s *standing) sign(said sign) error {
	mark, err := newMark(s.path, said)
	if err != nil {
		return fmt.Errorf("the journal's mark: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.mark
	s.mark, s.held = mark, ""
	return before.close()
}

// keep holds the journal. A reason that stands already stays.
func (s *standing) keep(ctx context.Context, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held != "" {
		return
	}
	s.held = why
	s.log.ErrorContext(ctx, "the journal is held: nothing is sent", slog.String("why", why))
}

// reach notes how far the journal has come.
func (s *standing) reach(ctx context.Context, q *db.Queries) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held != "" || s.mark == nil {
		return nil
	}
	newest, err := q.NewestEvent(ctx)
	if err != nil {
		return err
	}
	return s.mark.reach(newest)
}

func (s *standing) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mark.close()
}

// Held implements [journal.Holder].
func (s *Store) Held() string {
	s.standing.mu.Lock()
	defer s.standing.mu.Unlock()
	return s.standing.held
}

// mayNotSend gives the error of a change by which an attempt would be sent while the journal is held.
func (s *Store) mayNotSend(sends bool) error {
	if why := s.Held(); sends && why != "" {
		return group.NotWritten(fmt.Errorf("%w: %s", journal.ErrHeld, why))
	}
	return nil
}

// Standing implements [journal.Holder].
func (s *Store) Standing(ctx context.Context) (journal.Standing, error) {
	rows, err := s.reads.Identities(ctx)
	if err != nil {
		return journal.Standing{}, fmt.Errorf("the journal's identity: %w", err)
	}
	standing := journal.Standing{Held: s.Held(), Epochs: make([]journal.Epoch, len(rows))}
	for i, r := range rows {
		standing.Epochs[i] = journal.Epoch{Number: r.Epoch, Home: r.Home, By: r.ByWhom, Why: r.Why, At: time.UnixMicro(r.At).UTC()}
	}
	return standing, nil
}

// Hold implements [journal.Holder].
func (s *Store) Hold(ctx context.Context, by, why string) error {
	if err := s.say(ctx, "", by, why); err != nil {
		return err
	}
	s.standing.keep(ctx, by+" has held it: "+why)
	return nil
}

// Accept implements [journal.Holder]. The file gets a name of its own: the one that it was copied from is another journal from now on.
func (s *Store) Accept(ctx context.Context, by, why string) error {
	home := rand.Text()
	if err := s.say(ctx, home, by, why); err != nil {
		return err
	}
	newest, err := s.reads.NewestEvent(ctx)
	if err != nil {
		return fmt.Errorf("the journal's newest event: %w", err)
	}
	return s.standing.sign(sign{home, newest})
}

func (s *Store) say(ctx context.Context, home, by, why string) error {
	if by == "" || by == byNobody || why == "" {
		return fmt.Errorf("who says so, and why, must be told: %w", journal.ErrIllegal)
	}
	return s.do(ctx, func(ctx context.Context, q *db.Queries) error {
		return q.InsertIdentity(ctx, db.InsertIdentityParams{Home: home, ByWhom: by, Why: why, At: s.now().UnixMicro()})
	})
}
