package httpspec

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/jalurhq/jalur/core"
)

// object is what the tests look at of a schema.
type object struct {
	Properties map[string]json.RawMessage `json:"properties"`
	Additional json.RawMessage            `json:"additionalProperties"`
}

// The schema has the keys that are read, no more and no less.
func TestTheSchemaHasEveryKey(t *testing.T) {
	t.Parallel()
	var whole struct {
		object

		Defs map[string]object `json:"$defs"`
	}
	if err := json.Unmarshal(Factory().Schema, &whole); err != nil {
		t.Fatal(err)
	}
	var cases struct {
		Defs struct {
			Cases struct {
				Items object `json:"items"`
			} `json:"cases"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(Factory().Schema, &cases); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		schema object
		keys   reflect.Type
	}{
		"settings": {whole.object, reflect.TypeFor[settings]()},
		"spec":     {whole.Defs["spec"], reflect.TypeFor[spec]()},
		"describe": {whole.Defs["describe"], reflect.TypeFor[describeSpec]()},
		"ref":      {whole.Defs["ref"], reflect.TypeFor[refSpec]()},
		"amounts":  {whole.Defs["amounts"], reflect.TypeFor[amountSpec]()},
		"merchant": {whole.Defs["merchant"], reflect.TypeFor[merchantSpec]()},
		"extra":    {whole.Defs["extra"], reflect.TypeFor[fieldSpec]()},
		"reading":  {whole.Defs["reading"], reflect.TypeFor[readingSpec]()},
		"reasons":  {whole.Defs["reasons"], reflect.TypeFor[reasonsSpec]()},
		"rule":     {whole.Defs["rule"], reflect.TypeFor[ruleSpec]()},
		"request":  {whole.Defs["request"], reflect.TypeFor[requestSpec]()},
		"call":     {whole.Defs["call"], reflect.TypeFor[callSpec]()},
		"case":     {cases.Defs.Cases.Items, reflect.TypeFor[caseSpec]()},
		"list":     {whole.Defs["list"], reflect.TypeFor[listSpec]()},
		"product":  {whole.Defs["product"], reflect.TypeFor[productSpec]()},
		"callback": {whole.Defs["callback"], reflect.TypeFor[callbackSpec]()},
	} {
		has, want := slices.Sorted(maps.Keys(c.schema.Properties)), keysOf(c.keys)
		if !slices.Equal(has, want) || string(c.schema.Additional) != "false" {
			t.Errorf("%s: the schema has %v, and %v are read", name, has, want)
		}
	}
}

func keysOf(t reflect.Type) []string {
	var keys []string
	for field := range t.Fields() {
		if field.Anonymous {
			keys = append(keys, keysOf(field.Type)...)
			continue
		}
		keys = append(keys, field.Tag.Get("mapstructure"))
	}
	slices.Sort(keys)
	return keys
}

func TestTheSchemaHasEveryCode(t *testing.T) {
	t.Parallel()
	var whole struct {
		Defs struct {
			Code struct {
				Enum []core.Code `json:"enum"`
			} `json:"code"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(Factory().Schema, &whole); err != nil || !slices.Equal(whole.Defs.Code.Enum, core.Codes()) {
		t.Errorf("%v, %v", whole.Defs.Code.Enum, err)
	}
}
