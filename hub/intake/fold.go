package intake

import (
	"strings"
	"time"

	"gridhub/devices"
	"gridhub/devices/codec"
	"gridhub/devices/codec/native"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// Decoder folds the records of the journal, in order, into what they mean. It
// is deterministic: from the same state, the same records give the same
// results and the same state. It is not safe for concurrent use.
type Decoder struct {
	senders map[devices.ID]*sender
	devices map[devices.ID]*device
	freed   freed

	native native.Decoder
	names  map[string]string
	fields []telemetry.Field // what a Merge brought
	asked  []telemetry.Field // what it was asked
	tally  []Tally
	points []telemetry.Point

	fieldSlab slab[telemetry.Field]
	pointSlab slab[telemetry.Point]
	tallySlab slab[Tally]
	spotSlab  slab[telemetry.Position]
}

// sender is what is remembered of an identity that publishes.
type sender struct {
	clock      clock
	streams    []*stream
	convention string // empty: our own payloads
	foreign
}

// stream is one numbering of a sender.
type stream struct {
	name  string
	epoch uint64
	used  uint64 // journal number of the newest message in it
	seen  seen
	holes holes // in seen, but never came
}

// device is what is remembered of a device that is measured.
type device struct {
	kind    string
	gateway devices.ID // who may speak for it; empty: it speaks for itself
	former  devices.ID // who spoke for it before and still has records of it
	hub     bool       // registered at the hub: no inventory may claim it
	sos     *presses   // nil: its button was never pressed
	recent  [recentInstants]instant
	oldest  int // where the next instant goes
}

// recentInstants is how many instants of a device are held against new points.
// A second value for an older instant counts as stored; the history's own rule
// still decides between the two.
const recentInstants = 4

type instant struct {
	at telemetry.Millis
	telemetry.Instant
}

// maxStreams bounds the numberings remembered of one sender; beyond it the one
// longest unused is forgotten.
const maxStreams = 8

// NewDecoder returns a decoder that has seen nothing.
func NewDecoder() *Decoder {
	return &Decoder{senders: map[devices.ID]*sender{}, devices: map[devices.ID]*device{}, names: map[string]string{}, freed: freed{set: map[freedItem]bool{}}}
}

// message is one published record on its way through the decoder.
type message struct {
	*Decoder
	raw    Raw
	number uint64 // for keys: the number under which it first came
	sender *sender
	offset time.Duration
	replay *replay
	redo   bool // a replay of what was accepted and counted: say it again, count nothing
	out    *Decoded
}

// Fold decodes the record with this number. rec may be reused afterwards. It
// never fails: what cannot be read is refused in the result.
func (d *Decoder) Fold(number uint64, rec []byte) (out Decoded) {
	d.fold(number, rec, &out)
	return out
}

// fold is Fold into out, which is zero: a Decoded is too large to be copied
// for each message.
func (d *Decoder) fold(number uint64, rec []byte, out *Decoded) {
	out.Number = number
	if len(rec) < 2 || rec[0] != recordVersion {
		out.damage(rec)
		return
	}
	var err error
	switch body := rec[2:]; rec[1] {
	case published:
		err = d.published(body, nil, out)
	case registered:
		err = d.registered(body, out)
	case replayed:
		err = d.replayed(body, out)
	case began:
		err = starting(body, out)
	case passed:
		err = passing(body, out)
	default:
		err = errRecord
	}
	if err != nil {
		out.damage(rec)
	}
	if len(out.Refused) > 0 && out.Raw == nil {
		out.Raw = append([]byte(nil), rec...)
	}
}

func (o *Decoded) damage(rec []byte) {
	o.Refused = append(o.Refused, Refusal{Item: -1, Cause: Damaged, Detail: errRecord.Error(), Items: 1})
	o.Raw = append([]byte(nil), rec...)
}

func (d *Decoder) replayed(body []byte, out *Decoded) error {
	p, rest, err := parseReplay(body)
	if err != nil || len(rest) < 2 || rest[0] != recordVersion || rest[1] != published {
		return errRecord
	}
	d.freed.drop(&p)
	if len(p.items) == 0 {
		return nil // all of it came out before: this replay is a re-delivery
	}
	out.Replay = p.original
	out.Raw = append([]byte(nil), rest...)
	return d.published(rest[2:], &p, out)
}

func (d *Decoder) published(body []byte, p *replay, out *Decoded) error {
	raw, err := parseRaw(body, d.intern)
	if err != nil {
		return err
	}
	out.At, out.From, out.Topic = raw.At, raw.From, raw.Topic
	m := message{Decoder: d, raw: raw, number: out.Number, sender: d.sender(raw.From), replay: p, out: out}
	m.offset = m.sender.clock.offset(raw.At)
	if p != nil {
		m.number, m.offset, m.redo = p.original, p.offset, p.counted()
	}
	d.points, d.tally = d.points[:0], d.tally[:0]
	if raw.Refused != "" && p == nil {
		m.refuse(-1, raw.From, raw.At, raw.Refused, "refused by the broker", 1)
	} else {
		m.read()
	}
	if p != nil {
		m.release()
	}
	out.Offset = m.offset
	out.Points = d.pointSlab.copy(d.points)
	out.Tally = d.tallySlab.copy(d.tally)
	return nil
}

// read decodes the payload as its topic and its sender's convention say.
func (m *message) read() {
	kind, rest, _ := strings.Cut(m.raw.Topic, "/")
	if m.sender.convention == ThingsBoard && conventions[kind] == nil {
		m.thingsboard(m.raw.Topic)
		return
	}
	switch kind {
	case wire.Telemetry:
		m.readings()
	case wire.Batches:
		m.batch()
	case wire.Positions:
		m.fixes()
	case wire.Event:
		m.happening()
	case wire.Status:
		m.presence()
	case wire.Inventory:
		m.inventory()
	case wire.Ledger:
		m.account()
	case wire.Reply:
		m.out.Body = append([]byte(nil), m.raw.Payload...)
	default:
		if read := conventions[kind]; read != nil {
			read(m, rest)
			return
		}
		m.refuse(-1, m.raw.From, m.raw.At, UnknownTopic, "no such kind: "+clip(kind), 1)
	}
}

// heard takes note of the sender's clock, once per message and never from a
// re-delivery or a replay, whose stamp is old.
func (m *message) heard(now telemetry.Millis) {
	if now > 0 && m.replay == nil {
		m.sender.clock.observe(m.raw.At, now)
		m.offset = m.sender.clock.offset(m.raw.At)
		m.out.Timed, m.out.Clock = true, time.Duration(m.sender.clock.estimate())*time.Millisecond
	}
}

// skipped reports whether a replay leaves item i alone.
func (m *message) skipped(i int) bool {
	return m.replay != nil && m.replay.find(-1) == nil && m.replay.find(i) == nil
}

// release notes what a replay tried, and takes back the count of what it has
// brought out of quarantine.
func (m *message) release() {
	still := func(item int) bool {
		for _, r := range m.out.Refused {
			if r.Item == item {
				return true
			}
		}
		return false
	}
	for _, h := range m.replay.items {
		m.out.Retried = append(m.out.Retried, h.item)
		if !still(h.item) {
			if !m.redo {
				m.freed.add(m.replay.original, h.item)
			}
			m.count(h.device, h.hour, Quarantined, h.cause, -int64(h.n))
		}
	}
}

// repeated reports whether this number came before, and notes it.
func (m *message) repeated(st *stream, seq uint64) bool {
	if m.replay != nil || seq == 0 {
		return false
	}
	if st.seen.add(seq, seq) > 0 {
		return false
	}
	if hour, late := st.holes.take(seq); late {
		if hour != 0 {
			m.count(m.raw.From, hour, Missing, "", -1)
		}
		return false
	}
	m.out.Repeats++
	return true
}

// when makes the one event time of an item, or refuses the item. own is the
// device's clock, at its sender's.
func (m *message) when(item int, dev devices.ID, own, at telemetry.Millis) (telemetry.Millis, telemetry.Basis, bool) {
	return m.whenIn(at, item, dev, own, at)
}

// whenIn is when for what is counted in another hour than at's.
func (m *message) whenIn(hour telemetry.Millis, item int, dev devices.ID, own, at telemetry.Millis) (telemetry.Millis, telemetry.Basis, bool) {
	t := telemetry.Times{Device: own, Gateway: at, Hub: m.raw.At, Offset: m.offset}
	if own < builtFrom {
		t.Device = 0 // a clock that was never set says nothing
	} else if d := own.Sub(at); d > sameClock || d < -sameClock {
		t.Offset = 0 // the device keeps its own time: the sender's error is not its
	}
	if t.Device != 0 && at != 0 && t.Device.Add(t.Offset).Sub(at.Add(m.offset)) > notBefore {
		t.Device, t.Offset = 0, m.offset // nothing was measured after it was read: the device's clock is ahead
	}
	event, basis, ok := t.Event()
	if !ok {
		m.refuse(item, dev, hour, Future, event.Time().Format(time.RFC3339)+" is "+event.Sub(m.raw.At).String()+" ahead", 1)
		return 0, 0, false
	}
	if event < builtFrom {
		m.refuse(item, dev, hour, Past, event.Time().Format(time.RFC3339), 1)
		return 0, 0, false
	}
	return event, basis, true
}

const (
	builtFrom = telemetry.Millis(1_420_070_400_000) // 2015-01-01: an event before is a clock that was never set
	sameClock = 10 * time.Minute                    // a device this near to its gateway is set by it
	notBefore = 2 * time.Minute                     // a device this far ahead of its reader has a bad clock, which counts for nothing
)

// quality stands for a point's quality among the fields of an instant. It sorts
// behind every metric, and none can have its name.
const quality = "~quality"

// point brings one reading of a known device into its instant, and keeps what
// changed it as a point. A failed poll is a point without fields.
func (m *message) point(item int, dev *device, p telemetry.Point, hour telemetry.Millis, fields []telemetry.Field) {
	if p.Quality != telemetry.Good {
		m.asked = append(append(m.asked[:0], fields...), telemetry.Field{Metric: quality, Value: float64(p.Quality)})
		fields = m.asked
	}
	if len(fields) == 0 {
		m.refuse(item, p.Device, hour, string(codec.Shape), "no values, and a quality that says they are good", 1)
		return
	}
	news, v := dev.instant(p.At).Merge(p.Key, fields, m.fields[:0])
	m.fields = news
	if m.redo && v == telemetry.Repeated {
		news = fields
	}
	if dev.kind == PositionKind && len(news) > 0 {
		news = m.whereabouts(dev, &p, fields, news)
	}
	if n := len(news); n > 0 {
		if news[n-1].Metric == quality {
			news = news[:n-1]
		}
		p.Fields = m.fieldSlab.copy(news)
		m.points = append(m.points, p)
	}
	m.count(p.Device, hour, Outcome(v), "", 1)
}

// instant returns what is known of the device at this time, new if nothing is.
func (d *device) instant(at telemetry.Millis) *telemetry.Instant {
	for i := range d.recent {
		if d.recent[i].at == at {
			return &d.recent[i].Instant
		}
	}
	i := &d.recent[d.oldest]
	d.oldest = (d.oldest + 1) % recentInstants
	i.at, i.Key, i.Fields = at, telemetry.Key{}, i.Fields[:0]
	return &i.Instant
}

func (m *message) count(dev devices.ID, hour telemetry.Millis, o Outcome, cause string, n int64) {
	if n == 0 || m.redo {
		return
	}
	hour -= hour % hourMillis
	for i := max(0, len(m.tally)-nearTallies); i < len(m.tally); i++ {
		if t := &m.tally[i]; t.Device == dev && t.Hour == hour && t.Outcome == o && t.Cause == cause {
			t.N += n
			return
		}
	}
	m.tally = append(m.tally, Tally{Device: dev, Hour: hour, Outcome: o, Cause: cause, N: n})
}

const (
	hourMillis  = 3_600_000
	nearTallies = 32 // looked through for one to add to; one more costs little
)

// refuse puts an item into quarantine. What a replay finds refused again was
// counted when it first came.
func (m *message) refuse(item int, dev devices.ID, at telemetry.Millis, cause, detail string, n uint32) {
	if _, err := devices.ParseID(string(dev)); err != nil {
		dev = m.raw.From
	}
	if at <= 0 {
		at = m.raw.At
	}
	m.out.Refused = append(m.out.Refused, Refusal{Item: item, Device: dev, Hour: at - at%hourMillis, Cause: cause, Detail: detail, Items: n})
	if m.replay == nil || m.replay.find(item) == nil {
		m.count(dev, at, Quarantined, cause, int64(n))
	}
}

// unreadable refuses the whole message for a decoder's error.
func (m *message) unreadable(err error) {
	m.refuse(-1, m.raw.From, m.raw.At, string(codec.CauseOf(err)), err.Error(), 1)
}

func (d *Decoder) sender(id devices.ID) *sender {
	s := d.senders[id]
	if s == nil {
		s = &sender{}
		d.senders[id] = s
	}
	return s
}

// stream returns the sender's numbering, and makes room for it.
func (s *sender) stream(name string, epoch, number uint64) (st *stream, fresh bool) {
	oldest := 0
	for i, st := range s.streams {
		if st.epoch == epoch && st.name == name {
			st.used = number
			return st, false
		}
		if st.used < s.streams[oldest].used {
			oldest = i
		}
	}
	st = &stream{name: name, epoch: epoch, used: number}
	if len(s.streams) == maxStreams {
		s.streams[oldest] = st
	} else {
		s.streams = append(s.streams, st)
	}
	return st, true
}

// maxInterned bounds the table of names; a full one starts over.
const maxInterned = 1 << 15

func (d *Decoder) intern(b []byte) string {
	if s, ok := d.names[string(b)]; ok {
		return s
	}
	if len(d.names) >= maxInterned {
		clear(d.names)
	}
	s := string(b)
	d.names[s] = s
	return s
}

func clip(s string) string { return s[:min(len(s), 64)] }
