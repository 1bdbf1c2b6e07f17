package config_test

import (
	"fmt"

	"github.com/jalurhq/jalur/config"
)

func ExampleParse() {
	file := `
journal: sqlite:///var/lib/jalur/jalur.db
providers:
  mmbc:
    plugin: mmbc
    settings: {username: toko, password: "${MMBC_PASSWORD}"}
routes:
  - merchant: GOPAY
    via: [{provider: mmbc}]
`
	c, err := config.Parse("jalur.yaml", []byte(file), config.Options{Env: []string{"MMBC_PASSWORD=rahasia", "JALUR__PROVIDERS__MMBC__TIMEOUT=10s"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.JournalPath())
	fmt.Println(c.Providers["mmbc"], c.Providers["mmbc"].Timeout)
	fmt.Println(c.Routes[0].Merchant, "via", c.Routes[0].Via[0].Provider)
	// Output:
	// /var/lib/jalur/jalur.db
	// {plugin mmbc, settings [password username]} 10s
	// GOPAY via mmbc
}

func ExampleErrors() {
	file := `
providers:
  mmbc:
    plugin: mmbc
    timeot: 5s
routes:
  - merchant: GOPAY
    via: [{provider: mmcb}]
`
	_, err := config.Parse("jalur.yaml", []byte(file), config.Options{})
	fmt.Println(err)
	// Output:
	// jalur.yaml:5:5: providers.mmbc.timeot: unknown key, did you mean "timeout"?
	// jalur.yaml:8:12: routes[0].via[0].provider: no configured provider "mmcb", did you mean "mmbc"?
}
