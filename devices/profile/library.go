package profile

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gridhub/configs"
)

// Library is the set of profiles that devices may refer to. It is immutable
// once loaded and safe for concurrent use.
type Library map[Ref]*Profile

// LoadLibrary reads every *.yaml of the given folders and files. All problems
// of all files come back together, as configs.Problems; what is sound is
// returned beside them.
func LoadLibrary(paths ...string) (Library, error) {
	lib := Library{}
	files, problems := yamlFiles(paths)
	for _, file := range files {
		p, err := LoadProfile(file)
		if err != nil {
			problems = appendProblems(problems, file, err)
			continue
		}
		if _, twice := lib[p.Ref()]; twice {
			problems = append(problems, configs.Problem{File: file, Line: 1, Column: 1, Key: "name", Value: string(p.Ref()), Want: "want a name and version that no other profile has"})
			continue
		}
		lib[p.Ref()] = p
	}
	return lib, orNil(problems)
}

// LoadProfile reads one profile and runs its golden frames.
func LoadProfile(path string) (*Profile, error) {
	p := new(Profile)
	p.SetDefaults()
	if err := configs.ReadFile(path, p); err != nil {
		return nil, err
	}
	return p, nil
}

// refs lists what the library holds, sorted.
func (l Library) refs() []string {
	var refs []string
	for r := range maps.Keys(l) {
		refs = append(refs, string(r))
	}
	slices.Sort(refs)
	return refs
}

// yamlFiles unfolds folders into their *.yaml files, sorted.
func yamlFiles(paths []string) (files []string, problems configs.Problems) {
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			problems = append(problems, configs.Problem{File: path, Want: "want a readable file or folder: " + errors.Unwrap(err).Error()})
		case info.IsDir():
			found, _ := filepath.Glob(filepath.Join(path, "*.yaml"))
			files = append(files, found...)
		default:
			files = append(files, path)
		}
	}
	return files, problems
}

// appendProblems keeps positions where err has them.
func appendProblems(ps configs.Problems, file string, err error) configs.Problems {
	var more configs.Problems
	if errors.As(err, &more) {
		return append(ps, more...)
	}
	return append(ps, configs.Problem{File: file, Want: strings.TrimSpace(fmt.Sprint(err))})
}

func orNil(ps configs.Problems) error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// Files unfolds folders into the *.yaml files that are read from them. A path
// that is not there counts as a file: reading it tells what is wrong.
func Files(paths ...string) []string {
	var all []string
	for _, path := range paths {
		if found, problems := yamlFiles([]string{path}); len(problems) == 0 {
			all = append(all, found...)
			continue
		}
		all = append(all, path)
	}
	return all
}
