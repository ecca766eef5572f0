// Package tasmota reads what devices with the Tasmota firmware tell by MQTT
// (tasmota.github.io/docs, "MQTT" and "Commands"): telemetry below tele/, and
// states and answers below stat/. A value's metric is its path in the JSON,
// DS18B20.Temperature; ON is 1 and OFF is 0; other text is counted as left out.
//
// Tasmota's Time is by the wall clock of a zone that it does not tell, so it is
// used only if it names one; otherwise a reading is of when it came.
package tasmota

import (
	"strconv"
	"strings"
	"time"

	"gridhub/devices/codec"
	"gridhub/devices/codec/jsonread"
	"gridhub/devices/telemetry"
)

// Limits of one payload.
const (
	MaxBytes  = 64 << 10
	MaxValues = 256
)

// Message is what a topic told.
type Message struct {
	codec.Sample
	Presence bool // it was about the connection alone, see Online
	Online   bool
}

// Read reads a payload; topic is what follows the device's own:
// tele/SENSOR, stat/POWER1, ….
func Read(topic string, p []byte) (m Message, err error) {
	if len(p) > MaxBytes {
		return m, codec.Errorf(codec.TooLarge, "%d bytes, at most %d", len(p), MaxBytes)
	}
	_, name, _ := strings.Cut(topic, "/")
	text := strings.TrimSpace(string(p))
	switch {
	case name == "LWT":
		return presence(text)
	case strings.HasPrefix(text, "{"):
		return read(p)
	case name == "":
		return m, codec.Errorf(codec.Shape, "no name behind %s", strconv.QuoteToASCII(topic[:min(len(topic), 16)]))
	}
	m.plain(name, text)
	return m, nil
}

func presence(text string) (Message, error) {
	switch text {
	case "Online", "Offline":
		return Message{Presence: true, Online: text == "Online"}, nil
	}
	return Message{}, codec.Errorf(codec.Shape, "LWT is neither Online nor Offline")
}

// plain takes a payload that is no JSON: stat/POWER ON, a number.
func (m *Message) plain(name, text string) {
	if v, ok := word(text); ok {
		m.Put(codec.Metric(name), v)
		return
	}
	var r jsonread.Reader
	r.Reset([]byte(text))
	if v := r.Float(); r.End() == nil {
		m.Put(codec.Metric(name), v)
		return
	}
	m.Omit(codec.Text, 1)
}

func word(text string) (float64, bool) {
	switch text {
	case "ON":
		return 1, true
	case "OFF":
		return 0, true
	}
	return 0, false
}

// reader walks a JSON payload.
type reader struct {
	jsonread.Reader
	m     *Message
	paths map[string]string // metric to last name in its path, for the units
	temp  string
	press string
}

func read(p []byte) (m Message, err error) {
	r := &reader{m: &m, paths: map[string]string{}, press: "hPa"}
	r.Reset(p)
	r.object(nil)
	if err := r.End(); err != nil {
		return m, err
	}
	if err := m.Sort(); err != nil {
		return m, err
	}
	for _, v := range m.Values {
		if u := r.unit(r.paths[v.Metric]); u != "" {
			m.Units = append(m.Units, codec.Unit{Metric: v.Metric, Unit: u})
		}
	}
	return m, nil
}

// wrappers stand around what SENSOR and STATE have without them.
var wrappers = map[string]bool{"StatusSNS": true, "StatusSTS": true}

func (r *reader) object(path []string) {
	for r.Begin('{'); r.More('}'); {
		key := string(r.Key())
		switch {
		case len(path) == 0 && wrappers[key] && r.Peek() == '{':
			r.object(nil)
		case len(path) == 0 && r.Peek() == '"' && r.said(key):
		default:
			r.value(append(path, key))
		}
	}
}

// said takes the texts about the whole payload.
func (r *reader) said(key string) bool {
	switch key {
	case "Time":
		if t, err := time.Parse(time.RFC3339, string(r.Bytes())); err == nil {
			r.m.At = telemetry.At(t)
		}
	case "TempUnit":
		r.temp = codec.UnitOf("°" + string(r.Bytes()))
	case "PressureUnit":
		r.press = codec.UnitOf(string(r.Bytes()))
	default:
		return false
	}
	return true
}

func (r *reader) value(path []string) {
	switch r.Peek() {
	case '{':
		r.object(path)
	case '[':
		n := 0
		for r.Begin('['); r.More(']'); {
			n++
			r.value(append(path, strconv.Itoa(n)))
		}
	case '"':
		if v, ok := word(string(r.Bytes())); ok {
			r.put(path, v)
		} else {
			r.m.Omit(codec.Text, 1)
		}
	case 'n':
		r.Skip()
		r.m.Omit(codec.Null, 1)
	case 't', 'f':
		v := 0.0
		if r.Bool() {
			v = 1
		}
		r.put(path, v)
	default:
		r.put(path, r.Float())
	}
}

func (r *reader) put(path []string, v float64) {
	if len(r.m.Values) == MaxValues {
		r.Fail(codec.TooLarge, "more than "+strconv.Itoa(MaxValues)+" values")
	}
	if r.Err() != nil {
		return
	}
	name := codec.Metric(path...)
	last := path[len(path)-1]
	if _, err := strconv.Atoi(last); err == nil && len(path) > 1 {
		last = path[len(path)-2] // of an array
	}
	r.paths[name] = last
	r.m.Put(name, v)
}

// unitsOf are the units of Tasmota's own names.
var unitsOf = map[string]string{
	"Humidity": "%", "Moisture": "%", "RSSI": "%", "Signal": "dBm", "Illuminance": "lx", "Distance": "cm",
	"Power": "W", "ApparentPower": "VA", "ReactivePower": "var", "Voltage": "V", "Current": "A", "Frequency": "Hz",
	"Total": "kW.h", "Yesterday": "kW.h", "Today": "kW.h", "Period": "W.h", "CarbonDioxide": "ppm", "eCO2": "ppm", "TVOC": "ppb",
	"PM1": "ug/m3", "PM2.5": "ug/m3", "PM10": "ug/m3", "UptimeSec": "s",
}

func (r *reader) unit(name string) string {
	switch name {
	case "Temperature", "DewPoint":
		return r.temp
	case "Pressure", "SeaPressure":
		return r.press
	}
	return unitsOf[name]
}
