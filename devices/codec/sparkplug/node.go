// Package sparkplug reads Eclipse Sparkplug B 3.0: the payloads (protobuf, by
// the field numbers of the specification) and the life of one edge node with
// its devices: births that give metrics their names, aliases and types, the
// sequence of its messages, and deaths that belong to their births.
//
// Numbers, booleans (as 0 and 1) and instants (as milliseconds) are taken; the
// rest is counted as left out, with its reason. Topics and identities are the
// hub's business.
package sparkplug

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"gridhub/devices/codec"
	"gridhub/devices/telemetry"
)

// Kinds of messages ("Topics and Messages").
const (
	NBirth = "NBIRTH"
	NDeath = "NDEATH"
	NData  = "NDATA"
	DBirth = "DBIRTH"
	DDeath = "DDEATH"
	DData  = "DDATA"
)

// Causes of refusal beside codec's.
const (
	NoBirth      codec.Cause = "no-birth"      // it came before its birth, so that nobody can say what it means
	UnknownAlias codec.Cause = "unknown-alias" // its birth gave no metric this alias
)

// Limits of one node's memory.
const (
	MaxDevices = 1024
	MaxAliases = 16384 // metrics of a node and its devices
)

// askEvery is the shortest time between two requests for a rebirth: a node
// needs some to answer one.
const askEvery = 10 * 1000

// meta is what a birth said of a metric.
type meta struct {
	Alias    uint64 `json:"a,omitempty"`
	HasAlias bool   `json:"h,omitempty"`
	Type     uint32 `json:"t"`
	Unit     string `json:"u,omitempty"`
}

// birth is what one birth message said.
type birth struct {
	Number  uint64          `json:"n"` // of the message in the journal
	Alive   bool            `json:"l"`
	Metrics map[string]meta `json:"m"`

	byAlias map[uint64]string
}

// Node is what is remembered of an edge node. It is not safe for concurrent use.
type Node struct {
	head   head
	births map[string]*birth // of its devices; "" is its own
	tables []byte            // births as JSON; nil: to be written anew
}

// head is what changes with every message.
type head struct {
	Seq   int              `json:"seq"`   // of the newest message; -1: none
	BdSeq int64            `json:"bd"`    // of the newest NBIRTH; -1: it told none
	Asked telemetry.Millis `json:"asked"` // when a rebirth was last asked for
}

// New returns a node that was never heard.
func New() *Node { return &Node{head: head{Seq: -1, BdSeq: -1}, births: map[string]*birth{}} }

// Load returns a node with a state that State wrote.
func Load(state []byte) (*Node, error) {
	n := New()
	d := json.NewDecoder(bytes.NewReader(state))
	if err := d.Decode(&n.head); err != nil {
		return nil, codec.Errorf(codec.Malformed, "saved node: %v", err)
	}
	if err := d.Decode(&n.births); err != nil {
		return nil, codec.Errorf(codec.Malformed, "saved births: %v", err)
	}
	for _, b := range n.births {
		if b == nil {
			return nil, codec.Errorf(codec.Malformed, "saved births: one is null")
		}
		b.index()
	}
	return n, nil
}

// State returns all that Load needs; equal memories are equal bytes.
func (n *Node) State() []byte {
	head, err := json.Marshal(n.head)
	if err == nil && n.tables == nil {
		n.tables, err = json.Marshal(n.births)
	}
	if err != nil {
		panic(err) // plain values
	}
	return slices.Concat(head, n.tables)
}

func (b *birth) index() {
	b.byAlias = map[uint64]string{}
	for name, m := range b.Metrics {
		if m.HasAlias {
			b.byAlias[m.Alias] = name
		}
	}
}

// Message is one message of the node.
type Message struct {
	Kind   string
	Device string // empty for messages of the node itself
	Body   []byte
	Number uint64           // in the journal, ascending
	At     telemetry.Millis // the hub's clock when it came
	Replay bool             // it came before: it changes nothing that is remembered
}

// Told is what a message came to.
type Told struct {
	Samples  []codec.Sample
	Now      telemetry.Millis // the node's clock when it sent; 0: not told
	Dead     []string         // devices that are gone; "" is the node
	Presence bool             // it said whether the node is there, see Online
	Online   bool
	Rebirth  bool // something is missing: the node must be asked for its births
}

// Take takes the next message. When it fails the message is of no use, but
// Told.Rebirth holds all the same.
func (n *Node) Take(m Message) (t Told, err error) {
	p, err := Decode(m.Body)
	if err != nil {
		return t, err
	}
	if len(m.Device) > MaxName || !utf8.ValidString(m.Device) {
		return t, codec.Errorf(codec.Shape, "a device's name of %d bytes: want UTF-8, at most %d", len(m.Device), MaxName)
	}
	t.Now = p.At
	missing := false
	switch m.Kind {
	case NBirth, DBirth:
		missing, err = n.born(m, &p, &t)
	case NDeath:
		n.died(m, &p, &t)
		return t, nil
	case DDeath:
		missing = n.follows(m, &p)
		t.Dead = n.kill(m, m.Device)
	case NData, DData:
		missing = n.follows(m, &p)
		err = n.data(m, &p, &t)
	default:
		return t, codec.Errorf(codec.Shape, "message type %.16q", m.Kind)
	}
	lost := err != nil && (codec.CauseOf(err) == NoBirth || codec.CauseOf(err) == UnknownAlias)
	if (missing || lost) && !m.Replay && (n.head.Asked == 0 || m.At-n.head.Asked >= askEvery || m.At < n.head.Asked) {
		n.head.Asked, t.Rebirth = m.At, true
	}
	return t, err
}

// follows notes the message's sequence number and reports whether one before
// it is missing (numbers count to 255 and begin anew).
func (n *Node) follows(m Message, p *Payload) (missing bool) {
	if m.Replay || p.Seq < 0 {
		return false
	}
	missing = n.head.Seq >= 0 && p.Seq != (n.head.Seq+1)%256
	n.head.Seq = p.Seq
	return missing
}

// born takes a birth. A node's ends those of its devices, which must be born
// again (after an NBIRTH come DBIRTHs).
func (n *Node) born(m Message, p *Payload, t *Told) (missing bool, err error) {
	b := &birth{Number: m.Number, Alive: true, Metrics: make(map[string]meta, len(p.Metrics))}
	own := m.Kind == NBirth
	key := m.Device
	if own {
		key = ""
	}
	if err := b.describe(p); err != nil {
		return false, err
	}
	switch {
	case m.Replay:
		return false, b.samples(p, key, t)
	case own:
		n.head.Seq, n.head.BdSeq = p.Seq, p.bdSeq()
		n.births = map[string]*birth{}
		t.Presence, t.Online = true, true
	case n.births[""] == nil || !n.births[""].Alive:
		return false, codec.Errorf(NoBirth, "a DBIRTH of %.64q before its node's NBIRTH", m.Device)
	default:
		missing = n.follows(m, p)
		if err := n.room(m.Device, b); err != nil {
			return missing, err
		}
	}
	n.births[key], n.tables = b, nil
	return missing, b.samples(p, key, t)
}

func (n *Node) room(device string, b *birth) error {
	all := len(b.Metrics)
	for name, have := range n.births {
		if name != device {
			all += len(have.Metrics)
		}
	}
	if len(n.births) > MaxDevices || all > MaxAliases {
		return codec.Errorf(codec.TooLarge, "more than %d devices or %d metrics behind one node", MaxDevices, MaxAliases)
	}
	return nil
}

// describe learns a birth's metrics.
func (b *birth) describe(p *Payload) error {
	names := map[string]string{}
	aliases := map[uint64]bool{}
	for i := range p.Metrics {
		m := &p.Metrics[i]
		if m.Name == "" {
			return codec.Errorf(codec.Shape, "metric %d of a birth has no name", i+1)
		}
		if other, taken := names[metric(m.Name)]; taken && other != m.Name {
			return codec.Errorf(codec.Duplicate, "metrics %.64q and %.64q would have one name here", other, m.Name)
		}
		if _, twice := b.Metrics[m.Name]; m.HasAlias && aliases[m.Alias] && !twice {
			return codec.Errorf(codec.Duplicate, "alias %d twice", m.Alias)
		}
		names[metric(m.Name)], aliases[m.Alias] = m.Name, aliases[m.Alias] || m.HasAlias
		b.Metrics[m.Name] = meta{m.Alias, m.HasAlias, m.Type, m.Unit}
	}
	b.index()
	return nil
}

// bdSeq is the number of the birth that a death names, too.
func (p *Payload) bdSeq() int64 {
	for _, m := range p.Metrics {
		if m.Name == "bdSeq" && !m.Null && (m.raw.field == fieldLong || m.raw.field == fieldInt) {
			return int64(m.raw.bits & (1<<62 - 1))
		}
	}
	return -1
}

// died takes the node's will. One of another connection than the newest birth's
// says nothing of the node that lives now.
func (n *Node) died(m Message, p *Payload, t *Told) {
	own := n.births[""]
	if m.Replay || own == nil || !own.Alive || p.bdSeq() != n.head.BdSeq {
		return
	}
	t.Now = 0 // it was written before the birth
	t.Presence, t.Online = true, false
	for _, device := range slices.Sorted(maps.Keys(n.births)) {
		t.Dead = append(t.Dead, n.kill(m, device)...)
	}
}

// kill ends what lived.
func (n *Node) kill(m Message, device string) []string {
	b := n.births[device]
	if m.Replay || b == nil || !b.Alive {
		return nil
	}
	b.Alive, n.tables = false, nil
	return []string{device}
}

func (n *Node) data(m Message, p *Payload, t *Told) error {
	key := m.Device
	if m.Kind == NData {
		key = ""
	}
	b := n.births[key]
	if b == nil || !b.Alive && !m.Replay || m.Number < b.Number {
		return codec.Errorf(NoBirth, "%s of %.64q before its birth", m.Kind, key)
	}
	return b.samples(p, key, t)
}

// samples brings the metrics of a message into one sample for each instant.
func (b *birth) samples(p *Payload, device string, t *Told) error {
	index := map[telemetry.Millis]int{}
	for i := range p.Metrics {
		m := &p.Metrics[i]
		name, about, err := b.find(m)
		if err != nil {
			return err
		}
		if name == "bdSeq" || strings.HasPrefix(name, "Node Control/") || strings.HasPrefix(name, "Device Control/") {
			continue // of the connection, and commands: nothing that was measured
		}
		at := m.At
		if at == 0 {
			at = p.At
		}
		k, have := index[at]
		if !have {
			k = len(t.Samples)
			index[at] = k
			t.Samples = append(t.Samples, codec.Sample{Device: device, At: at})
		}
		put(&t.Samples[k], m, name, about)
	}
	for i := range t.Samples {
		if err := t.Samples[i].Sort(); err != nil {
			return err
		}
	}
	return nil
}

func put(s *codec.Sample, m *Metric, name string, about meta) {
	kind := m.Type
	if kind == 0 {
		kind = about.Type
	}
	v, why := m.number(kind)
	if why != "" {
		s.Omit(why, 1)
		return
	}
	s.Put(metric(name), v)
	if about.Unit != "" {
		s.Units = append(s.Units, codec.Unit{Metric: metric(name), Unit: about.Unit})
	}
}

// find says which of the birth's metrics m is.
func (b *birth) find(m *Metric) (string, meta, error) {
	name := m.Name
	if name == "" {
		var known bool
		if name, known = b.byAlias[m.Alias]; !known || !m.HasAlias {
			return "", meta{}, codec.Errorf(UnknownAlias, "alias %d", m.Alias)
		}
	}
	about, known := b.Metrics[name]
	if !known {
		return "", meta{}, codec.Errorf(UnknownAlias, "metric %.64q is not in the birth", name)
	}
	return name, about, nil
}

// metric is the name of a metric with '.' between its levels and '_' between
// its words; a birth with two that so become one is refused.
func metric(name string) string { return codec.Metric(levels.Replace(name)) }

var levels = strings.NewReplacer("/", ".", " ", "_")
