package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/internal/view"
)

const (
	schemaPrefix = "#/components/schemas/"
	bearer       = "client"

	payText = "201: the payment is in a final state, failed too. 202: it isn't resolved yet; ask for it by its id, and never pay again under another key. " +
		"200 with Idempotent-Replayed: the key was seen before. Every problem but an internal one means that nothing was sent on account of this call."
)

func (s *server) openAPI() *huma.OpenAPI {
	registry := huma.NewMapRegistry(schemaPrefix, huma.DefaultSchemaNamer)
	registry.RegisterTypeAlias(reflect.TypeFor[core.Money](), reflect.TypeFor[moneyOut]())
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: "Jalur", Version: s.Version, Description: "One gateway for top-ups at many providers."},
		Components: &huma.Components{
			Schemas: registry,
			SecuritySchemes: map[string]*huma.SecurityScheme{
				bearer: {Type: "http", Scheme: "bearer", Description: "ID:SECRET of a client. Not asked for where no clients are configured."},
			},
		},
	}
}

// call gives what all calls have in common.
func (s *server) call(id, method, path, scope string) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: method, Path: path, Description: "Needs the scope " + scope + ".",
		Security:         []map[string][]string{{bearer: {}}},
		Middlewares:      huma.Middlewares{s.require(scope)},
		SkipValidateBody: true, // decode does
	}
}

// moneyOut describes core.Money as it is written.
type moneyOut struct{}

// Schema implements huma.SchemaProvider.
func (moneyOut) Schema(huma.Registry) *huma.Schema {
	return orNull(moneyRef())
}

func orNull(s *huma.Schema) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{s, {Type: "null"}}}
}

func moneyRef() *huma.Schema { return &huma.Schema{Ref: schemaPrefix + "Money"} }

func moneyObject() *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, Required: []string{"value", "currency"},
		Properties: map[string]*huma.Schema{
			"value":    {Type: huma.TypeString, Pattern: `^-?[0-9]+(\.[0-9]{1,9})?$`, Examples: []any{"100000"}},
			"currency": {Type: huma.TypeString, Pattern: `^[A-Z]{3}$`, Examples: []any{core.Rupiah}},
		},
	}
}

// moneyIn describes core.Money as it is read.
func moneyIn() *huma.Schema {
	return &huma.Schema{
		OneOf: []*huma.Schema{
			{Type: huma.TypeInteger, Format: "int64", Examples: []any{100000}},
			{Type: huma.TypeString, Pattern: `^[0-9]+$`, Examples: []any{"100000"}},
			moneyRef(),
		},
		Description: "Whole rupiah as a number or a string, or the object.",
	}
}

// describe completes what huma found out by itself and gives the document.
func (s *server) describe(api huma.API) ([]byte, error) {
	doc := api.OpenAPI()
	describeBodies(doc)
	describeProblems(doc)
	describePay(doc.Paths["/v1/payments"].Post)
	describeSchemas(doc.Components.Schemas.Map())
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	return text, nil
}

// describeBodies says what decode takes; huma sees bytes only.
func describeBodies(doc *huma.OpenAPI) {
	for path, body := range map[string]reflect.Type{
		"/v1/payments":              reflect.TypeFor[view.OrderBody](),
		"/v1/inquiries":             reflect.TypeFor[view.InquiryBody](),
		"/v1/payments/{id}/resolve": reflect.TypeFor[view.ResolveBody](),
		"/v1/cases/{id}/close":      reflect.TypeFor[view.CloseBody](),
	} {
		schema := doc.Components.Schemas.Schema(body, true, "")
		doc.Paths[path].Post.RequestBody = &huma.RequestBody{
			Required: true, Content: map[string]*huma.MediaType{jsonType: {Schema: schema}},
		}
	}
}

// describeProblems gives every call our own kind of problem.
func describeProblems(doc *huma.OpenAPI) {
	problem := &huma.Response{
		Description: "A problem",
		Content: map[string]*huma.MediaType{
			view.ProblemType: {Schema: doc.Components.Schemas.Schema(reflect.TypeFor[view.Problem](), true, "")},
		},
	}
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Delete} {
			if op != nil {
				op.Responses["default"] = problem
			}
		}
	}
}

// describePay adds what only the handler knows of.
func describePay(op *huma.Operation) {
	created := op.Responses[strconv.Itoa(http.StatusCreated)]
	created.Description = "The payment, in a final state"
	for status, text := range map[int]string{
		http.StatusOK:       "The payment that the key stood for already",
		http.StatusAccepted: "The payment, not resolved yet",
	} {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Description: text, Headers: created.Headers, Content: created.Content}
	}
	for _, parameter := range op.Parameters {
		if parameter.Name == keyHeader {
			parameter.Required = true
		}
	}
}

// describeSchemas says what Go types don't: which values are on a closed list, what may be null, and that answers may grow.
func describeSchemas(schemas map[string]*huma.Schema) {
	delete(schemas, "ErrorModel")
	delete(schemas, "ErrorDetail")
	for name, schema := range schemas {
		if !strings.HasSuffix(name, "Body") {
			schema.AdditionalProperties = nil
		}
		for _, field := range []string{"amount", "max_cost"} {
			if strings.HasSuffix(name, "Body") && schema.Properties[field] != nil {
				schema.Properties[field] = moneyIn()
			}
		}
	}
	schemas["Money"] = moneyObject()
	schemas["Problem"].Properties["code"].Enum = problemCodes()
	for _, name := range []string{"Payment", "Attempt", "Candidate"} {
		schemas[name].Properties["code"].Enum = codes()
	}
	outcome := schemas["Attempt"].Properties["outcome"]
	outcome.Enum = append(outcome.Enum, nil)
	capabilities := schemas["Provider"].Properties["capabilities"]
	schemas["Provider"].Properties["capabilities"] = orNull(&huma.Schema{Ref: capabilities.Ref})
}

func problemCodes() []any {
	kinds := view.ProblemKinds()
	all := make([]any, len(kinds))
	for i, kind := range kinds {
		all[i] = kind.Code
	}
	return all
}

// codes lists what can stand as the code of a payment; "" is one that has none.
func codes() []any {
	known := core.Codes()
	all := make([]any, 1, 1+len(known))
	all[0] = ""
	for _, code := range known {
		all = append(all, code)
	}
	return all
}
