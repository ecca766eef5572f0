package broker

import (
	"context"
	"errors"
	"time"

	"gridhub/devices"
)

// Message is one accepted publish or will. Payload and Topic are valid only
// until Sink.Accept returns: the reader uses their memory again.
type Message struct {
	From    devices.ID
	Topic   string // canonical, gh/1/<id>/up/<kind…>; as sent when Refused
	Below   string // what of Topic is behind up/; empty when Refused
	Kind    string // first level of Below
	Payload []byte
	QoS     byte
	Retain  bool
	Will    bool
	Refused string // why it must be quarantined instead of decoded, such as "topic"
	At      time.Time
}

// KindCall is the kind that is answered at once and never journaled.
const KindCall = "call"

// Sink keeps what was published. It is called from many goroutines, but for
// one client in the order of its publishes, and may block: the client's
// connection is then read no further.
type Sink interface {
	// Accept takes m, copying what it keeps, and calls ack.Done exactly once,
	// from any goroutine, when m is durable or has failed. For KindCall it may
	// do so at once.
	Accept(m *Message, ack Ack)
}

// Credentials is what a connecting client shows of itself.
type Credentials struct {
	ClientID   string
	Username   string
	Password   []byte
	CertCN     string // common name of the verified client certificate, or empty
	CertSerial string // its serial number, hexadecimal
	CertSHA256 string // its fingerprint, hexadecimal
	RemoteAddr string
	Listener   string
	WebSocket  bool
}

// Principal is who a client turned out to be.
type Principal struct {
	ID         devices.ID
	Kind       devices.Kind
	Convention string // "" speaks our own topics; see conventions for others
	Foreign    string // the name that it is bound to there, see CheckConvention
}

// Authority knows who may connect. Safe for concurrent use.
type Authority interface {
	// Authenticate returns the principal behind c. ErrUnavailable (wrapped)
	// tells the client to come back later; any other error refuses it.
	Authenticate(ctx context.Context, c Credentials) (Principal, error)
}

// Events are the broker's reports; any may be nil. Presence is called from one
// goroutine, in order for each identity; Refused from many.
type Events struct {
	Presence func(id devices.ID, online bool, at time.Time, cause string)
	Refused  func(Refusal)
}

// Refusal is something a client wanted and did not get, for the audit.
type Refusal struct {
	ID     devices.ID // empty before authentication
	Remote string
	What   string // "connect", "publish", "subscribe", "will"
	Detail string // the topic, filter or client id, cut to 256 bytes
	Cause  string
	At     time.Time
}

// Errors that a caller may want to tell apart.
var (
	ErrUnavailable   = errors.New("broker: cannot decide now")
	ErrNoSession     = errors.New("broker: the receiver has no session")
	ErrNotSubscribed = errors.New("broker: the receiver has not subscribed")
	ErrQueueFull     = errors.New("broker: the receiver's queue is full")
)
