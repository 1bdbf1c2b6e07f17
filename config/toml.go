package config

import (
	"errors"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// tomlIndex notes where each key of a TOML document stands.
type tomlIndex struct {
	parser unstable.Parser
	found  *findings
	tables map[path]int // the elements of each array of tables so far
	nodes  int
}

func indexTOML(data []byte, found *findings) {
	var top map[string]any
	if err := toml.Unmarshal(data, &top); err != nil {
		found.addHere(tomlPlace(err, found.src), root, "not valid TOML: "+strings.TrimPrefix(err.Error(), "toml: "))
		return
	}
	index := &tomlIndex{found: found, tables: map[path]int{}}
	index.parser.Reset(data)
	table := root
	for index.parser.NextExpression() {
		table = index.expression(table, index.parser.Expression())
	}
}

func tomlPlace(err error, src *source) place {
	decode, ok := errors.AsType[*toml.DecodeError](err)
	if !ok {
		return place{file: src.file}
	}
	line, column := decode.Position()
	return place{file: src.file, line: line, column: column}
}

// expression indexes one line and gives the table that the next ones belong to.
func (x *tomlIndex) expression(table path, node *unstable.Node) path {
	if node.Kind == unstable.Table {
		return x.keys(root, node.Key())
	}
	if node.Kind == unstable.ArrayTable {
		return x.element(node)
	}
	if node.Kind == unstable.KeyValue {
		x.keyValue(table, node, 0)
	}
	return table
}

// element begins the next element of an array of tables.
func (x *tomlIndex) element(node *unstable.Node) path {
	list := x.keysOfList(node.Key())
	at := list.item(x.tables[list])
	x.tables[list]++
	x.found.src.places[at] = x.found.src.place(list)
	return at
}

func (x *tomlIndex) keyValue(table path, node *unstable.Node, depth int) {
	x.value(x.keys(table, node.Key()), node.Value(), depth+1)
}

// keys notes each part of a dotted key. A part that names an array of tables means its last element.
func (x *tomlIndex) keys(at path, parts unstable.Iterator) path {
	for parts.Next() {
		at = x.last(at.child(string(parts.Node().Data)))
		x.note(at, parts.Node())
	}
	return at
}

// keysOfList is keys, but its last part means the list itself.
func (x *tomlIndex) keysOfList(parts unstable.Iterator) path {
	at := root
	for parts.Next() {
		at = x.last(at).child(string(parts.Node().Data))
		x.found.src.places[at] = x.place(parts.Node())
	}
	return at
}

func (x *tomlIndex) last(at path) path {
	if n := x.tables[at]; n > 0 {
		return at.item(n - 1)
	}
	return at
}

func (x *tomlIndex) value(at path, node *unstable.Node, depth int) {
	x.nodes++
	if x.nodes > maxNodes || depth > maxDepth {
		x.found.add(root, ruleSize())
		return
	}
	children := node.Children()
	for i := 0; children.Next(); i++ {
		child := children.Node()
		switch {
		case child.Kind == unstable.Comment:
			i--
		case node.Kind == unstable.InlineTable:
			x.keyValue(at, child, depth)
		case node.Kind == unstable.Array:
			x.note(at.item(i), child)
			x.value(at.item(i), child, depth+1)
		}
	}
}

// note keeps the first place at which a key was written.
func (x *tomlIndex) note(at path, node *unstable.Node) {
	if _, ok := x.found.src.places[at]; !ok && node.Raw.Length > 0 {
		x.found.src.places[at] = x.place(node)
	}
}

func (x *tomlIndex) place(node *unstable.Node) place {
	start := x.parser.Shape(node.Raw).Start
	return place{file: x.found.src.file, line: start.Line, column: start.Column}
}
