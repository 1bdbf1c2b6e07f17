package e2e_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestThePublishedSchemaIsThisProgramsOwn(t *testing.T) {
	t.Parallel()
	published, err := os.ReadFile("../../docs/jalur.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if printed := command(t, t.TempDir(), nil, "config", "schema"); printed.status != 0 || printed.stdout != string(published) {
		t.Errorf("docs/jalur.schema.json is stale: make generate (%s)", printed.stderr)
	}
}

func TestWrongSettingsAreAllNamedBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.rewrite("direct: 0", "direct: 2\n      encoding: xml\n      reasons:\n        - {match: x, code: auth}\n        - {match: y, code: internal}")
	w.rewrite("base_url: ", "base_urn: ")
	w.rewrite("routes:", fmt.Sprintf("  other: {plugin: %q, settings: {base_url: 7}}\nroutes:", plugin))
	for _, args := range [][]string{{"config", "check"}, {"serve"}, {"products"}} {
		got := w.cli(args...)
		if got.status != 2 {
			t.Errorf("%v: status %d", args, got.status)
		}
		for _, want := range []string{
			"jalur.yaml:7:7: providers.mmbc.settings.base_urn: is not known; there are base_url, direct,", "jalur.yaml:6:5: providers.mmbc.settings.base_url: is required",
			"jalur.yaml:10:7: providers.mmbc.settings.direct: must be one of 0, 1", "jalur.yaml:11:7: providers.mmbc.settings.encoding: must be one of form, json, query",
			"jalur.yaml:14:22: providers.mmbc.settings.reasons[1].code: must be one of bad_request, auth,",
		} {
			if !strings.Contains(got.stderr, want) {
				t.Errorf("%v doesn't say %q:\n%s", args, want, got.stderr)
			}
		}
		if strings.Contains(got.stderr, "providers.other") {
			t.Errorf("%v has started a plugin:\n%s", args, got.stderr)
		}
	}
}

func TestABinarysOwnSchemaCountsToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.rewrite("plugin: mmbc", "plugin: "+plugin)
	w.cli("config", "check").want(t, 0)
	w.rewrite("direct: 0", "direct: 2")
	got := w.cli("config", "check")
	got.want(t, 2)
	if !strings.Contains(got.stderr, "jalur.yaml:10:7: providers.mmbc.settings.direct: must be one of 0, 1") {
		t.Errorf("standard error: %s", got.stderr)
	}
}
