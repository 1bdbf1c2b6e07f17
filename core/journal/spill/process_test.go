package spill_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/jalurhq/jalur/core/journal/spill"
)

const pathVariable = "JALUR_SPILL_TEST_PATH"

// TestMain is also the main of the process that a test starts and kills.
func TestMain(m *testing.M) {
	path := os.Getenv(pathVariable)
	if path == "" {
		os.Exit(m.Run())
	}
	s, err := spill.Open(spill.Config{Path: path, Size: size})
	if err == nil {
		_, err = s.Keep(entry(1))
	}
	fmt.Println("kept", err)
	_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed
}

func TestAKilledProcessLeavesItsOutcomes(t *testing.T) {
	t.Parallel()
	path := place(t)
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), pathVariable+"="+path)
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "kept <nil>\n" {
		t.Fatalf("it said %q, %v", line, err)
	}
	s := open(t, path)
	left(t, s, nil) // it lives
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	settle(left(t, s, nil, 1))
	end(t, s)
	left(t, open(t, path), nil)
}
