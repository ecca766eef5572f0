package profile

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"gridhub/configs"
	"gridhub/devices/codec/dlt645"
)

// Protocol is what a device speaks.
type Protocol string

// The protocols. Modbus and the meters' are asked; the others speak when they
// like.
const (
	Modbus  Protocol = "modbus"
	DLT1997 Protocol = "dlt645-1997"
	DLT2007 Protocol = "dlt645-2007"
	NMEA    Protocol = "nmea"   // positions of a GNSS receiver
	Lines   Protocol = "text"   // lines that a regular expression takes apart
	Frames  Protocol = "binary" // frames of a fixed layout
	HJ212   Protocol = "hj212"  // environmental monitors, HJ 212
	JT808   Protocol = "jt808"  // vehicle and handheld terminals, JT/T 808
)

var protocols = []string{string(Modbus), string(DLT2007), string(DLT1997), string(NMEA), string(Lines), string(Frames), string(HJ212), string(JT808)}

// UnmarshalText reads a protocol's name.
func (p *Protocol) UnmarshalText(text []byte) error {
	for _, name := range protocols {
		if name == string(text) {
			*p = Protocol(name)
			return nil
		}
	}
	return errors.New("want one of " + strings.Join(protocols, ", ") + ": " + configs.Unknown(string(text), protocols))
}

// String is the name; empty means modbus.
func (p Protocol) String() string {
	if p == "" {
		return string(Modbus)
	}
	return string(p)
}

// Edition is the year of the meters' standard; 0 for other protocols.
func (p Protocol) Edition() dlt645.Edition {
	switch p {
	case DLT1997:
		return dlt645.E1997
	case DLT2007:
		return dlt645.E2007
	}
	return 0
}

// Asked reports whether the device answers questions, rather than speaking
// when it likes.
func (p Protocol) Asked() bool { return p == "" || p == Modbus || p.Edition() != 0 }

// together reports whether both may share a line.
func (p Protocol) together(o Protocol) bool {
	return p.String() == o.String() || p.Edition() != 0 && o.Edition() != 0
}

// lines are the kinds of lines on which the protocol travels.
func (p Protocol) lines() []LineKind {
	if p == HJ212 || p == JT808 {
		return []LineKind{Listen}
	}
	return []LineKind{Serial, TCP}
}

// checkAddress says what a device's address has to be.
func (p Protocol) checkAddress(a string) error {
	switch {
	case p == "" || p == Modbus:
		if n, err := strconv.Atoi(a); err != nil || n < 1 || n > 247 || a != strconv.Itoa(n) {
			return errors.New("a Modbus unit from 1 to 247")
		}
	case p.Edition() != 0:
		if _, err := dlt645.ParseAddress(a); err != nil {
			return errors.New("the meter's number, up to 12 digits as they stand on it")
		}
	case p == HJ212:
		if a == "" || len(a) > 24 || strings.ContainsAny(a, ";,=& ") {
			return errors.New("the device's MN, up to 24 letters and digits")
		}
	case p == JT808:
		if a == "" || len(a) > 20 || strings.Trim(a, "0123456789") != "" {
			return errors.New("the terminal's phone number, up to 20 digits")
		}
	case a != "":
		return errors.New("no address: one device is alone on such a line")
	}
	return nil
}

func list(kinds []LineKind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return strings.Join(names, " or ")
}

// checkProtocol checks that every metric says where it lies, in the way of the
// profile's protocol.
func (p *Profile) checkProtocol() (errs []error) {
	for i := range p.Metrics {
		m := &p.Metrics[i]
		var err error
		switch {
		case p.Protocol == "" || p.Protocol == Modbus:
			err = m.checkModbus()
		case p.Protocol.Edition() != 0:
			err = m.checkMeter(p.Protocol.Edition())
		default:
			err = m.checkSpoken(p.Protocol)
		}
		if err == nil {
			continue
		}
		var f configs.FieldError
		if errors.As(err, &f) {
			key := fmt.Sprintf("metrics[%d]", i)
			if f.Key != "" {
				key += "." + f.Key
			}
			f.Key = key
			err = f
		}
		errs = append(errs, err)
	}
	return append(errs, p.checkShape()...)
}
