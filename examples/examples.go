// Package examples gives the files of the providers in other languages: what a new plugin in one of them begins as.
package examples

import (
	"embed"
	"io/fs"
	"path"

	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

// Name is what the provider of the examples is called, in their texts and in the names of their files.
const Name = "lapak"

//go:embed provider-node/*.js provider-node/*.json provider-node/.npmrc
//go:embed provider-python/*.py
//go:embed provider-node/.gitignore provider-node/README.md provider-node/spec.yaml provider-node/lapak
//go:embed provider-python/.gitignore provider-python/README.md provider-python/spec.yaml provider-python/lapak
var files embed.FS

// protocol is where an example has the protocol; in this tree it is put there by make.
const protocol = "jalur/plugin/v1/provider.proto"

// File is one file of an example.
type File struct {
	Name string // within the example's folder, with slashes
	Text string
	Mode fs.FileMode
}

// Languages lists the languages of the examples.
func Languages() []string { return []string{"node", "python"} }

// Files gives the example in a language of the list.
func Files(language string) []File {
	const plain, program = 0o644, 0o755
	from := "provider-" + language
	entries, err := files.ReadDir(from)
	if err != nil {
		panic(err) // it is part of the program
	}
	found := make([]File, 0, len(entries)+1)
	for _, entry := range entries {
		text, err := files.ReadFile(path.Join(from, entry.Name()))
		if err != nil {
			panic(err) // as above
		}
		mode := fs.FileMode(plain)
		if entry.Name() == Name {
			mode = program
		}
		found = append(found, File{entry.Name(), string(text), mode})
	}
	return append(found, File{protocol, pb.Source, plain})
}
