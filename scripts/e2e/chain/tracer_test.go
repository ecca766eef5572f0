package chain_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/api"
	"gridhub/hub/evidence"
	"gridhub/hub/figures"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/patrol"
	"gridhub/hub/rules"
	"gridhub/hub/store/storetest"
	"gridhub/hub/tasks"
)

// The gauge under the bridge in grid G02, and the worker of that grid.
const (
	gauge         = "water-e2e"
	gaugeUnit     = 4
	gaugeRegister = 4
	gaugeLon      = 120.152026
	gaugeLat      = 30.271785
	worker        = "p-002"
	dry, wet      = 12, 320
)

// street is a hub with accounts, a gateway and a foreign slave on its line.
type street struct {
	t     testing.TB
	hub   *hub
	root  *session
	desk  *session
	check *session
	edge  *edge
	slave *slave
}

func openStreet(t testing.TB, extra string) *street {
	t.Helper()
	s := &street{t: t}
	s.hub, s.root = open(t, extra)
	for name, account := range map[string]map[string]any{
		"desk":    {"roles": []string{"dispatcher"}},
		"checker": {"roles": []string{"checker"}},
		worker:    {"roles": []string{"handler"}, "person": worker},
	} {
		account["name"], account["password"] = name, password
		s.root.post("/api/v1/accounts", account, nil)
	}
	s.desk, s.check = s.hub.signIn("desk", password), s.hub.signIn("checker", password)
	s.slave = startSlave(t, fmt.Sprint(gaugeUnit))
	s.slave.set(gaugeUnit, gaugeRegister, dry)
	s.edge = s.hub.gateway("gw-1", s.plant(busy))
	s.edge.run()
	return s
}

// plant is the gauge on the slave's line.
func (s *street) plant(period time.Duration) string {
	return fmt.Sprintf(`
lines: [{name: bridge, kind: tcp, address: %q, timeout: 500ms}]
devices:
  - {id: %s, name: 桥下积水, profile: water-level@1, line: bridge, address: %d, period: %s, place: {grid: G02, lon: %f, lat: %f}}
`, s.slave.address, gauge, gaugeUnit, period, gaugeLon, gaugeLat)
}

// TestChain is one reading's way through everything: sensor, gateway, hub,
// rule, case, worker, proof, closing, figures.
func TestChain(t *testing.T) { theWholeChain(t, "") }

// TestChainOnPostgres is the same with everything relational in PostgreSQL.
func TestChainOnPostgres(t *testing.T) {
	theWholeChain(t, fmt.Sprintf("database: %q\n", storetest.Postgres(t).Database(t)))
}

func theWholeChain(t *testing.T, extra string) {
	s := openStreet(t, extra)
	screen := s.desk.watch()
	s.showsDepth(dry)
	w := s.hub.handheld(worker)
	w.stand(gaugeLon+0.0003, gaugeLat)
	s.showsWorker()

	s.slave.set(gaugeUnit, gaugeRegister, wet)
	hazard, c := s.oneHazard()
	for name, id := range map[string]string{"hazard": string(hazard.ID), "case": string(c.ID)} {
		eventually(t, "the "+name+" on the screen", func() error { return screen.has(name, id) })
	}
	s.dispatch(c, w)
	s.handle(c, w)
	s.slave.set(gaugeUnit, gaugeRegister, dry)
	s.clears(c)
	s.step(w.session, c, tasks.Command{Type: tasks.Claimed})
	s.step(s.check, c, tasks.Command{Type: tasks.Checked})
	s.step(s.desk, c, tasks.Command{Type: tasks.Closed})
	eventually(t, "the closed case on the screen", func() error { return screen.has("case", string(c.ID), `"state":"closed"`) })
	s.counts(c)

	s.tracked(w)
	s.checksIn(w)
	s.accounts()
}

// showsDepth waits until the newest value on the screens is mm.
func (s *street) showsDepth(mm float64) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("%v mm on the screen", mm), func() error {
		var all []struct {
			ID     string
			Health string
			Values []struct {
				Name  string
				Value *float64
			}
		}
		s.desk.get("/api/v1/devices", &all)
		for _, d := range all {
			for _, v := range d.Values {
				if d.ID == gauge && v.Name == "depth" && v.Value != nil && *v.Value == mm && d.Health == "fresh" {
					return nil
				}
			}
		}
		return fmt.Errorf("have %+v", all)
	})
}

func (s *street) showsWorker() {
	s.t.Helper()
	eventually(s.t, "the worker on the map", func() error {
		var all []api.PersonView
		s.desk.get("/api/v1/people", &all)
		for _, p := range all {
			if p.ID == worker && p.Live.OnDuty && p.Live.Presence == "online" && p.Live.Position != nil && p.Live.Grid == "G02" {
				return nil
			}
		}
		return fmt.Errorf("%s is not on duty in G02", worker)
	})
}

// oneHazard waits for the hazard, and holds that it made exactly one case.
func (s *street) oneHazard() (rules.Hazard, tasks.Case) {
	s.t.Helper()
	var hazards []rules.Hazard
	eventually(s.t, "the hazard", func() error {
		s.desk.get("/api/v1/hazards?open=true", &hazards)
		if len(hazards) == 0 {
			return fmt.Errorf("none")
		}
		return nil
	})
	if z := hazards[0]; len(hazards) != 1 || z.Device != gauge || z.Value != wet || z.Grid != "G02" {
		s.t.Fatalf("have hazards %+v", hazards)
	}
	s.showsDepth(wet) // further readings above the limit have come since
	var cases []tasks.Case
	s.desk.get("/api/v1/cases?open=true", &cases)
	if len(cases) != 1 || cases[0].Hazard != hazards[0].ID || cases[0].State != tasks.Filed || cases[0].Matter != "AQ08" {
		s.t.Fatalf("have cases %+v", cases)
	}
	return hazards[0], cases[0]
}

// dispatch sends the best candidate, who must be the worker beside the gauge.
func (s *street) dispatch(c tasks.Case, w *handheld) {
	s.t.Helper()
	var list []tasks.Candidate
	s.desk.get("/api/v1/cases/"+string(c.ID)+"/candidates", &list)
	if len(list) == 0 || list[0].Person != worker || list[0].Excluded != "" || len(list[0].Reasons) == 0 {
		s.t.Fatalf("the worker is not the best candidate: %+v", list[:min(len(list), 3)])
	}
	s.step(s.desk, c, tasks.Command{Type: tasks.Dispatched, Assignee: worker})
	eventually(s.t, "the terminal to be woken", func() error { return w.told("task", string(c.ID)) })
	var mine []tasks.Case
	w.get("/api/v1/cases?open=true&assignee=me", &mine)
	if len(mine) != 1 || mine[0].ID != c.ID {
		s.t.Fatalf("the worker has %+v", mine)
	}
}

// handle accepts, arrives and proves. A claim without proof is refused.
func (s *street) handle(c tasks.Case, w *handheld) {
	s.t.Helper()
	s.step(w.session, c, tasks.Command{Type: tasks.Accepted})
	w.stand(gaugeLon, gaugeLat)
	s.step(w.session, c, tasks.Command{Type: tasks.Onscene, Place: &geo.Point{Lon: gaugeLon, Lat: gaugeLat}})
	err := w.session.call("POST", "/api/v1/cases/"+string(c.ID)+"/commands", tasks.Command{ID: "without-proof", Type: tasks.Claimed}, nil)
	if !isStatus(err, 422) {
		s.t.Errorf("a claim without photos: %v", err)
	}
	for _, kind := range []string{"photo-before", "photo-after"} {
		item := w.upload(string(c.ID), kind, geo.Point{Lon: gaugeLon, Lat: gaugeLat})
		s.step(w.session, c, tasks.Command{Type: tasks.Evidence, Evidence: item.Hash, Kind: kind})
	}
}

// step takes one step on a case and holds that it was taken.
func (s *street) step(who *session, c tasks.Case, cmd tasks.Command) {
	s.t.Helper()
	cmd.ID = fmt.Sprintf("%s-%s-%s", c.ID, cmd.Type, cmd.Kind)
	var now tasks.Case
	who.post("/api/v1/cases/"+string(c.ID)+"/commands", cmd, &now)
	if cmd.Type != tasks.Evidence && now.State != cmd.Type {
		s.t.Fatalf("after %s the case is %s", cmd.Type, now.State)
	}
}

// upload sends a photo that was taken here and now.
func (w *handheld) upload(of, kind string, p geo.Point) evidence.Item {
	w.t.Helper()
	q := url.Values{"kind": {kind}, "at": {fmt.Sprint(time.Now().UnixMilli())}, "accuracy": {"6"},
		"lon": {fmt.Sprint(p.Lon)}, "lat": {fmt.Sprint(p.Lat)}}
	if of != "" {
		q.Set("case", of)
	}
	var item evidence.Item
	if err := w.send("POST", "/api/v1/evidence?"+q.Encode(), "image/jpeg", photo(w.t), &item); err != nil {
		w.t.Fatal(err)
	}
	return item
}

// photo is a picture that no other is like.
func photo(t testing.TB) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 320, 240))
	// Plain tones would leave what a look is made of, brighter or darker than
	// the place beside, to the noise of a saving.
	var tones, slopes [12]int
	for i := range tones {
		tones[i], slopes[i] = 80+rand.IntN(96), (30+rand.IntN(40))*(1-2*rand.IntN(2))
	}
	for y := range 240 {
		for x := range 320 {
			tile := x/80 + 4*(y/80)
			v := uint8(tones[tile] + slopes[tile]*(x%80-40)/40)
			img.SetRGBA(x, y, color.RGBA{v, v, 255 - v, 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// clears waits until the falling value is noted on the case, once.
func (s *street) clears(c tasks.Case) {
	s.t.Helper()
	var view api.CaseView
	eventually(s.t, "the case to say that the hazard is gone", func() error {
		s.desk.get("/api/v1/cases/"+string(c.ID), &view)
		if !view.Cleared {
			return fmt.Errorf("its events are %+v", kinds(view.Events))
		}
		return nil
	})
	if n := len(slices.DeleteFunc(kinds(view.Events), func(t tasks.EventType) bool { return t != tasks.Sensed })); n != 1 {
		s.t.Errorf("cleared is noted %d times", n)
	}
	var open []rules.Hazard
	s.desk.get("/api/v1/hazards?open=true", &open)
	if len(open) != 0 {
		s.t.Errorf("still open: %+v", open)
	}
}

func kinds(events []tasks.Event) []tasks.EventType {
	var out []tasks.EventType
	for _, e := range events {
		out = append(out, e.Type)
	}
	return out
}

// counts holds that the figures name the case.
func (s *street) counts(c tasks.Case) {
	s.t.Helper()
	var f figures.Summary
	s.desk.get("/api/v1/figures", &f)
	for name, n := range map[string]figures.Count{"reported": f.Reported, "filed": f.Filed, "handled": f.Handled, "closed": f.Closed, "on time": f.OnTime} {
		if n.N != 1 || !slices.Equal(n.Cases, []identity.CaseID{c.ID}) {
			s.t.Errorf("%s: %+v", name, n)
		}
	}
	if f.Open.N != 0 || f.Response.N != 1 || f.Close.N != 1 {
		s.t.Errorf("open %+v, response %+v, time to close %+v", f.Open, f.Response, f.Close)
	}
}

// tracked holds that the way of the worker is kept, and only shown to those who
// may see it.
func (s *street) tracked(w *handheld) {
	s.t.Helper()
	eventually(s.t, "the track of today", func() error {
		var track geo.Track
		s.desk.get("/api/v1/people/"+worker+"/track", &track)
		if len(track.Fixes) != 2 {
			return fmt.Errorf("have %+v", track)
		}
		return nil
	})
	if err := w.session.call("GET", "/api/v1/people/p-003/track", nil, nil); !isStatus(err, 403) {
		s.t.Errorf("a worker asked for the track of another: %v", err)
	}
}

// checksIn visits the first stop of the worker's grid.
func (s *street) checksIn(w *handheld) {
	s.t.Helper()
	var routes []patrol.Route
	w.get("/api/v1/routes", &routes)
	i := slices.IndexFunc(routes, func(r patrol.Route) bool { return r.Grid == "G02" && r.From == "00:00" })
	if i < 0 {
		s.t.Fatal("no route of the whole day in G02")
	}
	stop := routes[i].Stops[0]
	photo := w.upload("", "patrol", stop.Place)
	var v patrol.Visit
	w.post("/api/v1/checkins", map[string]any{"id": "visit-of-the-test", "route": routes[i].ID, "point": stop.ID,
		"at": telemetry.At(time.Now()), "place": stop.Place, "accuracy_m": 6, "evidence": photo.Hash}, &v)
	if !v.Counts {
		s.t.Errorf("the visit does not count: %+v", v)
	}
	var day []patrol.Progress
	w.get("/api/v1/patrols", &day)
	if i := slices.IndexFunc(day, func(p patrol.Progress) bool { return p.Route.ID == routes[i].ID }); i < 0 || day[i].Done != 1 {
		s.t.Errorf("the route's progress does not count the visit")
	}
}

// accounts quietens the gateway and compares all that is known of its readings:
// what it numbered, the ledger, the series and the export.
func (s *street) accounts() {
	s.t.Helper()
	s.edge.quieten(s.plant(calm))
	var text string
	eventually(s.t, "ledger, series and export to have every reading", func() error {
		numbered, err := s.edge.delivered()
		if err != nil {
			return err
		}
		sum, kept := s.desk.ledger(gauge), len(s.desk.series(gauge, "depth"))
		text = s.hub.cli("export", "--device", gauge)
		lines := strings.Count(text, "water-level,device="+gauge+" depth=")
		if sum.Polled != int64(numbered) || sum.Stored != sum.Polled || sum.Pending != 0 || kept != numbered || lines != numbered {
			return fmt.Errorf("the gateway numbered %d, the ledger says %+v, the series has %d, the export %d", numbered, sum, kept, lines)
		}
		return nil
	})
	s.edge.stop()
	if !strings.Contains(text, fmt.Sprintf(" depth=%d ", wet)) {
		s.t.Errorf("the export lacks the value that raised the hazard:\n%.500s", text)
	}
}
