package config

import (
	"bytes"
	"encoding/json"
	"errors"
)

// jsonIndex notes where each key of a JSON document stands, and finds keys that are set twice, which the decoder lets pass.
type jsonIndex struct {
	data    []byte
	decoder *json.Decoder
	found   *findings
	nodes   int
}

func indexJSON(data []byte, found *findings) {
	var top any
	if err := json.Unmarshal(data, &top); err != nil {
		found.addHere(jsonPlace(err, data, found.src), root, "not valid JSON: "+err.Error())
		return
	}
	if _, ok := top.(map[string]any); !ok {
		found.add(root, ruleTopLevel)
		return
	}
	index := &jsonIndex{data: data, decoder: json.NewDecoder(bytes.NewReader(data)), found: found}
	index.decoder.UseNumber()
	index.value(root, 0)
}

func jsonPlace(err error, data []byte, src *source) place {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return placeAt(data, syntax.Offset-1, src.file)
	}
	return place{file: src.file}
}

// placeAt gives the line and column of an offset, which may lie outside the data.
func placeAt(data []byte, offset int64, file string) place {
	before := data[:min(max(int(offset), 0), len(data))]
	return place{
		file:   file,
		line:   1 + bytes.Count(before, []byte("\n")),
		column: len(before) - bytes.LastIndexByte(before, '\n'),
	}
}

// value reads one value and reports whether the document may be read further.
func (x *jsonIndex) value(at path, depth int) bool {
	x.nodes++
	if x.nodes > maxNodes || depth > maxDepth {
		x.found.add(root, ruleSize())
		return false
	}
	token, err := x.decoder.Token()
	if err != nil {
		return false
	}
	switch token {
	case json.Delim('{'):
		return x.object(at, depth)
	case json.Delim('['):
		return x.array(at, depth)
	default:
		return true
	}
}

func (x *jsonIndex) object(at path, depth int) bool {
	own := map[string]bool{}
	for x.decoder.More() {
		where := x.next()
		token, err := x.decoder.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return false
		}
		x.key(at.child(name), where, own[name])
		own[name] = true
		if !x.value(at.child(name), depth+1) {
			return false
		}
	}
	return x.end()
}

func (x *jsonIndex) key(at path, where place, again bool) {
	if again {
		x.found.addHere(where, at, ruleTwice(x.found.src.place(at)))
		return
	}
	x.found.src.places[at] = where
}

func (x *jsonIndex) array(at path, depth int) bool {
	for i := 0; x.decoder.More(); i++ {
		x.found.src.places[at.item(i)] = x.next()
		if !x.value(at.item(i), depth+1) {
			return false
		}
	}
	return x.end()
}

// end reads the bracket that closes an object or array.
func (x *jsonIndex) end() bool {
	_, err := x.decoder.Token()
	return err == nil
}

// next gives the position of the token that is read next.
func (x *jsonIndex) next() place {
	offset := int(x.decoder.InputOffset())
	rest := x.data[offset:]
	return placeAt(x.data, int64(offset+len(rest)-len(bytes.TrimLeft(rest, " \t\r\n,:"))), x.found.src.file)
}
