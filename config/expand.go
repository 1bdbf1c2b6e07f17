package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const (
	placeholderOpen  = "${"
	placeholderClose = "}"
	escapedOpen      = "$${"
	fileMark         = "file:"
)

var errTooLarge = errors.New("too large")

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expander puts the values of ${NAME} and ${file:PATH} into the strings of a tree. What it has put in is not looked at again.
type expander struct {
	env     map[string]string
	folder  string // where relative paths of files start
	found   *findings
	secrets map[path][]string // what was put in, by where
}

// tree expands every string below a value.
func (x *expander) tree(at path, value any) any {
	switch v := value.(type) {
	case string:
		return x.text(at, v)
	case map[string]any:
		for key, item := range v {
			v[key] = x.tree(at.child(key), item)
		}
	case []any:
		for i, item := range v {
			v[i] = x.tree(at.item(i), item)
		}
	}
	return value
}

func (x *expander) text(at path, in string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(in, placeholderOpen)
		if !found {
			return out.String() + in
		}
		if kept, escaped := strings.CutSuffix(before, "$"); escaped {
			out.WriteString(kept + placeholderOpen)
			in = rest
			continue
		}
		name, rest, closed := strings.Cut(rest, placeholderClose)
		if !closed {
			x.found.add(at, fmt.Sprintf("%q without %q; a plain %q is written %q", placeholderOpen, placeholderClose, placeholderOpen, escapedOpen))
			return in
		}
		out.WriteString(before + x.lookup(at, name))
		in = rest
	}
}

func (x *expander) lookup(at path, name string) string {
	value, rule := x.value(name)
	if rule != "" {
		x.found.add(at, rule)
		return ""
	}
	x.found.src.hidden[at] = true
	x.secrets[at] = append(x.secrets[at], value)
	return value
}

func (x *expander) value(name string) (value, rule string) {
	if file, ok := strings.CutPrefix(name, fileMark); ok {
		return x.file(file)
	}
	if !variableName.MatchString(name) {
		return "", fmt.Sprintf("a placeholder is ${NAME} of an environment variable or ${file:PATH}; a plain %q is written %q", placeholderOpen, escapedOpen)
	}
	value, ok := x.env[name]
	if !ok {
		return "", "the environment variable " + name + " is not set"
	}
	return value, ""
}

func (x *expander) file(name string) (value, rule string) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(x.folder, name)
	}
	data, err := readFile(name, maxSecretFile)
	if err != nil {
		return "", err.Error()
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"), ""
}

// readFile reads a regular file or a pipe of at most limit bytes.
func readFile(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("can't be read: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("can't be read: %w", err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: %w: more than %d bytes", name, errTooLarge, limit)
	}
	return data, nil
}

// below gives what was put in at a path or under it.
func (x *expander) below(at path) []string {
	var all []string
	for where, values := range x.secrets {
		if where == at || strings.HasPrefix(string(where), string(at)+delim) {
			all = append(all, values...)
		}
	}
	return all
}

// namedSecrets gives the values of settings whose names give them away.
func namedSecrets(settings map[string]any) []string {
	var secrets []string
	for name, value := range settings {
		nested, _ := value.(map[string]any)
		secrets = append(secrets, namedSecrets(nested)...)
		switch value.(type) {
		case string, int, int64, float64:
			if isSecretName(name) {
				secrets = append(secrets, fmt.Sprint(value))
			}
		}
	}
	return secrets
}

func isSecretName(name string) bool {
	name = strings.ToLower(name)
	hints := []string{"password", "passwd", "passphrase", "secret", "key", "token", "credential"}
	return name == "pin" || strings.HasSuffix(name, "_pin") ||
		slices.ContainsFunc(hints, func(hint string) bool { return strings.Contains(name, hint) })
}

// leastSecret is how long a secret is at least. To hide every "1" would make a log unreadable and hide nothing.
const leastSecret = 4

// compactSecrets sorts the values and drops repeated and very short ones. The longest stands first, so that a redactor that goes through the list
// hides it before a part of it.
func compactSecrets(secrets []string) []string {
	slices.SortFunc(secrets, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return slices.DeleteFunc(slices.Compact(secrets), func(s string) bool { return len(s) < leastSecret })
}
