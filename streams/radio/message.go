package radio

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"gridhub/streams/sfu"
	"gridhub/streams/talk"
)

// Version is the protocol of PROTOCOL.md that this package speaks.
const Version = 1

// Prefix begins the type of every message of this package.
const Prefix = "talk."

// The requests.
const (
	askGroups    = Prefix + "groups"
	askJoin      = Prefix + "join"
	askLeave     = Prefix + "leave"
	askPress     = Prefix + "press"
	askRelease   = Prefix + "release"
	askHeard     = Prefix + "heard"
	askSkip      = Prefix + "skip"
	askRevoke    = Prefix + "revoke"
	askPublish   = Prefix + "publish"
	askSubscribe = Prefix + "subscribe"
	askSound     = Prefix + "sound"
)

// gone is the server's own: a device's connection has ended.
const gone = "gone"

var requests = map[string]bool{askGroups: true, askJoin: true, askLeave: true, askPress: true, askRelease: true, askHeard: true,
	askSkip: true, askRevoke: true, askPublish: true, askSubscribe: true, askSound: true}

// maxSound is how many packets of sound one message may carry: a second.
const maxSound = 50

// request is a message from a client.
type request struct {
	V        int           `json:"v"`
	Type     string        `json:"type"`
	Group    talk.Group    `json:"group"`
	Seq      uint64        `json:"seq"`
	Priority talk.Priority `json:"priority"`
	Burst    uint64        `json:"burst"`
	SDP      string        `json:"sdp"`
	Reason   string        `json:"reason"`
	// ByMessage, of join: sound comes and goes in messages, for want of any
	// other way.
	ByMessage bool    `json:"byMessage"`
	Sound     []sound `json:"sound"`
}

// sound is one packet of Opus in a message.
type sound struct {
	N    uint64 `json:"n"`    // numbers the packets of a burst, upwards
	At   uint32 `json:"at"`   // in samples at 48 kHz
	Data []byte `json:"data"` // base64
}

var (
	errMessage = errors.New("message not understood")
	errBusy    = errors.New("too much at once, try again")
	errRight   = errors.New("not permitted")
	errClosed  = errors.New("group is no longer in use")
)

func parse(raw []byte) (request, error) {
	var m request
	if err := json.Unmarshal(raw, &m); err != nil {
		return m, fmt.Errorf("%w: %w", errMessage, err)
	}
	switch {
	case m.V != Version:
		return m, fmt.Errorf("%w: version %d, want %d", errMessage, m.V, Version)
	case !requests[m.Type]:
		return m, fmt.Errorf("%w: type %.32q", errMessage, m.Type)
	case m.Type == askGroups:
		return m, nil
	case len(m.Group) == 0 || len(m.Group) > 64:
		return m, fmt.Errorf("%w: group %.70q", errMessage, m.Group)
	case m.Seq == 0:
		return m, fmt.Errorf("%w: seq is missing", errMessage)
	case m.Priority < talk.Normal || m.Priority > talk.Emergency:
		return m, fmt.Errorf("%w: priority %d", errMessage, m.Priority)
	case len(m.Sound) > maxSound:
		return m, fmt.Errorf("%w: %d packets of sound, at most %d", errMessage, len(m.Sound), maxSound)
	}
	return m, nil
}

// reply is a message to a client.
type reply struct {
	V       int        `json:"v"`
	Type    string     `json:"type"`
	Group   talk.Group `json:"group,omitempty"`
	Re      uint64     `json:"re,omitempty"`
	Groups  []Group    `json:"groups,omitempty"`
	State   *state     `json:"state,omitempty"`
	Of      string     `json:"of,omitempty"`
	SDP     string     `json:"sdp,omitempty"`
	Burst   uint64     `json:"burst,omitempty"`
	Person  string     `json:"person,omitempty"`
	Behind  int64      `json:"behindMs,omitempty"`
	Unheard int        `json:"unheard,omitempty"`
	Sound   []sound    `json:"sound,omitempty"`
	Code    string     `json:"code,omitempty"`
	Message string     `json:"message,omitempty"`
	Retry   bool       `json:"retry,omitempty"`
}

// state is a group as one device is shown it.
type state struct {
	Boot    string        `json:"boot"`
	Now     time.Time     `json:"now"`
	Present []talk.Person `json:"present"`
	Members int           `json:"members"`
	Speaker *speaker      `json:"speaker,omitempty"`
	Queue   []talk.Person `json:"queue"`
	May     talk.Priority `json:"may"`             // how high the person may press
	Speaks  bool          `json:"speaks"`          // this device has the floor
	Waits   int           `json:"waits,omitempty"` // its place in the queue, from 1
	Unheard []unheard     `json:"unheard"`         // kept for this person, oldest first
	Said    []said        `json:"said"`            // by this person, newest first, at most maxSaid
	Ended   string        `json:"ended,omitempty"` // why this person's last burst ended
	Refused string        `json:"refused,omitempty"`
}

type speaker struct {
	Person   talk.Person   `json:"person"`
	Burst    uint64        `json:"burst"`
	Priority talk.Priority `json:"priority"`
	Since    time.Time     `json:"since"`
}

type unheard struct {
	Burst  uint64      `json:"burst"`
	Person talk.Person `json:"person"`
	From   time.Time   `json:"from"`
}

// said is a burst and who has heard it.
type said struct {
	Burst uint64        `json:"burst"`
	From  time.Time     `json:"from"`
	Heard []talk.Person `json:"heard"`
}

// failure is the reply to a request that was refused. Codes are part of the
// protocol, messages are for people.
func failure(m request, err error) reply {
	r := reply{Type: Prefix + "error", Group: m.Group, Re: m.Seq, Code: "internal", Message: err.Error(), Retry: true}
	for _, known := range []struct {
		err   error
		code  string
		retry bool
	}{
		{errMessage, "message", false}, {errBusy, "busy", true}, {sfu.ErrFull, "busy", true}, {talk.ErrFull, "full", true},
		{errRight, "forbidden", false}, {talk.ErrNotPresent, "not-present", false}, {sfu.ErrNotMember, "not-present", false},
		{sfu.ErrOffer, "offer", false}, {talk.ErrStale, "stale", false}, {talk.ErrCommand, "message", false},
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
