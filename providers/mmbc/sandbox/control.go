package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// serveControl answers what is not part of the provider's API.
func (s *Sandbox) serveControl(w http.ResponseWriter, r *http.Request, path string) {
	switch r.Method + " " + path {
	case "GET ":
		write(w, http.StatusOK, "text/plain; charset=utf-8", []byte(about()+Options()))
	case "GET _ledger":
		s.showLedger(w, r)
	case "DELETE _ledger":
		s.serveReset(w, s.book.reset)
	case "POST _reset":
		s.serveReset(w, s.Reset)
	case "GET _fault":
		s.showFaults(w, Faults())
	case "POST _fault":
		s.changeFault(w, r)
	case "DELETE _fault":
		s.faults.clear()
		s.showFaults(w, nil)
	default:
		http.NotFound(w, r)
	}
}

func (s *Sandbox) showLedger(w http.ResponseWriter, r *http.Request) {
	l := s.Ledger()
	if account := r.URL.Query().Get("account"); account != "" {
		l = l.Of(account)
	}
	writeJSON(w, http.StatusOK, l)
}

func (s *Sandbox) serveReset(w http.ResponseWriter, reset func() error) {
	if err := reset(); err != nil {
		writeJSON(w, http.StatusInternalServerError, problem{Error: err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, s.Ledger())
}

type problem struct {
	Error  string   `json:"error"`
	Faults []string `json:"faults,omitempty"`
}

type faultsShown struct {
	Active []Setting `json:"active"`
	Faults []Fault   `json:"faults,omitempty"` // all there are, where they were asked for
}

func (s *Sandbox) showFaults(w http.ResponseWriter, all []Fault) {
	writeJSON(w, http.StatusOK, faultsShown{Active: s.faults.list(), Faults: all})
}

// changeFault takes name, times, call, account and queue from the query string or a form.
func (s *Sandbox) changeFault(w http.ResponseWriter, r *http.Request) {
	setting, err := settingOf(r)
	change := s.faults.set
	if r.FormValue("queue") == "1" {
		change = s.faults.add
	}
	if err == nil {
		err = change(setting)
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, problem{Error: err.Error(), Faults: faultNames()})
		return
	}
	s.showFaults(w, nil)
}

// settingOf reads a setting. The name none without a call clears all calls.
func settingOf(r *http.Request) (Setting, error) {
	setting := Setting{
		Name: r.FormValue("name"), Times: timesOnce, Call: r.FormValue("call"), Account: r.FormValue("account"),
	}
	if setting.Name == NoFault && setting.Call == "" {
		setting.Call = AnyCall
	}
	times := r.FormValue("times")
	if times == "" {
		return setting, nil
	}
	var err error
	if setting.Times, err = strconv.Atoi(times); err != nil {
		return setting, fmt.Errorf("times %q is not a number", times)
	}
	return setting, nil
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	write(w, status, jsonType, append(body, '\n'))
}

func about() string {
	return `MMBC Multipayment sandbox. It moves no money.

The provider's calls, as POST, under ` + basePath + `/ and under /:
  ` + strings.Join(calls(), ", ") + `

GET    /_ledger              what was really executed; ?account=NUMBER for one account
DELETE /_ledger              empties it and restores the deposit
POST   /_reset               the same, and clears the faults
GET    /_fault               the faults that are set, and all there are
POST   /_fault?name=NAME     sets a fault for the next call in place of what is set; &times=N for N calls, -1 until cleared, 0 clears
                             &call=CALL (reload_merchant; * for all), &account=NUMBER only calls about it, &queue=1 behind what is set
POST   /_fault?name=none     clears the faults, as DELETE /_fault does

`
}

// Options lists faults, test numbers, spellings and values as plain text, for a command's help.
func Options() string {
	var text strings.Builder
	text.WriteString("Faults (* = the money is taken):\n")
	for _, f := range Faults() {
		mark := " "
		if f.Executes {
			mark = "*"
		}
		fmt.Fprintf(&text, "  %s %-24s %s\n", mark, f.Name, f.Text)
	}
	text.WriteString("\nAccount numbers, by their last digits:\n")
	for _, number := range TestNumbers() {
		fmt.Fprintf(&text, "  %s  %s\n", number.Tail, number.Text)
	}
	fmt.Fprintf(&text, "\nSpellings of keys: %v\nForms of values: %v\n", Spellings(), ValueForms())
	return text.String()
}
