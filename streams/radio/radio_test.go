package radio_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"gridhub/streams/radio"
	"gridhub/streams/talk"
)

func speaks(p string) func(*state) bool {
	return func(s *state) bool { return s.Speaker != nil && s.Speaker.Person == p }
}

func free(s *state) bool { return s.Speaker == nil }

func TestWhoComesLateHearsTheBeginning(t *testing.T) {
	s := open(t, "wang", "li", "zhao")
	wang, li, zhao := s.phone("w1", "wang"), s.phone("l1", "li"), s.phone("z1", "zhao")
	wang.join()
	li.join()
	hush := wang.speak()
	wang.reaches(10) // 200 ms of words before the request is there
	wang.ask("press", nil)
	li.sees("wang speaks", speaks("wang"))
	li.hears(0, 20) // the first words too
	wang.reaches(75)
	if st := zhao.join(); !speaks("wang")(st) { // in the middle of the burst
		t.Fatalf("the late one sees %+v", st)
	}
	zhao.hears(0, 10)
	if at := wang.said.Load(); at > 200 {
		t.Logf("the machine is slow: %d words were said when the late one heard the first", at)
	}
	wang.reaches(150)
	hush()
	last := wang.said.Load() - 1
	wang.ask("release", nil)
	li.hears(0, last)
	zhao.hears(0, last) // to the end, although the burst is over
	zhao.await("played", func(m message) bool { return m.Type == "talk.played" && m.Burst == 1 })
	zhao.ask("heard", map[string]any{"burst": 1})
	wang.sees("zhao has heard it", func(st *state) bool {
		return len(st.Said) == 1 && slices.Contains(st.Said[0].Heard, "zhao")
	})

	hush = wang.speak() // a second burst: nothing of the first in it, nobody late
	wang.ask("press", nil)
	wang.reaches(last + 30)
	hush()
	end := wang.said.Load() - 1
	wang.ask("release", nil)
	li.hears(0, end)
	zhao.hears(0, end)
}

func TestWhoWasAwayHearsWhatWasKept(t *testing.T) {
	s := open(t, "wang", "li")
	wang, li := s.phone("w1", "wang"), s.phone("l1", "li")
	wang.join()
	hush := wang.speak()
	wang.ask("press", nil)
	wang.reaches(30)
	hush()
	wang.ask("release", nil)
	if m := li.await("something waits", func(m message) bool { return m.Type == "talk.unheard" }); m.Unheard != 1 || m.Person != "wang" {
		t.Errorf("li, who was never there, is told %+v", m)
	}
	s.stop() // the hub is started again
	s.boot(radio.Default())
	if st := li.join(); len(st.Unheard) != 1 {
		t.Fatalf("li has yet to hear %+v", st.Unheard)
	}
	li.await("played", func(m message) bool { return m.Type == "talk.played" && m.Burst == 1 })
	li.hears(0, 29)
	if m := li.ask("heard", map[string]any{"burst": 1}); len(m.State.Unheard) != 0 {
		t.Errorf("heard, and yet %+v", m.State.Unheard)
	}
	st := wang.join()
	if len(st.Said) != 1 || !slices.Equal(st.Said[0].Heard, []string{"li"}) {
		t.Errorf("wang sees %+v, want that li has heard it", st.Said)
	}
}

func TestTheCentreTakesTheFloor(t *testing.T) {
	s := open(t, "wang", "li")
	wang, li, centre := s.phone("w1", "wang"), s.phone("l1", "li"), s.phone("desk", "centre")
	wang.join()
	li.join()
	centre.join()
	hush := wang.speak()
	defer hush()
	if m := wang.ask("press", map[string]any{"priority": talk.Emergency}); !m.State.Speaks || m.State.Speaker.Priority != int(talk.Normal) {
		t.Errorf("a member speaks as %+v, want no more than is permitted", m.State.Speaker)
	}
	if m := li.ask("press", nil); m.State.Speaks || m.State.Waits != 1 {
		t.Errorf("li: %+v, want a place in the queue", m.State)
	}
	if m := centre.ask("press", map[string]any{"priority": talk.Urgent}); !m.State.Speaks {
		t.Errorf("the centre: %+v", m.State)
	}
	if st := wang.sees("the end of the burst", speaks("centre")); st.Ended != talk.Preempted {
		t.Errorf("wang is told %q", st.Ended)
	}
	if m := li.ask("revoke", nil); m.Code != "forbidden" {
		t.Errorf("a member takes the floor: %+v", m)
	}
	centre.ask("release", nil)
	li.sees("its turn", func(st *state) bool { return st.Speaks })
	centre.ask("revoke", nil)
	if st := li.sees("the end", free); st.Ended != talk.Revoked {
		t.Errorf("li is told %q", st.Ended)
	}
}

func TestOnlyMembers(t *testing.T) {
	s := open(t, "wang")
	mallory, wang := s.phone("m1", "mallory"), s.phone("w1", "wang")
	for _, verb := range []string{"join", "press", "heard", "skip", "revoke"} {
		if m := mallory.ask(verb, nil); m.Type != "talk.error" {
			t.Errorf("%s of a stranger: %+v", verb, m)
		}
	}
	wang.join()
	for _, kind := range []string{"publish", "subscribe"} {
		if m := mallory.ask(kind, map[string]any{"sdp": "v=0"}); m.Type != "talk.error" {
			t.Errorf("%s of a stranger: %+v", kind, m)
		}
	}
	for _, raw := range []string{"", "{", `{"v":2,"type":"talk.join"}`, `{"v":1,"type":"talk.sing","group":"g","seq":1}`,
		`{"v":1,"type":"talk.join","seq":1}`, `{"v":1,"type":"talk.join","group":"g"}`, `{"v":1,"type":"talk.press","group":"g","seq":1,"priority":9}`} {
		s.service.Handle("wang", "w1", []byte(raw))
		if m := wang.await("an error", func(m message) bool { return m.Type == "talk.error" }); m.Code != "message" {
			t.Errorf("%s: %+v", raw, m)
		}
	}
}

func TestWhoVanishesLetsGo(t *testing.T) {
	s := open(t, "wang", "li")
	wang, li := s.phone("w1", "wang"), s.phone("l1", "li")
	wang.join()
	li.join()
	wang.ask("press", nil)
	li.sees("wang speaks", speaks("wang"))
	s.service.Gone("wang", "w1")
	li.sees("a free floor", free)
	if m := wang.ask("join", nil); !slices.Contains(m.State.Present, "wang") { // back before it was given up
		t.Errorf("wang is back and sees %+v", m.State)
	}
	if m := wang.ask("press", nil); !m.State.Speaks {
		t.Errorf("wang presses again: %+v", m.State)
	}
}

// A tape is bounded: what is more than the group may keep goes, the oldest
// first, also out of the store.
func TestTapesAreBounded(t *testing.T) {
	s := open(t, "wang", "li")
	s.stop()
	c := radio.Default()
	c.KeepBytes = 64 << 10
	s.boot(c)
	wang := s.phone("w1", "wang")
	wang.ask("join", map[string]any{"byMessage": true})
	for burst := range 4 {
		wang.ask("press", nil)
		for i := range 25 { // 31 kB
			wang.say("sound", map[string]any{"sound": []map[string]any{{"n": burst*100 + i, "at": i * 960, "data": make([]byte, 1250)}}})
		}
		wang.ask("release", nil)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []string
	for _, k := range s.of(cleaners).tapes {
		left = append(left, fmt.Sprint(k.Burst))
	}
	if !slices.Equal(left, []string{"3", "4"}) {
		t.Errorf("the bursts %v are kept, want 3 and 4", left)
	}
}

// Where nothing but the broker's port is open, sound comes and goes in messages,
// into the same group.
func TestSoundByMessage(t *testing.T) {
	s := open(t, "wang", "li", "zhao")
	wang, li, zhao := s.phone("w1", "wang"), s.phone("l1", "li"), s.phone("z1", "zhao")
	wang.ask("join", map[string]any{"byMessage": true})
	zhao.ask("join", map[string]any{"byMessage": true})
	li.join()
	wang.ask("press", nil)
	for i := range 12 {
		wang.say("sound", map[string]any{"sound": []map[string]any{{"n": i, "at": i * 960, "data": word(uint32(i))}}})
	}
	wang.ask("release", nil)
	li.hears(0, 11)
	var got []uint32
	var last uint64
	for len(got) < 12 {
		m := zhao.await("sound", func(m message) bool { return m.Type == "talk.sound" })
		for _, f := range m.Sound {
			if got = append(got, binary.BigEndian.Uint32(f.Data[2:])); last > 0 && f.N != last+1 {
				t.Errorf("packet %d after %d", f.N, last)
			}
			last = f.N
		}
	}
	if got[0] != 0 || got[11] != 11 || !slices.IsSorted(got) {
		t.Errorf("got %v", got)
	}
}
