package checks

import (
	"fmt"
	"strings"
)

// CheckImports returns a sentence for every import that the tables forbid.
func CheckImports(all []Package) []string {
	var wrong []string
	for _, p := range all {
		for _, i := range p.Imports {
			if why := forbidden(p.Folder, i); why != "" {
				wrong = append(wrong, fmt.Sprintf("%s imports %s: %s", p.Folder, i, why))
			}
		}
	}
	return wrong
}

// forbidden says why a package must not import another; empty if it may.
func forbidden(from, imported string) string {
	for _, b := range bans {
		if withinAny(from, b.from) && withinAny(imported, b.not) {
			return b.because
		}
	}
	switch {
	case within(from, "scripts") || isDouble(from):
		return ""
	case isDouble(imported):
		return "a test double is for tests; no program carries it"
	case isLibrary(imported):
		return strayLibrary(from, imported)
	}
	return upward(from, imported)
}

func strayLibrary(from, imported string) string {
	for _, l := range libraries {
		if !withinAny(imported, l.paths) {
			continue
		}
		if withinAny(from, l.homes) {
			return ""
		}
		return fmt.Sprintf("this library stops at %s: %s", strings.Join(l.homes, ", "), l.because)
	}
	return "a new library needs a home: give it a line in scripts/checks/table.go that says where it stops and why"
}

// upward holds the floors of the house and its parents and children.
func upward(from, imported string) string {
	f, i := floor(from), floor(imported)
	switch {
	case i < f:
		return ""
	case i > f:
		return fmt.Sprintf("arrows point down: %s does not know %s", layers[f].name, layers[i].name)
	case within(from, imported) && !isProgram(imported):
		return "" // a child may know its parent
	}
	for _, n := range neighbours {
		if withinAny(from, n.from) && names(n.may, imported) {
			return ""
		}
	}
	return fmt.Sprintf("both belong to %s: let %s declare a small interface and join the two in the composition root", layers[f].name, from)
}

// names reports whether one of the patterns is the folder, or ends in /... and
// begins above it.
func names(patterns []string, folder string) bool {
	for _, p := range patterns {
		if root, below := strings.CutSuffix(p, "/..."); folder == p || below && within(folder, root) {
			return true
		}
	}
	return false
}

// floor returns the index in layers of the longest root that fits.
func floor(folder string) int {
	if isProgram(folder) {
		return len(layers) - 1
	}
	best, length := 0, -1
	for n, l := range layers {
		for _, r := range l.roots {
			if within(folder, r) && len(r) > length {
				best, length = n, len(r)
			}
		}
	}
	return best
}

func isProgram(folder string) bool {
	for _, p := range programs {
		if p == folder {
			return true
		}
	}
	return false
}
