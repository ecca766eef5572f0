package profile

import (
	"cmp"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"gridhub/configs"
	"gridhub/devices"
	"gridhub/devices/wire"
)

// Plant is everything that one gateway reads: its lines and their devices.
type Plant struct {
	Lines   []Line   `yaml:"lines"`
	Devices []Device `yaml:"devices"`
}

// Line is one physical way to devices; one request at a time is on it.
type Line struct {
	Name    string        `yaml:"name"`
	Kind    LineKind      `yaml:"kind"`
	Timeout time.Duration `yaml:"timeout"` // for one answer
	Pause   time.Duration `yaml:"pause"`   // between two requests: some devices need time to turn round

	Address string  `yaml:"address"` // tcp: host:port of the device; listen: host:port of this machine
	Framing Framing `yaml:"framing"` // tcp with Modbus: tcp, or rtu behind a transparent converter

	Path     string `yaml:"path"` // serial: a device file, best below /dev/serial/by-id
	Baud     int    `yaml:"baud"`
	Parity   string `yaml:"parity"` // none, even, odd
	StopBits int    `yaml:"stop_bits"`
	RS485    bool   `yaml:"rs485"` // let the kernel turn the driver round (TIOCSRS485)

	Seed        uint64        `yaml:"seed"`         // simulated: the same seed gives the same street
	HazardEvery time.Duration `yaml:"hazard_every"` // simulated: mean time between hazards; 0 = none
}

// LineKind says what a line is made of.
type LineKind string

// The kinds of lines.
const (
	TCP       LineKind = "tcp"    // we connect to the device or converter
	Serial    LineKind = "serial" // a port of this machine
	Listen    LineKind = "listen" // devices connect to us and push
	Simulated LineKind = "simulated"
)

var lineKinds = []string{string(TCP), string(Serial), string(Listen), string(Simulated)}

// Framing says how Modbus travels on a TCP line.
type Framing string

// The framings; empty is MBAP.
const (
	MBAP Framing = "tcp" // Modbus TCP
	RTU  Framing = "rtu" // RTU frames through a converter that knows nothing of Modbus
)

// Device is one device as the installer describes it.
type Device struct {
	ID      devices.ID        `yaml:"id"`
	Name    string            `yaml:"name"`
	Profile Ref               `yaml:"profile"` // name@version
	Line    string            `yaml:"line"`
	Address string            `yaml:"address"` // on the line: Modbus unit 1 to 247, a meter's number, an MN, a terminal's number
	Place   Place             `yaml:"place"`
	Answers map[string]string `yaml:"answers"`
	Period  time.Duration     `yaml:"period"`  // 0 = the profile's
	Timeout time.Duration     `yaml:"timeout"` // for one answer; 0 = the line's

	Unit        string `yaml:"unit"`        // serial number of the thing itself; another one: it was replaced
	Maintenance bool   `yaml:"maintenance"` // it is being worked on: readings are kept and raise nothing
}

// Place says where a device stands, in WGS-84 degrees.
type Place struct {
	Grid string  `yaml:"grid"`
	Lon  float64 `yaml:"lon"`
	Lat  float64 `yaml:"lat"`
	Note string  `yaml:"note"`

	Seal  string `yaml:"seal"`  // number of the seal on its box
	Photo string `yaml:"photo"` // file name or URL of a picture of it in its place
}

// SetDefaults is called by the loader for each line of a file.
func (l *Line) SetDefaults() {
	l.Timeout, l.Baud, l.Parity, l.StopBits = time.Second, 9600, "none", 1
}

// Validate checks one line by itself.
func (l *Line) Validate() error {
	var errs []error
	add := func(bad bool, key, want string, args ...any) {
		if bad {
			errs = append(errs, configs.Fault(key, nil, want, args...))
		}
	}
	add(l.Name == "", "name", "a name that devices refer to")
	add(!soundTimeout(l.Timeout), "timeout", "a time from 10ms to 1m")
	add(l.Pause < 0 || l.Pause > 10*time.Second, "pause", "a time up to 10s")
	switch l.Kind {
	case TCP:
		add(l.Address == "", "address", "host:port of the device or converter")
		add(l.Framing != "" && l.Framing != MBAP && l.Framing != RTU, "framing", "tcp (Modbus TCP) or rtu (RTU through a transparent converter)")
	case Listen:
		_, _, err := net.SplitHostPort(l.Address)
		add(err != nil, "address", "host:port of this machine to which devices connect, such as 0.0.0.0:9001")
	case Serial:
		add(l.Path == "", "path", "a serial port such as /dev/serial/by-id/usb-…")
		add(l.Baud < 300 || l.Baud > 4_000_000, "baud", "a speed such as 9600")
		add(!slices.Contains([]string{"none", "even", "odd"}, l.Parity), "parity", "one of none, even, odd")
		add(l.StopBits != 1 && l.StopBits != 2, "stop_bits", "1 or 2")
	case Simulated:
		add(l.HazardEvery != 0 && l.HazardEvery < time.Second, "hazard_every", "0 or a time of at least 1s")
	default:
		add(true, "kind", "one of %s: %s", strings.Join(lineKinds, ", "), configs.Unknown(string(l.Kind), lineKinds))
	}
	return errors.Join(errs...)
}

func soundTimeout(d time.Duration) bool { return d >= 10*time.Millisecond && d <= time.Minute }

// Validate checks one device by itself.
func (d *Device) Validate() error {
	var errs []error
	if _, err := devices.ParseID(string(d.ID)); err != nil {
		errs = append(errs, configs.Fault("id", nil, "1 to %d of a-z 0-9 - _ . that begin with a letter or digit", devices.MaxID))
	}
	if d.Period != 0 && (d.Period < 100*time.Millisecond || d.Period > 24*time.Hour) {
		errs = append(errs, configs.Fault("period", nil, "a time from 100ms to 24h"))
	}
	if d.Timeout != 0 && !soundTimeout(d.Timeout) {
		errs = append(errs, configs.Fault("timeout", nil, "a time from 10ms to 1m, or nothing for the line's"))
	}
	if err := d.Place.check(); err != nil {
		errs = append(errs, err)
	}
	if len(d.Unit) > maxLabel {
		errs = append(errs, configs.Fault("unit", nil, "a serial number of at most %d bytes", maxLabel))
	}
	if len(d.Place.Seal) > maxLabel {
		errs = append(errs, configs.Fault("place.seal", nil, "a number of at most %d bytes", maxLabel))
	}
	if len(d.Place.Photo) > maxPhoto {
		errs = append(errs, configs.Fault("place.photo", nil, "a file name or URL of at most %d bytes", maxPhoto))
	}
	return errors.Join(errs...)
}

// Bounds, in bytes, of what people write beside a device.
const (
	maxLabel = 64
	maxPhoto = 256
)

// Every is the time between two readings of d, whose profile is p.
func (d *Device) Every(p *Profile) time.Duration { return cmp.Or(d.Period, p.Period) }

// Entry describes d, whose profile is p, to the hub.
func (d *Device) Entry(p *Profile) wire.Entry {
	e := wire.Entry{
		ID: d.ID, Name: d.Name, Profile: string(p.Ref()), Kind: p.Kind,
		Period: d.Every(p).Milliseconds(), Place: wire.Place(d.Place), Controls: p.Offers(),
		Metrics: make([]wire.Metric, len(p.Metrics)),
		Line:    d.Line, Unit: d.Unit, Maintenance: d.Maintenance,
	}
	for i, m := range p.Metrics {
		e.Metrics[i] = wire.Metric{Name: m.Name, Unit: m.Unit}
		if m.Range != nil {
			e.Metrics[i].Min, e.Metrics[i].Max = &m.Range[0], &m.Range[1]
		}
	}
	return e
}

// station is a device's place on a line; two devices cannot share one. Numbers
// of meters and terminals are compared without the zeros that fill them.
func (d *Device) station(p *Profile) string {
	if p != nil && (p.Protocol.Edition() != 0 || p.Protocol == JT808) {
		return d.Line + "/" + strings.TrimLeft(d.Address, "0")
	}
	return d.Line + "/" + d.Address
}
