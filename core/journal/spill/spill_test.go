package spill_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/journal/spill"
)

const size = 64 << 10

func open(t *testing.T, path string) *spill.Folder {
	t.Helper()
	s, err := spill.Open(spill.Config{Path: path, Size: size})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func place(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "spill")
}

// entry gives the nth outcome, with everything in it that an outcome can have.
func entry(n int) journal.Spilled {
	return journal.Spilled{
		Payment: core.PaymentID(fmt.Sprintf("P%025d", n)), Attempt: fmt.Sprintf("A%025d", n), Fence: int64(n), At: time.Date(2026, 11, 22, 9, 0, n, 1000, time.UTC),
		Result: core.Result{
			Outcome: core.Succeeded, Code: core.CodeRefunded, ProviderCode: "00", Reason: "berhasil\xff" + strings.Repeat("x", 100), Invoice: core.Invoice(fmt.Sprint(n)),
			Reference: "SN1", Amount: core.IDR(100000), ReceiverName: "Siti", Cost: core.IDR(102000), Cashback: core.IDR(1),
			ProviderTime: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), Details: map[string]string{"saldo": "1"},
		},
	}
}

// asKept is the entry as it comes back: JSON holds no broken characters.
func asKept(n int) journal.Spilled {
	e := entry(n)
	e.Result.Reason = strings.ToValidUTF8(e.Result.Reason, "\ufffd")
	return e
}

func keep(t *testing.T, s *spill.Folder, numbers ...int) (settled []func()) {
	t.Helper()
	for _, n := range numbers {
		done, err := s.Keep(entry(n))
		if err != nil {
			t.Fatal(err)
		}
		settled = append(settled, done)
	}
	return settled
}

// left wants these entries, whole, and the error.
func left(t *testing.T, s *spill.Folder, problem error, numbers ...int) []journal.Kept {
	t.Helper()
	kept, err := s.Left()
	if !errors.Is(err, problem) {
		t.Errorf("got %v, want %v", err, problem)
	}
	var got, want []journal.Spilled
	for _, k := range kept {
		got = append(got, k.Spilled)
	}
	for _, n := range numbers {
		want = append(want, asKept(n))
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("left are\n%+v\nwant\n%+v", got, want)
	}
	return kept
}

func end(t *testing.T, s *spill.Folder) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func settle(all []journal.Kept) {
	for _, k := range all {
		k.Settled()
		k.Settled()
	}
}

// damage changes a file's bytes.
func damage(t *testing.T, path string, change func(data []byte)) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	change(data)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsKeptOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	path := place(t)
	s := open(t, path)
	left(t, s, nil)
	settled := keep(t, s, 1, 2, 3)
	settled[0]()
	left(t, s, nil) // a process knows its own
	end(t, s)
	settled[1]() // too late to be written down

	s = open(t, path)
	all := left(t, s, nil, 1, 2, 3)
	left(t, s, nil) // each once
	settle(all[:2])
	keep(t, s, 4)
	end(t, s)

	s = open(t, path)
	settle(left(t, s, nil, 1, 2, 3, 4))
	keep(t, s, 5)
	end(t, s)

	s = open(t, path)
	settle(left(t, s, nil, 5))
	end(t, s)
	left(t, open(t, path), nil)
}

func TestTheFileIsForItsOwnerAndKeepsItsSpace(t *testing.T) {
	t.Parallel()
	path := place(t)
	s := open(t, path)
	for _, done := range keep(t, s, 1, 2) {
		done()
	}
	file, err := os.Stat(filepath.Join(path, "1.spill"))
	if err != nil || file.Size() != size || file.Mode() != 0o600 {
		t.Errorf("%v, %v", file, err)
	}
	folder, err := os.Stat(path)
	if err != nil || folder.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", folder, err)
	}
}

func TestWhatIsBrokenOffAtTheEnd(t *testing.T) {
	t.Parallel()
	path := place(t)
	s := open(t, path)
	keep(t, s, 1, 2, 3)
	end(t, s)
	damage(t, filepath.Join(path, "1.spill"), func(data []byte) {
		whole, _, _ := bytes.Cut(data, []byte(entry(3).Attempt))
		clear(data[len(whole):])
	})
	s = open(t, path)
	left(t, s, spill.ErrTorn, 1, 2)
	keep(t, s, 4)
	end(t, s)
	settle(left(t, open(t, path), nil, 1, 2, 4))
}

func TestWhatIsDamagedInTheMiddle(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(data []byte){
		"a byte":     func(data []byte) { data[bytes.Index(data, []byte(entry(2).Attempt))] ^= 1 },
		"its length": func(data []byte) { data[bytes.Index(data, []byte(`{"payment":"`+entry(2).Payment))-8] ^= 1 },
		"all of it": func(data []byte) {
			clear(data[bytes.Index(data, []byte(`{"payment":"`+entry(2).Payment))-16 : bytes.Index(data, []byte(`{"payment":"`+entry(3).Payment))-16])
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := place(t)
			s := open(t, path)
			keep(t, s, 1, 2, 3)
			end(t, s)
			damage(t, filepath.Join(path, "1.spill"), change)
			s = open(t, path)
			all := left(t, s, spill.ErrDamaged, 1, 3)
			left(t, s, nil) // told once
			keep(t, s, 4)
			settle(all)
			aside, err := filepath.Glob(filepath.Join(path, "1.spill.damaged-*"))
			if err != nil || len(aside) != 1 {
				t.Errorf("put aside: %q, %v", aside, err)
			}
			end(t, s)
			left(t, open(t, path), nil, 4)
		})
	}
}

func TestADamagedHeader(t *testing.T) {
	t.Parallel()
	path := place(t)
	s := open(t, path)
	keep(t, s, 1, 2)
	end(t, s)
	damage(t, filepath.Join(path, "1.spill"), func(data []byte) { data[9] ^= 1 })
	settle(left(t, open(t, path), spill.ErrDamaged, 1, 2))
}

func TestAFullSpill(t *testing.T) {
	t.Parallel()
	s := open(t, place(t))
	var settled []func()
	tight := 0
	for {
		done, err := s.Keep(entry(1))
		if err != nil {
			if !errors.Is(err, spill.ErrFull) {
				t.Errorf("full: %v", err)
			}
			break
		}
		settled = append(settled, done)
		if tight == 0 && s.Ready() != nil {
			tight = len(settled)
		}
	}
	if tight == 0 || len(settled)-tight < tight/4 || !errors.Is(s.Ready(), spill.ErrFull) {
		t.Errorf("it was not ready after %d of %d entries: %v", tight, len(settled), s.Ready())
	}
	for _, done := range settled {
		done()
	}
	if err := s.Ready(); err != nil {
		t.Errorf("emptied: %v", err)
	}
	keep(t, s, 2)
}

func TestEachProcessHasAFileOfItsOwn(t *testing.T) {
	t.Parallel()
	path := place(t)
	one, two := open(t, path), open(t, path)
	keep(t, one, 1)
	keep(t, two, 2)
	left(t, two, nil)
	end(t, one) // it is gone
	taken := left(t, two, nil, 1)
	three := open(t, path) // the second has the first one's file still
	left(t, three, nil)
	settle(taken)
	end(t, three)
	end(t, two)
	settle(left(t, open(t, path), nil, 2))
	files, err := filepath.Glob(filepath.Join(path, "*"))
	if want := filepath.Join(path, "1.spill"); err != nil || !slices.Equal(files, []string{want}) {
		t.Errorf("%q, %v", files, err)
	}
}

func TestADiskThatFails(t *testing.T) {
	t.Parallel()
	s := open(t, place(t))
	keep(t, s, 1)
	if err := s.Break(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.Keep(entry(2)); !errors.Is(err, os.ErrClosed) {
			t.Errorf("keep: %v", err)
		}
		if err := s.Ready(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("ready: %v", err)
		}
	}
}

func TestWhereNothingCanBeKept(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", file, filepath.Join(t.TempDir(), "no", "folder")} {
		if _, err := spill.Open(spill.Config{Path: path}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := spill.Open(spill.Config{Path: place(t), Size: 1000}); err == nil {
		t.Error("a spill for not even one outcome")
	}
}

func TestAClosedSpill(t *testing.T) {
	t.Parallel()
	s := open(t, place(t))
	end(t, s)
	end(t, s)
	_, keeping := s.Keep(entry(1))
	_, looking := s.Left()
	for _, err := range []error{keeping, looking, s.Ready()} {
		if !errors.Is(err, spill.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	}
}

func TestAnOutcomeThatIsTooLong(t *testing.T) {
	t.Parallel()
	s, err := spill.Open(spill.Config{Path: place(t), Size: 2 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	e := entry(1)
	e.Result.Reason = strings.Repeat("x", 600<<10)
	if _, err := s.Keep(e); err == nil {
		t.Error("kept")
	}
}

// FuzzRead holds that nothing is read but what was written, whatever became of the file.
func FuzzRead(f *testing.F) {
	whole, err := spill.Image(entry(1), entry(2), entry(3))
	if err != nil {
		f.Fatal(err)
	}
	const header = 4096
	f.Add(uint16(0), []byte{1}, uint16(0))
	f.Add(uint16(header+4), []byte{8}, uint16(100))
	f.Add(uint16(header+900), whole[header:header+300], uint16(0))
	f.Fuzz(func(t *testing.T, at uint16, patch []byte, cut uint16) {
		data := slices.Clone(whole)
		copy(data[int(at)%len(data):], patch)
		for _, got := range spill.Read(data[:len(data)-int(cut)%len(data)]) {
			if !slices.ContainsFunc([]int{1, 2, 3}, func(n int) bool { return reflect.DeepEqual(got, asKept(n)) }) {
				t.Errorf("read %+v", got)
			}
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "spill")
	for b.Loop() {
		s, err := spill.Open(spill.Config{Path: path})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKeep(b *testing.B) {
	s, err := spill.Open(spill.Config{Path: filepath.Join(b.TempDir(), "spill")})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for b.Loop() {
		done, err := s.Keep(entry(1))
		if err != nil {
			b.Fatal(err)
		}
		done()
	}
}
