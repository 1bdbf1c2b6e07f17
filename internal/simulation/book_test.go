package simulation_test

import (
	"testing"

	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/journaltest"
	"github.com/jalurhq/jalur/internal/simulation"
)

func TestBook(t *testing.T) {
	t.Parallel()
	journaltest.Run(t, func(*testing.T) journal.Store { return simulation.NewBook() })
}
