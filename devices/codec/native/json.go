package native

import (
	"strconv"

	"gridhub/devices"
	"gridhub/devices/codec"
)

func (d *Decoder) oneOrMany(one func()) error {
	if d.r.Peek() != '[' {
		one()
		return d.r.End()
	}
	n := 0
	for d.r.Begin('['); d.r.More(']'); n++ {
		if n == MaxRecords {
			d.r.Fail(codec.TooLarge, "more than "+strconv.Itoa(MaxRecords)+" elements")
			break
		}
		one()
	}
	return d.r.End()
}

// once fails when the key with this bit was there before in the same object.
func (d *Decoder) once(seen *uint32, bit uint) {
	if *seen&(1<<bit) != 0 {
		d.r.Fail(codec.Duplicate, "a key twice in one object")
	}
	*seen |= 1 << bit
}

// stamp reads the member k if it belongs to a Stamp.
func (d *Decoder) stamp(k []byte, s *Stamp, seen *uint32) bool {
	switch string(k) {
	case "v":
		d.once(seen, 0)
		s.V = int(d.r.Uint())
	case "epoch":
		d.once(seen, 1)
		s.Epoch = d.r.Uint()
	case "seq":
		d.once(seen, 2)
		s.Seq = d.r.Uint()
	case "now":
		d.once(seen, 3)
		s.Now = d.millis()
	default:
		return false
	}
	return true
}

func (d *Decoder) reading() (m Reading) {
	var seen uint32
	for d.r.Begin('{'); d.r.More('}'); {
		k := d.r.Key()
		if d.stamp(k, &m.Stamp, &seen) {
			continue
		}
		switch string(k) {
		case "at":
			d.once(&seen, 4)
			m.At = d.millis()
		case "quality":
			d.once(&seen, 5)
			m.Quality = d.quality()
		case "values":
			d.once(&seen, 6)
			m.Values = d.values()
		default:
			d.r.Skip()
		}
	}
	d.version(m.V)
	return m
}

func (d *Decoder) fix() Fix {
	m := Fix{Speed: -1, Heading: -1, Battery: -1}
	var seen uint32
	for d.r.Begin('{'); d.r.More('}'); {
		if k := d.r.Key(); !d.stamp(k, &m.Stamp, &seen) && !d.fixPlace(k, &m, &seen) {
			d.fixRest(k, &m, &seen)
		}
	}
	d.version(m.V)
	if seen&(1<<5) == 0 || seen&(1<<6) == 0 {
		d.r.Fail(codec.Shape, "a fix needs lon and lat")
	}
	if d.r.Err() == nil {
		d.r.Check(m.check())
	}
	return m
}

func (d *Decoder) fixPlace(k []byte, m *Fix, seen *uint32) bool {
	switch string(k) {
	case "at":
		d.once(seen, 4)
		m.At = d.millis()
	case "lon":
		d.once(seen, 5)
		m.Lon = d.r.Float()
	case "lat":
		d.once(seen, 6)
		m.Lat = d.r.Float()
	case "accuracy":
		d.once(seen, 7)
		m.Accuracy = d.optional(0)
	case "speed":
		d.once(seen, 8)
		m.Speed = d.optional(-1)
	case "heading":
		d.once(seen, 9)
		m.Heading = d.optional(-1)
	default:
		return false
	}
	return true
}

func (d *Decoder) fixRest(k []byte, m *Fix, seen *uint32) {
	switch string(k) {
	case "battery":
		d.once(seen, 10)
		m.Battery = d.optional(-1)
	case "source":
		d.once(seen, 11)
		m.Source = d.text()
	case "mock":
		d.once(seen, 12)
		m.Mock = d.r.Bool()
	case "sos":
		d.once(seen, 13)
		m.SOS = d.r.Bool()
	default:
		d.r.Skip()
	}
}

func (d *Decoder) batch() (b Batch) {
	var seen uint32
	for d.r.Begin('{'); d.r.More('}'); {
		k := d.r.Key()
		switch string(k) {
		case "v":
			d.once(&seen, 0)
			b.V = int(d.r.Uint())
		case "stream":
			d.once(&seen, 1)
			b.Stream = d.text()
		case "epoch":
			d.once(&seen, 2)
			b.Epoch = d.r.Uint()
		case "first":
			d.once(&seen, 3)
			b.First = d.r.Uint()
		case "last":
			d.once(&seen, 4)
			b.Last = d.r.Uint()
		case "floor":
			d.once(&seen, 5)
			b.Floor = d.r.Uint()
		case "now":
			d.once(&seen, 6)
			b.Now = d.millis()
		case "records":
			d.once(&seen, 7)
			d.allRecords()
		default:
			d.r.Skip()
		}
	}
	return b
}

func (d *Decoder) allRecords() {
	for d.r.Begin('['); d.r.More(']'); {
		if len(d.records) == MaxRecords {
			d.r.Fail(codec.TooLarge, "more than "+strconv.Itoa(MaxRecords)+" records")
			return
		}
		d.records = append(d.records, d.record())
	}
}

func (d *Decoder) record() (m Record) {
	var seen uint32
	for d.r.Begin('{'); d.r.More('}'); {
		k := d.r.Key()
		switch string(k) {
		case "seq":
			d.once(&seen, 0)
			m.Seq = d.r.Uint()
		case "device":
			d.once(&seen, 1)
			m.Device = devices.ID(d.intern(d.r.Bytes()))
		case "at":
			d.once(&seen, 2)
			m.At = d.millis()
		case "own":
			d.once(&seen, 3)
			m.Own = d.millis()
		case "quality":
			d.once(&seen, 4)
			m.Quality = d.quality()
		case "cause":
			d.once(&seen, 5)
			m.Cause = d.text()
		case "values":
			d.once(&seen, 6)
			m.Values = d.values()
		case "lost":
			d.once(&seen, 7)
			m.Lost = d.r.Uint()
		case "hour":
			d.once(&seen, 8)
			m.Hour = d.millis()
		default:
			d.r.Skip()
		}
	}
	return m
}
