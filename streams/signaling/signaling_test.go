package signaling_test

import "testing"

// The centre over a WebSocket, the field over the message bus: it rings, is
// accepted, both hear and see each other, one hangs up, all of it is stored.
func TestCentreCallsField(t *testing.T) {
	s, _ := open(t, newMedia(t))
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
	if got, want := s.kinds(), "created ringing accepted left ended"; got != want {
		t.Errorf("stored %q, want %q", got, want)
	}
	for _, e := range s.events() {
		if e.Task != "case-7" {
			t.Errorf("stored on task %q: %+v", e.Task, e)
		}
	}
}
