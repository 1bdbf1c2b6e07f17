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

	"github.com/jalurhq/jalur/internal/pgtest"
)

// What a run is made of. The seed chooses the faults, the moments and the orders; the machine's own timing still varies.
var (
	kills         = flag.Int("kills", 300, "how many processes to kill on SQLite")
	postgresKills = flag.Int("postgres-kills", 60, "how many processes to kill on PostgreSQL, three gateways to a database")
	lanes         = flag.Int("lanes", 4, "how many gateways, each with a journal and a provider of its own, run at once on SQLite")
	deaths        = flag.Int("deaths", 3, "how often to kill the database's own server")
	rounds        = flag.Int("rounds", 2, "how often to kill the primary and promote a standby")
	away          = flag.Duration("away", 10*time.Second, "how long the database is gone")
	jumps         = flag.Int("jumps", 100, "how often to set clocks")
	seed          = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the faults and the orders")
)

// jalur is the program as it is shipped, killable the one with fault points in it.
var jalur, killable string

// server is shared by the tests that don't hurt it; each has databases of its own.
var server *pgtest.Server

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(4**lanes)); err != nil { // the lanes mostly wait: more of them than processors
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
	if server, err = pgtest.New(thrifty()...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer server.Close()
	return m.Run()
}

// thrifty are settings that keep a server's log of changes small.
func thrifty() []string { return []string{"max_wal_size = 128MB", "min_wal_size = 32MB"} }
