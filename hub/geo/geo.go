// Package geo is the geometry of a street on WGS-84: points, distances, grids,
// tracks and stays. It is pure: no storage, no clock, no map tiles; other
// coordinate systems are converted at the edge of the system.
package geo

import "math"

// Metres is a length on the ground.
type Metres float64

// EarthRadius is the mean radius used by Distance (IUGG R1).
const EarthRadius Metres = 6371008.8

// Point is a place in WGS-84 degrees.
type Point struct {
	Lon float64 `json:"lon" yaml:"lon"`
	Lat float64 `json:"lat" yaml:"lat"`
}

// Valid reports whether p lies on the globe and is not the null island that
// broken receivers report.
func (p Point) Valid() bool {
	return p.Lon >= -180 && p.Lon <= 180 && p.Lat >= -90 && p.Lat <= 90 && (p.Lon != 0 || p.Lat != 0)
}

// Distance returns the great-circle distance (haversine, good to 0.5 %).
func Distance(a, b Point) Metres {
	const rad = math.Pi / 180
	dLat, dLon := (b.Lat-a.Lat)*rad/2, (b.Lon-a.Lon)*rad/2
	h := math.Sin(dLat)*math.Sin(dLat) + math.Cos(a.Lat*rad)*math.Cos(b.Lat*rad)*math.Sin(dLon)*math.Sin(dLon)
	return 2 * EarthRadius * Metres(math.Asin(math.Min(1, math.Sqrt(h))))
}
