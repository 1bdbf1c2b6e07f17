package mmbc_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/providers/mmbc"
)

func ExampleNew() {
	set, err := mmbc.New(json.RawMessage(`{
		"base_url": "https://klikmbc.co.id/json/multipayment",
		"username": "toko",
		"password": "secret",
		"reasons": [
			{"match": "gangguan", "code": "product_down"},
			{"match": ["kartu", "tidak aktif"], "code": "account_invalid"}
		]
	}`))
	fmt.Println(set.Provider != nil, err)

	_, err = mmbc.New(json.RawMessage(`{"base_url": "https://klikmbc.co.id", "username": "toko", "password": "secret", "direct": 2}`))
	fmt.Println(err)
	// Output:
	// true <nil>
	// setting "direct" must be 0 or 1
}

func TestParseSettings(t *testing.T) {
	t.Parallel()
	base := mmbc.Config{BaseURL: "http://x", Username: "u", Password: "p"}
	direct0, encoded, reasons := base, base, base
	direct0.AwaitReference = true
	encoded.Encoding = mmbc.EncodingQuery
	reasons.Reasons = []mmbc.Reason{
		{Match: []string{"gangguan"}, Code: core.CodeProductDown}, {Match: []string{"a b", "c"}, Code: core.CodeCutOff},
	}
	cases := map[string]mmbc.Config{
		``:                    base,
		`,"direct":1`:         base,
		`,"direct":"1"`:       base,
		`,"direct":null`:      base,
		`,"direct":0`:         direct0,
		`,"direct":"0"`:       direct0,
		`,"encoding":"query"`: encoded,
		`,"reasons":[{"match":"gangguan","code":"product_down"},{"match":["a b","c"],"code":"cut_off"}]`: reasons,
	}
	for extra, want := range cases {
		got, err := mmbc.ParseSettings(json.RawMessage(`{"base_url":"http://x","username":"u","password":"p"` + extra + `}`))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v", extra, got, err)
		}
	}
}

func TestWrongSettings(t *testing.T) {
	t.Parallel()
	const rest = `"username":"toko","password":"geheim"`
	cases := map[string]string{ // settings and the key that is wrong
		``:                                       "base_url",
		`null`:                                   "base_url",
		`[]`:                                     "",
		`{"base_url":"http://x"}`:                "username",
		`{"base_url":"http://x","username":"u"}`: "password",
		`{` + rest + `}`:                         "base_url",
		`{"base_url":"klikmbc.co.id",` + rest + `}`:                                              "base_url",
		`{"base_url":"ftp://x",` + rest + `}`:                                                    "base_url",
		`{"base_url":"http://toko:geheim@x",` + rest + `}`:                                       "base_url",
		`{"base_url":"http://x?password=geheim",` + rest + `}`:                                   "base_url",
		`{"base_url":"http://geheim:x y/",` + rest + `}`:                                         "base_url",
		`{"base_url":"http://x","username":"toko","password":12345}`:                             "password",
		`{"base_url":"http://x","pasword":"geheim",` + rest + `}`:                                "pasword",
		`{"base_url":"http://x","direct":2,` + rest + `}`:                                        "direct",
		`{"base_url":"http://x","direct":true,` + rest + `}`:                                     "direct",
		`{"base_url":"http://x","encoding":"xml",` + rest + `}`:                                  "encoding",
		`{"base_url":"http://x","reasons":{},` + rest + `}`:                                      "reasons",
		`{"base_url":"http://x","reasons":[{"match":"x"}],` + rest + `}`:                         "reasons[0].code",
		`{"base_url":"http://x","reasons":[{"code":"auth"}],` + rest + `}`:                       "reasons[0].match",
		`{"base_url":"http://x","reasons":[{"match":"!","code":"auth"}],` + rest + `}`:           "reasons[0].match",
		`{"base_url":"http://x","reasons":[{"match":1,"code":"auth"}],` + rest + `}`:             "reasons[0].match",
		`{"base_url":"http://x","reasons":[{"match":"x","code":"nope"}],` + rest + `}`:           "reasons[0].code",
		`{"base_url":"http://x","reasons":[{"match":"x","code":"internal"}],` + rest + `}`:       "reasons[0].code",
		`{"base_url":"http://x","reasons":[{"match":"x","code":"auth","codes":1}],` + rest + `}`: "reasons[0].codes",
	}
	for settings, key := range cases {
		_, err := mmbc.New(json.RawMessage(settings))
		var wrong interface{ SettingKey() string }
		if !errors.As(err, &wrong) || wrong.SettingKey() != key {
			t.Errorf("%s: got %v, want a fault in %q", settings, err, key)
			continue
		}
		if strings.Contains(err.Error(), "geheim") || strings.Contains(err.Error(), "toko") {
			t.Errorf("the error shows a secret: %v", err)
		}
	}
}
