package sdk_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/sdk"
)

const byHand = "serve-by-hand"

// TestMain lets the test below start this program as a person would start a plugin.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, byHand) {
		sdk.Serve(none())
	}
	goleak.VerifyTestMain(m)
}

func none() core.Factory {
	return core.Factory{New: func(json.RawMessage) (core.Set, error) { return core.Set{}, nil }}
}

func TestSelfNamesWhatIsShipped(t *testing.T) {
	t.Parallel()
	described := none()
	described.Schema = json.RawMessage(`{"type":"object"}`)
	shipped := sdk.Self(map[string]core.Factory{"b": none(), "a": described})
	if !slices.Equal(shipped.Names(), []string{"a", "b"}) || !shipped.Has("a") || shipped.Has("c") {
		t.Errorf("%q", shipped.Names())
	}
	if schemas := shipped.Schemas(); string(schemas["a"]) != `{"type":"object"}` || schemas["b"] != nil {
		t.Errorf("%q", schemas)
	}
	if (sdk.Shipped{}).Has("a") {
		t.Error("nothing holds something")
	}
}

func TestAPluginStartedByHandSaysWhatItIs(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), os.Args[0], byHand).CombinedOutput()
	if err == nil || !bytes.HasPrefix(out, []byte("this program is a plugin of Jalur")) {
		t.Errorf("%q, %v", out, err)
	}
}
