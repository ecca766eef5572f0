package main

import (
	"bytes"
	"encoding/json"
)

// feature is one GeoJSON feature; properties are written in the order of a
// map's sorted keys, so that the bytes are always the same.
type feature struct {
	Type       string         `json:"type"`
	Properties map[string]any `json:"properties"`
	Geometry   geometry       `json:"geometry"`
}

type geometry struct {
	Type        string `json:"type"`
	Coordinates any    `json:"coordinates"`
}

func polygon(properties map[string]any, ring []xy) feature {
	ring = append(ring[:len(ring):len(ring)], ring[0])
	return feature{"Feature", properties, geometry{"Polygon", [][][2]float64{positions(ring)}}}
}

func lineString(properties map[string]any, line []xy) feature {
	return feature{"Feature", properties, geometry{"LineString", positions(line)}}
}

func positions(line []xy) [][2]float64 {
	out := make([][2]float64, len(line))
	for i, p := range line {
		q := p.point()
		out[i] = [2]float64{q.Lon, q.Lat}
	}
	return out
}

// collection writes one feature a line, so that a change can be read.
func collection(features []feature) []byte {
	var b bytes.Buffer
	b.WriteString("{\"type\":\"FeatureCollection\",\"features\":[\n")
	for i, f := range features {
		line, err := json.Marshal(f)
		if err != nil {
			panic(err) // maps of strings and numbers only
		}
		b.Write(line)
		if i < len(features)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("]}\n")
	return b.Bytes()
}
