// Package sandbox plays the provider: it keeps a ledger of what it executed, and does wrong what it is told to. It moves no money.
package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Sandbox is such a provider. It is safe for use by many goroutines.
type Sandbox struct {
	key string

	mu     sync.Mutex
	orders map[string]order // by reference
	ledger []order
	fault  string
	times  int
}

// order is what the provider says of one, and what stands in the ledger.
type order struct {
	Status    string    `json:"status"`
	Code      string    `json:"code,omitempty"`
	Ref       string    `json:"ref,omitempty"`
	Invoice   string    `json:"invoice,omitempty"`
	Reference string    `json:"reference,omitempty"`
	Product   string    `json:"product,omitempty"`
	Account   string    `json:"account,omitempty"`
	Amount    string    `json:"amount,omitempty"`
	At        time.Time `json:"at,omitzero"`
}

// New gives a sandbox that takes this key.
func New(key string) *Sandbox { return &Sandbox{key: key, orders: map[string]order{}} }

// ServeHTTP answers the provider's calls and the sandbox's own.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch route := r.Method + " " + r.URL.Path; {
	case route == "GET /_ledger":
		s.showLedger(w)
	case route == "POST /_fault":
		s.fault = r.URL.Query().Get("name")
		s.times, _ = strconv.Atoi(r.URL.Query().Get("times"))
		say(w, http.StatusOK, map[string]any{"fault": s.fault, "times": s.times})
	case r.Header.Get("Authorization") != "Bearer "+s.key:
		say(w, http.StatusUnauthorized, order{Status: "refused", Code: "auth"})
	case route == "POST /orders":
		s.take(w, r)
	case route == "GET /orders":
		if known, ok := s.orders[r.URL.Query().Get("ref")]; ok {
			say(w, http.StatusOK, known)
			return
		}
		say(w, http.StatusNotFound, order{Status: "absent"})
	default:
		http.NotFound(w, r)
	}
}

func say(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// executed is an order as the ledger shows it.
type executed struct {
	order
	Merchant string `json:"merchant"`
	State    string `json:"state"`
}

func (s *Sandbox) showLedger(w http.ResponseWriter) {
	list, count := []executed{}, map[string]int{}
	for _, o := range s.ledger {
		list = append(list, executed{o, o.Product, o.Status})
		count[o.Account]++
	}
	say(w, http.StatusOK, map[string]any{"executed": list, "by_account": count})
}

// take executes an order once. A reference that it knows is answered with the first order.
func (s *Sandbox) take(w http.ResponseWriter, r *http.Request) {
	var o order
	if json.NewDecoder(r.Body).Decode(&o) != nil || o.Ref == "" {
		say(w, http.StatusBadRequest, order{Status: "refused", Code: "bad_request"})
		return
	}
	if first, known := s.orders[o.Ref]; known {
		o = first
	} else if o.Status, o.Code = judge(o); o.Status != "refused" {
		s.ledger = append(s.ledger, o)
		o.Invoice, o.At = fmt.Sprint(1000+len(s.ledger)), time.Now().UTC()
		if o.Status == "done" {
			o.Reference = "SN" + o.Invoice
		}
		s.ledger[len(s.ledger)-1], s.orders[o.Ref] = o, o
	}
	say(w, http.StatusOK, s.spoilt(o))
}

var wholeRupiah = regexp.MustCompile(`^[1-9][0-9]{3,8}$`)

// judge decides by the last digits of the account what becomes of an order.
func judge(o order) (status, code string) {
	switch {
	case o.Product != "GOPAY":
		return "refused", "product_unknown"
	case !wholeRupiah.MatchString(o.Amount):
		return "refused", "amount_invalid"
	case strings.HasSuffix(o.Account, "11"):
		return "pending", ""
	case strings.HasSuffix(o.Account, "13"):
		return "refused", "deposit_empty"
	case strings.HasSuffix(o.Account, "14"):
		return "refused", "account_invalid"
	default:
		return "done", ""
	}
}

// spoilt plays the fault that is set, on an answer. The order itself stays what it is.
func (s *Sandbox) spoilt(o order) order {
	if s.times <= 0 {
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
