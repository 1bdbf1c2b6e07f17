package digiflazz_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"encoding/hex"
	"io"
	"sync"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/providers/digiflazz"
	simulator "github.com/jalurhq/jalur/providers/digiflazz/sandbox"
)

// The vectors were computed by other means than the code under test.
const (
	hookBody = `{"data":{"ref_id":"30467470","customer_no":"081280556115","buyer_sku_code":"ovo100","message":"Sukses","status":"Sukses","rc":"00",` +
		`"buyer_last_saldo":326719460,"sn":"SEPTIAPAR/20190401214753214742","price":199800,"tele":"@telegram","wa":"081234512345"}}`
	hookSignature = "sha1=ca76ad2f32bec78a4211e6eda6bde1c2dab57a73"
)

func TestSignatures(t *testing.T) {
	t.Parallel()
	for suffix, want := range map[string]string{
		"depo": "e8cf2b26e037d4349877689433f97690", "pricelist": "be42e1deedfd83e9048f91ea253b9c39", "deposit": "51ab98be80593506035e45e2f2e33a7b",
		"some1d": "167a0575b2ae4480e52b8a800b6b00e6", "1234554321": "dc0c62b95a17dfbbd96c8e74d461bd56",
	} {
		same(t, suffix, digiflazz.Sign("username", "apiKey", suffix), want)
	}
	same(t, "the callback's", "sha1="+hex.EncodeToString(digiflazz.HubSignature(secret, []byte(hookBody))), hookSignature)
}

func callback(body, signature string) core.CallbackRequest {
	req := core.CallbackRequest{Method: http.MethodPost, Body: []byte(body), Header: map[string][]string{
		"X-Digiflazz-Event": {"update"}, "User-Agent": {"Digiflazz-Hookshot"},
	}}
	if signature != "" {
		req.Header["x-hub-signature"] = []string{signature}
	}
	return req
}

func TestCallbacks(t *testing.T) {
	t.Parallel()
	get := callback(hookBody, hookSignature)
	get.Method = http.MethodGet
	const ping = `{"sed":"Ping","hook_id":"1","hook":{"url":"https://toko.example","type":"json","status":1}}`
	for name, test := range map[string]struct {
		secret string
		req    core.CallbackRequest
		ref    string
		code   core.Code
	}{
		"signed":             {secret, callback(hookBody, hookSignature), "30467470", ""},
		"unsigned":           {secret, callback(hookBody, ""), "", core.CodeAuth},
		"wrongly signed":     {secret, callback(hookBody, strings.Replace(hookSignature, "ca", "cb", 1)), "", core.CodeAuth},
		"signed half":        {secret, callback(hookBody, hookSignature[:20]), "", core.CodeAuth},
		"signed in no hex":   {secret, callback(hookBody, "sha1=zz"), "", core.CodeAuth},
		"another body":       {secret, callback(strings.Replace(hookBody, "30467470", "30467471", 1), hookSignature), "", core.CodeAuth},
		"another secret":     {"other", callback(hookBody, hookSignature), "", core.CodeAuth},
		"no secret":          {"", callback(hookBody, ""), "30467470", ""},
		"no secret, signed":  {"", callback(hookBody, "sha1=00"), "30467470", ""},
		"ping":               {"", callback(ping, ""), "", ""},
		"unsigned ping":      {secret, callback(ping, ""), "", core.CodeAuth},
		"no json":            {"", callback("ref_id=1", ""), "", core.CodeBadRequest},
		"no data":            {"", callback(`{"ref_id":"1"}`, ""), "", core.CodeBadRequest},
		"names nothing":      {"", callback(`{"data":{"status":"Sukses"}}`, ""), "", core.CodeBadRequest},
		"not sent by a POST": {secret, get, "", core.CodeBadRequest},
	} {
		it := newRig(t, func(_ *simulator.Config, c *digiflazz.Config) { c.WebhookSecret = test.secret }).it
		got, err := it.ReadCallback(t.Context(), test.req)
		if (err != nil) != (test.code != "") || err != nil && core.CodeOf(err) != test.code {
			t.Errorf("%s: %v", name, err)
		}
		if test.ref == "" != (len(got.Orders) == 0) || test.ref != "" && got.Orders[0] != (core.CallbackOrder{Ref: test.ref, Quote: test.ref, Invoice: core.Invoice(test.ref)}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// gateway takes callbacks and hands them to the client.
type gateway struct {
	it *digiflazz.Provider

	mu    sync.Mutex
	refs  []string // by which they named their orders
	errs  []error
	event []string
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	got, err := g.it.ReadCallback(r.Context(), core.CallbackRequest{Method: r.Method, Path: r.URL.Path, Header: r.Header, Body: body})
	g.mu.Lock()
	defer g.mu.Unlock()
	g.event = append(g.event, r.Header.Get("X-Digiflazz-Event")+" "+r.UserAgent())
	if err != nil {
		g.errs = append(g.errs, err)
		w.WriteHeader(http.StatusForbidden)
		return
	}
	for _, o := range got.Orders {
		g.refs = append(g.refs, o.Ref)
	}
}

func (g *gateway) seen() (refs, events []string, errs []error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refs, g.event, g.errs
}

func TestCallbacksOfTheSandbox(t *testing.T) {
	t.Parallel()
	const create, update = "create Digiflazz-Hookshot", "update Digiflazz-Hookshot"
	for name, test := range map[string]struct {
		events []string
		code   core.Code
	}{
		"":                   {[]string{create, update}, ""},
		"callback-first":     {[]string{create, update}, ""},
		"callback-twice":     {[]string{create, create, update, update}, ""},
		"callback-reordered": {[]string{update, create}, ""},
		"callback-forged":    {[]string{create, update}, core.CodeAuth},
		"callback-none":      {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := &gateway{}
			server := httptest.NewServer(to)
			defer server.Close()
			r := newRig(t, func(s *simulator.Config, c *digiflazz.Config) {
				s.CallbackURL, s.WebhookSecret, c.WebhookSecret = server.URL, secret, secret
			})
			to.it = r.it
			if name != "" {
				r.fault(name, "")
			}
			r.pay(order("087800001233", 1)).want(t, core.Pending, "")
			if _, events, _ := to.seen(); (len(events) > 0) != (name == "callback-first") {
				t.Errorf("before the answer: %v", events)
			}
			r.box.Deliver(t.Context())
			r.clock.advance(time.Minute)
			r.box.Deliver(t.Context())
			refs, events, errs := to.seen()
			same(t, "events", events, test.events)
			for _, ref := range refs {
				same(t, "reference", ref, order("", 1).Ref)
			}
			if test.code == "" != (len(errs) == 0) || test.code == "" && len(refs) != len(events) {
				t.Errorf("%v, %v", refs, errs)
			}
		})
	}
}

func TestPing(t *testing.T) {
	t.Parallel()
	to := &gateway{}
	server := httptest.NewServer(to)
	defer server.Close()
	r := newRig(t, func(s *simulator.Config, c *digiflazz.Config) {
		s.CallbackURL, s.WebhookSecret, c.WebhookSecret = server.URL, secret, secret
	})
	to.it = r.it
	resp, err := http.Post(r.url+"/v1/report/hooks/7/pings", "application/json", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if refs, events, errs := to.seen(); resp.StatusCode != http.StatusOK || len(refs) != 0 || len(events) != 1 || len(errs) != 0 {
		t.Errorf("%d: %v, %v", resp.StatusCode, events, errs)
	}
}
