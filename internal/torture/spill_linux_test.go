package torture_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestAnOutcomeThatFindsNoSpace lets the journal's disk run full while a payment is under way, and kills the gateway when the provider has answered.
func TestAnOutcomeThatFindsNoSpace(t *testing.T) {
	for name, test := range map[string]struct {
		env, want string
		invoice   bool
	}{
		"killed later":           {"", "CONFIRMED", true},
		"killed when it is kept": {"JALUR_FAULTPOINT=after-spill:1", "CONFIRMED", true},
		"killed before it is":    {"JALUR_FAULTPOINT=before-spill:1", "UNKNOWN", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			disk := smallDisk(t, "20m") // the spill's reserve, and little more
			l := newLane(t, setup{folder: disk, spill: filepath.Join(disk, "spill"), delay: "3s", timeout: "30s"})
			g := l.seats[0].answering(test.env)
			o := l.book.fresh()
			said := l.order(o)
			l.underWay()
			space := fill(t, disk)
			if test.env == "" {
				g.counted("an outcome is kept in the spill", 1, patience)
				g.kill()
			}
			if !within(g.done, patience) {
				t.Fatal("it did not die")
			}
			<-said
			if err := os.Remove(space); err != nil {
				t.Fatal(err)
			}
			seen := l.finish()
			report(t, 0, seen.violations())
			attempts := seen.payments[o.key].attempts
			if invoice := l.invoice(o); len(attempts) != 1 || attempts[0].state != test.want || (invoice != "") != test.invoice || seen.ledger[o.account] != 1 {
				t.Errorf("executed %d times, and it is %v with the invoice %q", seen.ledger[o.account], attempts, invoice)
			}
		})
	}
}

// smallDisk mounts a file system of a size.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size="+size); err != nil {
		if os.Geteuid() == 0 && !errors.Is(err, syscall.EPERM) {
			t.Fatal(err)
		}
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	return disk
}

// order makes a payment. What the gateway says of it, if it lives to say it, is entered when the channel is closed.
func (l *lane) order(o order) <-chan struct{} {
	said := make(chan struct{})
	client := newClient()
	go func() {
		defer close(said)
		defer client.CloseIdleConnections()
		c := caller{url: l.seats[0].url(), client: client}
		if status, a, err := c.post(c.url, o, amount); err == nil && status < 400 {
			l.book.acknowledge(o, a)
		}
	}()
	return said
}

// underWay waits until a payment is being sent.
func (l *lane) underWay() {
	l.t.Helper()
	client := newClient()
	defer client.CloseIdleConnections()
	eventually(l.t, "a payment under way", func() bool {
		var page struct {
			Payments []shown `json:"payments"`
		}
		return get(client, l.seats[0].url()+"/v1/payments?state=pending", &page) == nil && len(page.Payments) == 1
	})
}

// fill takes all the space that is left on a disk, and gives the file that has it.
func fill(t *testing.T, disk string) string {
	t.Helper()
	file, err := os.Create(filepath.Join(disk, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for size := 1 << 20; size > 0; {
		if _, err = file.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	return file.Name()
}

// invoice reads from the journal what is known of an order.
func (l *lane) invoice(o order) string {
	l.t.Helper()
	db, err := l.journal.open()
	if err != nil {
		l.t.Fatal(err)
	}
	defer db.Close()
	var invoice sql.NullString
	row := db.QueryRow("SELECT a.invoice FROM attempt a JOIN payment p ON p.id = a.payment_id WHERE p.key = ?", o.key)
	if err := row.Scan(&invoice); err != nil {
		l.t.Fatal(err)
	}
	return invoice.String
}

// TestAFailedDisk lets a commit of the journal fail under load, as a disk that fails does: the gateway ends by itself, and what its provider has
// executed is known to the next one.
func TestAFailedDisk(t *testing.T) {
	t.Parallel()
	l := newLane(t, setup{delay: "50ms", timeout: "30s"})
	g := l.seats[0].answering("JALUR_FAULTPOINT=disk:60:fail")
	running := l.load()
	status := g.ends()
	running.end()
	if text, _ := g.output(); status != 1 || !strings.Contains(text, "jalur: the disk failed under the journal") || !strings.Contains(text, "kept in the spill") {
		t.Errorf("it ended with %d:\n%s", status, tail(text))
	}
	seen := l.finish()
	report(t, 0, seen.violations())
	confirmed := 0
	for key, p := range seen.payments {
		state := p.attempts[len(p.attempts)-1].state
		if seen.ledger[p.account] == 1 && state != "CONFIRMED" {
			t.Errorf("%s was executed, and is %s", key, state)
		}
		if state == "CONFIRMED" {
			confirmed++
		}
	}
	t.Logf("%d payments, %d confirmed", len(seen.payments), confirmed)
}
