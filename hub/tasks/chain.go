package tasks

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
)

// canonical is an event as it is hashed: JSON with these keys in this order,
// absent values left out, no spaces, as encoding/json writes it. Prev is the
// hash of the event before, empty for the first.
type canonical struct {
	Case   identity.CaseID   `json:"case"`
	Seq    uint64            `json:"seq"`
	Type   EventType         `json:"type"`
	At     telemetry.Millis  `json:"at"`
	Server telemetry.Millis  `json:"server"`
	By     string            `json:"by"`
	Person identity.PersonID `json:"person,omitempty"`
	Place  *geo.Point        `json:"place,omitempty"`
	Why    string            `json:"why,omitempty"`
	Body   Body              `json:"body"`
	Prev   string            `json:"prev"`
}

// secret is one personal value of an event, kept beside the chain so that it
// can be erased; the chain holds only its commitment.
type secret struct {
	field string
	salt  []byte
	value string
}

// seal takes the personal fields out of e, puts commitments in their place,
// and returns the canonical bytes, with e.Hash set over them.
func (e *Event) seal(prev string) (bytes []byte, secrets []secret, err error) {
	public, why := e.Body, e.Why
	secrets = commit(&public, &why, e.By == identity.System.Account)
	bytes, err = json.Marshal(canonical{Case: e.Case, Seq: e.Seq, Type: e.Type, At: e.At, Server: e.Server,
		By: e.By, Person: e.Person, Place: e.Place, Why: why, Body: public, Prev: prev})
	if err != nil {
		return nil, nil, fmt.Errorf("event %s/%d: %w", e.Case, e.Seq, err)
	}
	e.Body.Private = public.Private
	e.Hash = hash(bytes)
	return bytes, secrets, nil
}

// commit replaces what people wrote by salted commitments: the report's text
// and reporter, and the reason of a step, unless the hub itself gave it. (Events
// from before reasons were committed keep theirs in the clear.)
func commit(b *Body, why *string, hub bool) []secret {
	var out []secret
	hide := func(field string, value *string) {
		if *value == "" {
			return
		}
		s := secret{field: field, salt: make([]byte, 16), value: *value}
		_, _ = rand.Read(s.salt) // never fails (crypto/rand since Go 1.24)
		if b.Private == nil {
			b.Private = map[string]string{}
		}
		b.Private[field] = commitment(s.salt, s.value)
		*value = ""
		out = append(out, s)
	}
	hide("text", &b.Text)
	hide("reporter", &b.Reporter)
	if !hub {
		hide("why", why)
	}
	return out
}

func commitment(salt []byte, value string) string {
	return hash(append(append([]byte{}, salt...), value...))
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// open reads an event back from its canonical bytes.
func open(bytes []byte) (Event, string, error) {
	var c canonical
	if err := json.Unmarshal(bytes, &c); err != nil {
		return Event{}, "", err
	}
	return Event{Case: c.Case, Seq: c.Seq, Type: c.Type, At: c.At, Server: c.Server, By: c.By, Person: c.Person,
		Place: c.Place, Why: c.Why, Body: c.Body, Hash: hash(bytes)}, c.Prev, nil
}

// Read reads one event back from its canonical bytes, and the hash of the one
// before that it carries. Personal fields are not in them; see Secret.
func Read(canonical []byte) (e Event, prev string, err error) { return open(canonical) }

// Secret is one personal value of an event, as a sealed case carries it beside
// the chain: whoever has it can prove what the commitment in the chain stands
// for, and whoever has not can still verify the chain.
type Secret struct {
	Seq   uint64 `json:"seq"`
	Field string `json:"field"`
	Salt  []byte `json:"salt"`
	Value string `json:"value"`
}

// Fits reports whether s is the value behind its field's commitment in e.
func (s Secret) Fits(e *Event) bool {
	return s.Seq == e.Seq && e.Body.Private[s.Field] == commitment(s.Salt, s.Value)
}

// Reveal puts the value into the field of e that it belongs to.
func (s Secret) Reveal(e *Event) {
	switch s.Field {
	case "text":
		e.Body.Text = s.Value
	case "reporter":
		e.Body.Reporter = s.Value
	case "why":
		e.Why = s.Value
	}
}

// VerifyChain checks that each event's bytes carry the hash of the one before.
// The newest event is vouched for by whoever holds its hash.
func VerifyChain(events [][]byte) error {
	prev := ""
	for i, b := range events {
		e, said, err := open(b)
		if err != nil {
			return fmt.Errorf("event %d cannot be read: %w", i+1, err)
		}
		if said != prev || e.Seq != uint64(i)+1 {
			return fmt.Errorf("event %d (seq %d) does not follow the one before", i+1, e.Seq)
		}
		prev = e.Hash
	}
	return nil
}
