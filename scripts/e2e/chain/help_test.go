package chain_test

import (
	"fmt"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/dispatch"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

// help is the matter of a worker in danger.
const help = "SZ03"

// cry publishes the event of one press of the SOS button.
func (w *handheld) cry(at telemetry.Millis) {
	w.t.Helper()
	w.seq++
	err := w.say(wire.Event, wire.Happening{Stamp: wire.Stamp{V: wire.Version, Epoch: w.epoch, Seq: w.seq, Now: telemetry.At(time.Now())},
		At: at, Type: "sos", Lon: gaugeLon, Lat: gaugeLat, Text: "网格员 002"})
	if err != nil {
		w.t.Fatal(err)
	}
}

// ask reports the same press over HTTP, as the outbox of the handheld does.
func (w *handheld) ask(id string, at telemetry.Millis) (c tasks.Case) {
	w.t.Helper()
	w.post("/api/v1/cases", tasks.Report{ID: id, Matter: help, Source: tasks.SOS, Severity: "critical", Title: "SOS",
		Place: geo.Point{Lon: gaugeLon, Lat: gaugeLat}, At: at}, &c)
	return c
}

// helps waits until there are n cases of workers in danger, and stays there: a
// marker that was published behind must have come through.
func (s *street) helps(w *handheld, n int) (out []tasks.Case) {
	s.t.Helper()
	var all []tasks.Case
	eventually(s.t, "the cases of a call for help", func() error {
		out = nil
		s.desk.get("/api/v1/cases?limit=1000", &all)
		for _, c := range all {
			if c.Matter == help {
				out = append(out, c)
			}
		}
		if len(out) != n {
			return fmt.Errorf("%d cases, want %d", len(out), n)
		}
		return nil
	})
	return out
}

// spares holds that who called for help is not sent to help.
func (s *street) spares(who identity.PersonID, id identity.CaseID) {
	s.t.Helper()
	var all []tasks.Candidate
	s.desk.get("/api/v1/cases/"+string(id)+"/candidates", &all)
	for _, c := range all {
		if c.Person == who && c.Excluded != dispatch.InNeed {
			s.t.Errorf("the person in need is a candidate: %+v", c)
		}
	}
}

// TestOnePressOneCase holds that a press of the SOS button is one case, whether
// its event or its report comes first, alone or twice, and that another press
// is another one.
func TestOnePressOneCase(t *testing.T) {
	s := openStreet(t, "")
	w := s.hub.handheld(worker)
	press := telemetry.At(time.Now()) - 5000

	w.cry(press) // the event first
	first := s.helps(w, 1)[0]
	if first.Severity != "critical" || first.Grid != "G02" || first.State != tasks.Filed || first.Device != "" {
		t.Errorf("the event made %+v", first)
	}
	s.spares(worker, first.ID)
	if c := w.ask("report-of-a-press", press); c.ID != first.ID {
		t.Errorf("the report of the same press is the case %s, the event's is %s", c.ID, first.ID)
	}
	w.cry(press) // sent again under a new number

	second := w.ask("report-of-another", press+1000) // the report first
	w.cry(press + 1000)
	if c := w.ask("report-of-another", press+1000); c.ID != second.ID {
		t.Errorf("a repeated report is the case %s, the first was %s", c.ID, second.ID)
	}
	w.cry(press + 2000) // the marker: all before it has been handled
	if cases := s.helps(w, 3); second.ID == first.ID {
		t.Errorf("two presses are one case: %+v", cases)
	}
}
