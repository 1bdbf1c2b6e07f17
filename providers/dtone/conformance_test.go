package dtone_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/providertest"
	"github.com/jalurhq/jalur/providers/dtone"
	"github.com/jalurhq/jalur/providers/dtone/sandbox"
)

// The suite that asks every provider, with quotes that only look up and with firm ones.
func TestConformance(t *testing.T) {
	for name, settings := range map[string]string{"looked up": `"firm_quotes":false`, "firm": `"firm_quotes":true`} {
		t.Run(name, func(t *testing.T) { providertest.Run(t, harness(t, settings)) })
	}
}

func harness(t *testing.T, settings string) providertest.Harness {
	t.Helper()
	box, err := sandbox.New(sandbox.Config{Key: "fake_apikey", Secret: "fake_apisecret", Delays: 0.01, CompleteAfter: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box)
	t.Cleanup(server.Close)
	t.Cleanup(func() { _ = box.Close() })
	ten := money(t, "10", "SGD")
	// The pending number stays so for as long as the suite looks.
	if err := box.SetFault(sandbox.Setting{Name: "never", Times: sandbox.Always, Account: "+6595123300"}); err != nil {
		t.Fatal(err)
	}
	const base = "https://gw.example/callbacks/dtone"
	return providertest.Harness{
		New: providertest.InProcess(dtone.Factory()), Schema: dtone.Factory().Schema, Sandbox: server.URL,
		Settings: json.RawMessage(`{"base_url":"` + server.URL + `/v1","key":"fake_apikey","secret":"fake_apisecret",` + settings + `}`),
		Samples: map[string]providertest.Sample{
			providertest.Succeeds:       {Product: "5003", Account: "+6595123456", Amount: ten},
			providertest.Pending:        {Product: "5003", Account: "+6595123300", Amount: ten},
			providertest.Refused:        {Product: "5003", Account: "+6595123104", Amount: ten, Code: core.CodeProductDown},
			providertest.UnknownAccount: {Product: "5003", Account: "+6595123102", Amount: ten, Code: core.CodeAccountInvalid},
			providertest.Refunded:       {Product: "5003", Account: "+6595123108", Amount: ten},
		},
		Faults: map[string][]string{
			providertest.UnknownStatus: {"unknown-class"}, providertest.WrongAccount: {"wrong-account"}, providertest.WrongAmount: {"wrong-amount"},
			providertest.WrongProduct: {"wrong-product"}, providertest.LostAfter: {"cut-after", "reset-after", "error-1009001-after"},
			providertest.LostBefore: {"cut-before", "error-1009001"}, providertest.Unreadable: {"truncated-json", "both", "two-objects", "500-html"},
		},
		Callback: &providertest.CallbackSample{
			Unsigned: true, // its address is the proof
			Request:  core.CallbackRequest{Method: http.MethodPost, Path: strings.TrimPrefix(dtone.CallbackAddress("fake_apisecret", base, ref), base), Body: []byte(`{"external_id":"` + ref + `"}`)},
			Order:    core.CallbackOrder{Ref: ref},
		},
	}
}
