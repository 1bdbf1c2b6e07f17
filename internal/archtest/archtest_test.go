// Package archtest keeps the rules that concern the whole tree: who may import whom, and what no file may hold.
package archtest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/jalurhq/jalur"
)

// What a rule may allow besides packages of this module.
const (
	std    = "std"    // the standard library
	others = "others" // other people's modules
)

// rule binds the packages that its patterns name, by their paths within the module: "core" is that package, "core/..." also all below it,
// "..." all there are; "*" stands for one element. Imports of tests are free.
type rule struct {
	from   []string
	except []string
	only   []string // what the package itself may import; nil: anything
	never  []string // what it must not reach, through however many packages
	why    string
}

func rules() []rule {
	return []rule{{
		from: []string{"core"}, only: []string{std},
		why: "the vocabulary means the same in a host, in a plugin and in a test",
	}, {
		from: []string{"core/..."}, never: []string{".", "providers/...", "plugins/...", "config/...", "internal/...", "cmd/...", "examples/..."},
		why: "dependencies point at core",
	}, {
		from: []string{"providers/..."}, except: []string{"providers/*/sandbox/..."}, only: []string{std, others, "core", "core/transport"},
		why: "one provider runs in a test, in the host or in a process of its own",
	}, {
		from: []string{"providers/*/sandbox/..."}, only: []string{std, "core", "providers/sandbox"},
		why: "a simulator that shared code with the client would share its mistakes",
	}, {
		from: []string{"plugins/sdk/..."}, never: []string{"plugins/host/...", "core/payments/...", "core/journal/...", "core/reconciler/..."},
		why: "an author's plugin carries nothing of the host",
	}, {
		from: []string{"plugins/host/..."}, never: []string{"providers/..."},
		why: "the host knows providers by the wire alone: built-in and external ones take the same road",
	}, {
		from: []string{"config/..."}, only: []string{std, others, "core"},
		why: "a provider's settings are opaque to everyone else, and reading a file starts nothing",
	}, {
		from: []string{"..."}, except: []string{"cmd/...", "examples/...", "internal/cli/..."}, never: []string{"internal/cli/..."},
		why: "the command line is wiring; what others need of it belongs into a package of its own",
	}, {
		from: []string{"..."}, never: []string{"cmd/..."},
		why: "a program is run, not imported",
	}}
}

// graph is what each package of the module imports, packages of the module by their path within it.
type graph map[string][]string

func (g graph) breaches(r rule) []string {
	var found []string
	for _, pkg := range slices.Sorted(maps.Keys(g)) {
		if !matches(pkg, r.from) || matches(pkg, r.except) {
			continue
		}
		for _, imported := range g[pkg] {
			if r.only != nil && !g.allows(r.only, imported) {
				found = append(found, pkg+" -> "+imported)
			}
		}
		if chain := g.chain(pkg, r.never); chain != nil {
			found = append(found, strings.Join(chain, " -> "))
		}
	}
	return found
}

func (g graph) allows(only []string, imported string) bool {
	_, own := g[imported]
	switch {
	case own:
		return matches(imported, only)
	case isStd(imported):
		return slices.Contains(only, std)
	default:
		return slices.Contains(only, others)
	}
}

// chain gives a shortest way of imports from a package to one of the targets, or nil.
func (g graph) chain(from string, targets []string) []string {
	seen := map[string]bool{from: true}
	for ways := [][]string{{from}}; len(ways) > 0; ways = ways[1:] {
		way := ways[0]
		for _, next := range g[way[len(way)-1]] {
			longer := append(slices.Clone(way), next)
			if _, own := g[next]; own && matches(next, targets) {
				return longer
			}
			if !seen[next] {
				seen[next] = true
				ways = append(ways, longer)
			}
		}
	}
	return nil
}

func isStd(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

func matches(pkg string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		base, below := strings.CutSuffix(pattern, "/...")
		if pattern == "..." {
			return true
		}
		head := pkg
		if below {
			head = firstElements(pkg, strings.Count(base, "/")+1)
		}
		ok, err := path.Match(base, head)
		return ok && err == nil
	})
}

func firstElements(pkg string, n int) string {
	elements := strings.Split(pkg, "/")
	return strings.Join(elements[:min(n, len(elements))], "/")
}

// load asks the go command for the packages of the module.
func load(t *testing.T) graph {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
	list.Dir, list.Stderr = root, os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	g := graph{}
	for lines := json.NewDecoder(bytes.NewReader(out)); ; {
		var pkg struct {
			ImportPath string   `json:"ImportPath"`
			Imports    []string `json:"Imports"`
		}
		if err := lines.Decode(&pkg); errors.Is(err, io.EOF) {
			return g
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		for i, imported := range pkg.Imports {
			pkg.Imports[i] = within(imported)
		}
		g[within(pkg.ImportPath)] = pkg.Imports
	}
}

func within(importPath string) string {
	if importPath == module {
		return "."
	}
	return strings.TrimPrefix(importPath, module+"/")
}

func TestImports(t *testing.T) {
	t.Parallel()
	g := load(t)
	for _, r := range rules() {
		for _, breach := range g.breaches(r) {
			t.Errorf("%s\n\tbut %s", breach, r.why)
		}
		for _, pattern := range r.from {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(g)), func(pkg string) bool { return matches(pkg, []string{pattern}) }) {
				t.Errorf("a rule binds %s, and there is no such package", pattern)
			}
		}
	}
}

func TestBreaches(t *testing.T) {
	t.Parallel()
	g := graph{
		".":                        {"core/payments"},
		"cmd/jalur":                {"internal/cli", "."},
		"core":                     {"fmt", "golang.org/x/text"},
		"core/payments":            {"core", "core/router"},
		"core/router":              {"core", "plugins/host"},
		"corelike":                 {"golang.org/x/text"},
		"internal/cli":             {"internal/cli/table", "cmd/jalur"},
		"internal/cli/table":       {"fmt"},
		"internal/httpapi":         {"internal/cli/table"},
		"plugins/host":             {"core", "plugins/wire"},
		"plugins/wire":             {"providers/mmbc"},
		"providers/mmbc":           {"core", "net/http", "golang.org/x/text", "core/payments"},
		"providers/mmbc/sandbox":   {"core", "net/http", "golang.org/x/text", "providers/mmbc"},
		"providers/mmbc/sandboxed": {"golang.org/x/text"},
	}
	for name, test := range map[string]struct {
		rule rule
		want []string
	}{
		"standard library only":    {rule{from: []string{"core"}, only: []string{std}}, []string{"core -> golang.org/x/text"}},
		"named packages only":      {rule{from: []string{"providers/*"}, only: []string{std, others, "core"}}, []string{"providers/mmbc -> core/payments"}},
		"no other people's module": {rule{from: []string{"providers/*/sandbox/..."}, only: []string{std, "core"}}, []string{"providers/mmbc/sandbox -> golang.org/x/text", "providers/mmbc/sandbox -> providers/mmbc"}},
		"through other packages":   {rule{from: []string{"core/..."}, never: []string{"providers/..."}}, []string{"core/payments -> core/router -> plugins/host -> plugins/wire -> providers/mmbc", "core/router -> plugins/host -> plugins/wire -> providers/mmbc"}},
		"a folder as a target":     {rule{from: []string{"..."}, except: []string{"cmd/...", "internal/cli/..."}, never: []string{"internal/cli/..."}}, []string{"internal/httpapi -> internal/cli/table"}},
		"a program":                {rule{from: []string{"..."}, never: []string{"cmd/..."}}, []string{"cmd/jalur -> internal/cli -> cmd/jalur", "internal/cli -> cmd/jalur"}},
		"the root package":         {rule{from: []string{"cmd/jalur"}, never: []string{"."}}, []string{"cmd/jalur -> ."}},
		"nothing wrong":            {rule{from: []string{"core/..."}, never: []string{"internal/...", "cmd/..."}}, nil},
	} {
		if got := g.breaches(test.rule); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

// source is one Go file, by its path within the tree.
type source struct {
	path string
	*ast.File
}

func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

func parse(path string, text any) (source, error) {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, path), text, parser.ParseComments|parser.SkipObjectResolution)
	return source{path, file}, err
}

// sources gives every Go file of the module that a person wrote, whatever it is built for.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	tree := os.DirFS(root)
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && foreign(tree, name):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		file, err := parse(name, nil)
		if err == nil && !ast.IsGenerated(file.File) {
			all = append(all, file)
		}
		return err
	})
	if err != nil || len(all) == 0 {
		t.Fatalf("%d files, %v", len(all), err)
	}
	return all
}

// foreign reports whether the go command does not look into a folder, or takes it for another module.
func foreign(tree fs.FS, dir string) bool {
	base := path.Base(dir)
	if base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return true
	}
	_, err := fs.Stat(tree, path.Join(dir, "go.mod"))
	return err == nil
}

// undocumented gives the folders whose package has no comment. Where there is more than its tests, a comment in a test doesn't count.
func undocumented(files []source) []string {
	documented, tests := map[string]bool{}, map[string]bool{}
	for _, s := range files {
		where := documented
		if s.isTest() {
			where = tests
		}
		where[path.Dir(s.path)] = where[path.Dir(s.path)] || s.Doc.Text() != ""
	}
	for dir, ok := range tests {
		if _, more := documented[dir]; !more {
			documented[dir] = ok
		}
	}
	maps.DeleteFunc(documented, func(_ string, ok bool) bool { return ok })
	return slices.Sorted(maps.Keys(documented))
}

func TestPackageComments(t *testing.T) {
	t.Parallel()
	for _, dir := range undocumented(sources(t)) {
		t.Errorf("the package in %s does not say what it is for", dir)
	}
}

func hasInit(s source) bool {
	return slices.ContainsFunc(s.Decls, func(d ast.Decl) bool {
		f, ok := d.(*ast.FuncDecl)
		return ok && f.Recv == nil && f.Name.Name == "init"
	})
}

func TestNoInit(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if hasInit(s) {
			t.Errorf("%s has an init: what a program is made of is passed in where it is wired", s.path)
		}
	}
}

// uses reports whether a file speaks of a package's name, as in time.Sleep.
func uses(s source, importPath, name string) bool {
	local := path.Base(importPath)
	for _, spec := range s.Imports {
		if spec.Name != nil && strings.Trim(spec.Path.Value, `"`) == importPath {
			local = spec.Name.Name
		}
	}
	found := false
	ast.Inspect(s.File, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		pkg, ok := selector.X.(*ast.Ident)
		found = found || ok && pkg.Name == local && selector.Sel.Name == name
		return true
	})
	return found
}

// sleeps reports whether a test waits for real time to pass. In a bubble of testing/synctest time.Sleep takes none.
func sleeps(s source) bool {
	return s.isTest() && uses(s, "time", "Sleep") && !uses(s, "testing/synctest", "Test")
}

// maySleep lists the tests that sleep, each with the reason.
func maySleep() map[string]string {
	return map[string]string{
		"plugins/host/scripted_test.go": "runs in the plugin's own process, beyond every bubble, and looks for the file by which the test lets it go on",
	}
}

func TestNoSleep(t *testing.T) {
	t.Parallel()
	allowed := maySleep()
	for _, s := range sources(t) {
		if !sleeps(s) {
			continue
		}
		if allowed[s.path] == "" {
			t.Errorf("%s sleeps: wait for what is to happen, or use testing/synctest", s.path)
		}
		delete(allowed, s.path)
	}
	for name := range allowed {
		t.Errorf("%s is allowed to sleep and doesn't", name)
	}
}

func TestRootPackage(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if path.Dir(s.path) == "." && s.path != "jalur.go" && !s.isTest() {
			t.Errorf("%s: the front door is jalur.go, and nothing else stands at the root", s.path)
		}
	}
}

// The checks of files must be able to fail.
func TestFileChecks(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		path, text                   string
		undocumented, init, sleeping bool
	}{
		"a good file":         {"a/a.go", "// Package a is there.\npackage a\n\nfunc (x) init() {}\n", false, false, false},
		"no comment":          {"a/a.go", "package a\n", true, false, false},
		"a lost comment":      {"a/a.go", "// Package a is there.\n\npackage a\n", true, false, false},
		"an init":             {"a/a.go", "// Package a is there.\npackage a\n\nfunc init() {}\n", false, true, false},
		"a test that sleeps":  {"a/a_test.go", "// Package a is there.\npackage a\n\nimport \"time\"\n\nfunc f() { time.Sleep(1) }\n", false, false, true},
		"another name for it": {"a/a_test.go", "// Package a is there.\npackage a\n\nimport t \"time\"\n\nvar f = t.Sleep\n", false, false, true},
		"a bubble":            {"a/a_test.go", "// Package a is there.\npackage a\n\nfunc f() { synctest.Test(t, func() { time.Sleep(1) }) }\n", false, false, false},
		"a file of no test":   {"a/a.go", "// Package a is there.\npackage a\n\nfunc f() { time.Sleep(1) }\n", false, false, false},
	} {
		s, err := parse(test.path, test.text)
		if err != nil {
			t.Fatal(err)
		}
		if len(undocumented([]source{s})) > 0 != test.undocumented || hasInit(s) != test.init || sleeps(s) != test.sleeping {
			t.Errorf("%s: undocumented %q, init %v, sleeps %v", name, undocumented([]source{s}), hasInit(s), sleeps(s))
		}
	}
}
