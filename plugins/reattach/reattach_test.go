package reattach_test

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/jalurhq/jalur/plugins/reattach"
)

// TestMain fails where a test leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listening gives a socket in a folder of these permissions.
func listening(t *testing.T, mode os.FileMode) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "reattach")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, mode); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

func parse(t *testing.T, socket string) (map[string]reattach.Target, error) {
	t.Helper()
	text, err := json.Marshal(map[string]reattach.Target{"mmbc": {PID: 7, Socket: socket}})
	if err != nil {
		t.Fatal(err)
	}
	return reattach.Parse(string(text))
}

func TestOnlyAPrivateSocketIsTaken(t *testing.T) {
	t.Parallel()
	socket := listening(t, 0o700)
	targets, err := parse(t, socket)
	if err != nil || targets["mmbc"] != (reattach.Target{PID: 7, Socket: socket}) {
		t.Errorf("%+v, %v", targets, err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{
		listening(t, 0o755): "open to others",
		file:                "no socket",
		filepath.Join(filepath.Dir(file), "absent"): "doesn't run any more",
	} {
		if _, err := parse(t, path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
	if _, err := reattach.Parse("mmbc"); err == nil {
		t.Error("no JSON was taken")
	}
	if targets, err := reattach.Parse(""); err != nil || len(targets) > 0 {
		t.Errorf("nothing: %v, %v", targets, err)
	}
}

func TestTheBridgeIsNotForConfigurations(t *testing.T) {
	t.Parallel()
	for _, settings := range []string{"{}", "[]", `{"settings":{}}`} {
		if _, err := reattach.New([]byte(settings)); err == nil || !strings.Contains(err.Error(), reattach.Variable) {
			t.Errorf("%s: %v", settings, err)
		}
	}
}
