package camera

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/pion/rtp"

	"gridhub/streams/sfu"
)

const (
	mimeH264 = "video/H264"
	// payloadMax leaves room for SRTP and a relay below the usual 1,500 bytes.
	payloadMax = 1200
	// silence is how long a camera may send nothing.
	silence = 10 * time.Second
)

// pull connects to a camera and feeds its pictures until ctx ends or something
// breaks; live is called at the first one.
func pull(ctx context.Context, s Source, feed *sfu.Feed, live func()) error {
	u, err := base.ParseURL(s.URL)
	if err != nil {
		return err
	}
	if s.User != "" {
		u.User = url.UserPassword(s.User, s.Password)
	}
	transport := gortsplib.TransportTCP
	if s.UDP {
		transport = gortsplib.TransportUDP
	}
	c := &gortsplib.Client{ReadTimeout: silence, WriteTimeout: silence, Transport: &transport, UserAgent: "gridhub"}
	if err := c.Start(u.Scheme, u.Host); err != nil {
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, c.Close)
	defer stop()
	desc, _, err := c.Describe(u)
	if err != nil {
		return err
	}
	media, video, err := choose(desc)
	if err != nil {
		return err
	}
	if _, err := c.Setup(desc.BaseURL, media, 0, 0); err != nil {
		return err
	}
	feed.Begin()
	p, err := newPassage(video, feed, live)
	if err != nil {
		return err
	}
	broken := make(chan error, 1)
	c.OnPacketRTP(media, video, func(pkt *rtp.Packet) {
		if err := p.take(pkt); err != nil {
			select {
			case broken <- err:
			default: // one is enough
			}
		}
	})
	if _, err := c.Play(nil); err != nil {
		return err
	}
	return p.watch(ctx, c, broken)
}

// choose finds the H.264 track of what a camera offers.
func choose(desc *description.Session) (*description.Media, *format.H264, error) {
	var h264 *format.H264
	if m := desc.FindFormat(&h264); m != nil {
		return m, h264, nil
	}
	var h265 *format.H265
	if desc.FindFormat(&h265) != nil {
		return nil, nil, errH265
	}
	return nil, nil, errNone
}

// passage cuts pictures anew, so that their packets fit everywhere, and puts the
// parameters that a decoder needs in front of each key frame: many cameras tell
// them only when they are asked for the stream.
type passage struct {
	video *format.H264
	in    *rtph264.Decoder
	out   *rtph264.Encoder
	feed  *sfu.Feed
	live  func()

	mu   sync.Mutex
	last time.Time // newest picture
}

func newPassage(video *format.H264, feed *sfu.Feed, live func()) (*passage, error) {
	in, err := video.CreateDecoder()
	if err != nil {
		return nil, err
	}
	out := &rtph264.Encoder{PayloadType: 96, PayloadMaxSize: payloadMax}
	if err := out.Init(); err != nil {
		return nil, err
	}
	return &passage{video: video, in: in, out: out, feed: feed, live: sync.OnceFunc(live), last: time.Now()}, nil
}

// take passes on one packet of the camera. What does not make a picture is left
// out: the next key frame mends it.
func (p *passage) take(pkt *rtp.Packet) error {
	units, err := p.in.Decode(pkt)
	if err != nil {
		return nil //nolint:nilerr // a hole or the beginning of a picture
	}
	now := time.Now()
	units, err = p.complete(units)
	if err != nil || len(units) == 0 {
		return err
	}
	packets, err := p.out.Encode(units)
	if err != nil {
		return fmt.Errorf("picture: %w", err)
	}
	for _, o := range packets {
		o.Timestamp = pkt.Timestamp
		p.feed.Write(o, now)
	}
	p.mu.Lock()
	p.last = now
	p.mu.Unlock()
	p.live()
	return nil
}

// complete puts the parameters in front of a key frame, learns newer ones, leaves
// out delimiters, and refuses pictures that refer forward.
func (p *passage) complete(units [][]byte) ([][]byte, error) {
	key, told := false, false
	units = slices.DeleteFunc(units, func(u []byte) bool { return len(u) == 0 || u[0]&0x1f == unitDelimiter })
	for _, u := range units {
		switch u[0] & 0x1f {
		case unitSPS:
			p.video.SPS, told = u, true
		case unitPPS:
			p.video.PPS = u
		case unitIDR:
			key = true
		case unitSlice:
			if refersForward(u) {
				return nil, errB
			}
		}
	}
	if key && !told && p.video.SPS != nil && p.video.PPS != nil {
		units = append([][]byte{p.video.SPS, p.video.PPS}, units...)
	}
	return units, nil
}

// watch waits until something ends the connection.
func (p *passage) watch(ctx context.Context, c *gortsplib.Client, broken <-chan error) error {
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	tick := time.NewTicker(silence / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-broken:
			return err
		case err := <-ended:
			return errors.Join(errGone, err)
		case now := <-tick.C:
			p.mu.Lock()
			quiet := now.Sub(p.last)
			p.mu.Unlock()
			if quiet > silence {
				return errGone
			}
		}
	}
}
