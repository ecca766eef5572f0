// Package checks holds what the project demands of its own code: which package
// may import which, where a third-party library stops, and how packages and
// files look. The tables are in table.go and are changed on purpose, in a
// commit that says why; the tests apply them to the whole module. Test files,
// test doubles (packages named …test) and scripts may reach further than the
// programs, except across the line between edge and hub.
package checks

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path"
	"strings"
)

// module is the name in go.mod, which every import path of ours begins with.
const module = "gridhub"

// Package is what the checks need to know of a package of this module.
type Package struct {
	Folder  string   // relative to the module, with slashes
	Doc     string   // first sentence of the package comment
	Imports []string // ours as folders, the others as import paths; without the standard library
}

// Load lists the packages of the module as the go command sees them.
func Load() ([]Package, error) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Doc,Imports,GoFiles", module+"/...")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var all []Package
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath, Doc  string
			Imports, GoFiles []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		if len(p.GoFiles) > 0 {
			all = append(all, Package{Folder: folder(p.ImportPath), Doc: p.Doc, Imports: foreign(p.Imports)})
		}
	}
}

// folder turns an import path of ours into a folder.
func folder(importPath string) string {
	return strings.TrimPrefix(importPath, module+"/")
}

// foreign drops the standard library, whose paths begin without a host name.
func foreign(imports []string) []string {
	var out []string
	for _, i := range imports {
		first, _, _ := strings.Cut(i, "/")
		if first == module || strings.Contains(first, ".") {
			out = append(out, folder(i))
		}
	}
	return out
}

// within reports whether a folder is root or lies below it.
func within(folder, root string) bool {
	return folder == root || strings.HasPrefix(folder, root+"/")
}

func withinAny(folder string, roots []string) bool {
	for _, r := range roots {
		if within(folder, r) {
			return true
		}
	}
	return false
}

// isDouble reports whether a package exists for tests alone, like httptest.
func isDouble(folder string) bool {
	return strings.HasSuffix(path.Base(folder), "test")
}

// isLibrary reports whether an import is third-party.
func isLibrary(i string) bool {
	first, _, _ := strings.Cut(i, "/")
	return strings.Contains(first, ".")
}
