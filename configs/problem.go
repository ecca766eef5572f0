package configs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake in one file. Line and Column count from 1 and are 0
// where there is no position (the environment, an unreadable file).
type Problem struct {
	File         string
	Line, Column int
	Key          string // path of the key: lines[0].address
	Value        string // what stands there, shortened
	Want         string // what was wanted instead
}

// String prints file:line:col: key: value: what was wanted; parts that are
// unknown are left out.
func (p Problem) String() string {
	parts := []string{p.File}
	if p.Line > 0 {
		parts[0] = fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	}
	for _, s := range []string{p.Key, shorten(p.Value), p.Want} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ": ")
}

// Problems are all mistakes found, one line each, in the order of the file.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// err returns ps sorted by position, without repetitions; nil if empty.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	seen := map[Problem]bool{}
	return slices.DeleteFunc(ps, func(p Problem) bool {
		again := seen[p]
		seen[p] = true
		return again
	})
}

// FieldError is what a Validate method returns (several with errors.Join) to
// say which of its own fields is wrong. Key is the path below the validated
// value, in the file's spelling: address, lines[2].name, or empty for the
// value as a whole. Value may be nil; the loader then shows what the file says.
type FieldError struct {
	Key   string
	Value any
	Want  string
}

func (e FieldError) Error() string {
	if e.Value == nil {
		return fmt.Sprintf("%s: want %s", e.Key, e.Want)
	}
	return fmt.Sprintf("%s: %v: want %s", e.Key, e.Value, e.Want)
}

// Fault is short for FieldError with a formatted wish.
func Fault(key string, value any, want string, args ...any) error {
	return FieldError{Key: key, Value: value, Want: fmt.Sprintf(want, args...)}
}

// shorten keeps one line of at most 60 characters.
func shorten(s string) string {
	s, _, more := strings.Cut(strings.TrimSpace(s), "\n")
	if r := []rune(s); len(r) > 60 {
		s, more = string(r[:60]), true
	}
	if more {
		s += "…"
	}
	return s
}
