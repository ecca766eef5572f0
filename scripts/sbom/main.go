// Command sbom lists what programs are made of, as CycloneDX 1.6: the Go
// modules that the compiler noted in them, the standard library, and what the
// pages bring along. Equal inputs give equal bytes, so that a release can be
// built again and compared.
//
//	go run ./scripts/sbom -version VERSION [-pages hub/web/package-lock.json] PROGRAM… > sbom.cdx.json
package main

import (
	"cmp"
	"debug/buildinfo"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

type component struct {
	Type    string `json:"type"`
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl"`
}

type metadata struct {
	Component component `json:"component"`
}

// bill is the part of CycloneDX that is used.
type bill struct {
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Version    int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

func main() {
	version := flag.String("version", "unversioned", "of what is built")
	pages := flag.String("pages", "", "package-lock.json of pages that are built in")
	flag.Parse()
	if err := run(os.Stdout, *version, *pages, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, version, pages string, programs []string) error {
	found := map[component]bool{}
	for _, p := range programs {
		if err := modules(p, found); err != nil {
			return err
		}
	}
	if pages != "" {
		if err := packages(pages, found); err != nil {
			return err
		}
	}
	b := bill{Format: "CycloneDX", Spec: "1.6", Version: 1, Components: []component{},
		Metadata: metadata{component{"application", "gridhub", version, "pkg:golang/gridhub@" + version}}}
	for c := range found {
		b.Components = append(b.Components, c)
	}
	slices.SortFunc(b.Components, func(x, y component) int { return cmp.Compare(x.PURL, y.PURL) })
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(b)
}

// modules adds what a Go program was linked from.
func modules(path string, into map[component]bool) error {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return err
	}
	std := strings.TrimPrefix(info.GoVersion, "go")
	into[component{"library", "stdlib", std, "pkg:golang/stdlib@" + std}] = true
	for _, m := range info.Deps {
		if m.Replace != nil && m.Replace.Version != "" {
			m = m.Replace
		}
		into[component{"library", m.Path, m.Version, "pkg:golang/" + m.Path + "@" + m.Version}] = true
	}
	return nil
}

// packages adds what pages are bundled from: the lock's entries that are not
// for development alone.
func packages(lock string, into map[component]bool) error {
	data, err := os.ReadFile(lock)
	if err != nil {
		return err
	}
	var l struct {
		Packages map[string]struct {
			Version string `json:"version"`
			Dev     bool   `json:"dev"`
		} `json:"packages"`
	}
	if err := json.Unmarshal(data, &l); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(lock), err)
	}
	for path, p := range l.Packages {
		_, name, ok := strings.Cut(path, "node_modules/")
		if i := strings.LastIndex(name, "node_modules/"); i >= 0 {
			name = name[i+len("node_modules/"):]
		}
		if ok && !p.Dev {
			into[component{"library", name, p.Version, "pkg:npm/" + strings.Replace(name, "@", "%40", 1) + "@" + p.Version}] = true
		}
	}
	return nil
}
