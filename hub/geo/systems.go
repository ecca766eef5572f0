package geo

import "math"

// The coordinate systems of Chinese maps. Everything inside the hub is WGS-84;
// what comes from or goes to such a map is converted where it enters or
// leaves. GCJ-02 shifts places within mainland China by some hundred metres
// (maps of AMap, Tencent); BD-09 shifts once more (Baidu). 天地图 needs neither.

// The ellipsoid that GCJ-02 computes with (Krasovsky 1940).
const (
	gcjAxis = 6378245.0
	gcjEcc2 = 0.00669342162296594323
)

// shifted reports whether GCJ-02 differs from WGS-84 at p: within the box that
// the maps use for mainland China.
func shifted(p Point) bool {
	return p.Lon >= 72.004 && p.Lon <= 137.8347 && p.Lat >= 0.8293 && p.Lat <= 55.8271
}

// ToGCJ02 converts WGS-84 to GCJ-02.
func ToGCJ02(p Point) Point {
	if !shifted(p) {
		return p
	}
	d := gcjOffset(p)
	return Point{p.Lon + d.Lon, p.Lat + d.Lat}
}

// FromGCJ02 converts GCJ-02 to WGS-84, by iteration, to better than a
// millimetre.
func FromGCJ02(q Point) Point {
	if !shifted(q) {
		return q
	}
	p := q
	for range 12 { // the offset changes by about 1e-5 of the distance: a few rounds do
		there := ToGCJ02(p)
		dLon, dLat := q.Lon-there.Lon, q.Lat-there.Lat
		p = Point{p.Lon + dLon, p.Lat + dLat}
		if math.Abs(dLon)+math.Abs(dLat) < 1e-10 {
			break
		}
	}
	return p
}

// gcjOffset is the shift in degrees: a polynomial and waves around 105° E,
// 35° N, in metres, divided by the ellipsoid's metres per degree.
func gcjOffset(p Point) Point {
	x, y := p.Lon-105, p.Lat-35
	root := math.Sqrt(math.Abs(x))
	common := waves(x, 20, 6, 20, 2)
	north := -100 + 2*x + 3*y + 0.2*y*y + 0.1*x*y + 0.2*root + common + waves(y, 20, 1, 40, 1.0/3) + waves(y, 160, 1.0/12, 320, 1.0/30)
	east := 300 + x + 2*y + 0.1*x*x + 0.1*x*y + 0.1*root + common + waves(x, 20, 1, 40, 1.0/3) + waves(x, 150, 1.0/12, 300, 1.0/30)
	lat := p.Lat * math.Pi / 180
	m := 1 - gcjEcc2*math.Sin(lat)*math.Sin(lat)
	perLat := gcjAxis * (1 - gcjEcc2) / (m * math.Sqrt(m)) * math.Pi / 180
	perLon := gcjAxis / math.Sqrt(m) * math.Cos(lat) * math.Pi / 180
	return Point{Lon: east / perLon, Lat: north / perLat}
}

// waves adds two sines of v, given by height and frequency in half turns, two
// thirds of each.
func waves(v, a, f, b, g float64) float64 {
	return (a*math.Sin(f*v*math.Pi) + b*math.Sin(g*v*math.Pi)) * 2 / 3
}

// The shift from GCJ-02 to BD-09.
const (
	bdLon   = 0.0065
	bdLat   = 0.006
	bdTwist = math.Pi * 3000 / 180
)

// ToBD09 converts WGS-84 to BD-09.
func ToBD09(p Point) Point {
	q := ToGCJ02(p)
	r := math.Hypot(q.Lon, q.Lat) + 0.00002*math.Sin(q.Lat*bdTwist)
	turn := math.Atan2(q.Lat, q.Lon) + 0.000003*math.Cos(q.Lon*bdTwist)
	return Point{r*math.Cos(turn) + bdLon, r*math.Sin(turn) + bdLat}
}

// FromBD09 converts BD-09 to WGS-84, by iteration, to better than a millimetre
// within mainland China.
func FromBD09(b Point) Point {
	p := FromGCJ02(Point{b.Lon - bdLon, b.Lat - bdLat})
	for range 12 {
		there := ToBD09(p)
		dLon, dLat := b.Lon-there.Lon, b.Lat-there.Lat
		p = Point{p.Lon + dLon, p.Lat + dLat}
		if math.Abs(dLon)+math.Abs(dLat) < 1e-10 {
			break
		}
	}
	return p
}
