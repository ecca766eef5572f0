package checks

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// maxFile is the most bytes a tracked file has: a clone must stay quick, and
// what is larger is nearly always something that a build could make.
const maxFile = 1 << 20

// vague are names that say nothing of what a package owns.
var vague = map[string]bool{"util": true, "utils": true, "common": true, "helper": true, "helpers": true, "types": true, "models": true, "misc": true, "shared": true}

// machinePath finds the home of a developer in a text. It is put together here
// so that it does not find itself.
var machinePath = regexp.MustCompile(`(^|[^\w.~/)}*-])/(` + strings.Join([]string{"work", "root", "Users", "home/[a-z]+"}, "|") + `)/\w`)

// File is one tracked file.
type File struct {
	Name string // relative to the root of the project, with slashes
	Data []byte
}

// Tracked reads every file that git knows of in the project at root.
func Tracked(root string) ([]File, error) {
	cmd := exec.Command("git", "ls-files", "-z")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	var all []File
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // deleted, and not yet committed
		} else if err != nil {
			return nil, err
		}
		all = append(all, File{name, data})
	}
	return all, nil
}

// CheckPackages returns a sentence for every package without a comment or with
// a vague name.
func CheckPackages(all []Package) []string {
	var wrong []string
	for _, p := range all {
		if p.Doc == "" {
			wrong = append(wrong, p.Folder+": no package comment; say what it owns, what it promises, what it leaves out")
		}
		if base := path.Base(p.Folder); vague[base] {
			wrong = append(wrong, p.Folder+": "+base+" says nothing of what is in it; name the noun")
		}
	}
	return wrong
}

// CheckFiles returns a sentence for every file that is too large or names a
// place that only one machine has.
func CheckFiles(all []File) []string {
	var wrong []string
	for _, f := range all {
		if _, listed := largeFiles[f.Name]; len(f.Data) > maxFile && !listed {
			wrong = append(wrong, fmt.Sprintf("%s: %d KiB; let a build make it, or list it in scripts/checks/table.go and say why", f.Name, len(f.Data)>>10))
		}
		if bytes.IndexByte(f.Data, 0) >= 0 {
			continue // no text
		}
		for n, line := range bytes.Split(f.Data, []byte("\n")) {
			if m := machinePath.Find(line); m != nil {
				wrong = append(wrong, fmt.Sprintf("%s:%d: %s… exists on one machine only", f.Name, n+1, bytes.TrimSpace(m)))
			}
		}
	}
	return wrong
}
