// Command sandbox serves the sandbox: sandbox [ADDRESS [KEY]].
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"

	"provider-go/sandbox"
)

func main() {
	address, key := "127.0.0.1:9911", "k3y-of-the-sandbox"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	if len(os.Args) > 2 {
		key = os.Args[2]
	}
	server := &http.Server{Addr: address, Handler: sandbox.New(key), ReadHeaderTimeout: 10 * time.Second}
	fmt.Println("sandbox on http://" + address)
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}
