//go:build mutants

package simulation_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jalurhq/jalur/internal/simulation"
)

const (
	core    = "../../core"
	chooses = "JALUR_MUTANT"
	// rated is the number of seeds over which the rate of detection is measured.
	rated = 1000
	// least is how many mutants there must be.
	least = 20
)

// planted gives the names of all mutants, from the hooks in the source.
func planted(t *testing.T) []string {
	t.Helper()
	hook := regexp.MustCompile(`mutant\.On\("([a-z-]+)"\)`)
	names := map[string]bool{}
	err := filepath.WalkDir(core, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range hook.FindAllSubmatch(text, -1) {
			names[string(found[1])] = true
		}
		return err
	})
	if err != nil || len(names) < least {
		t.Fatalf("%d mutants: %v", len(names), err)
	}
	return slices.Sorted(maps.Keys(names))
}

// TestMutants plants one bug after the other, each in a process of its own, and wants every one found.
func TestMutants(t *testing.T) {
	said := regexp.MustCompile(`first=(\d+) found=(\d+) (.*)`)
	fmt.Printf("%-28s %10s %10s  %s\n", "mutant", "first seed", "of seeds", "what the checker said")
	for _, name := range planted(t) {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHunt$", "-test.v")
		child.Env = append(os.Environ(), chooses+"="+name)
		out, err := child.CombinedOutput()
		match := said.FindSubmatch(out)
		if match == nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		first, found := number(t, match[1]), number(t, match[2])
		fmt.Printf("%-28s %10d %9.1f%%  %s\n", name, first, 100*float64(found)/rated, match[3])
		if first == 0 {
			t.Errorf("%s is not found in %d histories: the checker is broken", name, within)
		}
	}
}

func number(t *testing.T, text []byte) int {
	t.Helper()
	n, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestHunt looks for the bug that is planted in this process.
func TestHunt(t *testing.T) {
	if os.Getenv(chooses) == "" {
		t.Skip("no mutant is chosen")
	}
	var mu sync.Mutex
	first, found, why := uint64(0), 0, ""
	each(within, simulation.Config{}, func(seed uint64, r simulation.Result) bool {
		mu.Lock()
		defer mu.Unlock()
		if r.Violation != "" && seed <= rated {
			found++
		}
		if r.Violation != "" && (first == 0 || seed < first) {
			first, why = seed, r.Violation
		}
		return seed >= rated && first != 0
	})
	why, _, _ = strings.Cut(why, "\n")
	fmt.Printf("first=%d found=%d %s\n", first, found, why)
}
