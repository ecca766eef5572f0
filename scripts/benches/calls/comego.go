package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// together is how many join at the same time.
const together = 8

// comeAndGo joins and leaves, then accepts calls.
func comeAndGo(ctx context.Context, t task) (v seen, err error) {
	d := httpDoor{"http://" + t.Address}
	if err := joinAndLeave(ctx, d, 2*together, "warm"); err != nil {
		return v, err
	}
	goroutines, kb, err := d.settled(0)
	if err != nil {
		return v, err
	}
	if err := joinAndLeave(ctx, d, t.Joins, "guest"); err != nil {
		return v, err
	}
	after, kbAfter, err := d.settled(goroutines)
	if err != nil {
		return v, err
	}
	v.Leaked, v.GrownKB = max(0, after-goroutines), kbAfter-kb
	for i := range t.Accepts {
		ms, err := acceptToSound(ctx, t.Address, i)
		if err != nil {
			return v, fmt.Errorf("call %d: %w", i, err)
		}
		v.FirstMS = append(v.FirstMS, ms)
	}
	return v, nil
}

func joinAndLeave(ctx context.Context, d httpDoor, n int, name string) error {
	errs, places := make(chan error, n), make(chan struct{}, together)
	for i := range n {
		places <- struct{}{}
		go func() {
			defer func() { <-places }()
			errs <- visit(ctx, d, fmt.Sprint(name, "-", i))
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}

// visit joins, connects and leaves.
func visit(ctx context.Context, d httpDoor, id string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	pc, err := connection(nil)
	if err != nil {
		return err
	}
	defer pc.Close()
	if err := d.view(ctx, id, pc); err != nil {
		return err
	}
	if err := connected(ctx, pc); err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	_, err = d.post("leave?id="+id, "")
	return err
}

// settled waits until the server has no more than want goroutines, or has
// ended none for five seconds.
func (d httpDoor) settled(want int) (goroutines, kb int, err error) {
	least := 1 << 30
	http.DefaultClient.CloseIdleConnections()
	for quiet := 0; quiet < 50 && least > want; quiet++ {
		time.Sleep(100 * time.Millisecond)
		resp, err := http.Get(d.url + "/state")
		if err != nil {
			return 0, 0, err
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return 0, 0, err
		}
		if _, err := fmt.Sscan(string(b), &goroutines, &kb); err != nil {
			return 0, 0, err
		}
		if goroutines < least {
			least, quiet = goroutines, 0
		}
	}
	return least, kb, nil
}

// acceptToSound is one call: both sides negotiate while it rings, then the
// callee accepts and speaks as soon as it may. It returns the milliseconds from
// accept until the caller hears.
func acceptToSound(ctx context.Context, address string, i int) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	id := fmt.Sprint("call-", i)
	centre, err := newTelephone(ctx, address, "centre", id)
	if err != nil {
		return 0, err
	}
	defer centre.close()
	field, err := newTelephone(ctx, address, "wang", id)
	if err != nil {
		return 0, err
	}
	defer field.close()
	if err := centre.say(ctx, map[string]any{"type": "invite", "callees": []string{"wang"}, "epoch": 1}); err != nil {
		return 0, err
	}
	if err := field.await(ctx, "invited"); err != nil {
		return 0, err
	}
	if err := field.say(ctx, map[string]any{"type": "ringing"}); err != nil {
		return 0, err
	}
	if err := field.await(ctx, "ringing"); err != nil {
		return 0, err
	}
	if err := join(ctx, centre, field); err != nil {
		return 0, err
	}
	accepted := time.Now()
	if err := field.say(ctx, map[string]any{"type": "accept", "epoch": 1}); err != nil {
		return 0, err
	}
	if err := field.await(ctx, "joined"); err != nil {
		return 0, err
	}
	go field.speak(ctx)
	select {
	case at := <-centre.heard:
		return at.Sub(accepted).Milliseconds(), nil
	case <-ctx.Done():
		return 0, errNoMedia
	}
}

// join lets both negotiate and waits until media could flow.
func join(ctx context.Context, phones ...*telephone) error {
	for _, p := range phones {
		if err := p.negotiate(ctx); err != nil {
			return err
		}
	}
	for _, p := range phones {
		if err := connected(ctx, p.pub); err != nil {
			return err
		}
		if err := connected(ctx, p.sub); err != nil {
			return err
		}
	}
	return nil
}

// A telephone is one client of the signalling (streams/signaling/PROTOCOL.md).
type telephone struct {
	call     string
	seq      int64
	conn     *websocket.Conn
	pub, sub *webrtc.PeerConnection
	voice    *webrtc.TrackLocalStaticRTP
	heard    chan time.Time

	said chan heardMessage
	once sync.Once
}

type heardMessage struct {
	Type, Of, SDP, Code, Message, Call string
	State                              struct{ Self string }
}

func newTelephone(ctx context.Context, address, person, call string) (*telephone, error) {
	p := &telephone{call: call, seq: time.Now().UnixMilli(), heard: make(chan time.Time, 1), said: make(chan heardMessage, 64)}
	var err error
	if p.conn, _, err = websocket.Dial(ctx, fmt.Sprintf("ws://%s/calls?person=%s&device=%s-%s", address, person, person, call), nil); err != nil {
		return nil, err
	}
	p.conn.SetReadLimit(1 << 20)
	go p.listen(ctx)
	return p, nil
}

func (p *telephone) listen(ctx context.Context) {
	for {
		var m heardMessage
		if err := wsjson.Read(ctx, p.conn, &m); err != nil {
			close(p.said)
			return
		}
		if m.Call == p.call {
			p.said <- m
		}
	}
}

func (p *telephone) close() {
	_ = p.say(context.Background(), map[string]any{"type": "hangup"}) // or it is taken for lost
	for _, pc := range []*webrtc.PeerConnection{p.pub, p.sub} {
		if pc != nil {
			_ = pc.Close()
		}
	}
	_ = p.conn.Close(websocket.StatusNormalClosure, "")
}

func (p *telephone) say(ctx context.Context, m map[string]any) error {
	p.seq++
	m["v"], m["call"], m["seq"] = 1, p.call, p.seq
	return wsjson.Write(ctx, p.conn, m)
}

// await reads until the own seat has the status, or an error comes.
func (p *telephone) await(ctx context.Context, status string) error {
	_, err := p.until(ctx, func(m heardMessage) bool { return m.Type == "state" && m.State.Self == status })
	return err
}

func (p *telephone) until(ctx context.Context, ok func(heardMessage) bool) (heardMessage, error) {
	for {
		select {
		case m, open := <-p.said:
			if !open {
				return m, fmt.Errorf("the line was cut")
			}
			if m.Type == "error" {
				return m, fmt.Errorf("%s: %s", m.Code, m.Message)
			}
			if ok(m) {
				return m, nil
			}
		case <-ctx.Done():
			return heardMessage{}, ctx.Err()
		}
	}
}

func (p *telephone) negotiate(ctx context.Context) (err error) {
	if p.pub, err = connection(nil); err != nil {
		return err
	}
	if p.sub, err = connection(nil); err != nil {
		return err
	}
	if p.voice, err = webrtc.NewTrackLocalStaticRTP(audio, "audio", "voice"); err != nil {
		return err
	}
	if _, err = p.pub.AddTransceiverFromTrack(p.voice, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}); err != nil {
		return err
	}
	if _, err = p.sub.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
		return err
	}
	p.sub.OnTrack(p.hear)
	if err := p.exchange(ctx, "publish", p.pub); err != nil {
		return err
	}
	return p.exchange(ctx, "subscribe", p.sub)
}

func (p *telephone) exchange(ctx context.Context, verb string, pc *webrtc.PeerConnection) error {
	sdp, err := offer(ctx, pc)
	if err != nil {
		return err
	}
	if err := p.say(ctx, map[string]any{"type": verb, "sdp": sdp}); err != nil {
		return err
	}
	m, err := p.until(ctx, func(m heardMessage) bool { return m.Type == "answer" && m.Of == verb })
	if err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	return answered(pc, m.SDP)
}

func (p *telephone) hear(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	for {
		if _, _, err := remote.ReadRTP(); err != nil {
			return
		}
		p.once.Do(func() { p.heard <- time.Now() })
	}
}

// speak sends a packet of sound every 20 ms.
func (p *telephone) speak(ctx context.Context) {
	for n := uint16(0); ctx.Err() == nil; n++ {
		h := rtp.Header{Version: 2, SequenceNumber: n, Timestamp: uint32(n) * 960}
		if p.voice.WriteRTP(&rtp.Packet{Header: h, Payload: []byte{0xfc, 0xff, 0xfe}}) != nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}
