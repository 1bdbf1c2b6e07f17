package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// dtoneWorld is a sandbox of DT One with a configuration that sells its products.
func dtoneWorld(t *testing.T, sandboxArgs ...string) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), listen: freeAddress(t)}
	args := append([]string{"sandbox", "dtone", "--listen", "127.0.0.1:0", "--credentials", user + ":" + secret, "--complete-after", "100ms"}, sandboxArgs...)
	url, _, _ := strings.Cut(start(t, w.dir, nil, args...).printed("DT One sandbox on "), ",")
	w.sandbox = strings.TrimSuffix(url, "/v1")
	w.config = filepath.Join(w.dir, "jalur.yaml")
	text := fmt.Sprintf(`journal: sqlite://jalur.db
providers:
  dtone:
    plugin: dtone
    settings: {base_url: %s/v1, key: %s, secret: "${TEST_PASSWORD}", calling_code: 62}
routes:
  - {merchant: TELKOMSEL, via: [{provider: dtone, product: "5002"}]}
server:
  listen: %s
`, w.sandbox, user, w.listen)
	if err := os.WriteFile(w.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

// An order whose answer is lost is asked for by its reference, and found: it is neither sent again nor left to a person.
func TestDTOneFindsWhatWasLost(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"cut-after", "error-1009001-after", "502-html"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			w := dtoneWorld(t, "--fault", fault)
			paid := w.cli("pay", "TELKOMSEL", "081234567890", "150000", "--key", "k", "--wait", "30s").want(t, 0)
			paid.wants(t, "state", "succeeded", "provider", "dtone", "amount.value", "150000", "cost.value", "10.05", "cost.currency", "USD",
				"attempts.0.outcome", "succeeded", "attempts.1", "")
			if got := w.ledger()["+6281234567890"]; got != 1 || paid.at("reference") == "" {
				t.Errorf("the ledger has %d top-ups: %v", got, paid)
			}
		})
	}
}

func TestDTOneRefuses(t *testing.T) {
	t.Parallel()
	w := dtoneWorld(t, "--delays", "0.01")
	w.cli("pay", "TELKOMSEL", "081234567103", "150000", "--key", "barred", "--wait", "30s").want(t, 1).
		wants(t, "state", "failed", "code", "account_invalid", "reason", "DECLINED-BARRED-CREDIT-PARTY")
	w.cli("pay", "TELKOMSEL", "081234567890", "150500", "--key", "step", "--wait", "30s").want(t, 1).wants(t, "state", "failed", "code", "amount_invalid")
	if got := w.ledger(); len(got) != 0 {
		t.Errorf("the ledger has %v", got)
	}
}
