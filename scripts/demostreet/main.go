// Program demostreet makes the files of configs/demo: an invented street with
// its grids, roads, ground, staff, patrol routes and sensors. No place, no
// name and no person in it is real. The same program makes the same bytes, so
// a test holds the committed files to it.
//
//	go run ./scripts/demostreet
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	out := flag.String("out", filepath.Join("configs", "demo"), "folder to write to")
	flag.Parse()
	if err := write(*out, generate()); err != nil {
		fmt.Fprintln(os.Stderr, "demostreet:", err)
		os.Exit(1)
	}
}

// file is one file of the folder.
type file struct {
	name string
	data []byte
}

// generate makes every file, in the order in which people read them.
func generate() []file {
	t := newTerrain()
	roads := newRoads(t)
	grids := newGrids(t)
	return slices.Concat(
		[]file{streetFile(t), departmentsFile(), {"grids.geojson", grids.geoJSON()}, {"roads.geojson", roads.geoJSON()}},
		[]file{{"ground.geojson", newGround(t, roads).geoJSON()}, staffFile(grids), routesFile(roads, grids), devicesFile(t, roads, grids)},
	)
}

func write(folder string, files []file) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(folder, f.name), f.data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
