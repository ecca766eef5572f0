package signaling

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"gridhub/streams/call"
	"gridhub/streams/sfu"
)

// Version is the protocol of PROTOCOL.md that this package speaks.
const Version = 1

// MaxMessage is the longest message taken, in bytes: a session description at
// its own limit, escaped as JSON, fits.
const MaxMessage = 2 * sfu.MaxSDP

// request is a message from a client.
type request struct {
	V      int     `json:"v"`
	Type   string  `json:"type"`
	Call   call.ID `json:"call"`
	Seq    uint64  `json:"seq"`
	Epoch  uint64  `json:"epoch"`
	Reason string  `json:"reason"`
	SDP    string  `json:"sdp"`
	call.Invite
}

// The requests that are about media and those that are about connections; all
// others are verbs of package call.
const (
	askPublish   = "publish"
	askSubscribe = "subscribe"
	askHello     = "hello"
)

// verbs are the commands a client may give.
var verbs = map[string]call.Verb{
	"invite": call.DoInvite, "ringing": call.DoRing, "accept": call.DoAccept, "decline": call.DoDecline,
	"busy": call.DoBusy, "hangup": call.DoHangup, "end": call.DoEnd, "resume": call.DoResume,
}

func parse(raw []byte) (request, error) {
	var m request
	if len(raw) > MaxMessage {
		return m, fmt.Errorf("%w: %d bytes, at most %d", errMessage, len(raw), MaxMessage)
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return m, fmt.Errorf("%w: %w", errMessage, err)
	}
	switch {
	case m.V != Version:
		return m, fmt.Errorf("%w: version %d, want %d", errMessage, m.V, Version)
	case m.Type == askHello:
		return m, nil
	case verbs[m.Type] == "" && m.Type != askPublish && m.Type != askSubscribe:
		return m, fmt.Errorf("%w: type %.32q", errMessage, m.Type)
	case !m.Call.Valid():
		return m, fmt.Errorf("%w: call id %.70q", errMessage, m.Call)
	case m.Seq == 0:
		return m, fmt.Errorf("%w: seq is missing", errMessage)
	}
	return m, nil
}

func (m request) command(from, device string) call.Command {
	c := call.Command{
		Verb: verbs[m.Type], Person: call.Person(from), Device: device,
		Sequence: m.Seq, Epoch: m.Epoch, Reason: m.Reason, Call: m.Call,
	}
	if c.Verb == call.DoInvite {
		i := m.Invite
		i.Mode, i.Media, i.Priority = or(i.Mode, call.One), or(i.Media, call.Audio), or(i.Priority, call.Normal)
		c.Invite = &i
	}
	return c
}

func or[T ~string](v, otherwise T) T {
	if v == "" {
		return otherwise
	}
	return v
}

// reply is a message to a client.
type reply struct {
	V       int         `json:"v"`
	Type    string      `json:"type"`
	Call    call.ID     `json:"call,omitempty"`
	Re      uint64      `json:"re,omitempty"` // the seq it answers
	State   *state      `json:"state,omitempty"`
	Event   *call.Event `json:"event,omitempty"`
	Of      string      `json:"of,omitempty"`
	SDP     string      `json:"sdp,omitempty"`
	Tracks  *sfu.View   `json:"tracks,omitempty"`
	Into    call.ID     `json:"into,omitempty"`
	Code    string      `json:"code,omitempty"`
	Message string      `json:"message,omitempty"`
	Retry   bool        `json:"retry,omitempty"`
}

// state is a call as one device is shown it.
type state struct {
	Caller   call.Person `json:"caller"`
	Phase    call.Phase  `json:"phase"`
	Self     call.Status `json:"self"` // where the receiving device stands
	Sends    bool        `json:"sends"`
	Hears    bool        `json:"hears"`
	Created  time.Time   `json:"created"`
	Answered *time.Time  `json:"answered,omitempty"`
	Ended    *time.Time  `json:"ended,omitempty"`
	Reason   string      `json:"reason,omitempty"`
	Now      time.Time   `json:"now"` // server time, to show durations by
	// Boot differs after the server was started again: connections made
	// before are gone then, whatever the client still believes.
	Boot string `json:"boot"`
	// Recording is what its members must be told before they speak: always
	// (it is recorded) or on-demand (it may be).
	Recording string `json:"recording,omitempty"`
	Seats     []seat `json:"seats"`
	call.Invite
}

type seat struct {
	Person call.Person `json:"person"`
	Status call.Status `json:"status"`
	Since  time.Time   `json:"since"`
	Reason string      `json:"reason,omitempty"`
}

// show draws the call for one device of one person.
func show(c *call.Call, person call.Person, device string, now time.Time) *state {
	s := &state{
		Caller: c.Caller, Phase: c.Phase, Created: c.Created, Reason: c.Reason,
		Now: now, Invite: c.Invite, Answered: notZero(c.Answered), Ended: notZero(c.EndedAt),
	}
	for _, from := range c.Seats {
		s.Seats = append(s.Seats, seat{from.Person, from.Status, from.Since, from.Reason})
		if from.Person != person {
			continue
		}
		s.Self, s.Sends, s.Hears = from.Status, c.Sends(person), c.Hears(person)
		if from.Status.Present() && from.Device != device {
			s.Self, s.Sends, s.Hears = call.Elsewhere, false, false
		}
	}
	return s
}

func notZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

var (
	errMessage   = errors.New("message not understood")
	errBusy      = errors.New("too much at once, try again")
	errRight     = errors.New("not permitted")
	errUnknown   = errors.New("no such call, or it is over")
	errUnreached = errors.New("not reached")
)

// failure is the reply to a request that was refused. Codes are part of the
// protocol, messages are for people.
func failure(m request, err error) reply {
	r := reply{Type: "error", Call: m.Call, Re: m.Seq, Code: "internal", Message: err.Error(), Retry: true}
	for _, known := range []struct {
		err   error
		code  string
		retry bool
	}{
		{errMessage, "message", false}, {errBusy, "busy", true}, {sfu.ErrFull, "busy", true},
		{errRight, "forbidden", false}, {errUnreached, "unreachable", true}, {errUnknown, "over", false}, {call.ErrOver, "over", false},
		{call.ErrNotInvited, "not-invited", false}, {sfu.ErrNotMember, "not-invited", false},
		{sfu.ErrOffer, "offer", false}, {call.ErrInvalid, "message", false},
		{call.ErrElsewhere, "elsewhere", false}, {call.ErrStale, "stale", false}, {call.ErrState, "state", false},
	} {
		if errors.Is(err, known.err) {
			r.Code, r.Retry = known.code, known.retry
			break
		}
	}
	if line, _, more := strings.Cut(r.Message, "\n"); more {
		r.Message = line
	}
	return r
}

func (r reply) bytes() []byte {
	r.V = Version
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // plain data: cannot fail
	}
	return b
}
