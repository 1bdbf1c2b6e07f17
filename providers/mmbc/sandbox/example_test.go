package sandbox_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/jalurhq/jalur/providers/mmbc/sandbox"
)

// A top-up whose answer is lost: the client sees an error, the ledger the money.
func Example() {
	provider, err := sandbox.New(sandbox.Config{Username: "toko", Password: "rahasia"})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(provider)
	defer server.Close()
	defer func() { _ = provider.Close() }()

	if err := provider.SetFault(sandbox.Setting{Name: "cut-after", Times: 1}); err != nil {
		fmt.Println(err)
		return
	}
	resp, err := http.PostForm(server.URL+"/json/multipayment/reload_merchant", url.Values{
		"username": {"toko"}, "password": {"rahasia"},
		"merchant_code": {"GOPAY"}, "merchant_accountnumber": {"0812345678"}, "amount": {"100000"},
	})
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	fmt.Println("answered:", err == nil)
	fmt.Println("executed:", provider.Ledger().ByAccount["0812345678"])
	// Output:
	// answered: false
	// executed: 1
}
