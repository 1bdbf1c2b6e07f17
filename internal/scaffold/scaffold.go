// Package scaffold writes the beginning of a plugin: a provider that builds and passes the conformance suite as it is, with its sandbox. Each folder of its
// templates is a language; other languages begin as the examples do.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/jalurhq/jalur/examples"
)

//go:embed all:templates
var templates embed.FS

const (
	root   = "templates"
	suffix = ".tmpl" // of every template, so that no tool takes it for what it will be
)

// Plugin is what is to be written.
type Plugin struct {
	Name     string // small letters, digits and dashes, a letter first: the folder, the module and the provider's name
	Language string // one of Languages
	Version  string // of Jalur, as the language's packages name it; empty: whatever is newest
	Jalur    string // a folder with Jalur's own source, to build against in place of a published version; empty: none
}

// Languages lists what plugins can be written in.
func Languages() []string {
	entries, err := fs.ReadDir(templates, root)
	if err != nil {
		panic(err) // it is part of the program
	}
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return append(names, examples.Languages()...)
}

var nameForm = regexp.MustCompile(`\A[a-z][a-z0-9-]{0,30}\z`)

// reserved is the folder of the protocol in plugins of other languages.
const reserved = "jalur"

// Check refuses a plugin that can't be written.
func (p Plugin) Check() error {
	switch {
	case !nameForm.MatchString(p.Name):
		return fmt.Errorf("a plugin's name is small letters, digits and dashes, a letter first, and not %q", p.Name)
	case p.Name == reserved:
		return fmt.Errorf("a plugin can't be called %q: its folder has one of that name", p.Name)
	case !slices.Contains(Languages(), p.Language):
		return fmt.Errorf("plugins can be written in %s, and not in %q", strings.Join(Languages(), ", "), p.Language)
	default:
		return nil
	}
}

// Write makes the folder and gives the files in it. A folder that is there already, and not empty, is left alone.
func Write(dir string, p Plugin) (files []string, err error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%s is not empty: %w", dir, fs.ErrExist)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if slices.Contains(examples.Languages(), p.Language) {
		return p.writeExample(dir)
	}
	from := path.Join(root, p.Language)
	err = fs.WalkDir(templates, from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		file := strings.TrimSuffix(strings.TrimPrefix(name, from+"/"), suffix)
		files = append(files, file)
		return p.write(name, filepath.Join(dir, filepath.FromSlash(file)))
	})
	return files, err
}

// writeExample writes the example of the language, under another name.
func (p Plugin) writeExample(dir string) (files []string, err error) {
	for _, file := range examples.Files(p.Language) {
		name := strings.ReplaceAll(file.Name, examples.Name, p.Name)
		files = append(files, name)
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), folder); err != nil {
			return files, err
		}
		if err := os.WriteFile(to, []byte(strings.ReplaceAll(file.Text, examples.Name, p.Name)), file.Mode); err != nil {
			return files, err
		}
	}
	return files, nil
}

// Modes of what is written.
const folder, file = 0o755, 0o644

func (p Plugin) write(name, to string) error {
	text, err := template.New(path.Base(name)).Delims("«", "»").ParseFS(templates, name)
	if err != nil {
		return err
	}
	var filled bytes.Buffer
	if err := text.Execute(&filled, p); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), folder); err != nil {
		return err
	}
	return os.WriteFile(to, filled.Bytes(), file)
}
