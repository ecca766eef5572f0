package chain_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gridhub/devices/codec/nmea"
	"gridhub/devices/telemetry"
	serial "gridhub/edge/driver/slave"
	"gridhub/hub/api"
	"gridhub/hub/geo"
	"gridhub/hub/live"
	"gridhub/hub/tasks"
)

// outside lies in grid G01, west of the worker's own.
const outside = 120.1495

// beat is a hub with a worker and a gateway for what moves.
type beat struct {
	*street
	worker *session
}

func openBeat(t *testing.T, plant string) *beat {
	t.Helper()
	s := &street{t: t}
	s.hub, s.root = open(t, "")
	for name, account := range map[string]map[string]any{
		"desk": {"roles": []string{"dispatcher"}},
		worker: {"roles": []string{"handler"}, "person": worker},
	} {
		account["name"], account["password"] = name, password
		s.root.post("/api/v1/accounts", account, nil)
	}
	s.desk = s.hub.signIn("desk", password)
	s.edge = s.hub.gateway("gw-1", plant)
	s.edge.run()
	return &beat{street: s, worker: s.hub.signIn(worker, password)}
}

// device waits until the hub's list has it and want is content with it.
func (s *street) device(id, what string, want func(live.DeviceState) bool) (got live.DeviceState) {
	s.t.Helper()
	eventually(s.t, what, func() error {
		var all []live.DeviceState
		s.desk.get("/api/v1/devices", &all)
		for _, got = range all {
			if string(got.ID) == id && want(got) {
				return nil
			}
		}
		return fmt.Errorf("have %+v", all)
	})
	return got
}

func known(live.DeviceState) bool { return true }

func (b *beat) person() (p live.PersonState) {
	b.t.Helper()
	var all []api.PersonView
	b.desk.get("/api/v1/people", &all)
	for _, v := range all {
		if v.ID == worker {
			return v.Live
		}
	}
	b.t.Fatal("the worker is unknown")
	return p
}

func (b *beat) track(from telemetry.Millis) (track geo.Track) {
	b.t.Helper()
	b.desk.get(fmt.Sprintf("/api/v1/people/%s/track?from=%d&to=%d", worker, from, from+3_600_000), &track)
	return track
}

// TestWalker lets a JT/T 808 terminal, carried by a worker, walk into its grid
// and out again; press its button twice; come back into reach; go off duty. A
// gateway that loses power has lost nothing that the terminal may forget.
func TestWalker(t *testing.T) {
	port := free(t)
	b := openBeat(t, terminals(port))
	b.device("badge-7", "the terminal in the list", known)
	b.hub.cli("device", "bind", "badge-7", worker)
	b.worker.post("/api/v1/duty", map[string]bool{"on": true}, nil)
	screen := b.desk.watch()
	// Who has it counts from now on, and each position is a second later, so the
	// terminal's clock goes a little ahead of ours.
	terminal := dialBadge(t, port, telemetry.At(time.Now()))
	start := terminal.second

	terminal.at(outside, gaugeLat, 0)
	eventually(t, "the dot in the grid beside", func() error { return screen.has("person", `"id":"`+worker+`"`, `"grid":"G01"`) })
	terminal.walk(20, outside, gaugeLon)
	eventually(t, "the dot in its grid", func() error { return screen.has("person", `"id":"`+worker+`"`, `"grid":"G02"`) })
	eventually(t, "the end of the way", func() error {
		if p := b.person(); p.Position == nil || p.Position.Lon != gaugeLon || p.Speed != 1 || p.At != terminal.second {
			return fmt.Errorf("the worker is %+v", p)
		}
		return nil
	})
	if d := b.device("badge-7", "the terminal's bearer", func(d live.DeviceState) bool { return d.Person == worker }); d.Fix != nil || d.Unit != "BADGE-0007" || d.Place.Seal != "S-7" {
		t.Errorf("the terminal is %+v", d)
	}
	b.cries(terminal)
	terminal.catchUp(10, gaugeLon)
	terminal.walk(10, gaugeLon, outside)
	eventually(t, "the dot back in the grid beside", func() error {
		if p := b.person(); p.Grid != "G01" || p.At != terminal.second {
			return fmt.Errorf("the worker is %+v", p)
		}
		return nil
	})
	b.losesPower(terminal, port, start)
	b.goesHome(port, start)
}

// cries presses the button twice, each time until it is cleared.
func (b *beat) cries(terminal *badge) {
	b.t.Helper()
	for press := 1; press <= 2; press++ {
		first := terminal.second + 1000
		for range 3 {
			terminal.at(gaugeLon, gaugeLat, 1)
		}
		terminal.at(gaugeLon, gaugeLat, 0)
		cases := b.helps(nil, press)
		for _, c := range cases {
			if c.Source != tasks.SOS || c.Severity != "critical" || c.Grid != "G02" || c.Device != "" {
				b.t.Errorf("the press made %+v", c)
			}
			if c.Reported == first {
				b.spares(worker, c.ID)
			}
		}
	}
}

// losesPower kills the gateway behind its last confirmation: what it confirmed
// is at the hub after its return, each position at its time.
func (b *beat) losesPower(terminal *badge, port string, start telemetry.Millis) {
	b.t.Helper()
	terminal.walk(20, outside, gaugeLon)
	b.edge.end(b.t, syscall.SIGKILL)
	b.edge.run()
	next := dialBadge(b.t, port, terminal.second)
	next.sent = terminal.sent
	next.at(gaugeLon, gaugeLat, 0)
	eventually(b.t, "every position that was confirmed", func() error {
		track := b.track(start)
		for i, f := range track.Fixes {
			if want := start + telemetry.Millis(i+1)*1000; f.At != want {
				return fmt.Errorf("fix %d is of %v, want %v", i, f.At.Time(), want.Time())
			}
		}
		if len(track.Fixes) != next.sent {
			return fmt.Errorf("%d fixes of %d", len(track.Fixes), next.sent)
		}
		return nil
	})
	terminal.second, terminal.sent = next.second, next.sent
	next.conn.Close()
}

// goesHome ends the worker's duty: where the terminal is from then on is
// counted and kept by nobody, except when it calls for help.
func (b *beat) goesHome(port string, start telemetry.Millis) {
	b.t.Helper()
	before := len(b.track(start).Fixes)
	stored := b.desk.ledger("badge-7").Stored
	b.worker.post("/api/v1/duty", map[string]bool{"on": false}, nil)
	terminal := dialBadge(b.t, port, telemetry.At(time.Now().Add(90*time.Second))) // behind all that it told, and not so far ahead that its clock counts for nothing
	for range 5 {
		terminal.at(outside, gaugeLat, 0)
	}
	eventually(b.t, "the ledger to say off duty", func() error {
		var hours []api.LedgerHour
		b.desk.get(fmt.Sprintf("/api/v1/devices/badge-7/ledger?from=%d", start-3_600_000), &hours)
		var expired int64
		for _, h := range hours {
			expired += h.Expired["off-duty"]
		}
		if expired != 5 {
			return fmt.Errorf("%d positions are expired: %+v", expired, hours)
		}
		return nil
	})
	if p := b.person(); p.Position != nil || p.Grid != "" {
		b.t.Errorf("off duty the worker is %+v", p)
	}
	if now := len(b.track(start).Fixes); now != before || b.desk.ledger("badge-7").Stored != stored {
		b.t.Errorf("off duty the track has %d fixes, before %d", now, before)
	}
	if n := len(b.desk.series("badge-7", "lon")); n != 0 {
		b.t.Errorf("%d longitudes in the series of the device, which more may see than a track", n)
	}
	terminal.at(outside, gaugeLat, 1)
	b.helps(nil, 3)
	eventually(b.t, "the place of the call for help", func() error {
		if now := len(b.track(start).Fixes); now != before+1 {
			return fmt.Errorf("%d fixes, before %d", now, before)
		}
		return nil
	})
}

// TestReceiver has a receiver's sentences from gpsd's own player on a serial
// line: the vehicle that it is built into moves on the map, and no person does.
func TestReceiver(t *testing.T) {
	pty, err := serial.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	defer pty.Close()
	b := openBeat(t, fmt.Sprintf(`
lines: [{name: gnss, kind: serial, path: %s, baud: 4800}]
devices:
  - {id: car-1, name: 巡逻车, profile: gnss-nmea@1, line: gnss, period: 1s}
`, pty.Path()))
	b.device("car-1", "the receiver in the list", known)
	b.hub.cli("device", "bind", "car-1", "--vehicle", "川A12345")
	screen := b.desk.watch()
	play(t, pty, sentences(150))
	eventually(t, "the vehicle on the screen", func() error {
		return screen.has("device", `"id":"car-1"`, `"vehicle":"川A12345"`, `"fix":{`, `"grid":"G02"`)
	})
	d := b.device("car-1", "the vehicle on its way", func(d live.DeviceState) bool {
		return d.Place.Lon > gaugeLon+0.0005 && d.Fix.Accuracy == 4.5 && d.Fix.Speed > 1 && d.Fix.Heading == 90
	})
	if d.Place.Lat < 30.2717 || d.Place.Lat > 30.2719 {
		t.Errorf("the vehicle is at %+v", d.Place)
	}
	for _, v := range d.Values {
		if v.Name == "lon" || v.Name == "lat" {
			t.Errorf("the list shows %s as a reading", v.Name)
		}
	}
}

// sentences are what a receiver says that drives east, one fix a second.
func sentences(n int) string {
	var all strings.Builder
	at := time.Now().UTC().Add(-5 * time.Second)
	degrees := func(v float64, width int) string {
		whole := int(v)
		return fmt.Sprintf("%0*d%07.4f", width, whole, (v-float64(whole))*60)
	}
	for i := range n {
		now := at.Add(time.Duration(i) * time.Second)
		clock, lat, lon := now.Format("150405.00"), degrees(gaugeLat, 2), degrees(gaugeLon+float64(i)*5e-5, 3)
		for _, body := range []string{
			fmt.Sprintf("GPGGA,%s,%s,N,%s,E,1,08,0.9,15.4,M,0.0,M,,", clock, lat, lon),
			fmt.Sprintf("GPRMC,%s,A,%s,N,%s,E,009.7,090.0,%s,,,A", clock, lat, lon, now.Format("020106")),
		} {
			all.WriteString(nmea.Line(body) + "\r\n")
		}
	}
	return all.String()
}

// play has gpsfake play sentences through a gpsd of its own, faster than life,
// and whatever gpsd then says goes to the port: its own words
// between the sentences, which a line must bear.
func play(t *testing.T, port *serial.PTY, text string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "drive.nmea")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, number, _ := strings.Cut(free(t), ":")
	cmd := exec.Command("gpsfake", "-1", "-q", "-c", "0.02", "-P", number, "-p", file)
	cmd.Stdout, cmd.Stderr = port.Master, t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		var ended *exec.ExitError
		if err := cmd.Wait(); err != nil && !errors.As(err, &ended) {
			t.Errorf("gpsfake: %v", err)
		}
	})
}
