package jalur_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/jalurhq/jalur"
	"github.com/jalurhq/jalur/config"
	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/payments"
	"github.com/jalurhq/jalur/plugins/sdk"
	"github.com/jalurhq/jalur/providers/mmbc"
	"github.com/jalurhq/jalur/providers/mmbc/sandbox"
)

// shipped is what sdk.Self gave.
var shipped sdk.Shipped

// TestMain does what every host's main does first.
func TestMain(m *testing.M) {
	shipped = sdk.Self(map[string]core.Factory{"mmbc": mmbc.Factory()})
	goleak.VerifyTestMain(m)
}

// A host opens the service once and pays from as many goroutines as it likes. Here a sandbox stands in the provider's place.
func ExampleOpen() {
	url, folder, release := playProvider()
	defer release()
	ctx := context.Background()

	service, err := jalur.Open(ctx, config.Config{
		Journal: "sqlite://" + filepath.Join(folder, "jalur.db"),
		Providers: map[string]config.Provider{"mmbc": {Plugin: "mmbc", Settings: map[string]any{
			"base_url": url, "username": "toko", "password": "sandbox-only", "direct": 0,
		}}},
		Routes: []config.Route{{Merchant: "*", Via: []config.Lane{{Provider: "mmbc"}}}},
	}, jalur.Options{Shipped: shipped}) // shipped is what sdk.Self gave to main
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = service.Close(ctx) }()

	order := payments.Order{Key: "order-4711", Merchant: "GOPAY", Account: "0812345678", Amount: core.IDR(100_000)}
	for range 2 { // the same key is the same payment
		answer, err := service.Pay(ctx, order)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(answer.Payment.State(), answer.Payment.Last().Cost, "replayed:", answer.Replayed)
	}
	// Output:
	// succeeded 102000 IDR replayed: false
	// succeeded 102000 IDR replayed: true
}

func playProvider() (url, folder string, release func()) {
	box, err := sandbox.New(sandbox.Config{Username: "toko", Password: "sandbox-only"})
	if err != nil {
		panic(err)
	}
	folder, err = os.MkdirTemp("", "jalur-example-")
	if err != nil {
		panic(err)
	}
	server := httptest.NewServer(box)
	return server.URL + "/json/multipayment", folder, func() {
		_ = box.Close()
		server.Close()
		_ = os.RemoveAll(folder)
	}
}
