package scaffold_test

import (
	"go/format"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/internal/scaffold"
)

const example = "../../examples/provider-go"

// The templates are what is written by hand; the example is what they give.
func TestTheExampleIsWhatANewPluginIs(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "provider-go")
	files, err := scaffold.Write(dir, scaffold.Plugin{Name: "provider-go", Language: "go", Jalur: "../.."})
	if err != nil || !slices.Contains(files, "main.go") {
		t.Fatal(files, err)
	}
	for _, file := range files {
		want, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(example, file))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s is another one in examples/provider-go (%v): make generate", file, err)
		}
		if formatted, err := format.Source(want); strings.HasSuffix(file, ".go") && (err != nil || string(formatted) != string(want)) {
			t.Errorf("%s: gofmt would change it (%v)", file, err)
		}
	}
}

func TestTheSmallestProviderIsSmall(t *testing.T) {
	t.Parallel()
	const most = 100
	text, err := os.ReadFile(filepath.Join(example, "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(text), "\n"); lines >= most || !strings.Contains(string(text), "func main() {") {
		t.Errorf("it has %d lines, its main among them", lines)
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	t.Parallel()
	for _, p := range []scaffold.Plugin{{Name: "Loud Name", Language: "go"}, {Name: "../acme", Language: "go"}, {Name: "acme", Language: "cobol"}, {}} {
		dir := filepath.Join(t.TempDir(), "new")
		if files, err := scaffold.Write(dir, p); err == nil || len(files) > 0 {
			t.Errorf("%+v: %v, %v", p, files, err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%+v: the folder was made", p)
		}
	}
}
