package e2e_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestANewPluginInAnotherLanguage goes the way of docs/authoring.md: written, held against the suite, and sold through.
func TestANewPluginInAnotherLanguage(t *testing.T) {
	t.Parallel()
	prepare := map[string]func(t *testing.T, made string){
		"node":   nodeModules,
		"python": pythonStubs,
	}
	for language, prepare := range prepare {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			command(t, dir, nil, "plugin", "new", "my-acme", "--lang", language).want(t, 0)
			made := filepath.Join(dir, "my-acme")
			prepare(t, made)
			box := start(t, dir, nil, "sandbox", "example", "--listen", "127.0.0.1:0")
			url, _, _ := strings.Cut(box.printed("example sandbox on "), ",")
			got := command(t, made, nil, "plugin", "test", "./my-acme", "--sandbox", url, "--spec", "spec.yaml")
			if answer := got.want(t, 0); answer.at("provider") != "my-acme" || answer.at("ok") != "true" {
				t.Errorf("%v", answer)
			}
			pin := ""
			if language == "python" { // whose modules are all in its folder here
				pin = pinned(t, made)
			}
			sell(t, dir, url, pin)
		})
	}
}

// pinned writes the manifest of a plugin as the guide says, and gives the lines that pin it. That the plugin has run must have left nothing in its folder.
func pinned(t *testing.T, made string) (lines string) {
	t.Helper()
	tool(t, made, "bash", "-c", "find . -type f ! -name SHA256SUMS -print0 | sort -z | xargs -0 sha256sum > SHA256SUMS")
	manifest, err := os.ReadFile(filepath.Join(made, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(manifest), ".pyc") {
		t.Error("running it left compiled modules behind")
	}
	return fmt.Sprintf("manifest: ./my-acme/SHA256SUMS\n    sha256: %x", sha256.Sum256(manifest))
}

// sell makes a payment through a gateway's own configuration.
func sell(t *testing.T, dir, url, pin string) {
	t.Helper()
	text := `
journal: sqlite://jalur.db
providers:
  acme:
    plugin: ./my-acme/my-acme
    settings: {base_url: %q, key: k3y-of-the-sandbox}
    %s
routes:
  - {merchant: "*", via: [{provider: acme}]}
`
	if err := os.WriteFile(filepath.Join(dir, "jalur.yaml"), fmt.Appendf(nil, text, url, pin), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, dir, nil, "config", "check").want(t, 0)
	paid := command(t, dir, nil, "pay", "GOPAY", "081234567890", "50000", "--key", "first").want(t, 0)
	if paid.at("state") != "succeeded" || paid.at("cost.value") != "50500" || paid.at("provider") != "acme" {
		t.Errorf("%v", paid)
	}
}

// nodeModules puts those of the example in the place of what npm ci would install.
func nodeModules(t *testing.T, made string) {
	t.Helper()
	modules, err := filepath.Abs("../../examples/provider-node/node_modules")
	if err == nil {
		_, err = os.Stat(modules)
	}
	if err == nil {
		err = os.Symlink(modules, filepath.Join(made, "node_modules"))
	}
	if err != nil {
		t.Fatalf("make languages has not run: %v", err)
	}
}

func pythonStubs(t *testing.T, made string) {
	t.Helper()
	grpc, err := exec.LookPath("grpc_python_plugin")
	if err != nil {
		t.Fatal(err)
	}
	tool(t, made, "protoc", "-I", ".", "--python_out=.", "--plugin=protoc-gen-grpc_python="+grpc, "--grpc_python_out=.", "jalur/plugin/v1/provider.proto")
}
