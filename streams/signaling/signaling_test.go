package signaling_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/webrtc/v4"

	"gridhub/streams/call"
	"gridhub/streams/sfu/sfutest"
	"gridhub/streams/signaling"
)

// inTime runs a test on invented time. The media plane stays outside: no
// media flows in these tests, and its sockets know real time only.
func inTime(t *testing.T, test func(t *testing.T, s *street)) {
	media := sfutest.Start(t, nil)
	synctest.Test(t, func(t *testing.T) {
		s, _ := open(t, media)
		test(t, s)
	})
}

// The centre over a WebSocket, the field over the message bus: it rings, is
// accepted, both hear and see each other, one hangs up, all of it is stored.
func TestCentreCallsField(t *testing.T) {
	s, _ := open(t, sfutest.Start(t, nil))
	s.serve()
	centre, field := s.dial("centre", "desk-1"), s.field("wang", "phone-7")

	centre.call("c1", "wang")
	if m := field.self("invited"); m.State.Caller != "centre" || m.State.Task != "case-7" {
		t.Errorf("invited by %+v", m.State)
	}
	field.send(message{Type: "ringing", Call: "c1"})
	centre.await("ringing", func(m message) bool { return m.State.Phase == "calling" })
	a, b := centre.media("c1"), field.media("c1") // while it rings
	field.send(message{Type: "accept", Call: "c1", Epoch: 1})
	centre.await("live", func(m message) bool { return m.State.Phase == "live" })
	a.receives(t, 50)
	b.receives(t, 50)

	field.send(message{Type: "hangup", Call: "c1", Reason: "done"})
	centre.ended("left")
	field.ended("left")
	s.wants("created ringing accepted left ended")
	for _, e := range s.events() {
		if e.Task != "case-7" {
			t.Errorf("stored on task %q: %+v", e.Task, e)
		}
	}
}

// wants compares what was stored.
func (s *street) wants(kinds string) {
	s.t.Helper()
	if got := s.kinds(); got != kinds {
		s.t.Errorf("stored %q, want %q", got, kinds)
	}
}

func TestDeclined(t *testing.T) {
	inTime(t, func(t *testing.T, s *street) {
		centre, field := s.field("centre", "desk"), s.field("wang", "phone")
		centre.call("c1", "wang")
		field.self("invited")
		field.send(message{Type: "ringing", Call: "c1"})
		field.send(message{Type: "decline", Call: "c1", Reason: "driving"})
		centre.ended("declined")
		s.wants("created ringing declined ended")
		if e := s.events()[2]; e.Reason != "driving" || e.By != "wang" || e.Device != "phone" {
			t.Errorf("stored %+v", e)
		}
	})
}

func TestNobodyAnswers(t *testing.T) {
	inTime(t, func(t *testing.T, s *street) {
		centre, field := s.field("centre", "desk"), s.field("wang", "phone")
		began := time.Now()
		centre.call("c1", "wang")
		field.self("invited")
		field.send(message{Type: "ringing", Call: "c1"})
		time.Sleep(time.Minute)
		centre.ended("timed-out")
		if e := s.events()[2]; e.Kind != call.HasTimedOut || e.At.Sub(began) != call.RingFor {
			t.Errorf("%s after %v, want %v", e.Kind, e.At.Sub(began), call.RingFor)
		}
	})
}

func TestNobodyThere(t *testing.T) {
	inTime(t, func(t *testing.T, s *street) {
		centre := s.field("centre", "desk")
		began := time.Now()
		centre.call("c1", "wang")
		time.Sleep(time.Minute)
		centre.ended("unreachable")
		if e := s.events()[1]; e.At.Sub(began) != call.ReachWithin {
			t.Errorf("unreachable after %v, want %v", e.At.Sub(began), call.ReachWithin)
		}
	})
}

// talk brings a call of two to life.
func (s *street) talk(id string, from, to *device) {
	s.t.Helper()
	from.call(id, to.person)
	to.await("invited", func(m message) bool { return m.Call == id && m.State.Self == "invited" })
	to.send(message{Type: "accept", Call: id, Epoch: 1})
	from.await("live", func(m message) bool { return m.Call == id && m.State.Phase == "live" })
}

func TestBusy(t *testing.T) {
	inTime(t, func(t *testing.T, s *street) {
		centre, wang, li := s.field("centre", "desk"), s.field("wang", "phone"), s.field("li", "phone-2")
		s.talk("c1", centre, wang)
		li.call("c2", "wang")
		li.ended("busy")
		if e := s.events()[3]; e.Kind != call.IsBusy || e.Person != "wang" || e.By != "" {
			t.Errorf("stored %+v, want the hub to have said it", e)
		}
		wang.send(message{Type: "hangup", Call: "c1"})
		centre.ended("left")
		li.call("c3", "wang")
		wang.await("the next call", func(m message) bool { return m.Call == "c3" && m.State.Self == "invited" })
	})
}

func TestAnsweredElsewhere(t *testing.T) {
	inTime(t, func(t *testing.T, s *street) {
		centre, phone, tablet := s.field("centre", "desk"), s.field("wang", "phone"), s.field("wang", "tablet")
		centre.call("c1", "wang")
		for _, d := range []*device{phone, tablet} {
			d.self("invited")
			d.send(message{Type: "ringing", Call: "c1"})
		}
		phone.send(message{Type: "accept", Call: "c1", Epoch: 1})
		phone.self("joined")
		tablet.self("elsewhere")
		tablet.refused(tablet.send(message{Type: "accept", Call: "c1", Epoch: 2}), "elsewhere")
		tablet.refused(tablet.send(message{Type: "publish", Call: "c1", SDP: "v=0"}), "not-invited")
	})
}

// Each calls the other at the same moment: they talk, in the older call.
func TestGlare(t *testing.T) {
	inTime(t, func(t *testing.T, s *street) {
		centre, field := s.field("centre", "desk"), s.field("wang", "phone")
		centre.call("older", "wang")
		field.call("newer", "centre")
		field.await("merged", func(m message) bool { return m.Type == "merged" && m.Call == "newer" && m.Into == "older" })
		field.self("joined")
		s.wants("created accepted")
	})
}

// Three in a group: everybody is told of tracks that have no place yet, adds
// places, and receives both others; the group outlives the first to leave.
func TestGroupOfThree(t *testing.T) {
	s, _ := open(t, sfutest.Start(t, nil))
	all := []*device{s.field("centre", "desk"), s.field("wang", "phone"), s.field("li", "phone-2")}
	all[0].send(message{Type: "invite", Call: "g", Callees: []string{"wang", "li"}, Mode: "group", Media: "video", Epoch: 1})
	for _, d := range all[1:] {
		d.self("invited")
		d.send(message{Type: "accept", Call: "g", Epoch: 1})
		d.self("joined")
	}
	var phones []*phone
	for _, d := range all {
		phones = append(phones, d.media("g"))
	}
	for i, d := range all {
		d.await("tracks without a place", func(m message) bool {
			return m.Tracks != nil && m.Tracks.MissingAudio == 1 && m.Tracks.MissingVideo == 1
		})
		phones[i].sink.Places(t, 1, 1)
		sfutest.Exchange(t, phones[i].sink.PC, d.negotiate("subscribe", "g"))
		d.await("four tracks", func(m message) bool {
			return m.Tracks != nil && len(m.Tracks.Playing) == 4 && m.Tracks.MissingAudio+m.Tracks.MissingVideo == 0
		})
	}
	for _, p := range phones {
		p.streams(t, 2)
	}
	all[0].send(message{Type: "hangup", Call: "g"})
	all[0].self("left")
	phones[1].receives(t, 20)
	all[1].send(message{Type: "hangup", Call: "g"})
	all[2].ended("left")
}

func TestRepeatedMessagesChangeNothing(t *testing.T) {
	inTime(t, func(t *testing.T, s *street) {
		centre, field := s.field("centre", "desk"), s.field("wang", "phone")
		invite := []byte(`{"v":1,"type":"invite","call":"c1","seq":7,"epoch":1,"callees":["wang"]}`)
		accept := []byte(`{"v":1,"type":"accept","call":"c1","seq":8,"epoch":1}`)
		for range 3 {
			centre.sendRaw(invite)
			field.self("invited")
			field.sendRaw(accept)
		}
		synctest.Wait()
		s.wants("created accepted")
		field.await("an answer to the repeat", func(m message) bool { return m.Re == 8 && m.Type == "state" && m.State.Phase == "live" })
	})
}

// An invitation that the bus delivers again after the call has ended does not
// ring again.
func TestLateRepeatOfAnInvitation(t *testing.T) {
	inTime(t, func(t *testing.T, s *street) {
		centre, field := s.field("centre", "desk"), s.field("wang", "phone")
		invite := []byte(`{"v":1,"type":"invite","call":"c1","seq":7,"epoch":1,"callees":["wang"]}`)
		centre.sendRaw(invite)
		field.self("invited")
		field.send(message{Type: "decline", Call: "c1"})
		centre.ended("declined")
		synctest.Wait()
		centre.sendRaw(invite)
		centre.refused(7, "over")
		s.wants("created declined ended")
	})
}

func TestVanishedAndLost(t *testing.T) {
	inTime(t, func(t *testing.T, s *street) {
		centre, field := s.field("centre", "desk"), s.field("wang", "phone")
		s.talk("c1", centre, field)
		gone := time.Now()
		s.service.Gone("wang", "phone")
		time.Sleep(2 * time.Minute)
		centre.ended("lost")
		s.wants("created accepted resuming lost ended")
		if e := s.events()[3]; e.At.Sub(gone) != call.KeepSeat {
			t.Errorf("lost after %v, want %v", e.At.Sub(gone), call.KeepSeat)
		}
	})
}

func TestVanishedAndBack(t *testing.T) {
	inTime(t, func(t *testing.T, s *street) {
		centre, field := s.field("centre", "desk"), s.field("wang", "phone")
		s.talk("c1", centre, field)
		s.service.Gone("wang", "phone")
		centre.await("resuming", func(message) bool { return strings.HasSuffix(s.kinds(), "resuming") })
		s.service.Connected("wang", "phone")
		field.self("resuming")
		field.refused(field.send(message{Type: "resume", Call: "c1", Epoch: 0}), "stale")
		field.send(message{Type: "resume", Call: "c1", Epoch: 2})
		time.Sleep(2 * time.Minute)
		s.wants("created accepted resuming resumed")
	})
}

// The process ends and starts again: live calls come back from what was
// stored, everybody in them is resuming, and media is negotiated anew.
func TestRestart(t *testing.T) {
	before, stop := open(t, sfutest.Start(t, nil))
	centre, field := before.field("centre", "desk"), before.field("wang", "phone")
	before.talk("c1", centre, field)
	over := before.field("li", "phone-2")
	over.call("c2", "nobody")
	over.ended("unreachable")
	stop()
	over.call("c9", "wang")
	over.await("a refusal", func(m message) bool { return m.Type == "error" && m.Code == "busy" })

	var c1, c2 []call.Event
	for _, e := range before.events() {
		if e.Call == "c1" {
			c1 = append(c1, e)
		} else {
			c2 = append(c2, e)
		}
	}
	after, _ := open(t, sfutest.Start(t, nil), c1, c2, c1[1:])
	centre, field = after.field("centre", "desk"), after.field("wang", "phone")
	for _, d := range []*device{centre, field} {
		d.send(message{Type: "hello"})
		d.self("resuming")
		d.send(message{Type: "resume", Call: "c1", Epoch: 2})
		d.self("joined")
	}
	after.wants("resuming resuming resumed resumed")
	a, b := centre.media("c1"), field.media("c1")
	a.receives(t, 20)
	b.receives(t, 20)
	field.refused(field.send(message{Type: "resume", Call: "c2", Epoch: 2}), "over")
}

// A store that fails costs the record, never the conversation.
func TestStoreFails(t *testing.T) {
	inTime(t, func(t *testing.T, s *street) {
		s.failing = true
		s.talk("c1", s.field("centre", "desk"), s.field("wang", "phone"))
	})
}

func TestForbidden(t *testing.T) {
	inTime(t, func(t *testing.T, s *street) {
		centre, mallory := s.field("centre", "desk"), s.field("mallory", "phone")
		centre.refused(centre.call("c1", "mallory"), "forbidden")
		mallory.refused(mallory.call("c2", "centre"), "forbidden")
		if n := len(s.events()); n > 0 {
			t.Errorf("%d events stored", n)
		}
	})
}

// Nobody publishes into or listens to a call to which they were not invited.
func TestUninvited(t *testing.T) {
	s, _ := open(t, sfutest.Start(t, nil))
	centre, field, stranger := s.field("centre", "desk"), s.field("wang", "phone"), s.field("mallory", "other")
	s.talk("c1", centre, field)
	for _, kind := range []string{"publish", "subscribe"} {
		stranger.refused(stranger.send(message{Type: kind, Call: "c1", SDP: sfutest.Offer(t, sfutest.Connection(t))}), "not-invited")
	}
	for _, kind := range []string{"ringing", "accept", "resume", "hangup", "end"} {
		stranger.refused(stranger.send(message{Type: kind, Call: "c1", Epoch: 9}), "not-invited")
	}
	// The same device, after somebody else has signed in on it.
	thief := s.newDevice("mallory", "phone")
	seq := thief.send(message{Type: "subscribe", Call: "c1", SDP: "v=0"})
	field.refused(seq, "not-invited")
	s.wants("created accepted")
}

func TestOffersThatAreRefused(t *testing.T) {
	s, _ := open(t, sfutest.Start(t, nil))
	centre, field := s.field("centre", "desk"), s.field("wang", "phone")
	s.talk("c1", centre, field)
	good := sfutest.Offer(t, sfutest.Connection(t))
	for name, sdp := range map[string]string{
		"empty":           "",
		"garbage":         "\x00\xff{}\r\n",
		"no media":        good,
		"64 KiB and more": "v=0\r\n" + strings.Repeat("a=x\r\n", 15_000),
		"candidates":      strings.Repeat("a=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\n", 51),
	} {
		seq := centre.send(message{Type: "publish", Call: "c1", SDP: sdp})
		m := centre.await(name, func(m message) bool { return m.Re == seq })
		if m.Type != "error" || m.Code != "offer" || m.Retry {
			t.Errorf("%s: %+v", name, m)
		}
	}
	centre.send(message{Type: "publish", Call: "c1", SDP: strings.Repeat("x", 1<<20)})
	centre.await("a megabyte", func(m message) bool { return m.Code == "message" })
	a, b := centre.media("c1"), field.media("c1") // still well
	a.receives(t, 10)
	b.receives(t, 10)
}

func TestMessagesThatAreRefused(t *testing.T) {
	s, _ := open(t, sfutest.Start(t, nil))
	for _, raw := range []string{
		``, `null`, `[]`, `{`, `{"v":2,"type":"hello"}`, `{"v":1,"type":"dance","call":"c","seq":1}`,
		`{"v":1,"type":"accept","call":"../x","seq":1}`, `{"v":1,"type":"accept","call":"c"}`,
		`{"v":1,"type":"invite","call":"c","seq":1}`,
		`{"v":1,"type":"invite","call":"c","seq":1,"callees":["centre"]}`,
		`{"v":1,"type":"invite","call":"c","seq":1,"callees":["wang"],"mode":"party"}`,
	} {
		d := s.field("centre", "desk")
		d.sendRaw([]byte(raw))
		if m := d.await("an error", func(m message) bool { return m.Type == "error" }); m.Code != "message" {
			t.Errorf("%s: %+v", raw, m)
		}
	}
	d := s.field("centre", "desk")
	d.refused(d.send(message{Type: "accept", Call: "unknown"}), "over")
}

func TestBoundsOnCalls(t *testing.T) {
	inTime(t, func(t *testing.T, s *street) {
		centre := s.field("centre", "desk")
		most := signaling.Default().MaxCallsPerPerson
		for i := range most {
			centre.call(fmt.Sprint("c", i), "wang")
		}
		centre.refused(centre.call("one-more", "wang"), "busy")
	})
}

func TestFloodOfMessages(t *testing.T) {
	inTime(t, func(t *testing.T, s *street) {
		centre := s.field("centre", "desk")
		most := signaling.Default().MaxMessages
		for range most + 50 {
			centre.sendRaw([]byte("{"))
		}
		if n := strings.Count(centre.all(), "Code:busy"); n != 50 {
			t.Errorf("%d refused, want the 50 above %d", n, most)
		}
		s.field("li", "phone").call("c1", "wang") // others are not concerned
		synctest.Wait()
		s.wants("created")
		time.Sleep(time.Minute)
		centre.refused(centre.send(message{Type: "accept", Call: "c2"}), "over")
	})
}

func TestConfig(t *testing.T) {
	if err := signaling.Default().Validate(); err != nil {
		t.Error(err)
	}
	err := signaling.Config{}.Validate()
	for _, key := range []string{"max_calls", "max_calls_per_person", "max_messages"} {
		if err == nil || !strings.Contains(err.Error(), key+": ") {
			t.Errorf("%s is not reported: %v", key, err)
		}
	}
}

// A browser that vanishes leaves its seat resuming; when it dials again with
// the same tab, it has the call back, and media goes on in the same track.
func TestBrowserComesBack(t *testing.T) {
	s, _ := open(t, sfutest.Start(t, nil))
	s.serve()
	centre, field := s.dial("centre", "desk"), s.field("wang", "phone")
	s.talk("c1", centre, field)
	centre.media("c1")
	b := field.media("c1")
	b.receives(t, 10)

	_ = centre.conn.CloseNow()
	field.await("resuming", func(message) bool { return strings.HasSuffix(s.kinds(), "resuming") })
	centre = s.dial("centre", "desk")
	centre.self("resuming")
	centre.send(message{Type: "resume", Call: "c1", Epoch: 2})
	centre.self("joined")
	a := centre.media("c1") // from new connections
	a.receives(t, 10)
	b.receives(t, 10)
	s.wants("created accepted resuming resumed")
}

// The network under the media dies without a word while messages still come
// through: the seat is resuming within 20 s, and new connections bring the
// conversation back.
func TestMediaIsLostAndComesBack(t *testing.T) {
	t.Parallel()
	s, _ := open(t, sfutest.Start(t, nil))
	centre, field := s.field("centre", "desk"), s.field("wang", "phone")
	s.talk("c1", centre, field)
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	centre.media("c1", func(e *webrtc.SettingEngine) {
		e.SetICEUDPMux(webrtc.NewICEUDPMux(nil, socket))
		e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	})
	b := field.media("c1")
	b.receives(t, 10)

	cut := time.Now()
	_ = socket.Close()
	centre.await("resuming", func(m message) bool { return m.State.Self == "resuming" })
	if e := s.events()[2]; e.Reason != "media lost" || e.At.Sub(cut) > 20*time.Second {
		t.Errorf("%s because %q after %v", e.Kind, e.Reason, e.At.Sub(cut))
	}
	centre.send(message{Type: "resume", Call: "c1", Epoch: 2})
	centre.media("c1").receives(t, 10)
	b.receives(t, 10)
}

// What a call took is given back.
func TestCallsLeaveNothingBehind(t *testing.T) {
	s, _ := open(t, sfutest.Start(t, nil))
	centre, field := s.field("centre", "desk"), s.field("wang", "phone")
	begin := 0
	for i := range 8 {
		id := fmt.Sprint("c", i)
		s.talk(id, centre, field)
		phones := []*phone{centre.media(id), field.media(id)}
		for _, p := range phones {
			p.receives(t, 3)
		}
		for _, p := range phones {
			p.close()
		}
		centre.send(message{Type: "end", Call: id})
		field.await("end", func(m message) bool { return m.Call == id && m.State.Phase == "ended" })
		if i == 2 {
			begin = sfutest.Settled(0)
			t.Logf("%d goroutines after the third call", begin)
		}
	}
	if now := sfutest.Settled(begin + 2); now > begin+2 {
		t.Errorf("%d goroutines after the third call, %d after the eighth", begin, now)
	}
}

func FuzzHandle(f *testing.F) {
	s, _ := open(f, sfutest.Start(f, nil))
	s.talk("c1", s.field("centre", "desk"), s.field("wang", "phone"))
	for _, seed := range []string{
		`{"v":1,"type":"invite","call":"c2","seq":1,"callees":["wang"]}`,
		`{"v":1,"type":"publish","call":"c1","seq":1,"sdp":"v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"}`,
		`{"v":1,"type":"resume","call":"c1","seq":3,"epoch":18446744073709551615}`,
		`{"v":1,"type":"hello"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(_ *testing.T, raw []byte) {
		s.service.Handle("centre", "desk", raw)
	})
}
