package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

var (
	yamlLine   = regexp.MustCompile(`^yaml: line (\d+): `)
	yamlAnchor = regexp.MustCompile(`^yaml: unknown anchor '(.*)' referenced$`)
)

// yamlIndex notes where each key of a YAML document stands, and finds what the decoder lets pass: keys that are set twice or are no strings,
// a second document, documents of unreasonable size.
type yamlIndex struct {
	found *findings
	nodes int
}

func indexYAML(data []byte, found *findings) {
	var doc yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	err := decoder.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF):
		return
	case err != nil:
		found.add(root, yamlSyntax(err, data, found.src))
		return
	}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		found.add(root, "a second document follows the first; one file holds one configuration")
	}
	index := &yamlIndex{found: found}
	if len(doc.Content) == 0 {
		return
	}
	top := doc.Content[0]
	if resolveAlias(top).Kind != yaml.MappingNode && top.ShortTag() != "!!null" {
		found.add(root, ruleTopLevel)
		return
	}
	index.value(root, top, 0)
}

// yamlSyntax gives the parser's words and sets the position of the root to the line it names.
func yamlSyntax(err error, data []byte, src *source) string {
	text := err.Error()
	if anchor := yamlAnchor.FindStringSubmatch(text); anchor != nil {
		before, _, _ := bytes.Cut(data, []byte("*"+anchor[1]))
		src.places[root] = place{file: src.file, line: 1 + bytes.Count(before, []byte("\n"))}
		return "an alias that no anchor defines; a value that begins with * must be put in quotes"
	}
	if line := yamlLine.FindStringSubmatch(text); line != nil {
		n, _ := strconv.Atoi(line[1]) // the pattern leaves digits only
		src.places[root] = place{file: src.file, line: n}
		text = text[len(line[0]):]
	}
	return "not valid YAML: " + strings.TrimPrefix(text, "yaml: ")
}

// spent counts a value and reports whether there were too many; the error is added once.
func (x *yamlIndex) spent(depth int) bool {
	if x.nodes < maxNodes && depth <= maxDepth {
		x.nodes++
		return false
	}
	if x.nodes <= maxNodes {
		x.nodes = maxNodes + 1
		x.found.add(root, ruleSize())
	}
	return true
}

func resolveAlias(node *yaml.Node) *yaml.Node {
	for depth := 0; node.Kind == yaml.AliasNode && depth < maxDepth; depth++ {
		node = node.Alias
	}
	return node
}

// value indexes what lies below a node; it stops where the document is too large.
func (x *yamlIndex) value(at path, node *yaml.Node, depth int) {
	if x.spent(depth) {
		return
	}
	node = resolveAlias(node)
	switch node.Kind {
	case yaml.MappingNode:
		x.mapping(at, node, depth)
	case yaml.SequenceNode:
		for i, item := range node.Content {
			x.note(at.item(i), item)
			x.value(at.item(i), item, depth+1)
		}
	case yaml.DocumentNode, yaml.ScalarNode, yaml.AliasNode:
	}
}

// mapping takes the keys that are written here before those that a merge ("<<") brings in, since the former win.
func (x *yamlIndex) mapping(at path, node *yaml.Node, depth int) {
	own := map[string]bool{}
	var merged []*yaml.Node
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.ShortTag() == "!!merge" {
			merged = append(merged, value)
			continue
		}
		if x.key(at, key, own) {
			own[key.Value] = true
			x.value(at.child(key.Value), value, depth+1)
		}
	}
	for _, value := range merged {
		x.merge(at, value, own, depth+1)
	}
}

func (x *yamlIndex) merge(at path, node *yaml.Node, own map[string]bool, depth int) {
	if x.spent(depth) {
		return
	}
	node = resolveAlias(node)
	if node.Kind == yaml.SequenceNode {
		for _, item := range node.Content {
			x.merge(at, item, own, depth+1)
		}
		return
	}
	for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if !own[key.Value] {
			own[key.Value] = true
			x.note(at.child(key.Value), key)
			x.value(at.child(key.Value), value, depth+1)
		}
	}
}

func (x *yamlIndex) key(at path, key *yaml.Node, own map[string]bool) bool {
	if key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str" {
		x.found.addHere(x.place(key), at, "a key must be a string; put it in quotes")
		return false
	}
	child := at.child(key.Value)
	if own[key.Value] {
		x.found.addHere(x.place(key), child, ruleTwice(x.found.src.place(child)))
		return false
	}
	x.note(child, key)
	return true
}

func (x *yamlIndex) note(at path, node *yaml.Node) { x.found.src.places[at] = x.place(node) }

func (x *yamlIndex) place(node *yaml.Node) place {
	return place{file: x.found.src.file, line: node.Line, column: node.Column}
}
