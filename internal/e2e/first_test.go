package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// The figures of the provider's own page.
const (
	pageAccount = "0812345678"
	pageAmount  = "100000"
)

func TestTheFourCallsWithThePagesOwnFigures(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{direct: 0})
	products := w.cli("products", "--merchant", "GOPAY").want(t, 0)
	products.wants(t, "products.0.provider", "mmbc", "products.0.merchant", "GOPAY", "products.0.code", "GOPAY",
		"products.0.min.value", "50000", "products.0.fee.value", "2000", "products.0.cashback.value", "1500", "products.1", "")
	w.cli("providers").want(t, 0).wants(t, "providers.0.name", "mmbc", "providers.0.health.state", "ready", "providers.1", "")
	quote := w.cli("inquire", "GOPAY", pageAccount, pageAmount).want(t, 0)
	w.cli("inquiries", "show", quote.at("id")).want(t, 0).wants(t, "id", quote.at("id"), "reserves", "false")
	w.cli("inquiries", "cancel", quote.at("id")).want(t, 1)
	quote.wants(t, "receiver_name", "GOPAY MMBC TOUR TRAVEL", "amount.value", pageAmount, "cost.value", "102000",
		"cashback.value", "1500", "provider", "mmbc", "account", pageAccount)
	paid := w.cli("pay", "GOPAY", pageAccount, pageAmount, "--key", "first").want(t, 0)
	paid.wants(t, "state", "succeeded", "merchant", "GOPAY", "account", pageAccount, "amount.value", pageAmount, "amount.currency", "IDR",
		"cost.value", "102000", "cashback.value", "1500", "receiver_name", "GOPAY MMBC TOUR TRAVEL", "details.duration", "20 sec",
		"attempts.0.outcome", "succeeded", "key", "first")
	if paid.at("reference") == "" || paid.at("invoice") == "" || paid.at("provider_time") == "" {
		t.Errorf("a reference, an invoice and the provider's time are missing: %v", paid)
	}
	for _, args := range [][]string{{"status", paid.at("id")}, {"status", "--key", "first"}, {"pay", "GOPAY", pageAccount, pageAmount, "--key", "first"}} {
		w.cli(args...).want(t, 0).wants(t, "id", paid.at("id"), "state", "succeeded", "reference", paid.at("reference"))
	}
	w.cli("payments", "--state", "succeeded").want(t, 0).wants(t, "payments.0.id", paid.at("id"), "payments.1", "")
	if got := w.ledger()[pageAccount]; got != 1 {
		t.Errorf("the ledger has %d top-ups, want 1", got)
	}
}

func TestInvoiceFirstThenTheReference(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{direct: 1}, "--reference-after", "1s")
	paid := w.cli("pay", "GOPAY", pageAccount, pageAmount, "--key", "k", "--wait", "0").want(t, 3)
	paid.wants(t, "state", "pending", "reference", "", "attempts.0.outcome", "pending")
	if paid.at("invoice") == "" {
		t.Error("no invoice")
	}
	done := w.cli("pay", "GOPAY", pageAccount, pageAmount, "--key", "k").want(t, 0)
	done.wants(t, "state", "succeeded", "id", paid.at("id"), "invoice", paid.at("invoice"))
	if done.at("reference") == "" {
		t.Error("no reference")
	}
}

func TestRefusalsSendNothingAndSayWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{direct: 0})
	bad := filepath.Join(w.dir, "bad.yaml")
	text, err := os.ReadFile(w.config)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, old, replacement string) string {
		file := filepath.Join(w.dir, name)
		if err := os.WriteFile(file, []byte(strings.Replace(string(text), old, replacement, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	write("bad.yaml", "timeout:", "timeot:")
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"pay", "GOPAY", pageAccount, "49999", "--key", "k"}, 1, "amount must be at least 50000 IDR"},
		{[]string{"pay", "GOPAY", pageAccount, "100.000", "--key", "k"}, 1, "without a point"},
		{[]string{"pay", "GOPAY", "12", pageAmount, "--key", "k"}, 1, "phone number"},
		{[]string{"pay", "KARTU EMONEY", pageAccount, pageAmount, "--key", "k"}, 1, "card number"},
		{[]string{"pay", "NOSUCH", pageAccount, pageAmount, "--key", "k"}, 1, `does not sell "NOSUCH"`},
		{[]string{"pay", "GOPAY", pageAccount, "lots", "--key", "k"}, 2, "not a decimal number"},
		{[]string{"pay", "GOPAY", pageAccount, pageAmount}, 2, "--key is required"},
		{[]string{"pay", "GOPAY", pageAccount, "--key", "k"}, 2, "3 arguments"},
		{[]string{"pay", "GOPAY", pageAccount, pageAmount, "--key", "k", "--colour", "red"}, 2, "unknown flag: --colour"},
		{[]string{"pay", "GOPAY", "-", pageAmount, "--key", "k"}, 1, "account"},
		{[]string{"pay", "GOPAY", pageAccount, "-", "--key", "k"}, 1, "amount is missing"},
		{[]string{"pay", "GOPAY", pageAccount, pageAmount, "--key", "k", "--extra", "zone"}, 2, "zone"},
		{[]string{"inquiries", "cancel", "nosuch"}, 1, "no such inquiry"},
		{[]string{"inquiries", "show"}, 2, "1 arguments"},
		{[]string{"nonsense"}, 2, "unknown command"},
		{[]string{"status", "nosuch"}, 1, "no such payment"},
		{[]string{"status"}, 2, "ID or --key"},
		{[]string{"payments", "--state", "lost"}, 2, `"lost"`},
		{[]string{"payments", "--since", "yesterday"}, 2, "yesterday"},
		{[]string{"resolve", "nosuch"}, 2, "--invoice"},
		{[]string{"-o", "xml", "products"}, 2, "json or table"},
		{[]string{"-c", bad, "products"}, 2, `bad.yaml:5:`},
		{[]string{"config", "check", bad}, 2, `did you mean "timeout"`},
		{[]string{"config", "check", write("colour.yaml", "direct: 0", "colour: red")}, 2, "colour.yaml:10:"},
		{[]string{"config", "check", write("direct.yaml", "direct: 0", "direct: 2")}, 2, "providers.mmbc.settings.direct"},
		{[]string{"config", "check", write("plugin.yaml", "plugin: mmbc", "plugin: nosuch")}, 2, "nosuch"},
		{[]string{"config", "check", write("env.yaml", "TEST_PASSWORD", "NOT_SET")}, 2, "NOT_SET"},
		{[]string{"-c", filepath.Join(w.dir, "none.yaml"), "serve"}, 2, "none.yaml"},
		{[]string{"config", "check", w.config}, 0, ""},
		{[]string{"sandbox", "mmbc", "--fault", "rain"}, 2, "rain"},
	} {
		got := w.cli(c.args...)
		if got.status != c.status || !strings.Contains(got.stderr, c.says) {
			t.Errorf("jalur %v: exit status %d, want %d; it said %q, want %q in it", c.args, got.status, c.status, got.stderr, c.says)
		}
		if strings.Contains(got.stderr, secret) {
			t.Errorf("jalur %v shows the password: %s", c.args, got.stderr)
		}
	}
	if len(w.ledger()) != 0 {
		t.Errorf("something was executed: %v", w.ledger())
	}
	w.cli("payments").want(t, 0).wants(t, "payments.0", "")
}

func TestOneKeyIsOnePaymentAtTheGateway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{direct: 0}, "--delay", "300ms")
	w.gateway()
	type reply struct {
		status int
		id     string
		state  string
	}
	replies := make([]reply, 200)
	var callers sync.WaitGroup
	for i := range replies {
		callers.Go(func() {
			status, a, err := w.post("one-key", pageAccount, 100000)
			if err != nil {
				t.Error(err)
				return
			}
			replies[i] = reply{status, a.at("id"), a.at("state")}
		})
	}
	callers.Wait()
	created := 0
	for _, r := range replies {
		if r.id != replies[0].id || r.state != "succeeded" {
			t.Fatalf("%+v beside %+v", r, replies[0])
		}
		switch r.status {
		case http.StatusCreated:
			created++
		case http.StatusOK:
		default:
			t.Errorf("status %d", r.status)
		}
	}
	if created != 1 || w.ledger()[pageAccount] != 1 {
		t.Errorf("%d answers said created; the ledger has %d", created, w.ledger()[pageAccount])
	}
	status, a, err := w.post("one-key", pageAccount, 100001)
	if err != nil || status != http.StatusUnprocessableEntity || a.at("code") != "idempotency_key_reused" {
		t.Errorf("another amount under the key: %d %v %v", status, a, err)
	}
}

func TestCommandsAndAGatewayShareAJournal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{direct: 0})
	var commands sync.WaitGroup
	for i := range 4 { // commands wait for one another
		commands.Go(func() {
			got := w.cli("pay", "GOPAY", fmt.Sprintf("08120000000%d", i), pageAmount, "--key", fmt.Sprint("k", i))
			if got.status != 0 {
				t.Errorf("pay %d: exit status %d: %s", i, got.status, got.stderr)
			}
		})
	}
	commands.Wait()
	g := w.gateway()
	held := w.cli("payments")
	if held.status != 2 || !strings.Contains(held.stderr, "--server http://"+w.listen) {
		t.Errorf("beside a gateway: exit status %d: %s", held.status, held.stderr)
	}
	url := "http://" + w.listen
	w.cli("--server", url, "payments").want(t, 0).wants(t, "payments.3.state", "succeeded", "payments.4", "")
	paid := w.cli("--server", url, "pay", "GOPAY", "081200000099", pageAmount, "--key", "k99").want(t, 0)
	w.cli("--server", url, "status", "--key", "k99").want(t, 0).wants(t, "id", paid.at("id"))
	if got := w.cli("--server", url, "pay", "GOPAY", "12", pageAmount, "--key", "k100"); got.status != 1 || !strings.Contains(got.stderr, "phone number") {
		t.Errorf("a refusal: exit status %d: %s", got.status, got.stderr)
	}
	g.interrupt()
	for _, args := range [][]string{{"pay", "GOPAY", "081200000099", pageAmount, "--key", "k99"}, {"status", "--key", "k99"}} { // it was paid, so nothing but 3 is true
		if got := w.cli(append([]string{"--server", url}, args...)...); got.status != 3 || !strings.Contains(got.stderr, "do not pay again") {
			t.Errorf("%v at a gateway that is gone: exit status %d: %s", args, got.status, got.stderr)
		}
	}
	if got := w.cli("--server", url, "products"); got.status != 1 {
		t.Errorf("products at a gateway that is gone: exit status %d: %s", got.status, got.stderr)
	}
	w.cli("payments").want(t, 0).wants(t, "payments.4.state", "succeeded", "payments.5", "")
}

// allPrinted gives the lines printed up to now that start with the prefix.
func (p *process) allPrinted(prefix string) []string {
	var found []string
	for line := range strings.Lines(p.output()) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, prefix) {
			found = append(found, line)
		}
	}
	return found
}

func pasted(t *testing.T, line string) answer {
	t.Helper()
	out, err := exec.Command("sh", "-c", line).Output()
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return decode(t, string(out))
}

func TestTheDemonstrationWorksWhenPasted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	demo := start(t, dir, []string{"JALUR_SERVER=http://127.0.0.1:1"}, "serve", "--demo", "--listen", freeAddress(t))
	url := strings.TrimSuffix(demo.printed("console "), "/")
	demo.printed("The same key")
	lines, sandboxes := demo.allPrinted("curl "), demo.allPrinted("sandbox ")
	if len(lines) != 4 || len(sandboxes) != 3 {
		t.Fatalf("%d lines to paste, %d sandboxes:\n%s", len(lines), len(sandboxes), demo.output())
	}
	pasted(t, lines[0]).wants(t, "state", "succeeded", "provider", "mmbc", "amount.value", pageAmount, "cost.value", "102000")
	pasted(t, lines[1]).wants(t, "state", "succeeded", "provider", "digiflazz", "amount.value", pageAmount,
		"attempts.0.provider", "mmbc", "attempts.0.outcome", "declined", "attempts.0.code", "deposit_empty", "attempts.1.outcome", "succeeded")
	pasted(t, lines[2]).wants(t, "state", "succeeded", "provider", "digiflazz", "cost.value", "10000", "attempts.1", "")
	pasted(t, lines[3]).wants(t, "state", "succeeded", "provider", "dtone", "amount.currency", "USD", "cost.value", "3.6", "attempts.1", "")
	for i, want := range []int{1, 2, 1} {
		ledger := pasted(t, "curl -sS "+strings.Fields(sandboxes[i])[1])
		if ledger.at(fmt.Sprintf("executed.%d.state", want-1)) == "" || ledger.at(fmt.Sprintf("executed.%d.state", want)) != "" {
			t.Errorf("%s has not %d orders: %v", sandboxes[i], want, ledger)
		}
	}
	demoSells(t, dir, url)
	children := descendants(demo.cmd.Process.Pid)
	if len(children) < 3 {
		t.Errorf("%d plugins run in processes of their own", len(children))
	}
	demo.interrupt()
	if code := demo.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit status %d after an interrupt", code)
	}
	for _, pid := range children {
		eventually(t, fmt.Sprintf("end of plugin %d", pid), func() bool { return !alive(pid) })
	}
	left, _ := filepath.Glob(filepath.Join(dir, ".jalur", "*"))
	for _, file := range left {
		if name := filepath.Base(file); name != "demo.db" && name != "demo.db.mark" && name != "demo.db.spill" && filepath.Ext(name) != ".ledger" {
			t.Errorf("left behind: %s", file)
		}
	}
}

// demoSells tries what the demonstration routes to each provider, and that it reaches them by the names that its users see.
func demoSells(t *testing.T, dir, url string) {
	t.Helper()
	at := func(args ...string) ran { return command(t, dir, nil, append([]string{"--server", url}, args...)...) }
	at("route", "explain", "GOPAY", "100000").want(t, 0).wants(t, "candidates.0.provider", "mmbc", "candidates.0.in", "true",
		"candidates.1.provider", "digiflazz", "candidates.1.in", "true")
	at("route", "explain", "GOPAY", "70000").want(t, 0).wants(t, "candidates.0.in", "true", "candidates.1.in", "false")
	bill := at("inquire", "PLN", "530000000001", "-").want(t, 0)
	bill.wants(t, "provider", "digiflazz", "reserves", "false")
	at("pay", "PLN", "530000000001", "-", "--inquiry", bill.at("id"), "--key", "bill").want(t, 0).wants(t, "state", "succeeded", "amount.value", bill.at("amount.value"))
	held := at("inquire", "TELKOMSEL", "081234567890", "150000").want(t, 0)
	held.wants(t, "provider", "dtone", "reserves", "true")
	at("inquiries", "cancel", held.at("id")).want(t, 0)
	at("pay", "VOUCHER", "-", pageAmount, "--key", "voucher").want(t, 0).wants(t, "state", "succeeded", "provider", "dtone", "account", "")
	if got := at("inquire", "SINGTEL", "+6591234567", "11"); got.status != 1 || !strings.Contains(got.stderr, "amount_invalid") {
		t.Errorf("another amount than the product's: %+v", got)
	}
	at("providers").want(t, 0).wants(t, "providers.0.health.state", "ready", "providers.1.health.state", "ready", "providers.2.health.state", "ready")
}
