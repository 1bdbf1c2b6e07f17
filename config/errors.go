package config

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// ErrNoFile is what [Find] fails with where there is no configuration file.
var ErrNoFile = errors.New("no configuration file")

// Error is one thing that is wrong with a configuration. It never shows a value that came through a placeholder or out of the settings.
type Error struct {
	// File is the file's name as it was given, "$NAME" for an environment variable, "command line" for a flag, or empty.
	File string
	// Line and Column count from 1; 0: not known. Where a key is missing they are those of what it is missing from.
	Line, Column int
	// Key is where in the configuration ("routes[0].via[1].provider"); empty: the whole file.
	Key string
	// Rule is what the value breaks.
	Rule string
}

// Error gives `jalur.yaml:12:5: providers.mmbc.timeot: unknown key, did you mean "timeout"?`; parts that are not known are left out.
func (e *Error) Error() string {
	place := e.File
	if e.Line > 0 {
		place += ":" + strconv.Itoa(e.Line)
	}
	if e.Line > 0 && e.Column > 0 {
		place += ":" + strconv.Itoa(e.Column)
	}
	parts := slices.DeleteFunc([]string{place, e.Key, e.Rule}, func(s string) bool { return s == "" })
	return strings.Join(parts, ": ")
}

// Errors is everything that is wrong with a configuration, in the order of its lines. It is never empty.
type Errors []*Error

// Error gives one line for each.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the single errors to errors.As.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}

// findings collects errors. One key is reported once: what a later phase finds at or below a key that already has an error follows from it.
type findings struct {
	src   *source
	errs  Errors
	phase int
	seen  map[path]int
}

func newFindings(src *source) *findings {
	return &findings{src: src, seen: map[path]int{}}
}

func (f *findings) add(at path, rule string) {
	if f.settled(at) {
		return
	}
	f.seen[at] = f.phase
	f.addHere(f.src.place(at), at, rule)
}

// addHere adds an error about something that doesn't stand at its key: a second value for it, an override that leads nowhere.
func (f *findings) addHere(where place, at path, rule string) {
	f.errs = append(f.errs, where.errorAbout(at, rule))
}

func (f *findings) settled(at path) bool {
	for {
		if phase, ok := f.seen[at]; ok && phase < f.phase {
			return true
		}
		if at == root {
			return false
		}
		at = at.parent()
	}
}

func (f *findings) nextPhase() { f.phase++ }

// err gives what was found, sorted by place, or nil.
func (f *findings) err() error {
	if len(f.errs) == 0 {
		return nil
	}
	slices.SortStableFunc(f.errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.File, b.File), cmp.Compare(a.Key, b.Key))
	})
	return f.errs
}
