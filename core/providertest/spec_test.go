package providertest

import (
	"strings"
	"testing"
	"time"

	"github.com/jalurhq/jalur/core"
)

const goodSpec = `
settings: {base_url: "${SANDBOX}/v1", key: k3y}
required: [key]
samples:
  succeeds: {product: GOPAY, account: "0812345678", amount: 50000}
  refused: {product: GAME, account: "", amount: {value: "1.50", currency: USD}, code: deposit_empty, extra: {zone: "7"}}
faults: {unknown_status: [odd-word]}
lacks: {pending: it never is}
callback: {method: POST, headers: {X-Signature: [abc]}, body: '{"ref":"A1"}', order: {ref: A1}}
deadline: 700ms
`

func TestASpecIsRead(t *testing.T) {
	t.Parallel()
	h, err := ReadSpec([]byte(goodSpec), "http://127.0.0.1:9901/")
	if err != nil {
		t.Fatal(err)
	}
	refused := h.Samples[Refused]
	if string(h.Settings) != `{"base_url":"http://127.0.0.1:9901/v1","key":"k3y"}` || h.Sandbox != "http://127.0.0.1:9901" {
		t.Errorf("%s, %s", h.Settings, h.Sandbox)
	}
	if refused.Amount.String() != "1.50 USD" || refused.Code != core.CodeDepositEmpty || refused.Extra["zone"] != "7" {
		t.Errorf("%+v", refused)
	}
	if h.Deadline != 700*time.Millisecond || h.Callback.Order.Ref != "A1" || h.Callback.Request.Header["X-Signature"][0] != "abc" {
		t.Errorf("%+v, %+v", h.Deadline, h.Callback)
	}
}

func TestASpecIsChecked(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]string{
		"unknown key":   {"required:", "requires:"},
		"float":         {"50000}", "50000.5}"},
		"no duration":   {"700ms", "soon"},
		"no currency":   {"USD", "dollars"},
		"not YAML":      {"lacks: {", "lacks: {{"},
		"unknown field": {"account: \"\"", "number: \"\""},
	} {
		if _, err := ReadSpec([]byte(strings.Replace(goodSpec, change[0], change[1], 1)), "http://127.0.0.1:1"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
