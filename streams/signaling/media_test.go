package signaling_test

import (
	"context"
	"errors"
	"testing"

	"github.com/pion/webrtc/v4"

	"gridhub/streams/sfu/sfutest"
)

// phone is the media of one device.
type phone struct {
	source *sfutest.Source
	sink   *sfutest.Sink
	stop   context.CancelFunc
}

// media negotiates both connections over d's messages and starts sending.
func (d *device) media(call string, change ...func(*webrtc.SettingEngine)) *phone {
	t := d.street.t
	t.Helper()
	p := &phone{
		source: sfutest.Publish(t, sfutest.Connection(t, change...), d.negotiate("publish", call)),
		sink:   sfutest.Subscribe(t, sfutest.Connection(t, change...), 1, 1, d.negotiate("subscribe", call)),
	}
	ctx, cancel := context.WithCancel(t.Context())
	p.stop = cancel
	go p.source.Play(ctx)
	return p
}

// negotiate carries an offer over d's messages.
func (d *device) negotiate(kind, call string) sfutest.Negotiate {
	return func(offer string) (string, error) {
		seq := d.send(message{Type: kind, Call: call, SDP: offer})
		a := d.await("answer", func(m message) bool { return m.Re == seq })
		if a.Type != "answer" || a.Of != kind {
			return "", errors.New(a.Type + " " + a.Code)
		}
		return a.SDP, nil
	}
}

// receives waits for n more packets of each kind.
func (p *phone) receives(t testing.TB, n int) {
	t.Helper()
	p.sink.More(t, n)
}

// streams waits until n different streams of each kind have come.
func (p *phone) streams(t testing.TB, n int) {
	t.Helper()
	for _, kind := range []string{"audio", "video"} {
		seen := map[uint32]bool{}
		for len(seen) < n {
			p.sink.More(t, 1)
			for _, packet := range p.sink.Got(kind) {
				seen[packet.SSRC] = true
			}
		}
	}
}

func (p *phone) close() {
	p.stop()
	_, _ = p.source.PC.GracefulClose(), p.sink.PC.GracefulClose()
}
