package profile

import (
	"math"
	"path/filepath"

	"gridhub/configs"
)

// port is a serial port as the kernel knows it: links below /dev/serial are
// followed, so that two names of one port are seen to be one.
func (l *Line) port() string {
	if real, err := filepath.EvalSymlinks(l.Path); err == nil {
		return real
	}
	return filepath.Clean(l.Path)
}

// claim reports what of this machine another line has taken already: a serial
// port has one owner, and so has an address on which we listen.
func (c *census) claim(l *Line) error {
	var what, key, value string
	switch {
	case l.Kind == Serial && l.Path != "":
		what, key, value = l.port(), "path", l.Path
	case l.Kind == Listen && l.Address != "":
		what, key, value = "listen "+l.Address, "address", l.Address
	default:
		return nil
	}
	other, taken := c.taken[what]
	if !taken {
		c.taken[what] = l
		return nil
	}
	if l.Kind == Listen {
		return configs.Fault(key, value, "an address of its own, line %s listens there already", other.Name)
	}
	if other.Baud != l.Baud || other.Parity != l.Parity || other.StopBits != l.StopBits {
		return configs.Fault(key, value, "a port of its own, line %s has %s already, with %d %s %d instead of %d %s %d",
			other.Name, what, other.Baud, other.Parity, other.StopBits, l.Baud, l.Parity, l.StopBits)
	}
	return configs.Fault(key, value, "a port of its own, line %s has %s already: put the devices on that line", other.Name, what)
}

// farAway is a distance within which all devices of one gateway stand, in km.
const farAway = 50

// near compares a device's place with the first one that was given: digits are
// lost and swapped where coordinates are typed.
func (c *census) near(d *Device) error {
	if d.Place.Lon == 0 && d.Place.Lat == 0 || math.Abs(d.Place.Lat) > 90 {
		return nil
	}
	if c.first == nil {
		c.first = d
		return nil
	}
	if km := c.first.Place.distance(d.Place); km > farAway {
		return configs.Fault("place", nil, "a place near the gateway's other devices: this is %.0f km from %s", km, c.first.ID)
	}
	return nil
}

// distance is in kilometres, on a sphere; good enough to see a wrong digit.
func (p Place) distance(q Place) float64 {
	const degree = math.Pi / 180
	a := math.Sin((q.Lat-p.Lat)*degree/2)*math.Sin((q.Lat-p.Lat)*degree/2) +
		math.Cos(p.Lat*degree)*math.Cos(q.Lat*degree)*math.Sin((q.Lon-p.Lon)*degree/2)*math.Sin((q.Lon-p.Lon)*degree/2)
	return 2 * 6371 * math.Asin(min(1, math.Sqrt(a)))
}

// check says what is wrong with the coordinates.
func (p Place) check() error {
	switch {
	case math.Abs(p.Lat) > 90 && math.Abs(p.Lat) <= 180 && math.Abs(p.Lon) <= 90:
		return configs.Fault("place", nil, "lon before lat: these two look swapped")
	case math.Abs(p.Lon) > 180 || math.Abs(p.Lat) > 90:
		return configs.Fault("place", nil, "degrees WGS-84: lon -180 to 180, lat -90 to 90")
	}
	return nil
}
