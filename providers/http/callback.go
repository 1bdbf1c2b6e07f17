package httpspec

import (
	"context"
	"errors"
	"maps"
	"net/url"

	"github.com/google/cel-go/cel"

	"github.com/jalurhq/jalur/core"
)

const callbackKey = specKey + ".callback"

var (
	errNotVerified = errors.New("the callback was not sent by the provider")
	errNamesNobody = errors.New("the callback names no order")
)

// callback reads what the provider sends by itself.
type callback struct {
	verified *expression
	fields   map[string]*expression
	reply    string
	reading  *reading
}

// compile checks how callbacks are read.
func (c callbackSpec) compile(r *reading, withSecrets scope) (*callback, error) {
	sc, err := withSecrets.with(append(vars(cel.StringType, "method", "path", "raw", "remote"),
		cel.Variable("body", cel.DynType),
		cel.Variable("header", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("query", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("form", cel.MapType(cel.StringType, cel.StringType)))...)
	if err != nil {
		return nil, err
	}
	source, err := sourceOf(callbackKey+".verified", c.Verified)
	if err != nil {
		return nil, &core.SettingError{Key: callbackKey + ".verified", Rule: "must be an expression that says whether the provider sent it; true where it doesn't sign"}
	}
	made := &callback{reply: c.Reply, reading: r}
	if made.verified, err = sc.compile(callbackKey+".verified", source, kindBool); err != nil {
		return nil, err
	}
	for name := range c.Fields {
		if name != fieldRef && name != fieldInvoice && name != "token" {
			return nil, &core.SettingError{Key: callbackKey + ".fields." + name, Rule: "is not known; there are invoice, ref and token"}
		}
	}
	if len(c.Fields) == 0 {
		return nil, &core.SettingError{Key: callbackKey + ".fields", Rule: "must have invoice, ref or token"}
	}
	made.fields, err = sc.compileAll(callbackKey+".fields", c.Fields)
	return made, err
}

// ReadCallback implements [core.CallbackReader].
func (p *Provider) ReadCallback(ctx context.Context, req core.CallbackRequest) (core.Callback, error) {
	read, err := p.callback.read(ctx, p, req)
	return read, during("read_callback", err)
}

func (c *callback) read(ctx context.Context, p *Provider, req core.CallbackRequest) (core.Callback, error) {
	variables := c.variables(p, req)
	if genuine, err := c.verified.bool(ctx, variables); err != nil || !genuine {
		return core.Callback{}, unknown(core.CodeAuth, errNotVerified)
	}
	named := map[string]string{}
	for name, e := range c.fields {
		text, err := e.text(ctx, variables)
		if err != nil {
			return core.Callback{}, unknown(core.CodeBadRequest, err)
		}
		named[name] = text
	}
	order := core.CallbackOrder{Ref: named[fieldRef], Quote: named["token"], Invoice: core.Invoice(named[fieldInvoice])}
	if order == (core.CallbackOrder{}) {
		return core.Callback{}, unknown(core.CodeBadRequest, errNamesNobody)
	}
	return core.Callback{Orders: []core.CallbackOrder{order}, ContentType: typeText, Body: []byte(c.reply)}, nil
}

// variables gives a body that isn't JSON, or says one thing twice, as null.
func (c *callback) variables(p *Provider, req core.CallbackRequest) map[string]any {
	made := maps.Clone(p.vars)
	maps.Copy(made, p.secrets)
	decode := decoder{foldKeys: c.reading.foldKeys, nothing: c.reading.nothing}
	body, err := decode.decode(req.Body)
	if err != nil {
		body = nil
	}
	maps.Copy(made, map[string]any{
		"method": req.Method, "path": req.Path, "raw": string(req.Body), "remote": req.Remote, "now": p.now(),
		"header": headers(req.Header), "query": firstValues(req.Query), "form": firstValues(string(req.Body)), "body": body,
	})
	return made
}

// firstValues reads what is encoded as a query. What isn't gives nothing, and so does a name that comes twice.
func firstValues(encoded string) map[string]string {
	made := map[string]string{}
	values, err := url.ParseQuery(encoded)
	if err != nil {
		return made
	}
	for name, all := range values {
		if len(all) == 1 {
			made[name] = all[0]
		}
	}
	return made
}
