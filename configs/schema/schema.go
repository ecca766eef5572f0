// Package schema holds the JSON Schemas (draft 2020-12) of the files that people
// write, for editors that complete keys and underline mistakes.
//
// They are made from the Go types by scripts/schemas, never by hand. They promise
// that a file which the programs accept is accepted by an editor too; what only
// the whole of several files can tell (names used twice, addresses taken, golden
// frames) is left to edge check and hub check.
package schema

import (
	"embed"
	"slices"
	"strings"
)

//go:embed *.schema.json
var files embed.FS

// Suffix ends the name of each file.
const Suffix = ".schema.json"

// Names lists the kinds of files that have a schema, sorted.
func Names() (names []string) {
	entries, _ := files.ReadDir(".") // embedded: it cannot fail
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), Suffix))
	}
	slices.Sort(names)
	return names
}

// Of returns the schema of one kind of file: profile, devices, edge, hub.
func Of(name string) ([]byte, bool) {
	data, err := files.ReadFile(name + Suffix)
	return data, err == nil
}
