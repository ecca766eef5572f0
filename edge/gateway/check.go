package gateway

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gridhub/configs"
	"gridhub/devices/profile"
)

// Check reads files without starting anything and returns one line about each
// that is sound. A configuration file brings its profiles and devices with it;
// profile and device files may be named alone, and folders of them; device files
// then use the profiles in a folder profiles beside or above them. The error is a
// configs.Problems with all mistakes of all files.
func Check(paths ...string) (string, error) {
	var report strings.Builder
	var all configs.Problems
	for _, path := range paths {
		said, err := checkFile(path)
		var problems configs.Problems
		switch {
		case errors.As(err, &problems):
			all = append(all, problems...)
		case err != nil:
			all = append(all, configs.Problem{File: path, Want: err.Error()})
		default:
			fmt.Fprintf(&report, "%s: %s\n", path, said)
		}
	}
	if len(all) > 0 {
		return "", once(all)
	}
	return report.String(), nil
}

// once drops repetitions: a file may be named and be part of another's.
func once(all configs.Problems) configs.Problems {
	seen := map[configs.Problem]bool{}
	return slices.DeleteFunc(all, func(p configs.Problem) bool {
		again := seen[p]
		seen[p] = true
		return again
	})
}

// checkFile finds out what kind of file path is by its keys, and checks it.
func checkFile(path string) (string, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return checkFolder(path)
	}
	switch kindOf(path) {
	case "profile":
		p, err := profile.LoadProfile(path)
		if err == nil {
			err = profile.CheckVersions(path)
		}
		if err != nil {
			return "", err
		}
		trust := ""
		if p.Unverified() {
			trust = ", unverified: compare it with the device's manual"
		}
		return fmt.Sprintf("profile %s, %s, %d metrics, %d golden readings, source: %s%s", p.Ref(), p.Protocol, len(p.Metrics), len(p.Golden), p.Source, trust), nil
	case "devices":
		return checkPlant([]string{profilesNear(path)}, []string{path})
	}
	c, err := Load(path)
	if err != nil {
		return "", err
	}
	return checkPlant(c.paths(c.Profiles), c.devicePaths())
}

// checkFolder checks the files of a folder together, as a gateway reads them.
func checkFolder(path string) (string, error) {
	files := profile.Files(path)
	if len(files) == 0 || files[0] == path {
		return "", configs.Problems{{File: path, Want: "files that end with .yaml in this folder"}}
	}
	switch kindOf(files[0]) {
	case "profile":
		return checkPlant([]string{path}, nil)
	case "devices":
		return checkPlant([]string{profilesNear(filepath.Clean(path))}, []string{path})
	}
	return checkFile(files[0])
}

// checkPlant reports the problems of profiles and of devices together.
func checkPlant(profiles, devices []string) (string, error) {
	lib, err1 := profile.LoadLibrary(profiles...)
	plant, err2 := profile.LoadPlant(lib, devices...)
	var all configs.Problems
	for _, err := range []error{err1, profile.CheckVersions(profiles...), err2} {
		var problems configs.Problems
		if errors.As(err, &problems) {
			all = append(all, problems...)
		}
	}
	if len(all) > 0 {
		return "", all
	}
	if _, err := inventory(lib, plant); err != nil {
		return "", err
	}
	return fmt.Sprintf("sound: %d profiles, %d lines, %d devices", len(lib), len(plant.Lines), len(plant.Devices)), nil
}

// kindOf guesses from the top-level keys: a file with metrics is a profile, one
// with lines or devices that are groups is a device file.
func kindOf(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return "config"
	}
	var keys map[string]any
	_ = configs.Decode(path, data, &keys)
	_, metrics := keys["metrics"]
	_, lines := keys["lines"]
	devices, _ := keys["devices"].([]any)
	grouped := false
	if len(devices) > 0 {
		_, grouped = devices[0].(map[string]any)
	}
	switch {
	case metrics:
		return "profile"
	case lines || grouped:
		return "devices"
	}
	return "config"
}

// profilesNear is the folder profiles beside a device file or its folder.
func profilesNear(path string) string {
	dir := filepath.Dir(path)
	for _, candidate := range []string{filepath.Join(dir, "profiles"), filepath.Join(dir, "..", "profiles")} {
		if info, err := os.Stat(candidate); err == nil && info.IsDir() {
			return candidate
		}
	}
	return filepath.Join(dir, "profiles")
}
