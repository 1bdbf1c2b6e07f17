package host

import (
	"fmt"
	"os"
	"time"
)

// pipe is one stream between us and a plugin.
type pipe struct{ ours, theirs *os.File }

// pipes are the three standard streams of a plugin.
type pipes struct{ stdin, stdout, stderr pipe }

func newPipes() (*pipes, error) {
	p := &pipes{}
	for _, end := range []struct{ read, write **os.File }{
		{&p.stdin.theirs, &p.stdin.ours},
		{&p.stdout.ours, &p.stdout.theirs},
		{&p.stderr.ours, &p.stderr.theirs},
	} {
		read, write, err := os.Pipe()
		if err != nil {
			p.closeOurs()
			p.closeTheirs()
			return nil, fmt.Errorf("standard streams: %w", err)
		}
		*end.read, *end.write = read, write
	}
	return p, nil
}

// closeTheirs closes what the plugin has its own copies of. A file that was never opened or is closed already is no matter.
func (p *pipes) closeTheirs() { closeAll(p.stdin.theirs, p.stdout.theirs, p.stderr.theirs) }

func (p *pipes) closeOurs() { closeAll(p.stdin.ours, p.stdout.ours, p.stderr.ours) }

func closeAll(files ...*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// endReadsSoon ends our reading even where a process that outlived the plugin holds the other ends.
func (p *pipes) endReadsSoon() {
	soon := time.Now().Add(lastLinesWait)
	_ = p.stdout.ours.SetReadDeadline(soon)
	_ = p.stderr.ours.SetReadDeadline(soon)
}
