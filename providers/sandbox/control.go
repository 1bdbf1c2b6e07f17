package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Control answers the calls that are not part of a provider's API: /, /_ledger, /_fault and /_reset. They ask for no credentials.
type Control struct {
	Faults      *Faults
	About       string                   // what GET / says before it explains these calls
	Options     string                   // what GET / says after that: faults, test numbers
	Ledger      func(account string) any // what was executed, of one account where it is not empty: a [Ledger], or one within more
	EmptyLedger func() error             // for DELETE /_ledger: empties it and restores the deposit
	Reset       func() error             // for POST /_reset: that, and clears the faults
}

// ServeHTTP answers a control call, and 404 to everything else.
func (c Control) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + strings.Trim(r.URL.Path, "/") {
	case "GET ":
		Write(w, http.StatusOK, "text/plain; charset=utf-8", []byte(c.About+c.calls()+c.Options))
	case "GET _ledger":
		writeJSON(w, http.StatusOK, c.Ledger(r.URL.Query().Get("account")))
	case "DELETE _ledger":
		c.reset(w, c.EmptyLedger)
	case "POST _reset":
		c.reset(w, c.Reset)
	case "GET _fault":
		c.showFaults(w, c.Faults.catalogue.Faults)
	case "POST _fault":
		c.changeFault(w, r)
	case "DELETE _fault":
		c.Faults.Clear()
		c.showFaults(w, nil)
	default:
		http.NotFound(w, r)
	}
}

func (c Control) reset(w http.ResponseWriter, reset func() error) {
	if err := reset(); err != nil {
		writeJSON(w, http.StatusInternalServerError, problem{Error: err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, c.Ledger(""))
}

type problem struct {
	Error  string   `json:"error"`
	Faults []string `json:"faults,omitempty"`
}

type faultsShown struct {
	Active []Setting `json:"active"`
	Faults []Fault   `json:"faults,omitempty"` // all there are, where they were asked for
}

func (c Control) showFaults(w http.ResponseWriter, all []Fault) {
	writeJSON(w, http.StatusOK, faultsShown{Active: c.Faults.List(), Faults: all})
}

// changeFault takes name, times, call, account and queue from the query string or a form.
func (c Control) changeFault(w http.ResponseWriter, r *http.Request) {
	setting, err := settingOf(r)
	change := c.Faults.Set
	if r.FormValue("queue") == "1" {
		change = c.Faults.Add
	}
	if err == nil {
		err = change(setting)
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, problem{Error: err.Error(), Faults: c.Faults.catalogue.Names()})
		return
	}
	c.showFaults(w, nil)
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
	Write(w, status, JSONType, append(body, '\n'))
}

func (c Control) calls() string {
	return `
GET    /_ledger              what was really executed; ?account=NUMBER for one account
DELETE /_ledger              empties it and restores the deposit
POST   /_reset               the same, and clears the faults
GET    /_fault               the faults that are set, and all there are
POST   /_fault?name=NAME     sets a fault for the next call in place of what is set; &times=N for N calls, -1 until cleared, 0 clears
                             &call=CALL (` + c.Faults.catalogue.Calls[0] + `; * for all), &account=NUMBER only calls about it, &queue=1 behind what is set
POST   /_fault?name=none     clears the faults, as DELETE /_fault does

`
}
