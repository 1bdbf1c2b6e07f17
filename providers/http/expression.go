package httpspec

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/env"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/ext"
	"github.com/google/cel-go/interpreter"

	"github.com/jalurhq/jalur/core"
)

// Bounds of an expression.
const (
	maxExpression = 8 << 10          // characters
	maxNesting    = 50               // of its parts
	maxCost       = 100_000          // in CEL's units, a few for each element of a list; to count them takes time by their square
	maxEvaluation = 10 * time.Second // for the case that steps are very slow; maxCost ends it long before
	stepsPerCheck = 500              // between two looks at the clock
)

var (
	errExpression = errors.New("an expression failed")
	errType       = errors.New("the value is of another type")
	errSteps      = errors.New("it takes too many steps")
	errSlow       = errors.New("it takes too long")
)

// kind is what an expression is to give.
type kind uint8

const (
	kindText  kind = iota // a string, or a whole number in digits
	kindBool              //
	kindMoney             // a plain decimal, or money(…)
	kindTime              // a timestamp
	kindList              //
	kindValue             // anything that JSON can hold
)

func (k kind) String() string {
	return [...]string{"a string", "true or false", "an amount", "a timestamp", "a list", "a value that JSON can hold"}[k]
}

// takes reports whether a value of the type may be of the kind. What is only known at run time may. Nothing may be anything but true or false.
func (k kind) takes(t *cel.Type) bool {
	switch {
	case t.Kind() == types.DynKind:
		return true
	case t.Kind() == types.NullTypeKind:
		return k != kindBool
	case t.TypeName() == "optional_type":
		return k != kindBool && k.takes(t.Parameters()[0])
	case t.Kind() == types.OpaqueKind:
		return t.TypeName() == numberType().TypeName() && slices.Contains([]kind{kindText, kindMoney, kindValue}, k) ||
			t.TypeName() == moneyType().TypeName() && k == kindMoney
	default:
		return slices.Contains(k.plain(), t.Kind())
	}
}

// plain are CEL's own types of a kind.
func (k kind) plain() []types.Kind {
	switch k {
	case kindText, kindMoney:
		return []types.Kind{types.StringKind, types.IntKind}
	case kindBool:
		return []types.Kind{types.BoolKind}
	case kindTime:
		return []types.Kind{types.TimestampKind}
	case kindList:
		return []types.Kind{types.ListKind}
	case kindValue:
		return []types.Kind{types.StringKind, types.IntKind, types.BoolKind, types.ListKind, types.MapKind}
	default:
		return nil
	}
}

// scope is the variables and functions that an expression may use.
type scope struct{ env *cel.Env }

// newScope has no conversion to floats: money is never one.
func newScope(options ...cel.EnvOption) (scope, error) {
	made, err := cel.NewCustomEnv(append([]cel.EnvOption{
		cel.StdLib(cel.StdLibSubset(&env.LibrarySubset{ExcludeFunctions: []*env.Function{{Name: "double"}}})),
		cel.OptionalTypes(),
		ext.Strings(),
		cel.ParserExpressionSizeLimit(maxExpression),
		cel.ParserRecursionLimit(maxNesting),
	}, options...)...)
	if err != nil {
		return scope{}, fmt.Errorf("expressions: %w", err)
	}
	return scope{made}, nil
}

func (s scope) with(options ...cel.EnvOption) (scope, error) {
	wider, err := s.env.Extend(options...)
	if err != nil {
		return scope{}, fmt.Errorf("expressions: %w", err)
	}
	return scope{wider}, nil
}

// vars declares variables of one type.
func vars(t *cel.Type, names ...string) []cel.EnvOption {
	declared := make([]cel.EnvOption, 0, len(names))
	for _, name := range names {
		declared = append(declared, cel.Variable(name, t))
	}
	return declared
}

// expression is a compiled one. Its key says where it stands in the settings.
type expression struct {
	key     string
	program cel.Program
}

// compile checks an expression. The errors are *core.SettingError.
func (s scope) compile(key, source string, want kind) (*expression, error) {
	if strings.TrimSpace(source) == "" {
		return nil, &core.SettingError{Key: key, Rule: "must be an expression, and is empty"}
	}
	ast, issues := s.env.Compile(source)
	if issues.Err() != nil {
		first := issues.Errors()[0]
		return nil, &core.SettingError{Key: key, Rule: fmt.Sprintf("is no good expression: column %d: %s", first.Location.Column()+1, s.explain(first.Message))}
	}
	if !want.takes(ast.OutputType()) {
		return nil, &core.SettingError{Key: key, Rule: fmt.Sprintf("must give %s, and gives %s", want, ast.OutputType())}
	}
	program, err := s.env.Program(ast, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(maxCost), cel.InterruptCheckFrequency(stepsPerCheck))
	if err != nil {
		return nil, &core.SettingError{Key: key, Rule: "can't be run as an expression"}
	}
	return &expression{key: key, program: program}, nil
}

var undeclared = regexp.MustCompile(`^undeclared reference to '(\w+)'`)

// explain makes one line of a compiler's message. Of a name with parts it says which parts there are.
func (s scope) explain(message string) string {
	message = strings.TrimSuffix(strings.Join(strings.Fields(message), " "), " (in container '')")
	found := undeclared.FindStringSubmatch(message)
	if found == nil {
		return message
	}
	var parts []string
	for _, variable := range s.env.Variables() {
		if strings.HasPrefix(variable.Name(), found[1]+".") {
			parts = append(parts, variable.Name())
		}
	}
	if len(parts) == 0 {
		return message
	}
	slices.Sort(parts)
	return "there are only " + strings.Join(parts, ", ")
}

// compileAll compiles the expressions of a map, each of which gives a text.
func (s scope) compileAll(key string, sources map[string]any) (map[string]*expression, error) {
	made := map[string]*expression{}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		source, err := sourceOf(key+"."+name, sources[name])
		if err != nil {
			return nil, err
		}
		if made[name], err = s.compile(key+"."+name, source, kindText); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// sourceOf takes true, false and whole numbers for the expressions that they are.
func sourceOf(key string, value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool, int64, number:
		return show(v), nil
	default:
		return "", &core.SettingError{Key: key, Rule: "must be an expression"}
	}
}

// eval gives the value as Go knows it: see native. Errors show no values.
func (e *expression) eval(ctx context.Context, variables map[string]any) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, maxEvaluation)
	defer cancel()
	value, _, err := e.program.ContextEval(ctx, variables)
	if err == nil {
		if made, ok := native(value); ok {
			return made, nil
		}
		err = errType
	}
	return nil, e.failed(ctx, err)
}

// failed says where, and why only where that tells no value: CEL's own errors may quote an account number or a secret.
func (e *expression) failed(ctx context.Context, err error) error {
	var stopped interpreter.EvalCancelledError
	switch {
	case errors.Is(err, errType):
		return fmt.Errorf("%w: %s: %w", errExpression, e.key, errType)
	case errors.As(err, &stopped) && stopped.Cause == interpreter.CostLimitExceeded:
		return fmt.Errorf("%w: %s: %w", errExpression, e.key, errSteps)
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %s: %w", errExpression, e.key, errSlow)
	default:
		return fmt.Errorf("%w: %s", errExpression, e.key)
	}
}

// text takes nothing (null, an optional without a value) for "". A number whose digits aren't all there is none.
func (e *expression) text(ctx context.Context, variables map[string]any) (string, error) {
	value, err := e.eval(ctx, variables)
	if err != nil {
		return "", err
	}
	if text, ok := textOf(value); ok {
		return text, nil
	}
	return "", fmt.Errorf("%w: %s: %w", errExpression, e.key, errType)
}

func (e *expression) bool(ctx context.Context, variables map[string]any) (bool, error) {
	value, err := e.eval(ctx, variables)
	if err != nil {
		return false, err
	}
	holds, ok := value.(bool)
	if !ok {
		return false, fmt.Errorf("%w: %s: %w", errExpression, e.key, errType)
	}
	return holds, nil
}

// textOf reads a string, or a whole number.
func textOf(value any) (string, bool) {
	switch v := value.(type) {
	case nil:
		return "", true
	case string, int64:
		return show(v), true
	case number:
		return string(v), v.exact()
	default:
		return "", false
	}
}

// native makes of CEL's values those that decode gives, and time.Time and money. Nothing in an optional is nil. ok is false for what has no place there: floats, bytes.
func native(value ref.Val) (made any, ok bool) {
	switch v := value.(type) {
	case types.String:
		return string(v), true
	case types.Int:
		return int64(v), true
	case types.Bool:
		return bool(v), true
	case types.Null:
		return nil, true
	case number, money:
		return v, true
	case types.Timestamp:
		return v.Time, true
	case *types.Optional:
		if !v.HasValue() {
			return nil, true
		}
		return native(v.GetValue())
	case traits.Mapper:
		return nativeMap(v)
	case traits.Lister:
		return nativeList(v)
	default:
		return nil, false
	}
}

func nativeMap(from traits.Mapper) (any, bool) {
	made := map[string]any{}
	for it := from.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		name, isText := key.(types.String)
		value, ok := native(from.Get(key))
		if !ok || !isText {
			return nil, false
		}
		made[string(name)] = value
	}
	return made, true
}

func nativeList(from traits.Lister) (any, bool) {
	made := []any{}
	for it := from.Iterator(); it.HasNext() == types.True; {
		value, ok := native(it.Next())
		if !ok {
			return nil, false
		}
		made = append(made, value)
	}
	return made, true
}
