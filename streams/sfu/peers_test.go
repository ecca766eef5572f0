package sfu_test

import (
	"context"
	"errors"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"gridhub/streams/sfu"
	"gridhub/streams/sfu/sfutest"
)

// Gates: nothing passes before they open, and nothing that was said before.
func TestGates(t *testing.T) {
	s := sfutest.Start(t, nil)
	r := room(t, s, "call", "centre", "field")
	gate := func(id string, g sfu.Gate) {
		if err := r.Gate(id, g); err != nil {
			t.Fatal(err)
		}
	}
	gate("field", sfu.Gate{Receive: true})
	field := publish(t, r, "field")
	centre := subscribe(t, r, "centre", 1, 1)
	sfutest.Connected(t, field.PC)
	sfutest.Connected(t, centre.PC)
	for n := range uint16(50) {
		_ = field.Audio.WriteRTP(sfutest.Packet(n, uint32(n)*480, []byte{'s', 'e', 'c', 'r', 'e', 't'}))
		_ = field.Video.WriteRTP(sfutest.Packet(n, uint32(n)*900, []byte{0x10, 0, 's', 'e', 'c', 'r', 'e', 't'}))
	}
	for seq := uint32(0); seq < 49; {
		select {
		case seq = <-field.Arrived:
		case <-time.After(20 * time.Second):
			t.Fatal("the media does not arrive")
		}
	}
	gate("field", sfu.Gate{Send: true, Receive: true})
	go field.Play(t.Context())
	for _, kind := range []string{"audio", "video"} {
		for _, p := range centre.Wait(t, kind, 10) {
			if strings.Contains(string(p.Payload), "secret") {
				t.Fatalf("%s from behind the gate", kind)
			}
		}
	}
}

// More tracks than places: the member is told, offers again, and hears all.
func TestPlacesAreAdded(t *testing.T) {
	s := sfutest.Start(t, nil)
	r := room(t, s, "call", "a", "b", "c")
	a, b := publish(t, r, "a"), publish(t, r, "b")
	go a.Play(t.Context())
	go b.Play(t.Context())
	c := subscribe(t, r, "c", 1, 1)
	v, _ := r.View("c")
	if v.MissingAudio != 1 || v.MissingVideo != 1 || len(v.Playing) != 2 {
		t.Fatalf("%+v", v)
	}
	c.Places(t, 1, 1)
	sfutest.Exchange(t, c.PC, by("c", r.Subscribe))
	people := map[string]bool{}
	v2, _ := r.View("c")
	for _, p := range v2.Playing {
		people[p.Person+p.Kind] = true
	}
	if len(people) != 4 || v2.MissingAudio+v2.MissingVideo > 0 || v2.Version <= v.Version {
		t.Fatalf("%+v", v2)
	}
	streams := map[webrtc.SSRC]bool{}
	for n := 20; len(streams) < 2; n += 20 {
		for _, p := range c.Wait(t, "video", n) {
			streams[webrtc.SSRC(p.SSRC)] = true
		}
	}

	// Who leaves frees the places at once, and the next to come uses them
	// without another offer.
	r.Leave("a")
	if v, _ := r.View("c"); len(v.Playing) != 2 || v.Playing[0].Person != "person b" {
		t.Errorf("after a left: %+v", v)
	}
	room(t, s, "call", "d")
	go publish(t, r, "d").Play(t.Context())
	if v, _ := r.View("c"); len(v.Playing) != 4 || v.MissingAudio+v.MissingVideo > 0 {
		t.Errorf("after d came: %+v", v)
	}
}

// A publisher comes back over a new connection: same track, numbers go on.
func TestPublisherReconnects(t *testing.T) {
	r := room(t, sfutest.Start(t, nil), "call", "centre", "field")
	ctx, cut := context.WithCancel(t.Context())
	first := publish(t, r, "field")
	go first.Play(ctx)
	centre := subscribe(t, r, "centre", 1, 1)
	centre.Wait(t, "audio", 10)
	before, _ := r.View("centre")
	cut()
	_ = first.PC.GracefulClose()
	n := len(centre.Wait(t, "audio", 0))
	go publish(t, r, "field").Play(t.Context())
	got := centre.Wait(t, "audio", n+20)
	for i := 1; i < len(got); i++ {
		if got[i].SequenceNumber-got[i-1].SequenceNumber > 10 {
			t.Errorf("numbers jump from %d to %d", got[i-1].SequenceNumber, got[i].SequenceNumber)
		}
		if got[i].SSRC != got[0].SSRC {
			t.Errorf("another SSRC: %d", got[i].SSRC)
		}
	}
	if after, _ := r.View("centre"); !sameTracks(before, after) {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func sameTracks(a, b sfu.View) bool {
	if len(a.Playing) != len(b.Playing) {
		return false
	}
	for i := range a.Playing {
		if a.Playing[i] != b.Playing[i] {
			return false
		}
	}
	return true
}

// An offer that is refused harms neither what is sent nor what is received.
func TestRefusedOffersHarmNothing(t *testing.T) {
	r := room(t, sfutest.Start(t, nil), "call", "centre", "field")
	go publish(t, r, "field").Play(t.Context())
	centre := subscribe(t, r, "centre", 1, 1)
	centre.Wait(t, "video", 5)
	before, _ := r.View("centre")
	bad := strings.ReplaceAll(offerOf(t, 1), "a=ice-ufrag", "a=no-ufrag")
	if _, err := r.Subscribe(t.Context(), "centre", bad); !errors.Is(err, sfu.ErrOffer) {
		t.Errorf("subscribe: %v", err)
	}
	if _, err := r.Publish(t.Context(), "field", bad); !errors.Is(err, sfu.ErrOffer) {
		t.Errorf("publish: %v", err)
	}
	n := len(centre.Wait(t, "video", 0))
	centre.Wait(t, "video", n+20)
	if after, _ := r.View("centre"); !sameTracks(before, after) {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

// Who publishes from fewer sections than before withdraws the others' tracks.
func TestSectionWithdrawn(t *testing.T) {
	r := room(t, sfutest.Start(t, nil), "call", "centre", "field")
	publish(t, r, "field")
	subscribe(t, r, "centre", 1, 1)
	if _, err := r.Publish(t.Context(), "field", offerOf(t, 1)); err != nil {
		t.Fatal(err)
	}
	if v, _ := r.View("centre"); len(v.Playing) != 1 || v.Playing[0].Kind != "audio" {
		t.Errorf("%+v", v)
	}
}

// rawTrack writes bytes of the test's choice into an SRTP stream.
type rawTrack struct {
	*webrtc.TrackLocalStaticRTP
	out chan webrtc.TrackLocalWriter
	as  chan webrtc.TrackLocalContext
}

func (r rawTrack) Bind(ctx webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	r.out <- ctx.WriteStream()
	r.as <- ctx
	return r.TrackLocalStaticRTP.Bind(ctx)
}

// A publisher whose packets lie about themselves harms nobody.
func TestCraftedPackets(t *testing.T) {
	r := room(t, sfutest.Start(t, nil), "call", "centre", "field", "mallory")
	pc := sfutest.Connection(t)
	honest, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, "v", "x")
	if err != nil {
		t.Fatal(err)
	}
	track := rawTrack{honest, make(chan webrtc.TrackLocalWriter, 1), make(chan webrtc.TrackLocalContext, 1)}
	if _, err := pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}); err != nil {
		t.Fatal(err)
	}
	sfutest.Exchange(t, pc, by("mallory", r.Publish))
	sfutest.Connected(t, pc)
	out, ctx := <-track.out, <-track.as
	ssrc := uint32(ctx.SSRC())
	for i := range 300 {
		first := []byte{0x80, 0xa0, 0x90, 0xb0, 0x9f, 0xbf}[i%6] // with padding, extension, CSRCs that are not there
		b := []byte{first, byte(ctx.CodecParameters()[0].PayloadType), 0, byte(i), 0, 0, 0, byte(i),
			byte(ssrc >> 24), byte(ssrc >> 16), byte(ssrc >> 8), byte(ssrc), 0xbe, 0xde, byte(i), 0xff, 0xff}
		_, _ = out.Write(b[:12+i%6])
	}
	go publish(t, r, "field").Play(t.Context())
	subscribe(t, r, "centre", 2, 2).More(t, 20)
}

// The sender report that arrives ties the publisher's own clock to the
// timestamps that arrive.
func TestSenderReports(t *testing.T) {
	r := room(t, sfutest.Start(t, nil), "call", "centre", "field")
	field := publish(t, r, "field")
	centre := subscribe(t, r, "centre", 1, 0)
	go field.Play(t.Context())
	first := centre.Wait(t, "audio", 5)[4]
	sent := uint32(first.Payload[1]) * 480 // the publisher's timestamp of that packet

	const clock = 0x1234_5678_9abc_def0
	ssrc := uint32(field.PC.GetTransceivers()[0].Sender().GetParameters().Encodings[0].SSRC)
	if err := field.PC.WriteRTCP([]rtcp.Packet{&rtcp.SenderReport{SSRC: ssrc, NTPTime: clock, RTPTime: sent}}); err != nil {
		t.Fatal(err)
	}
	for {
		packets, _, err := centre.PC.GetTransceivers()[0].Receiver().ReadRTCP()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packets {
			if sr, ok := p.(*rtcp.SenderReport); ok && sr.NTPTime == clock {
				if sr.RTPTime != first.Timestamp {
					t.Errorf("the clock is tied to %d, want %d", sr.RTPTime, first.Timestamp)
				}
				return
			}
		}
	}
}

// Where UDP is blocked, media goes over TCP on the same port.
func TestOverTCP(t *testing.T) {
	r := room(t, sfutest.Start(t, nil), "call", "centre", "field")
	go publish(t, r, "field").Play(t.Context())
	pc := sfutest.Connection(t, func(e *webrtc.SettingEngine) {
		e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
	})
	centre := sfutest.Subscribe(t, pc, 1, 1, by("centre", r.Subscribe))
	centre.Wait(t, "video", 10)
	pair, err := centre.PC.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair.Remote.Protocol != webrtc.ICEProtocolTCP {
		t.Errorf("over %v, %v", pair, err)
	}
}

func TestAdvertisedAddress(t *testing.T) {
	r := room(t, sfutest.Start(t, func(c *sfu.Config) { c.Advertise, c.Lite = []string{"203.0.113.9"}, true }), "call", "field")
	answer, err := r.Publish(t.Context(), "field", offerOf(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{" 203.0.113.9 ", "a=ice-lite", "tcptype passive"} {
		if !strings.Contains(answer, want) {
			t.Errorf("the answer lacks %q:\n%s", want, answer)
		}
	}
	if strings.Contains(answer, " 127.0.0.1 ") {
		t.Error("the answer tells the local address")
	}
}

func TestStrangersAndLimits(t *testing.T) {
	s := sfutest.Start(t, func(c *sfu.Config) { c.MaxRooms, c.MaxPeers, c.MaxTracks = 1, 2, 1 })
	r := room(t, s, "call", "a", "b")
	if _, err := s.Room("other"); !errors.Is(err, sfu.ErrFull) {
		t.Errorf("a room too many: %v", err)
	}
	if err := r.Join(sfu.Member{ID: "c"}); !errors.Is(err, sfu.ErrFull) {
		t.Errorf("a member too many: %v", err)
	}
	for name, do := range map[string]func(context.Context, string, string) (string, error){"publish": r.Publish, "subscribe": r.Subscribe} {
		if _, err := do(t.Context(), "stranger", offerOf(t, 1)); !errors.Is(err, sfu.ErrNotMember) {
			t.Errorf("a stranger may %s: %v", name, err)
		}
	}
	if err := r.Gate("stranger", sfu.Gate{Send: true}); !errors.Is(err, sfu.ErrNotMember) {
		t.Errorf("a stranger's gate: %v", err)
	}
	if _, err := r.Publish(t.Context(), "a", offerOf(t, 2)); !errors.Is(err, sfu.ErrFull) {
		t.Errorf("a track too many: %v", err)
	}
	r.Close()
	if err := r.Join(sfu.Member{ID: "a"}); !errors.Is(err, sfu.ErrClosed) {
		t.Errorf("a closed room: %v", err)
	}
	if _, err := s.Room("other"); err != nil {
		t.Errorf("after closing: %v", err)
	}
}

func TestConfig(t *testing.T) {
	if err := sfu.Default().Validate(); err != nil {
		t.Error(err)
	}
	bad := sfu.Config{Address: "everywhere", Advertise: []string{"hub.example"}}
	err := bad.Validate()
	for _, key := range []string{"address", "advertise[0]", "socket_buffer", "max_rooms", "max_peers", "max_tracks"} {
		if err == nil || !strings.Contains(err.Error(), key+": ") {
			t.Errorf("%s is not reported: %v", key, err)
		}
	}
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := sfu.Default()
	c.Address = taken.LocalAddr().String()
	if _, err := sfu.New(c, sfutest.Log(t)); err == nil {
		t.Error("a port in use is no error")
	}
}

// What a member took is given back: memory and goroutines are flat over many
// joins and leaves with real connections.
func TestJoinsAndLeavesAreFlat(t *testing.T) {
	s := sfutest.Start(t, nil)
	r := room(t, s, "call", "publisher")
	go publish(t, r, "publisher").Play(t.Context())
	visit := func(n int) {
		for range n {
			t.Run("visit", func(t *testing.T) { // its end closes the clients
				room(t, s, "call", "visitor")
				publish(t, r, "visitor")
				subscribe(t, r, "visitor", 1, 1).Wait(t, "audio", 1)
				r.Leave("visitor")
			})
		}
	}
	visit(20)
	before, heap := sfutest.Settled(0), heapNow()
	visit(100)
	after, grown := sfutest.Settled(before+5), heapNow()
	t.Logf("%d goroutines and %d KiB after 20 visits, %d and %d after 120", before, heap>>10, after, grown>>10)
	if after > before+5 {
		t.Errorf("%d goroutines became %d", before, after)
	}
	if grown > heap+8<<20 {
		t.Errorf("%d KiB became %d", heap>>10, grown>>10)
	}
}

func heapNow() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
