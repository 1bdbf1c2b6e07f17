package torture_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// What a run is made of. The seed chooses the faults, the moments and the orders; the machine's own timing still varies.
var (
	kills = flag.Int("kills", 300, "how many processes to kill")
	lanes = flag.Int("lanes", 4, "how many gateways, each with a journal and a provider of its own, run at once")
	seed  = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the faults and the orders")
)

// jalur is the program as it is shipped, killable the one with fault points in it.
var jalur, killable string

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(2**lanes)); err != nil { // the lanes mostly wait: more of them than processors
		panic(err)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if runtime.GOOS != "linux" {
		fmt.Println("fault points and /proc are Linux's: nothing is run here")
		return 0
	}
	dir, err := os.MkdirTemp("", "jalur-torture-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	jalur, killable = filepath.Join(dir, "jalur"), filepath.Join(dir, "killable")
	for _, args := range [][]string{{"-o", jalur}, {"-tags", "faultpoints,mutants", "-o", killable}} {
		build := exec.Command("go", append(append([]string{"build"}, args...), "github.com/jalurhq/jalur/cmd/jalur")...)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", out, err)
			return 1
		}
	}
	return m.Run()
}
