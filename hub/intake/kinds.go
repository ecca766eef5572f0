package intake

import (
	"gridhub/devices"
	"gridhub/devices/codec"
	"gridhub/devices/codec/native"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// readings takes the sender's own values.
func (m *message) readings() {
	all, err := m.native.Telemetry(m.raw.Payload)
	if err != nil {
		m.unreadable(err)
		return
	}
	for i := range all {
		if !m.skipped(i) {
			m.reading(i, &all[i])
		}
	}
}

func (m *message) reading(i int, r *native.Reading) {
	st, _ := m.sender.stream("", r.Epoch, m.out.Number)
	if m.repeated(st, r.Seq) {
		return
	}
	m.heard(r.Now)
	id := m.raw.From
	dev := m.devices[id]
	if dev == nil || dev.kind == "" {
		m.refuse(i, id, r.At, UnknownDevice, "nothing says what kind of device this is", 1)
		return
	}
	at, basis, ok := m.when(i, id, 0, r.At)
	if !ok {
		return
	}
	m.point(i, dev, telemetry.Point{Device: id, Kind: dev.kind, At: at, Basis: basis, Quality: r.Quality,
		Key: m.key("", r.Epoch, r.Seq)}, m.hour(r.At), r.Values)
}

func (m *message) key(stream string, epoch, seq uint64) telemetry.Key {
	return telemetry.Key{Sender: m.raw.From, Stream: stream, Epoch: epoch, Seq: seq, Offset: m.number}
}

// hour is the sender's clock where it told one, else the hub's.
func (m *message) hour(at telemetry.Millis) telemetry.Millis {
	if at == 0 {
		return m.raw.At
	}
	return at
}

// filed is the hour under which a gateway counts its record. A copy that was
// made after the clock was set names the hour of the first, which may be the
// one that is here already.
func (m *message) filed(r *native.Record) telemetry.Millis {
	if r.Hour != 0 {
		return r.Hour
	}
	return m.hour(r.At)
}

// batch takes a gateway's records.
func (m *message) batch() {
	b, err := m.native.Batch(m.raw.Payload)
	if err != nil {
		m.brokenBatch(&b, err)
		return
	}
	b.Stream = m.intern([]byte(b.Stream))
	st, fresh := m.sender.stream(b.Stream, b.Epoch, m.out.Number)
	if m.replay == nil {
		m.settle(st, fresh, b.Floor, m.hour(b.Now))
	}
	heard := false
	for i := range b.Records {
		r := &b.Records[i]
		if m.skipped(i) || m.repeated(st, r.Seq) {
			continue
		}
		if !heard {
			m.heard(b.Now)
			heard = true
		}
		m.record(i, &b, r, st)
	}
}

// brokenBatch refuses a batch whose records nobody can read. Its numbers have
// arrived nevertheless, and the gateway must not send them for ever.
func (m *message) brokenBatch(b *native.Batch, err error) {
	n := uint32(1)
	if m.replay == nil && b.V == 1 && b.Stream != "" && b.First >= 1 && b.Last >= b.First && b.Last-b.First < native.MaxRecords {
		st, _ := m.sender.stream(m.intern([]byte(b.Stream)), b.Epoch, m.out.Number)
		if n = uint32(st.seen.add(b.First, b.Last)); n == 0 {
			m.out.Repeats += int(b.Last - b.First + 1)
			return
		}
	}
	m.refuse(-1, m.raw.From, b.Now, string(codec.CauseOf(err)), err.Error(), n)
}

func (m *message) record(i int, b *native.Batch, r *native.Record, st *stream) {
	if r.Lost > 0 {
		m.lost(b, r, st)
		return
	}
	dev := m.owned(r.Device)
	if dev == nil {
		m.refuse(i, r.Device, m.filed(r), UnknownDevice, "not in the inventory of "+string(m.raw.From)+": "+clip(string(r.Device)), 1)
		return
	}
	at, basis, ok := m.whenIn(m.filed(r), i, r.Device, r.Own, r.At)
	if !ok {
		return
	}
	m.point(i, dev, telemetry.Point{Device: r.Device, Kind: dev.kind, At: at, Basis: basis, Quality: r.Quality,
		Key: m.key(b.Stream, b.Epoch, r.Seq)}, m.filed(r), r.Values)
	m.condition(r, at)
}

// condition notes what a record says of the device's health.
func (m *message) condition(r *native.Record, at telemetry.Millis) {
	if m.replay != nil {
		return
	}
	if r.Quality == telemetry.Bad {
		m.out.Failures = append(m.out.Failures, Failure{Device: r.Device, At: at, Cause: m.intern([]byte(clip(r.Cause)))})
	}
	if r.Own >= builtFrom && r.At > 0 {
		m.out.Lags = append(m.out.Lags, Lag{Device: r.Device, By: r.At.Add(m.offset).Sub(r.Own)})
	}
}

// lost notes the numbers that a gateway has given up, with its reason.
func (m *message) lost(b *native.Batch, r *native.Record, st *stream) {
	n := r.Lost
	if m.replay == nil {
		n = 1 + st.seen.add(r.Seq, r.Seq+r.Lost-1) // the first was noted already
	}
	id := r.Device
	if m.owned(id) == nil {
		id = m.raw.From
	}
	cause := r.Cause
	if !codec.ValidMetric([]byte(cause)) {
		cause = "other" // it becomes a label
	}
	m.count(id, m.hour(r.At), Expired, cause, int64(n))
}

// owned returns the device if the sender may speak for it.
func (m *message) owned(id devices.ID) *device {
	dev := m.devices[id]
	if dev == nil || dev.kind == "" || dev.gateway != m.raw.From && dev.former != m.raw.From && id != m.raw.From {
		return nil
	}
	return dev
}

// fixes takes the sender's positions.
func (m *message) fixes() {
	all, err := m.native.Position(m.raw.Payload)
	if err != nil {
		m.unreadable(err)
		return
	}
	spots := m.spotSlab.take(len(all))[:0]
	for i := range all {
		f := &all[i]
		if m.skipped(i) {
			continue
		}
		st, _ := m.sender.stream("", f.Epoch, m.out.Number)
		if m.repeated(st, f.Seq) {
			continue
		}
		m.heard(f.Now)
		if p, ok := m.fix(i, f); ok {
			spots = append(spots, p)
		}
	}
	m.out.Positions = spots
}

func (m *message) fix(i int, f *native.Fix) (p telemetry.Position, ok bool) {
	id := m.raw.From
	at, basis, ok := m.when(i, id, 0, f.At)
	if !ok {
		return p, false
	}
	p = telemetry.Position{Device: id, At: at, Basis: basis, Lon: f.Lon, Lat: f.Lat, Accuracy: f.Accuracy,
		Speed: f.Speed, Heading: f.Heading, Battery: f.Battery, Source: f.Source, Mock: f.Mock, SOS: f.SOS,
		Key: m.key("", f.Epoch, f.Seq)}
	// A fix is one thing: its instant is held against others by its place, and a
	// loser is dropped whole.
	fields := [2]telemetry.Field{{Metric: "lat", Value: f.Lat}, {Metric: "lon", Value: f.Lon}}
	news, v := m.spots(id).instant(at).Merge(p.Key, fields[:], m.fields[:0])
	m.fields = news
	m.count(id, m.hour(f.At), Outcome(v), "", 1)
	return p, len(news) > 0 || m.redo && v == telemetry.Repeated
}

// spots is the memory of a sender's own positions, apart from what it measures
// as a device: '@' is in no id.
func (m *message) spots(id devices.ID) *device {
	name := "@" + id
	dev := m.devices[name]
	if dev == nil {
		dev = &device{hub: true}
		m.devices[name] = dev
	}
	return dev
}

func (m *message) happening() {
	var h wire.Happening
	if err := native.Unmarshal(m.raw.Payload, &h); err != nil {
		m.unreadable(err)
		return
	}
	if h.V != wire.Version || h.Type == "" || h.At < 0 {
		m.refuse(-1, m.raw.From, h.At, "shape", "want v 1 and a type", 1)
		return
	}
	st, _ := m.sender.stream("", h.Epoch, m.out.Number)
	if m.repeated(st, h.Seq) {
		return
	}
	m.heard(h.Now)
	at, basis, ok := m.when(-1, m.raw.From, 0, h.At)
	if !ok {
		return
	}
	m.out.Happenings = []Happening{{Happening: h, Device: m.raw.From, Time: at, Basis: basis, Key: m.key("", h.Epoch, h.Seq)}}
	m.count(m.raw.From, m.hour(h.At), Stored, "", 1)
}

// presence takes a status. A will was written at CONNECT, so its time is the
// hub's.
func (m *message) presence() {
	var p wire.Presence
	if err := native.Unmarshal(m.raw.Payload, &p); err != nil {
		m.unreadable(err)
		return
	}
	if !m.raw.Will {
		m.heard(p.Now)
	}
	m.out.Presence = &p
}
