package torture_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestAFullDisk lets the journal's disk run full under load, and gives it space again.
func TestAFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=3m"); err != nil {
		if os.Geteuid() == 0 && !errors.Is(err, syscall.EPERM) {
			t.Fatal(err)
		}
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	l := newLane(t, setup{folder: disk, timeout: "30s", pace: pace{callers: 8, wait: "1"}})
	g := l.seats[0].answering()
	c := caller{url: l.seats[0].url(), client: newClient(), pace: l.pace}
	defer c.client.CloseIdleConnections()
	running := l.load()
	var refused order // nobody else tries these
	n := 0
	eventually(t, "a full disk", func() bool {
		n++
		refused = order{fmt.Sprintf("full-%d", n), fmt.Sprintf("0899%05d0000", n)}
		status, _, err := c.post(c.url, refused, amount)
		return err == nil && status == http.StatusServiceUnavailable
	})
	full := l.book.acknowledged()
	if l.ledger()[refused.account] != 0 {
		t.Error("refused with 503, and executed")
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "payments again", func() bool {
		status, a, err := c.post(c.url, refused, amount)
		return err == nil && status < http.StatusBadRequest && a.final()
	})
	eventually(t, "more payments", func() bool { return l.book.acknowledged() > full+100 })
	running.end()
	g.signal(syscall.SIGTERM)
	g.ends()
	seen := l.finish()
	report(t, 0, seen.violations())
	t.Logf("%d acknowledged when the disk was full, %d in the end", full, len(seen.acks))
	if text, _ := g.output(); strings.Contains(text, "panic") {
		t.Errorf("a panic:\n%s", tail(text))
	}
}
