package postgres

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/jalurhq/jalur/core"
)

// The pauses before the listener connects again.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 10 * time.Second
)

// Changes implements [journal.Notifier] by LISTEN. It hears of what every gateway on this database changes, itself included.
func (s *Store) Changes(ctx context.Context, changed func(core.PaymentID)) {
	for pause := firstPause; ctx.Err() == nil; pause = min(2*pause, lastPause) {
		heard, err := s.listen(ctx, changed)
		if ctx.Err() != nil {
			return
		}
		if heard {
			pause = firstPause
		}
		s.config.Logger.WarnContext(ctx, "the journal tells of no changes for a while", slog.String("error", err.Error()))
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// listen hears until the connection breaks. heard: it stood.
func (s *Store) listen(ctx context.Context, changed func(core.PaymentID)) (heard bool, err error) {
	config := s.listener.Copy()
	guard(config)
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // nothing of ours is on it
	if _, err := look(ctx, conn); err != nil {
		return false, err
	}
	if _, err := conn.Exec(ctx, "LISTEN jalur_journal"); err != nil {
		return false, err
	}
	for {
		notification, err := conn.WaitForNotification(ctx)
		if err != nil {
			return true, err
		}
		changed(core.PaymentID(notification.Payload))
	}
}
