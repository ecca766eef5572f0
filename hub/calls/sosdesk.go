package calls

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/streams/talk"
)

// SOSPrefix begins the type of every message about calls for help; see
// streams/signaling/PROTOCOL.md.
const SOSPrefix = "sos."

const (
	storeWithin = 5 * time.Second
	maxEndText  = 4 << 10 // bytes of a message
)

// Line brings messages to devices.
type Line interface {
	Devices(person string) []string
	Send(device string, payload []byte)
}

// SOSDesk tells those concerned of the calls for help that stand, and lets the
// centre end them. It is safe for concurrent use.
type SOSDesk struct {
	Latch  *Latch
	Line   Line
	Street Street
	// Ended is told what was ended, by whom and why, before anybody else is.
	Ended func(ctx context.Context, s SOS) error
	Now   func() time.Time
	Log   *slog.Logger
}

// sosMessage is a message of this package, both ways.
type sosMessage struct {
	V       int             `json:"v"`
	Type    string          `json:"type"`
	Re      uint64          `json:"re,omitempty"`
	Seq     uint64          `json:"seq,omitempty"`
	Case    identity.CaseID `json:"case,omitempty"`
	Reason  string          `json:"reason,omitempty"`
	Active  *[]SOS          `json:"active,omitempty"`
	Ended   *SOS            `json:"ended,omitempty"`
	Code    string          `json:"code,omitempty"`
	Message string          `json:"message,omitempty"`
}

// Handle takes a message of a device on which person is signed in.
func (d *SOSDesk) Handle(person, device string, raw []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), storeWithin)
	defer cancel()
	var m sosMessage
	err := fmt.Errorf("%d bytes, at most %d", len(raw), maxEndText)
	if len(raw) <= maxEndText {
		err = json.Unmarshal(raw, &m)
	}
	switch {
	case err != nil:
	case m.Type == SOSPrefix+"list": // also when nothing stands: one may have ended while the device was away
		d.show(ctx, talk.Person(person), device, nil)
	case m.Type == SOSPrefix+"end":
		err = d.end(ctx, person, m)
	default:
		err = fmt.Errorf("type %.32q", m.Type)
	}
	if err != nil {
		d.send(device, sosMessage{Type: SOSPrefix + "error", Re: m.Seq, Case: m.Case, Code: code(err), Message: err.Error()})
	}
}

var errNotCentre = errors.New("only the centre ends a call for help")

func code(err error) string {
	switch {
	case errors.Is(err, errNotCentre):
		return "forbidden"
	case errors.Is(err, ErrNoSOS):
		return "over"
	case errors.Is(err, ErrReason):
		return "reason"
	}
	return "message"
}

func (d *SOSDesk) end(ctx context.Context, person string, m sosMessage) error {
	centre, err := d.Street.Centre(ctx)
	if err != nil {
		return err
	}
	if !slices.Contains(centre, talk.Person(person)) {
		return errNotCentre
	}
	s, err := d.Latch.End(ctx, m.Case, person, m.Reason, telemetry.At(d.Now()))
	if err != nil {
		return err
	}
	if err := d.Ended(ctx, s); err != nil { // it has ended all the same
		d.Log.Error("the end of a call for help is not on its case", "task", s.Case, "error", err)
	}
	d.tell(ctx, s, &s)
	return nil
}

// Raise latches a call for help and tells everybody concerned. A repeat changes
// nothing.
func (d *SOSDesk) Raise(ctx context.Context, s SOS) error {
	s.Group = CaseGroupID(s.Case)
	fresh, err := d.Latch.Raise(ctx, s)
	if err != nil || !fresh {
		return err
	}
	d.Log.Warn("a call for help", "task", s.Case, "person", s.Person, "pulled", len(s.Pulled))
	d.tell(ctx, s, nil)
	return nil
}

// tell shows everybody whom s concerns how things stand now.
func (d *SOSDesk) tell(ctx context.Context, s SOS, ended *SOS) {
	centre, err := d.Street.Centre(ctx)
	if err != nil {
		d.Log.Error("the centre is not told of a call for help", "task", s.Case, "error", err)
	}
	people := append(s.People(), centre...)
	slices.Sort(people)
	for _, p := range slices.Compact(people) {
		for _, device := range d.Line.Devices(string(p)) {
			d.show(ctx, p, device, ended)
		}
	}
}

// Connected shows a device that came online what concerns its person, where
// anything does.
func (d *SOSDesk) Connected(person, device string) {
	if len(d.Latch.Active()) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeWithin)
	defer cancel()
	d.show(ctx, talk.Person(person), device, nil)
}

// Gone does nothing: a call for help does not end with a connection.
func (d *SOSDesk) Gone(_, _ string) {}

func (d *SOSDesk) show(ctx context.Context, p talk.Person, device string, ended *SOS) {
	centre, err := d.Street.Centre(ctx)
	if err != nil {
		d.Log.Error("a device is not told of calls for help", "device", device, "error", err)
		return
	}
	active := []SOS{}
	for _, s := range d.Latch.Active() {
		if slices.Contains(s.People(), p) || slices.Contains(centre, p) {
			active = append(active, s)
		}
	}
	d.send(device, sosMessage{Type: SOSPrefix + "state", Active: &active, Ended: ended})
}

func (d *SOSDesk) send(device string, m sosMessage) {
	m.V = 1
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // plain data: cannot fail
	}
	d.Line.Send(device, b)
}
