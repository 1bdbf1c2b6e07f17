package host_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/plugins/host"
	"github.com/jalurhq/jalur/plugins/sdk"
)

const hostCommand = "be-a-host"

// TestMain makes the test binary what a gateway's binary is: the host and its own plugins. With the word above it is a host that waits to be killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[2] == "noisy" {
		fmt.Println("a line before the handshake")
		fmt.Println("1|2|3")
		fmt.Print("and one that doesn't end ")
	}
	shipped := shippedPlugins()
	if len(os.Args) == 3 && os.Args[1] == hostCommand {
		beHost(shipped, os.Args[2])
	}
	goleak.VerifyTestMain(m)
}

func shippedPlugins() sdk.Shipped {
	return sdk.Self(map[string]core.Factory{
		"scripted": {New: newScripted},
		"noisy":    {New: newScripted},
		"refusing": {New: func(json.RawMessage) (core.Set, error) {
			return core.Set{}, fmt.Errorf("settings: %w", badSettingError{})
		}},
		"whole":        {Schema: json.RawMessage(wholeSchema), New: newWhole},
		"misdescribed": {Schema: json.RawMessage(`{"$ref":"file:///etc/passwd"}`), New: newScripted},
		"nothing":      {New: func(json.RawMessage) (core.Set, error) { return core.Set{}, nil }},
		"panicking":    {New: func(json.RawMessage) (core.Set, error) { panic("in the factory") }},
		"crashing": {New: func(json.RawMessage) (core.Set, error) {
			fmt.Fprintln(os.Stderr, "out of luck")
			os.Exit(3)
			return core.Set{}, nil
		}},
	})
}

type badSettingError struct{}

func (badSettingError) Error() string      { return "must be an http URL, not hunter2-secret" }
func (badSettingError) SettingKey() string { return "base_url" }

// beHost prints the number of its plugin's process and waits.
func beHost(shipped sdk.Shipped, tempDir string) {
	p, err := launch(context.Background(), host.Config{Name: "lane", Plugin: "scripted", Shipped: shipped, TempDir: tempDir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(p.State().PID)
	select {}
}
