package intake

import (
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"gridhub/devices"
	"gridhub/devices/codec"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// foreign is what is remembered of a sender that speaks another product's way.
type foreign struct {
	speaks bool                      // for devices behind it
	book   map[devices.ID]*described // who of them, and what they measure
	news   bool                      // the book has changed in this message
	memory map[string]memory         // by convention
}

// described is a device as its sender's messages describe it.
type described struct {
	name    string            // of a device behind the sender, as it says it; else empty
	metrics map[string]string // units, empty where none was told
}

// maxDescribed bounds the metrics that one device's description lists; values
// of further ones are kept all the same.
const maxDescribed = 512

// memory is what a convention must remember between messages. State returns
// the same bytes for the same memory.
type memory interface{ State() []byte }

func (f *foreign) save(b []byte) []byte {
	flags := uint64(0)
	if f.speaks {
		flags = 1
	}
	b = binary.AppendUvarint(b, flags)
	b = binary.AppendUvarint(b, uint64(len(f.book)))
	for _, id := range slices.Sorted(maps.Keys(f.book)) {
		e := f.book[id]
		b = appendText(appendText(b, string(id)), e.name)
		b = binary.AppendUvarint(b, uint64(len(e.metrics)))
		for _, name := range slices.Sorted(maps.Keys(e.metrics)) {
			b = appendText(appendText(b, name), e.metrics[name])
		}
	}
	b = binary.AppendUvarint(b, uint64(len(f.memory)))
	for _, kind := range slices.Sorted(maps.Keys(f.memory)) {
		b = appendText(appendText(b, kind), string(f.memory[kind].State()))
	}
	return b
}

func (f *foreign) load(c *cut) {
	f.speaks = c.uint()&1 != 0
	for n := c.uint(); n > 0 && c.err == nil; n-- {
		id := devices.ID(c.text())
		e := f.entry(id, string(c.text()))
		for k := c.uint(); k > 0 && c.err == nil; k-- {
			name := string(c.text())
			e.metrics[name] = string(c.text())
		}
	}
	for n := c.uint(); n > 0 && c.err == nil; n-- {
		kind := string(c.text())
		m, err := restore(kind, c.text())
		if err != nil {
			c.err = errState
			return
		}
		f.remember(kind, m)
	}
	f.news = false
}

func (f *foreign) entry(id devices.ID, name string) *described {
	e := f.book[id]
	if e == nil {
		if f.book == nil {
			f.book = map[devices.ID]*described{}
		}
		e = &described{name: name, metrics: map[string]string{}}
		f.book[id], f.news = e, true
	}
	return e
}

// child reports whether id was made for a device behind the sender.
func (f *foreign) child(id devices.ID) bool { return f.book[id] != nil && f.book[id].name != "" }

func (f *foreign) remember(kind string, m memory) {
	if f.memory == nil {
		f.memory = map[string]memory{}
	}
	f.memory[kind] = m
}

// samples takes what a foreign payload came to, in its order.
func (m *message) samples(all []codec.Sample) {
	for i := range all {
		if !m.skipped(i) {
			m.sample(i, &all[i])
		}
	}
	m.describe()
}

func (m *message) sample(i int, s *codec.Sample) {
	id, dev := m.speaker(s.Device)
	if dev == nil {
		m.refuse(i, id, s.At, UnknownDevice, "not known at the hub: "+clip(s.Device), 1)
		return
	}
	at, basis, ok := m.when(i, id, 0, s.At)
	if !ok {
		return
	}
	hour := m.hour(s.At)
	for _, o := range s.LeftOut {
		m.count(id, hour, LeftOut, string(o.Why), int64(o.N))
	}
	if len(s.Values) == 0 {
		m.count(id, hour, Expired, noNumber, 1)
		return
	}
	m.note(id, s)
	m.point(i, dev, telemetry.Point{Device: id, Kind: dev.kind, At: at, Basis: basis, Key: m.key("", 0, 0)}, hour, s.Values)
}

// noNumber is the cause under which a foreign reading without any number ends.
const noNumber = "no-number"

// speaker returns the device that the sender calls so: itself, one that is
// registered or was named as its own, or one behind it, which appears when it
// is first named. dev is nil for everybody else's.
func (m *message) speaker(name string) (id devices.ID, dev *device) {
	if name == "" {
		return m.raw.From, m.owned(m.raw.From)
	}
	if dev := m.owned(devices.ID(name)); dev != nil && !m.sender.child(devices.ID(name)) {
		return devices.ID(m.intern([]byte(name))), dev
	}
	id = codec.Child(m.raw.From, name)
	if dev := m.owned(id); dev != nil {
		return id, dev
	}
	self := m.owned(m.raw.From)
	if self == nil || !m.sender.speaks || m.devices[id] != nil || len(m.sender.book) >= maxStock {
		return id, nil
	}
	dev = m.device(id)
	dev.kind, dev.gateway = self.kind, m.raw.From
	m.sender.entry(id, name)
	return id, dev
}

// note learns a device's metrics and units from what it tells. A sender with our
// own convention has an inventory for that.
func (m *message) note(id devices.ID, s *codec.Sample) {
	if m.sender.convention == "" {
		return
	}
	e := m.sender.entry(id, "")
	for _, v := range s.Values {
		if _, known := e.metrics[v.Metric]; !known && len(e.metrics) < maxDescribed {
			e.metrics[v.Metric], m.sender.news = "", true
		}
	}
	for _, u := range s.Units {
		if old, known := e.metrics[u.Metric]; known && old != u.Unit {
			e.metrics[u.Metric], m.sender.news = u.Unit, true
		}
	}
}

// describe says what is new of the sender's devices, as an inventory does.
func (m *message) describe() {
	if !m.sender.news {
		return
	}
	m.sender.news = false
	stock := &wire.Stock{V: wire.Version}
	for _, id := range slices.Sorted(maps.Keys(m.sender.book)) {
		dev := m.owned(id)
		if dev == nil {
			continue // it was registered for somebody else since
		}
		e := m.sender.book[id]
		entry := wire.Entry{ID: id, Name: e.name, Kind: dev.kind, Profile: m.sender.convention}
		for _, name := range slices.Sorted(maps.Keys(e.metrics)) {
			entry.Metrics = append(entry.Metrics, wire.Metric{Name: name, Unit: e.metrics[name]})
		}
		stock.Devices = append(stock.Devices, entry)
	}
	m.out.Inventory = stock
}

// answer tells the sender something, when the record is new.
func (m *message) answer(kind string, payload []byte) {
	if m.replay == nil {
		m.out.Answer = &Answer{Kind: kind, Payload: payload}
	}
}

// answerWithin is how old a question may be to be answered: what a restart
// reads again was asked by a connection that is gone.
const answerWithin = time.Minute

// tell sends what the records just decoded are to be answered with.
func (in *Intake) tell(items []Decoded) {
	if in.o.Tell == nil {
		return
	}
	for i := range items {
		if a := items[i].Answer; a != nil && telemetry.At(time.Now()).Sub(items[i].At) < answerWithin {
			in.o.Tell(items[i].From, a.Kind, a.Payload)
		}
	}
}
