package jt808

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Names are what a position can tell: lon and lat in degrees, altitude in
// metres, speed in m/s, heading in degrees from north; mileage in km, fuel in
// litres, signal 0 to 31 or so, satellites; the rest is 0 or 1. An additional
// item that has no name here is item- and its number in hexadecimal: item-e4.
var Names = append([]string{
	"lon", "lat", "altitude", "speed", "heading", "fix", "acc", "mileage", "fuel", "signal", "satellites", "alarm", "status",
}, alarmNames()...)

// alarms are bits of the alarm field (2019, table 25) worth a name.
var alarms = []struct {
	bit  int
	name string
}{
	{0, "sos"}, {1, "overspeed"}, {4, "gnss-fault"}, {5, "antenna-open"}, {6, "antenna-short"},
	{7, "power-low"}, {8, "power-cut"}, {29, "collision"}, {30, "rollover"},
}

func alarmNames() (names []string) {
	for _, a := range alarms {
		names = append(names, a.name)
	}
	return names
}

// items are additional items with a name (2019, table 27), and their scale.
var items = map[byte]struct {
	name  string
	scale float64
}{
	0x01: {"mileage", 0.1}, 0x02: {"fuel", 0.1}, 0x30: {"signal", 1}, 0x31: {"satellites", 1},
}

// IsItem reports whether name is item- and a number.
func IsItem(name string) bool {
	digits, ok := strings.CutPrefix(name, "item-")
	_, err := strconv.ParseUint(digits, 16, 8)
	return ok && err == nil && len(digits) == 2
}

// Place is one position with what the terminal tells beside it.
type Place struct {
	At     time.Time // zero where the stamp is none
	Values map[string]float64
}

// china is the time zone of all stamps (2019, table 24).
var china = time.FixedZone("CST", 8*3600)

// MaxBatch bounds the positions of one batch message.
const MaxBatch = 256

// Positions reads the positions of m: one of 0x0200, several of 0x0704, none
// of others. A batch that breaks off gives what came before, with the error.
func (m *Message) Positions() ([]Place, error) {
	switch m.ID {
	case Position:
		p, err := place(m.Body)
		if err != nil {
			return nil, err
		}
		return []Place{p}, nil
	case Batch:
		return batch(m.Body)
	}
	return nil, nil
}

func batch(b []byte) (all []Place, err error) {
	if len(b) < 3 {
		return nil, ErrBody
	}
	count := binary.BigEndian.Uint16(b)
	b = b[3:] // count and kind: live or late
	for range min(count, MaxBatch) {
		if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
			return all, ErrBody
		}
		size := int(binary.BigEndian.Uint16(b))
		p, err := place(b[2 : 2+size])
		if err != nil {
			return all, err
		}
		all = append(all, p)
		b = b[2+size:]
	}
	return all, nil
}

// basic is the size of a position without additional items.
const basic = 28

// place reads one position (8.18). Without a fix it tells no place: terminals
// then repeat the last one or send zeros.
func place(b []byte) (Place, error) {
	if len(b) < basic {
		return Place{}, ErrBody
	}
	alarm, status := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	v := map[string]float64{"alarm": float64(alarm), "status": float64(status), "acc": float64(status & 1), "fix": float64(status >> 1 & 1)}
	for _, a := range alarms {
		v[a.name] = float64(alarm >> a.bit & 1)
	}
	lat, lon := float64(binary.BigEndian.Uint32(b[8:]))/1e6, float64(binary.BigEndian.Uint32(b[12:]))/1e6
	if status&2 != 0 && lat <= 90 && lon <= 180 {
		if status&4 != 0 {
			lat = -lat
		}
		if status&8 != 0 {
			lon = -lon
		}
		v["lat"], v["lon"] = lat, lon
		v["altitude"] = float64(int16(binary.BigEndian.Uint16(b[16:])))
		v["speed"] = float64(binary.BigEndian.Uint16(b[18:])) / 36
		v["heading"] = float64(binary.BigEndian.Uint16(b[20:]))
	}
	additional(b[basic:], v)
	return Place{At: instant(b[22:28]), Values: v}, nil
}

// additional reads items: number, length, value. One that is cut ends it.
func additional(b []byte, v map[string]float64) {
	for len(b) >= 2 && len(b)-2 >= int(b[1]) {
		id, data := b[0], b[2:2+int(b[1])]
		b = b[2+int(b[1]):]
		if len(data) == 0 || len(data) > 8 {
			continue
		}
		var n uint64
		for _, x := range data {
			n = n<<8 | uint64(x)
		}
		if item, known := items[id]; known {
			v[item.name] = float64(n) * item.scale
		} else {
			v[fmt.Sprintf("item-%02x", id)] = float64(n)
		}
	}
}

func instant(b []byte) time.Time {
	text, ok := decimal(b)
	t, err := time.ParseInLocation("060102150405", text, china)
	if !ok || err != nil {
		return time.Time{}
	}
	return t
}

// Report makes the body of a position, as a terminal does; items are raw.
func Report(alarm, status uint32, lon, lat float64, speed, heading uint16, at time.Time, extra ...byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, alarm)
	if lat < 0 {
		status, lat = status|4, -lat
	}
	if lon < 0 {
		status, lon = status|8, -lon
	}
	b = binary.BigEndian.AppendUint32(b, status)
	b = binary.BigEndian.AppendUint32(b, uint32(lat*1e6+0.5))
	b = binary.BigEndian.AppendUint32(b, uint32(lon*1e6+0.5))
	b = binary.BigEndian.AppendUint16(b, 0)
	b = binary.BigEndian.AppendUint16(b, speed)
	b = binary.BigEndian.AppendUint16(b, heading)
	b = append(b, packed(at.In(china).Format("060102150405"), 6)...)
	return append(b, extra...)
}
