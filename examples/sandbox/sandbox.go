// Package sandbox plays lapak, a made-up provider that the examples in other languages are clients of: small, and with everything that a client can get wrong.
package sandbox

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Key is what the sandbox takes for its key where nothing else is said.
const Key = "k3y-of-the-sandbox"

// Sandbox is lapak. It moves no money, and is safe for use by many goroutines.
type Sandbox struct {
	key string
	mux *http.ServeMux

	mu     sync.Mutex
	orders map[string]order // by reference
	ledger []order
	fault  string
	times  int
}

// order is what lapak is asked, and what it says. Amounts are whole rupiah in text.
type order struct {
	Status    string `json:"status,omitempty"` // "done", "pending", "refused", "absent", "priced"
	Code      string `json:"code,omitempty"`   // why it is refused
	Ref       string `json:"ref,omitempty"`
	Invoice   string `json:"invoice,omitempty"`
	Reference string `json:"reference,omitempty"`
	Name      string `json:"name,omitempty"` // whose account it is
	Product   string `json:"product,omitempty"`
	Account   string `json:"account,omitempty"`
	Amount    string `json:"amount,omitempty"`
	Cost      string `json:"cost,omitempty"`

	at time.Time
}

// New gives a sandbox that takes this key.
//
// Accounts that end in 11 stay pending; in 13 they are refused, since the deposit is empty; in 14, since nobody knows them. POST /_fault?name=NAME&times=N spoils the answer to the next N
// orders: odd-word, other-account, other-amount, other-product.
func New(key string) *Sandbox {
	s := &Sandbox{key: key, mux: http.NewServeMux(), orders: map[string]order{}}
	s.mux.HandleFunc("GET /_ledger", s.showLedger)
	s.mux.HandleFunc("POST /_fault", s.setFault)
	s.mux.HandleFunc("GET /products", s.known(listProducts))
	s.mux.HandleFunc("POST /inquiries", s.known(inquire))
	s.mux.HandleFunc("POST /orders", s.known(s.take))
	s.mux.HandleFunc("GET /orders", s.known(s.find))
	return s
}

// ServeHTTP answers lapak's calls and the sandbox's own.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mux.ServeHTTP(w, r)
}

// known lets in who has the key.
func (s *Sandbox) known(call http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+s.key {
			say(w, http.StatusUnauthorized, order{Status: "refused", Code: "auth"})
			return
		}
		call(w, r)
	}
}

func say(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		panic(http.ErrAbortHandler) // whoever asked has gone
	}
}

// read gives the order in a request, or answers by itself.
func read(w http.ResponseWriter, r *http.Request) (o order, ok bool) {
	const most = 64 << 10
	if json.NewDecoder(http.MaxBytesReader(w, r.Body, most)).Decode(&o) != nil {
		say(w, http.StatusBadRequest, order{Status: "refused", Code: "bad_request"})
		return o, false
	}
	return o, true
}

func (s *Sandbox) setFault(w http.ResponseWriter, r *http.Request) {
	const base, bits = 10, 16
	times, err := strconv.ParseInt(r.URL.Query().Get("times"), base, bits)
	if err != nil {
		say(w, http.StatusBadRequest, map[string]string{"problem": "times must be a number"})
		return
	}
	s.fault, s.times = r.URL.Query().Get("name"), int(times)
	say(w, http.StatusOK, map[string]any{"fault": s.fault, "times": s.times})
}

// execution is an order as the ledger shows it.
type execution struct {
	Invoice  string    `json:"invoice"`
	Ref      string    `json:"ref"`
	Merchant string    `json:"merchant"`
	Account  string    `json:"account"`
	Amount   string    `json:"amount"`
	State    string    `json:"state"`
	At       time.Time `json:"at"`
}

func (s *Sandbox) showLedger(w http.ResponseWriter, _ *http.Request) {
	executed, count := make([]execution, 0, len(s.ledger)), map[string]int{}
	for _, o := range s.ledger {
		executed = append(executed, execution{o.Invoice, o.Ref, o.Product, o.Account, o.Amount, o.Status, o.at})
		count[o.Account]++
	}
	say(w, http.StatusOK, map[string]any{"executed": executed, "by_account": count})
}

// fee is what lapak takes beyond the amount, in rupiah.
const fee = 500

func listProducts(w http.ResponseWriter, _ *http.Request) {
	say(w, http.StatusOK, map[string]any{"products": []map[string]any{
		{"code": "GOPAY", "name": "GoPay", "fee": strconv.Itoa(fee), "available": true},
		{"code": "OVO", "name": "OVO", "fee": strconv.Itoa(fee), "available": false},
	}})
}

// inquire tells a price and a name.
func inquire(w http.ResponseWriter, r *http.Request) {
	o, ok := read(w, r)
	if !ok {
		return
	}
	if refused := refusal(o); refused != "" {
		say(w, http.StatusOK, order{Status: "refused", Code: refused})
		return
	}
	o.Status, o.Name, o.Cost = "priced", "ANI LESTARI", cost(o.Amount)
	say(w, http.StatusOK, o)
}

// take executes an order, once: a reference that it knows is answered with the first order.
func (s *Sandbox) take(w http.ResponseWriter, r *http.Request) {
	o, ok := read(w, r)
	if !ok {
		return
	}
	first, known := s.orders[o.Ref]
	switch refused := refusal(o); {
	case known:
		o = first
	case o.Ref == "":
		o.Status, o.Code = "refused", "bad_request"
	case refused != "":
		o.Status, o.Code = "refused", refused
	default:
		o = s.execute(o)
	}
	say(w, http.StatusOK, s.spoilt(o))
}

func (s *Sandbox) execute(o order) order {
	const firstInvoice = 1001
	o.Invoice, o.Status, o.Cost, o.at = strconv.Itoa(firstInvoice+len(s.ledger)), "done", cost(o.Amount), time.Now().UTC()
	if strings.HasSuffix(o.Account, "11") {
		o.Status = "pending"
	} else {
		o.Reference = "SN" + o.Invoice
	}
	s.ledger, s.orders[o.Ref] = append(s.ledger, o), o
	return o
}

func (s *Sandbox) find(w http.ResponseWriter, r *http.Request) {
	if o, known := s.orders[r.URL.Query().Get("ref")]; known {
		say(w, http.StatusOK, o)
		return
	}
	say(w, http.StatusNotFound, order{Status: "absent"})
}

var wholeRupiah = regexp.MustCompile(`\A[1-9][0-9]{3,8}\z`)

// refusal gives the code of an order that is not taken, or "".
func refusal(o order) string {
	switch {
	case o.Product != "GOPAY":
		return "product_unknown"
	case !wholeRupiah.MatchString(o.Amount):
		return "amount_invalid"
	case strings.HasSuffix(o.Account, "13"):
		return "deposit_empty"
	case strings.HasSuffix(o.Account, "14"):
		return "account_invalid"
	default:
		return ""
	}
}

// cost wants a whole amount.
func cost(amount string) string {
	rupiah, err := strconv.Atoi(amount)
	if err != nil {
		return ""
	}
	return strconv.Itoa(rupiah + fee)
}

// spoilt plays the fault that is set on an answer. The order itself stays what it is.
func (s *Sandbox) spoilt(o order) order {
	if s.times == 0 {
		return o
	}
	s.times--
	switch s.fault {
	case "odd-word":
		o.Status = "PERHAPS"
	case "other-account":
		o.Account = "089999999999"
	case "other-amount":
		o.Amount = "777777"
	case "other-product":
		o.Product = "OVO"
	}
	return o
}
