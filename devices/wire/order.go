package wire

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"gridhub/devices"
	"gridhub/devices/telemetry"
)

// Order is what a command asks of a device. It is signed as bytes, so that no
// two programs need to agree on a canonical form. Exactly one of Set, Text and
// Files says what is to be done.
type Order struct {
	V       int                `json:"v"`
	ID      string             `json:"id"`              // done at most once
	To      devices.ID         `json:"to"`              // who must do it; an order to another is not ours
	Device  devices.ID         `json:"device"`          // on which of the receiver's devices; To for itself
	Set     map[string]float64 `json:"set,omitempty"`   // control -> value in its unit
	Text    string             `json:"text,omitempty"`  // to be shown or spoken
	Files   map[string]string  `json:"files,omitempty"` // name -> YAML: the device files that the hub owns (down/config)
	By      string             `json:"by,omitempty"`    // who asked, for the receiver's log
	At      telemetry.Millis   `json:"at"`              // when it was created, by the hub's clock
	Now     telemetry.Millis   `json:"now"`             // when this copy was signed, by the hub's clock
	Expires telemetry.Millis   `json:"expires"`         // not to be begun from then on
}

// Signed is the payload of command and config: an Order as JSON bytes, and the
// Ed25519 signature over Context and these bytes.
type Signed struct {
	V         int    `json:"v" cbor:"v"`
	Key       string `json:"key" cbor:"key"` // KeyID of the key that signed
	Order     []byte `json:"order" cbor:"order"`
	Signature []byte `json:"sig" cbor:"sig"`
}

// Context precedes the order's bytes in what is signed: a signature that was
// made for something else with the same key is no order.
const Context = "gridhub order 1\n"

// MaxOrder bounds an order, in bytes.
const MaxOrder = 128 << 10

// Errors of Open.
var (
	ErrKey       = errors.New("signed with a key that is not pinned here")
	ErrSignature = errors.New("the signature does not fit")
	ErrOrder     = errors.New("no order of this version")
)

// KeyID names a public key: the first 8 bytes of its SHA-256, as hexadecimal.
func KeyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:8])
}

// Seal signs o.
func Seal(o Order, key ed25519.PrivateKey) (Signed, error) {
	body, err := json.Marshal(o)
	if err != nil {
		return Signed{}, fmt.Errorf("order %s: %w", o.ID, err)
	}
	if len(body) > MaxOrder {
		return Signed{}, fmt.Errorf("order %s has %d bytes, at most %d can be sent", o.ID, len(body), MaxOrder)
	}
	return Signed{V: Version, Key: KeyID(key.Public().(ed25519.PublicKey)), Order: body,
		Signature: ed25519.Sign(key, append([]byte(Context), body...))}, nil
}

// Open verifies s against the pinned keys and reads its order. Whether the
// order is meant for the caller, is new and has not expired, is the caller's
// to ask.
func (s Signed) Open(pinned ...ed25519.PublicKey) (o Order, err error) {
	if err := s.verify(Context, pinned); err != nil {
		return o, err
	}
	if err := json.Unmarshal(s.Order, &o); err != nil || o.V != Version || o.ID == "" || o.To == "" {
		return Order{}, ErrOrder
	}
	return o, nil
}

// verify reports whether a pinned key has signed s for this context.
func (s Signed) verify(context string, pinned []ed25519.PublicKey) error {
	if s.V != Version || len(s.Order) > MaxOrder {
		return ErrOrder
	}
	for _, key := range pinned {
		if KeyID(key) != s.Key {
			continue
		}
		if !ed25519.Verify(key, append([]byte(context), s.Order...), s.Signature) {
			return ErrSignature
		}
		return nil
	}
	return ErrKey
}

// Stages of an order, as the receiver tells them on up/reply. Accepted means
// that it survives the receiver's restart; Executed that the device itself
// confirmed it. The last three are ends, as Executed is.
const (
	Accepted = "acknowledged"
	Executed = "executed"
	Failed   = "failed"
	Expired  = "expired"
	Refused  = "refused" // never begun: signature, receiver, control or value
)

// Result is the payload of reply: how far an order has come. It is published
// until its PUBACK; the hub takes each stage of an order once.
type Result struct {
	V      int                `json:"v" cbor:"v"`
	ID     string             `json:"id" cbor:"id"`
	Device devices.ID         `json:"device,omitempty" cbor:"device,omitempty"`
	State  string             `json:"state" cbor:"state"`
	At     telemetry.Millis   `json:"at" cbor:"at"`   // when, by the sender's clock
	Now    telemetry.Millis   `json:"now" cbor:"now"` // the sender's clock when it sent
	Cause  string             `json:"cause,omitempty" cbor:"cause,omitempty"`
	Detail string             `json:"detail,omitempty" cbor:"detail,omitempty"` // for people
	Values map[string]float64 `json:"values,omitempty" cbor:"values,omitempty"` // what the device said afterwards
}

// Account is the payload of ledger: a gateway's own count per device and hour,
// newest state of each hour that changed since the last one. Counts only grow,
// except Pending.
type Account struct {
	V     int              `json:"v" cbor:"v"`
	Epoch uint64           `json:"epoch" cbor:"epoch"` // of the data stream
	Now   telemetry.Millis `json:"now" cbor:"now"`
	Hours []AccountHour    `json:"hours" cbor:"hours"`
}

// AccountHour says what a gateway did with one device in one hour of its own
// clock.
type AccountHour struct {
	Device  devices.ID       `json:"device" cbor:"device"`
	Hour    telemetry.Millis `json:"hour" cbor:"hour"`                           // begin
	Polled  uint64           `json:"polled" cbor:"polled"`                       // numbers issued
	Pending uint64           `json:"pending,omitempty" cbor:"pending,omitempty"` // not acknowledged yet
	Lost    uint64           `json:"lost,omitempty" cbor:"lost,omitempty"`       // given up before they were acknowledged
}
