package httpspec

import "time"

// settings are what a configuration gives.
type settings struct {
	BaseURL string            `mapstructure:"base_url"`
	Vars    map[string]any    `mapstructure:"vars"`
	Secrets map[string]string `mapstructure:"secrets"`
	MaxBody int64             `mapstructure:"max_body"`
	Spec    any               `mapstructure:"spec"` // a map, or the text of a YAML file
}

// spec describes a provider.
type spec struct {
	Vars     map[string]any `mapstructure:"vars"`    // names and defaults; null: must be set
	Secrets  []string       `mapstructure:"secrets"` // names; all must be set
	Describe describeSpec   `mapstructure:"describe"`
	Reading  readingSpec    `mapstructure:"reading"`
	Reasons  reasonsSpec    `mapstructure:"reasons"`
	Request  requestSpec    `mapstructure:"request"` // what all requests have

	ListProducts *listSpec     `mapstructure:"list_products"`
	Inquire      *callSpec     `mapstructure:"inquire"`
	Pay          *callSpec     `mapstructure:"pay"`
	Status       *callSpec     `mapstructure:"status"`
	Balance      *callSpec     `mapstructure:"balance"`
	Callback     *callbackSpec `mapstructure:"callback"`
}

type describeSpec struct {
	Name    string `mapstructure:"name"`
	Version string `mapstructure:"version"`
	Account any    `mapstructure:"account"` // an expression over secrets and vars: whose deposit it is

	Currency string  `mapstructure:"currency"` // default IDR
	Ref      refSpec `mapstructure:"ref"`

	StatusBy        []string      `mapstructure:"status_by"`
	StatusResubmits bool          `mapstructure:"status_resubmits"`
	StatusGap       time.Duration `mapstructure:"status_gap"`
	StatusMaxAge    time.Duration `mapstructure:"status_max_age"`
	Quarantine      time.Duration `mapstructure:"quarantine"`

	QuoteRequired   bool `mapstructure:"quote_required"`
	MaxCost         bool `mapstructure:"max_cost"`
	AmountInProduct bool `mapstructure:"amount_in_product"`
	Bills           bool `mapstructure:"bills"` // orders without an amount are taken

	Amounts        amountSpec     `mapstructure:"amounts"`
	Merchants      []merchantSpec `mapstructure:"merchants"`
	OtherMerchants bool           `mapstructure:"other_merchants"`
}

type refSpec struct {
	Mode      string        `mapstructure:"mode"`
	MaxLen    int           `mapstructure:"max_len"`
	Retention time.Duration `mapstructure:"retention"`
}

type amountSpec struct {
	Min  any `mapstructure:"min"`
	Max  any `mapstructure:"max"`
	Step any `mapstructure:"step"`
}

type merchantSpec struct {
	Merchant string      `mapstructure:"merchant"`
	Kind     string      `mapstructure:"kind"`
	Pattern  string      `mapstructure:"pattern"`
	Extra    []fieldSpec `mapstructure:"extra"`
	Amounts  amountSpec  `mapstructure:"amounts"`
}

type fieldSpec struct {
	Name     string `mapstructure:"name"`
	Pattern  string `mapstructure:"pattern"`
	Optional bool   `mapstructure:"optional"`
}

// readingSpec is how all answers are read.
type readingSpec struct {
	Keys     string   `mapstructure:"keys"`     // exact (default) or folded
	Nothing  []string `mapstructure:"nothing"`  // strings that stand for nothing
	Spelling string   `mapstructure:"spelling"` // of product and account: exact (default) or loose
}

type reasonsSpec struct {
	Unlisted string     `mapstructure:"unlisted"` // unknown (default) or declined
	Rules    []ruleSpec `mapstructure:"rules"`
}

type ruleSpec struct {
	Is      any    `mapstructure:"is"`    // a code of the provider's, or a list of them
	Words   any    `mapstructure:"words"` // a list; each of its entries is a phrase, or a list of phrases one of which must stand there
	Regex   string `mapstructure:"regex"`
	Code    string `mapstructure:"code"`
	Refusal *bool  `mapstructure:"refusal"`
}

type requestSpec struct {
	Method  string         `mapstructure:"method"` // default POST
	Path    string         `mapstructure:"path"`
	Query   map[string]any `mapstructure:"query"`
	Headers map[string]any `mapstructure:"headers"`
	Form    map[string]any `mapstructure:"form"`
	JSON    map[string]any `mapstructure:"json"`
	Text    string         `mapstructure:"text"`
	Escape  string         `mapstructure:"escape"` // line (default) or xml: how values stand in the text
}

type callSpec struct {
	Request  requestSpec    `mapstructure:"request"`
	Statuses []int          `mapstructure:"statuses"` // HTTP statuses whose bodies are read; default: 200 to 299
	Select   string         `mapstructure:"select"`   // the part of the body that is the answer
	Fields   map[string]any `mapstructure:"fields"`
	Cases    []caseSpec     `mapstructure:"cases"`
}

type caseSpec struct {
	When    any    `mapstructure:"when"`
	Outcome string `mapstructure:"outcome"`
	Code    string `mapstructure:"code"`
}

type listSpec struct {
	callSpec `mapstructure:",squash"`

	Static []productSpec  `mapstructure:"static"`
	Items  string         `mapstructure:"items"`
	Item   map[string]any `mapstructure:"item"`
	Next   any            `mapstructure:"next"`
}

type productSpec struct {
	Code     string     `mapstructure:"code"`
	Name     string     `mapstructure:"name"`
	Amounts  amountSpec `mapstructure:"amounts"`
	Fee      string     `mapstructure:"fee"`
	Price    any        `mapstructure:"price"`
	Cashback any        `mapstructure:"cashback"`
}

type callbackSpec struct {
	Verified any            `mapstructure:"verified"`
	Fields   map[string]any `mapstructure:"fields"`
	Reply    string         `mapstructure:"reply"`
}
