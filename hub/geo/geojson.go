package geo

import (
	"encoding/json"
	"errors"
	"fmt"
)

// collection is the part of a GeoJSON FeatureCollection (RFC 7946) that
// streets need. Positions beyond longitude and latitude are ignored.
type collection struct {
	Type     string    `json:"type"`
	Features []feature `json:"features"`
}

type feature struct {
	Geometry struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
	} `json:"geometry"`
	Properties map[string]any `json:"properties"`
}

// maxGeoJSON bounds a file: a street of 20 km² with every lane is below 5 MB.
const maxGeoJSON = 64 << 20

func parseCollection(data []byte) (collection, error) {
	var c collection
	if len(data) > maxGeoJSON {
		return c, fmt.Errorf("GeoJSON of %d bytes: want at most %d", len(data), maxGeoJSON)
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("GeoJSON: %w", err)
	}
	if c.Type != "FeatureCollection" {
		return c, fmt.Errorf("GeoJSON type %q: want FeatureCollection", c.Type)
	}
	return c, nil
}

// text returns a property that is a string, else "".
func (f feature) text(key string) string {
	s, _ := f.Properties[key].(string)
	return s
}

// polygons returns the rings of a Polygon or MultiPolygon; within each
// polygon the first ring is the outline, the others are holes.
func (f feature) polygons() ([][][]Point, error) {
	switch f.Geometry.Type {
	case "Polygon":
		var rings [][][]float64
		if err := json.Unmarshal(f.Geometry.Coordinates, &rings); err != nil {
			return nil, err
		}
		p, err := pointRings(rings)
		return [][][]Point{p}, err
	case "MultiPolygon":
		var many [][][][]float64
		if err := json.Unmarshal(f.Geometry.Coordinates, &many); err != nil {
			return nil, err
		}
		if len(many) == 0 {
			return nil, errors.New("a multi-polygon without polygons")
		}
		all := make([][][]Point, 0, len(many))
		for _, rings := range many {
			p, err := pointRings(rings)
			if err != nil {
				return nil, err
			}
			all = append(all, p)
		}
		return all, nil
	}
	return nil, fmt.Errorf("geometry %q: want Polygon or MultiPolygon", f.Geometry.Type)
}

// lines returns the lines of a LineString or MultiLineString.
func (f feature) lines() ([][]Point, error) {
	var many [][][]float64
	switch f.Geometry.Type {
	case "LineString":
		var one [][]float64
		if err := json.Unmarshal(f.Geometry.Coordinates, &one); err != nil {
			return nil, err
		}
		many = [][][]float64{one}
	case "MultiLineString":
		if err := json.Unmarshal(f.Geometry.Coordinates, &many); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("geometry %q: want LineString or MultiLineString", f.Geometry.Type)
	}
	all := make([][]Point, 0, len(many))
	for _, line := range many {
		l, err := points(line)
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

func pointRings(rings [][][]float64) ([][]Point, error) {
	if len(rings) == 0 {
		return nil, errors.New("a polygon without an outline")
	}
	all := make([][]Point, 0, len(rings))
	for _, r := range rings {
		p, err := points(r)
		if err != nil {
			return nil, err
		}
		if len(p) < 4 || p[0] != p[len(p)-1] {
			return nil, fmt.Errorf("a ring of %d positions: want at least 4, the last equal to the first", len(p))
		}
		all = append(all, p)
	}
	return all, nil
}

func points(coordinates [][]float64) ([]Point, error) {
	out := make([]Point, 0, len(coordinates))
	for i, c := range coordinates {
		if len(c) < 2 {
			return nil, fmt.Errorf("position %d has %d numbers: want longitude, latitude", i, len(c))
		}
		p := Point{Lon: c[0], Lat: c[1]}
		if !p.Valid() {
			return nil, fmt.Errorf("position %d is %v, %v: want WGS-84 degrees, longitude first", i, c[0], c[1])
		}
		out = append(out, p)
	}
	if len(out) < 2 {
		return nil, fmt.Errorf("a line of %d positions: want at least 2", len(out))
	}
	return out, nil
}
