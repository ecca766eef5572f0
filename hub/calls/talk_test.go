package calls_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gridhub/hub/calls"
	"gridhub/hub/identity"
	"gridhub/hub/store"
	"gridhub/hub/store/storetest"
	"gridhub/streams/radio"
	"gridhub/streams/talk"
)

// town is a street of three people and a centre.
type town struct {
	mu   sync.Mutex
	sent map[string][]string // by device
}

func (*town) Staff(context.Context) ([]calls.Someone, error) {
	return []calls.Someone{{"p-1", "URBAN", []string{"G01"}}, {"p-2", "URBAN", []string{"G01", "G02"}}, {"p-3", "FIRE", nil}}, nil
}
func (*town) Centre(context.Context) ([]talk.Person, error) { return []talk.Person{"duty"}, nil }
func (*town) Departments() map[string]calls.Label {
	return map[string]calls.Label{"URBAN": {"城管", "Urban"}, "FIRE": {"消防", "Fire"}}
}
func (*town) Grids() map[string]calls.Label {
	return map[string]calls.Label{"G01": {"一格", "One"}, "G02": {"二格", "Two"}}
}

func (*town) Case(_ context.Context, id identity.CaseID) (calls.CaseGroup, error) {
	switch id {
	case "c1":
		return calls.CaseGroup{Label: calls.Label{ZH: "井盖", EN: "Cover"}, People: []talk.Person{"p-3"}, Open: true}, nil
	case "over":
		return calls.CaseGroup{}, nil
	}
	return calls.CaseGroup{}, errors.New("not found")
}

func (*town) CasesOf(_ context.Context, p talk.Person) ([]identity.CaseID, error) {
	if p == "p-3" {
		return []identity.CaseID{"c1"}, nil
	}
	return nil, nil
}

func (*town) Devices(person string) []string { return []string{"phone-" + person} }
func (t *town) Send(device string, b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent[device] = append(t.sent[device], string(b))
}

func (t *town) last(device string) (m struct {
	Type, Code string
	Active     []calls.SOS
	Ended      *calls.SOS
}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if all := t.sent[device]; len(all) > 0 {
		_ = json.Unmarshal([]byte(all[len(all)-1]), &m)
	}
	return m
}

func latch(t *testing.T, db *store.DB) *calls.Latch {
	t.Helper()
	l, err := calls.OpenLatch(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func ids(t *testing.T, g *calls.Groups, person string) (all []string) {
	t.Helper()
	groups, err := g.Groups(t.Context(), person)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range groups {
		all = append(all, string(one.ID))
	}
	return all
}

func TestGroupsOfEverybody(t *testing.T) {
	l := latch(t, storetest.Open(t))
	g := calls.NewGroups(&town{}, l)
	for person, want := range map[string][]string{
		"p-1":     {"dept/URBAN", "grid/G01"},
		"p-2":     {"dept/URBAN", "grid/G01", "grid/G02"},
		"p-3":     {"case/c1", "dept/FIRE"},
		"duty":    {"dept/FIRE", "dept/URBAN", "grid/G01", "grid/G02"},
		"mallory": nil,
	} {
		if got := ids(t, g, person); !slices.Equal(got, want) {
			t.Errorf("%s belongs to %v, want %v", person, got, want)
		}
	}
	one, err := g.Group(t.Context(), "grid/G01")
	if err != nil || !reflect.DeepEqual(one.Members, map[talk.Person]talk.Priority{"p-1": talk.Normal, "p-2": talk.Normal, "duty": talk.Urgent}) {
		t.Errorf("grid/G01: %+v, %v", one, err)
	}
	for _, id := range []talk.Group{"grid/G99", "dept/none", "case/over", "case/none", "street/1", ""} {
		if _, err := g.Group(t.Context(), id); err == nil {
			t.Errorf("there is a group %q", id)
		}
	}
}

// Who calls for help goes before everybody, wherever they talk, and the
// nearest are in the group of the case, also when the case is closed.
func TestGroupOfACallForHelp(t *testing.T) {
	l := latch(t, storetest.Open(t))
	g := calls.NewGroups(&town{}, l)
	s := calls.SOS{Case: "over", Person: "p-1", Pulled: []calls.Pull{{Person: "p-2", Distance: 120, ETA: 90}}}
	if fresh, err := l.Raise(t.Context(), s); err != nil || !fresh {
		t.Fatal(fresh, err)
	}
	one, err := g.Group(t.Context(), "case/over")
	if err != nil || !reflect.DeepEqual(one.Members, map[talk.Person]talk.Priority{"p-1": talk.Emergency, "p-2": talk.Normal, "duty": talk.Urgent}) {
		t.Errorf("%+v, %v", one, err)
	}
	if dept, _ := g.Group(t.Context(), "dept/URBAN"); dept.Members["p-1"] != talk.Emergency {
		t.Errorf("in the own department: %v", dept.Members)
	}
	if got := ids(t, g, "p-2"); got[0] != "case/over" {
		t.Errorf("who was called to it sees %v", got)
	}
	if got := ids(t, g, "p-3"); slices.Contains(got, "case/over") {
		t.Errorf("who has no part in it sees %v", got)
	}
}

// A call for help stands through repeats and restarts until the centre ends it,
// with a reason, on the record of its case.
func TestSOSIsLatched(t *testing.T) {
	db, street := storetest.Open(t), &town{sent: map[string][]string{}}
	var ended []calls.SOS
	desk := func() *calls.SOSDesk {
		return &calls.SOSDesk{Latch: latch(t, db), Line: street, Street: street, Now: time.Now, Log: slog.New(slog.DiscardHandler),
			Ended: func(_ context.Context, s calls.SOS) error { ended = append(ended, s); return nil }}
	}
	d := desk()
	s := calls.SOS{Case: "c1", Person: "p-1", At: 1000, Pulled: []calls.Pull{{Person: "p-2"}}}
	for range 2 { // it comes by MQTT and by HTTP
		if err := d.Raise(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	for _, device := range []string{"phone-p-1", "phone-p-2", "phone-duty"} {
		if n := len(street.sent[device]); n != 1 {
			t.Errorf("%s was told %d times", device, n)
		}
		if m := street.last(device); len(m.Active) != 1 || m.Active[0].Group != "case/c1" {
			t.Errorf("%s was told %+v", device, m)
		}
	}
	if len(street.sent["phone-p-3"]) != 0 {
		t.Error("somebody whom it does not concern was told")
	}
	d.Gone("p-1", "phone-p-1")
	d = desk() // the hub is started again
	d.Connected("p-1", "phone-p-1")
	if m := street.last("phone-p-1"); len(m.Active) != 1 {
		t.Errorf("after a restart: %+v", m)
	}
	for _, try := range []struct{ who, message, code string }{
		{"p-1", `{"v":1,"type":"sos.end","case":"c1","reason":"false alarm"}`, "forbidden"},
		{"duty", `{"v":1,"type":"sos.end","case":"c1"}`, "reason"},
		{"duty", `{"v":1,"type":"sos.end","case":"c9","reason":"false alarm"}`, "over"},
		{"duty", `{"v":1,"type":"sos.sing"}`, "message"},
		{"duty", `nonsense`, "message"},
		{"duty", `{"v":1,"type":"sos.end","case":"c1","reason":"` + strings.Repeat("x", 5000) + `"}`, "message"},
	} {
		if d.Handle(try.who, "phone-"+try.who, []byte(try.message)); street.last("phone-"+try.who).Code != try.code {
			t.Errorf("%.80s: %+v, want %s", try.message, street.last("phone-"+try.who), try.code)
		}
	}
	if len(ended) != 0 {
		t.Fatalf("ended: %+v", ended)
	}
	d.Handle("duty", "phone-duty", []byte(`{"v":1,"type":"sos.end","case":"c1","reason":"同事已到场"}`))
	if m := street.last("phone-p-1"); len(m.Active) != 0 || m.Ended == nil || m.Ended.By != "duty" || m.Ended.Reason != "同事已到场" {
		t.Errorf("at the end p-1 is told %+v", m)
	}
	if len(ended) != 1 || ended[0].Case != "c1" {
		t.Errorf("on the case: %+v", ended)
	}
	told := len(street.sent["phone-p-2"])
	d.Handle("p-2", "phone-p-2", []byte(`{"v":1,"type":"sos.list"}`)) // it was away when the call ended
	if len(street.sent["phone-p-2"]) != told+1 || len(street.last("phone-p-2").Active) != 0 {
		t.Errorf("who asks afterwards is told %+v", street.sent["phone-p-2"][told:])
	}
	if err := d.Raise(t.Context(), s); err != nil || len(d.Latch.Active()) != 0 {
		t.Errorf("a late repeat raised it again: %v", err)
	}
	if left := desk().Latch.Active(); len(left) != 0 {
		t.Errorf("after a restart %+v stands", left)
	}
}

func TestTapesAreKept(t *testing.T) {
	ctx := t.Context()
	tapes, err := calls.OpenTapes(ctx, storetest.Open(t))
	if err != nil {
		t.Fatal(err)
	}
	at := time.UnixMilli(1_779_000_000_000).UTC()
	for n := uint64(1); n <= 3; n++ {
		for range 2 { // again is harmless
			err = errors.Join(err, tapes.Record(ctx, talk.Event{Group: "g", Number: n, At: at, Kind: talk.Expected, Person: "p-1"}),
				tapes.Keep(ctx, radio.Tape{Group: "g", Burst: n, Person: "p-1", From: at, Sound: []byte{byte(n)}}))
		}
	}
	err = errors.Join(err, tapes.Snapshot(ctx, "g", 1, []byte(`{"a":1}`)), tapes.Snapshot(ctx, "g", 2, []byte(`{"a":2}`)), tapes.Drop(ctx, "g", 2))
	if err != nil {
		t.Fatal(err)
	}
	snapshot, events, kept, err := tapes.Load(ctx, "g")
	if err != nil || string(snapshot) != `{"a":2}` || len(events) != 1 || events[0].Number != 3 {
		t.Errorf("%s, %+v, %v", snapshot, events, err)
	}
	if len(kept) != 2 || kept[0].Burst != 2 || !kept[1].From.Equal(at) || !slices.Equal(kept[1].Sound, []byte{3}) {
		t.Errorf("%+v", kept)
	}
	if s, e, k, err := tapes.Load(ctx, "none"); s != nil || e != nil || k != nil || err != nil {
		t.Errorf("of a group that never was: %v %v %v %v", s, e, k, err)
	}
}
