package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/coder/websocket"
	"github.com/pion/webrtc/v4"
)

// liveKitDoor speaks the signalling of LiveKit (livekit_rtc.proto, protocol 9)
// as far as a benchmark needs it. Its messages are a oneof of messages of
// strings and small numbers, so they are written and read here by hand.
type liveKitDoor struct{ address, secret string }

// Fields of SignalRequest and SignalResponse.
const (
	askOffer, askAnswer, askTrickle, askTrack    = 1, 2, 3, 4
	tellJoin, tellAnswer, tellOffer, tellTrickle = 1, 2, 3, 4
	tellPublished                                = 6
	targetPublisher, targetSubscriber            = 0, 1
	typeVideo                                    = 1
)

func (d liveKitDoor) publish(ctx context.Context, pc *webrtc.PeerConnection) error {
	l, err := d.enter(ctx, "camera", pc, targetPublisher)
	if err != nil {
		return err
	}
	if err := l.send(ctx, askTrack, text(1, "video"), text(2, "video"), number(3, typeVideo), number(4, 1280), number(5, 720)); err != nil {
		return err
	}
	if _, err := l.until(ctx, tellPublished); err != nil {
		return err
	}
	sdp, err := offer(ctx, pc)
	if err != nil {
		return err
	}
	if err := l.send(ctx, askOffer, text(1, "offer"), text(2, sdp)); err != nil {
		return err
	}
	m, err := l.until(ctx, tellAnswer)
	if err != nil {
		return err
	}
	if err := answered(pc, m.text(2)); err != nil {
		return err
	}
	go l.follow(ctx)
	return nil
}

// view answers the server's offers, of which the first may hold no picture.
func (d liveKitDoor) view(ctx context.Context, id string, pc *webrtc.PeerConnection) error {
	l, err := d.enter(ctx, id, pc, targetSubscriber)
	if err != nil {
		return err
	}
	go l.follow(ctx)
	return nil
}

// A line is one client's WebSocket.
type line struct {
	conn   *websocket.Conn
	pc     *webrtc.PeerConnection
	target uint64
	early  []webrtc.ICECandidateInit // came before the description
}

func (d liveKitDoor) enter(ctx context.Context, id string, pc *webrtc.PeerConnection, target uint64) (*line, error) {
	url := fmt.Sprintf("ws://%s/rtc?access_token=%s&auto_subscribe=1&protocol=9&sdk=go", d.address, d.token(id))
	conn, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(1 << 20)
	return &line{conn: conn, pc: pc, target: target}, nil
}

// token is a JWT (RFC 7519) that lets id do everything in the room.
func (d liveKitDoor) token(id string) string {
	claims, _ := json.Marshal(map[string]any{ // of strings and numbers only
		"iss": "bench", "sub": id, "exp": time.Now().Add(time.Hour).Unix(),
		"video": map[string]any{"roomJoin": true, "room": "picture", "canPublish": true, "canSubscribe": true},
	})
	b64 := base64.RawURLEncoding.EncodeToString
	signed := b64([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + b64(claims)
	h := hmac.New(sha256.New, []byte(d.secret))
	h.Write([]byte(signed))
	return signed + "." + b64(h.Sum(nil))
}

// follow does what the server asks until the line ends.
func (l *line) follow(ctx context.Context) {
	_, _ = l.until(ctx, -1) // what is wrong shows as missing media
}

// until handles messages and returns the first of kind.
func (l *line) until(ctx context.Context, kind int) (message, error) {
	for {
		_, b, err := l.conn.Read(ctx)
		if err != nil {
			return nil, err
		}
		all, err := parse(b)
		if err != nil {
			return nil, err
		}
		for _, f := range all {
			m, err := parse(f.bytes)
			if err != nil {
				continue // a field of SignalResponse that is no message
			}
			if f.number == kind {
				return m, nil
			}
			if err := l.handle(ctx, f.number, m); err != nil {
				return nil, err
			}
		}
	}
}

func (l *line) handle(ctx context.Context, kind int, m message) error {
	switch {
	case kind == tellTrickle && m.number(2) == l.target:
		var c webrtc.ICECandidateInit
		if err := json.Unmarshal([]byte(m.text(1)), &c); err != nil {
			return err
		}
		l.early = append(l.early, c)
		return l.apply()
	case kind == tellOffer && l.target == targetSubscriber:
		return l.answer(ctx, m.text(2))
	}
	return nil
}

func (l *line) answer(ctx context.Context, sdp string) error {
	if err := l.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: sdp}); err != nil {
		return err
	}
	reply, err := l.pc.CreateAnswer(nil)
	if err != nil {
		return err
	}
	mine, err := local(ctx, l.pc, reply)
	if err != nil {
		return err
	}
	if err := l.send(ctx, askAnswer, text(1, "answer"), text(2, mine)); err != nil {
		return err
	}
	return l.apply()
}

func (l *line) apply() error {
	if l.pc.RemoteDescription() == nil {
		return nil
	}
	var errs []error
	for _, c := range l.early {
		errs = append(errs, l.pc.AddICECandidate(c))
	}
	l.early = nil
	return errors.Join(errs...)
}

func (l *line) send(ctx context.Context, kind int, fields ...[]byte) error {
	var body []byte
	for _, f := range fields {
		body = append(body, f...)
	}
	return l.conn.Write(ctx, websocket.MessageBinary, text(kind, string(body)))
}

// A field is one of protobuf's wire format.
type field struct {
	number int
	value  uint64
	bytes  []byte
}

type message []field

func (m message) text(n int) string {
	for _, f := range m {
		if f.number == n {
			return string(f.bytes)
		}
	}
	return ""
}

func (m message) number(n int) uint64 {
	for _, f := range m {
		if f.number == n {
			return f.value
		}
	}
	return 0
}

func text(n int, s string) []byte {
	b := binary.AppendUvarint(nil, uint64(n)<<3|2)
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func number(n int, v uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(n)<<3), v)
}

var errWire = errors.New("not a protobuf message")

func parse(b []byte) (m message, err error) {
	uvarint := func() (v uint64) {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			err, n = errWire, 0
		}
		b = b[n:]
		return v
	}
	skip := func(n uint64) (cut []byte) {
		if n > uint64(len(b)) {
			err, n = errWire, 0
		}
		cut, b = b[:n], b[n:]
		return cut
	}
	for len(b) > 0 && err == nil {
		key := uvarint()
		f := field{number: int(key >> 3)}
		switch key & 7 {
		case 0:
			f.value = uvarint()
		case 1:
			skip(8)
		case 2:
			f.bytes = skip(uvarint())
		case 5:
			skip(4)
		default:
			err = errWire
		}
		m = append(m, f)
	}
	return m, err
}
