package profile

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gridhub/configs"
)

// VersionsFile lies in a folder of profiles and holds a fingerprint of each
// version that was released: sha256 in hexadecimal, two blanks, name@version.
// A released version never changes, because stored readings refer to it.
const VersionsFile = "versions.sum"

// free are the keys that may change within a version: they alter no value, its
// name, its unit or whether it counts as plausible.
var free = map[string]bool{
	"title": true, "source": true, "unverified": true, "golden": true, "simulate": true,
	"alarm": true, "period": true, "max_gap": true, "max_block": true,
}

// Fingerprint is a hash over what a profile's readings mean. Comments, order of
// keys, spelling of numbers and the keys in free do not alter it.
func Fingerprint(data []byte) (string, error) {
	var keys map[string]any
	if err := configs.Decode("", data, &keys); err != nil {
		return "", err
	}
	text, err := json.Marshal(bound(keys))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// bound returns v without free keys, with every number as a float64.
func bound(v any) any {
	switch v := v.(type) {
	case map[string]any:
		kept := map[string]any{}
		for key, value := range v {
			if !free[key] {
				kept[key] = bound(value)
			}
		}
		return kept
	case []any:
		kept := make([]any, len(v))
		for i := range v {
			kept[i] = bound(v[i])
		}
		return kept
	}
	if f, err := strconv.ParseFloat(fmt.Sprint(v), 64); err == nil {
		if _, text := v.(string); !text {
			return f
		}
	}
	return v
}

// Versions are the fingerprints of released versions.
type Versions map[Ref]string

// ReadVersions reads the file of the folder dir; none is no versions.
func ReadVersions(dir string) (Versions, error) {
	path := filepath.Join(dir, VersionsFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, configs.Problems{{File: path, Want: "want a readable file: " + err.Error()}}
	}
	v := Versions{}
	in := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; in.Scan(); n++ {
		line := strings.TrimSpace(in.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		sum, ref, ok := strings.Cut(line, "  ")
		if _, err := hex.DecodeString(sum); !ok || err != nil || len(sum) != 2*sha256.Size {
			return nil, configs.Problems{{File: path, Line: n, Column: 1, Value: line, Want: "want a sha256 and name@version"}}
		}
		v[Ref(ref)] = sum
	}
	return v, in.Err()
}

// next is the first version of name that is not released.
func (v Versions) next(name string) int {
	n := 1
	for ref := range v {
		if of, version, _ := strings.Cut(string(ref), "@"); of == name {
			if i, err := strconv.Atoi(version); err == nil {
				n = max(n, i+1)
			}
		}
	}
	return n
}

// CheckVersions compares the profiles of the given files and folders with what
// was released of them. The error is a configs.Problems. Files that are no
// sound profiles are left to LoadProfile.
func CheckVersions(paths ...string) error {
	files, _ := yamlFiles(paths)
	var problems configs.Problems
	for _, file := range files {
		if err := checkVersion(file); err != nil {
			problems = appendProblems(problems, file, err)
		}
	}
	return orNil(problems)
}

func checkVersion(file string) error {
	released, err := ReadVersions(filepath.Dir(file))
	if err != nil || len(released) == 0 {
		return err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil // LoadProfile says it
	}
	sum, err := Fingerprint(data)
	if err != nil {
		return nil // likewise
	}
	return configs.Decode(file, data, &frozen{released: released, sum: sum})
}

// frozen is a profile that must be what was released.
type frozen struct {
	Profile  `yaml:",inline"`
	released Versions
	sum      string
}

// Validate takes the place of the profile's own.
func (f *frozen) Validate() error {
	was, ok := f.released[f.Ref()]
	if !ok || was == f.sum {
		return nil
	}
	next := f.released.next(f.Name)
	return configs.Fault("version", f.Version, "version %d: %s was released with other values, and stored readings refer to it; make version %d", next, f.Ref(), next)
}
