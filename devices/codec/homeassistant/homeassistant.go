// Package homeassistant reads what devices announce by Home Assistant's MQTT
// discovery (home-assistant.io/integrations/mqtt, "MQTT Discovery") and what
// they then tell on their state topics: numbers, and two-valued states as 1 and
// 0. It keeps what was announced; that is all its memory.
//
// Templates are understood as far as they name a value in a JSON payload and
// pass it through float, int or round; an announcement with another template is
// refused with its reason, for a value that is guessed is worse than none.
package homeassistant

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gridhub/devices/codec"
	"gridhub/devices/codec/jsonread"
)

// Limits of what one sender may announce.
const (
	MaxBytes    = 64 << 10
	MaxEntities = 2048
	MaxText     = 256 // of a topic or a name
)

// Entity is one value that was announced.
type Entity struct {
	Device   string   `json:"device,omitempty"` // identifier of the device it belongs to; empty: none was told
	Metric   string   `json:"metric"`
	Topic    string   `json:"topic"`             // where its state comes
	Template Template `json:"template,omitzero"` // what of the payload is its value
	On       string   `json:"on,omitempty"`      // payloads that are 1 and 0
	Off      string   `json:"off,omitempty"`
	Unit     string   `json:"unit,omitempty"`
}

// Availability is a topic that says whether the device is there.
type Availability struct {
	Topic   string `json:"topic"`
	Online  string `json:"online"`
	Offline string `json:"offline"`
}

// announcement is what one discovery topic said.
type announcement struct {
	Entities     []Entity       `json:"entities,omitempty"`
	Availability []Availability `json:"availability,omitempty"`
}

// Home is what a sender has announced. It is not safe for concurrent use.
type Home struct {
	announced map[string]announcement // by discovery topic
	byTopic   map[string][]Entity     // by state topic
	there     map[string]Availability // by availability topic
	entities  int
	state     []byte // nil: to be written anew
}

// New returns a Home in which nothing was announced.
func New() *Home {
	return &Home{announced: map[string]announcement{}, byTopic: map[string][]Entity{}, there: map[string]Availability{}}
}

// Load returns a Home with a state that State wrote.
func Load(state []byte) (*Home, error) {
	h := New()
	if err := json.Unmarshal(state, &h.announced); err != nil {
		return nil, codec.Errorf(codec.Malformed, "saved announcements: %v", err)
	}
	h.index()
	return h, nil
}

// State returns all that Load needs; equal memories are equal bytes.
func (h *Home) State() []byte {
	if h.state == nil {
		b, err := json.Marshal(h.announced)
		if err != nil {
			panic(err) // plain values
		}
		h.state = b
	}
	return h.state
}

func (h *Home) index() {
	clear(h.byTopic)
	clear(h.there)
	h.entities, h.state = 0, nil
	for _, topic := range slices.Sorted(maps.Keys(h.announced)) {
		for _, e := range h.announced[topic].Entities {
			h.byTopic[e.Topic] = append(h.byTopic[e.Topic], e)
			h.entities++
		}
		for _, v := range h.announced[topic].Availability {
			h.there[v.Topic] = v
		}
	}
}

// Announce takes a payload of discovery; topic is what follows the discovery
// prefix: sensor/kitchen/temp/config. An empty payload takes back what the
// topic announced. It reports false for a topic that announces nothing. Of a
// sender that does not speak for others all values are its own.
func (h *Home) Announce(topic string, p []byte, speaks bool) (bool, error) {
	levels := strings.Split(topic, "/")
	n := len(levels)
	if n < 3 || n > 4 || levels[n-1] != "config" {
		return false, nil
	}
	if !utf8.ValidString(topic) {
		return true, codec.Errorf(codec.Malformed, "a topic that is not UTF-8")
	}
	if len(p) == 0 {
		delete(h.announced, topic)
		h.index()
		return true, nil
	}
	if len(p) > MaxBytes {
		return true, codec.Errorf(codec.TooLarge, "%d bytes, at most %d", len(p), MaxBytes)
	}
	if err := jsonread.Check(p); err != nil {
		return true, err
	}
	c := where{component: levels[0], object: levels[n-2]}
	if n == 4 {
		c.node = levels[1]
	}
	a, err := c.read(p)
	for i := range a.Entities {
		if !speaks {
			a.Entities[i].Device = ""
		}
	}
	if err == nil {
		err = h.admit(topic, a)
	}
	if err != nil {
		return true, err
	}
	h.announced[topic] = a
	h.index()
	return true, nil
}

// admit refuses what would make one metric of two values, and too much.
func (h *Home) admit(topic string, a announcement) error {
	if h.entities-len(h.announced[topic].Entities)+len(a.Entities) > MaxEntities {
		return codec.Errorf(codec.TooLarge, "more than %d values are announced", MaxEntities)
	}
	type name struct{ device, metric string }
	mine := map[name]bool{}
	for _, e := range a.Entities {
		if mine[name{e.Device, e.Metric}] {
			return codec.Errorf(codec.Duplicate, "metric %s is announced twice", e.Metric)
		}
		mine[name{e.Device, e.Metric}] = true
	}
	for other, have := range h.announced {
		for _, e := range have.Entities {
			if other != topic && mine[name{e.Device, e.Metric}] {
				return codec.Errorf(codec.Duplicate, "metric %s is announced by %s already", e.Metric, other)
			}
		}
	}
	return nil
}

// Told is what came on a topic.
type Told struct {
	Samples  []codec.Sample // one for each device
	Presence bool           // it said whether the device is there, see Online
	Online   bool
	Known    bool // it was announced
}

// Read reads a payload on a state topic.
func (h *Home) Read(topic string, p []byte) (t Told, err error) {
	if len(p) > MaxBytes {
		return t, codec.Errorf(codec.TooLarge, "%d bytes, at most %d", len(p), MaxBytes)
	}
	t.presence(h, topic, strings.TrimSpace(string(p)))
	entities := h.byTopic[topic]
	if len(entities) == 0 {
		return t, nil
	}
	t.Known = true
	var tree any
	parsed := false
	for _, e := range entities {
		if e.Template.JSON && !parsed {
			if err := jsonread.Check(p); err != nil {
				return t, err
			}
			if err := json.Unmarshal(p, &tree); err != nil {
				return t, codec.Errorf(codec.Number, "%v", err) // it is JSON, as was checked
			}
			parsed = true
		}
		t.take(&e, tree, p)
	}
	for i := range t.Samples {
		if err := t.Samples[i].Sort(); err != nil {
			return t, err
		}
	}
	return t, nil
}

func (t *Told) presence(h *Home, topic, text string) {
	v, announced := h.there[topic]
	if announced && (text == v.Online || text == v.Offline) {
		t.Presence, t.Online, t.Known = true, text == v.Online, true
	}
}

func (t *Told) take(e *Entity, tree any, p []byte) {
	value := any(strings.TrimSpace(string(p)))
	if e.Template.JSON {
		var there bool
		if value, there = e.Template.find(tree); !there {
			return // this message leaves it as it is
		}
	}
	s := t.sample(e.Device)
	v, why := e.number(value)
	if why != "" {
		s.Omit(why, 1)
		return
	}
	s.Put(e.Metric, e.Template.filter(v))
	if e.Unit != "" {
		s.Units = append(s.Units, codec.Unit{Metric: e.Metric, Unit: e.Unit})
	}
}

func (t *Told) sample(device string) *codec.Sample {
	for i := range t.Samples {
		if t.Samples[i].Device == device {
			return &t.Samples[i]
		}
	}
	t.Samples = append(t.Samples, codec.Sample{Device: device})
	return &t.Samples[len(t.Samples)-1]
}

// number turns a state into a number, or says why it is none.
func (e *Entity) number(value any) (float64, codec.Why) {
	switch v := value.(type) {
	case float64:
		return v, ""
	case bool:
		return e.truth(v), ""
	case nil:
		return 0, codec.Null
	case string:
		return e.word(v)
	}
	return 0, codec.Structure
}

// truth is 1 for true, unless the announcement says that true is off.
func (e *Entity) truth(v bool) float64 {
	said := strconv.FormatBool(v)
	if strings.EqualFold(said, e.On) || v && !strings.EqualFold(said, e.Off) {
		return 1
	}
	return 0
}

func (e *Entity) word(s string) (float64, codec.Why) {
	switch s {
	case e.On:
		return 1, ""
	case e.Off:
		return 0, ""
	case "", "None", "unknown", "unavailable":
		return 0, codec.Null
	}
	var r jsonread.Reader
	r.Reset([]byte(s))
	if v := r.Float(); r.End() == nil {
		return v, ""
	}
	return 0, codec.Text
}
