package chain_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gridhub/hub/live"
)

var update = flag.Bool("update", false, "rewrite the expected files")

// What the electrician's gauge shows, and where it hangs.
const (
	level      = "level-e2e"
	levelDepth = 987.25
	levelUnit  = "17"
)

// cable is a serial line between a gateway and a foreign slave: a pair of
// pseudo-terminals that can be pulled out and put back.
type cable struct {
	t             testing.TB
	dir           string
	near, far     string // the port, and what the slave hangs on
	slave         string // the script that plays it
	socat, device *process
}

func layCable(t testing.TB) *cable { return layCableTo(t, "testdata/gauge.py") }

func layCableTo(t testing.TB, slave string) *cable {
	dir := t.TempDir()
	c := &cable{t: t, slave: slave, dir: dir, near: filepath.Join(dir, "usb-FTDI-port0"), far: filepath.Join(dir, "gauge")}
	c.plug()
	return c
}

// plug makes the pair and puts the gauge at its far end.
func (c *cable) plug() {
	c.t.Helper()
	c.socat = launch(c.t, filepath.Join(c.dir, "socat.log"), "socat", "pty,raw,echo=0,link="+c.near, "pty,raw,echo=0,link="+c.far)
	eventually(c.t, "the pair of terminals", func() error {
		for _, end := range []string{c.near, c.far} {
			if _, err := os.Stat(end); err != nil {
				return err
			}
		}
		return nil
	})
	c.device = launch(c.t, filepath.Join(c.dir, "gauge.log"), python, c.slave, c.far)
}

// pull takes the line away: the port is gone, as when an adapter is pulled out.
func (c *cable) pull() {
	c.t.Helper()
	c.device.end(c.t, syscall.SIGKILL)
	c.socat.end(c.t, syscall.SIGTERM)
	if _, err := os.Stat(c.near); err == nil {
		c.t.Fatal("the port is still there")
	}
}

// TestElectrician is the way from a leaflet to a place on the map, and what is
// seen when the line is pulled out and put back.
func TestElectrician(t *testing.T) {
	h, root := open(t, "")
	c := layCable(t)
	mistakes(t, c)
	wordOrder(t, c)

	plant := told(t, "plant.yaml", c.near)
	e := h.gateway("gw-1", strings.Replace(plant, "PERIOD", "100ms", 1))
	addProfile(t, e)
	if out, err := run(edgeProgram, "check", e.config); err != nil || !strings.Contains(out, "1 lines, 1 devices") {
		t.Fatalf("the right files: %v\n%s", err, out)
	}
	began := time.Now()
	e.run()
	eventually(t, "the gauge on the map", func() error { return shows(root, "fresh", "") })
	t.Logf("from the start of the gateway to the value on the map: %v", time.Since(began))

	c.pull()
	eventually(t, "the pulled line on the map", func() error { return shows(root, "fault", "line-down") })
	eventually(t, "what to look at", func() error { return finds(e, "检查 USB 转换器", "the USB adapter's plug") })
	c.plug()
	eventually(t, "the gauge again", func() error { return shows(root, "fresh", "") })

	e.quieten(strings.Replace(plant, "PERIOD", "24h", 1))
	eventually(t, "an account of every reading", func() error { return nothingLost(root, e) })
	for _, s := range root.series(level, "depth") {
		if s.Value != levelDepth {
			t.Errorf("%v mm at %v was never measured", s.Value, s.At)
		}
	}
	e.stop()
}

// told is a file of the electrician's, with the name of his port.
func told(t testing.TB, name, port string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "electrician", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "PORT", port)
}

// mistakes checks the first attempt and compares what is said, in both
// languages.
func mistakes(t *testing.T, c *cable) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "profiles"), 0o700); err != nil {
		t.Fatal(err)
	}
	own, plant := filepath.Join(dir, "profiles", "level-ul20.yaml"), filepath.Join(dir, "plant.yaml")
	write(t, own, told(t, "wrong.profile.yaml", ""))
	write(t, plant, told(t, "wrong.plant.yaml", c.near))
	for _, lang := range []string{"zh", "en"} {
		_, err := run(edgeProgram, "check", "--lang", lang, own, plant)
		if err == nil {
			t.Fatal("nothing was found wrong")
		}
		_, said, _ := strings.Cut(err.Error(), ": exit status 1: ")
		said = strings.ReplaceAll(said, dir+"/", "")
		golden := filepath.Join("testdata", "electrician", "want."+lang+".txt")
		if *update {
			if err := os.WriteFile(golden, []byte(said), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if said != string(want) {
			t.Errorf("%s: got\n%swant\n%s", lang, said, want)
		}
	}
}

// wordOrder lets probe find out in which order the gauge sends its words: of
// all orders one makes a plausible number.
func wordOrder(t *testing.T, c *cable) {
	var out string
	eventually(t, "an answer of the gauge", func() (err error) {
		out, err = run(edgeProgram, "probe", "--from", "4", "--count", "2", c.near, levelUnit)
		return err
	})
	var starred []string
	for line := range strings.Lines(out) {
		if strings.Contains(line, "*") {
			starred = append(starred, strings.TrimSpace(line))
		}
	}
	if len(starred) != 1 || !strings.HasPrefix(starred[0], "CDAB  f32 987.25*") {
		t.Errorf("probe marks %q of\n%s", starred, out)
	}
}

// addProfile gives the gateway the electrician's profile beside the shipped
// ones.
func addProfile(t *testing.T, e *edge) {
	t.Helper()
	write(t, filepath.Join(e.dir, "level-ul20.yaml"), told(t, "profile.yaml", ""))
	text, err := os.ReadFile(e.config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, e.config, strings.Replace(string(text), "profiles: [", "profiles: [level-ul20.yaml, ", 1))
}

// shows returns nil once the map has the gauge at its place, in that health,
// and never with a value that it did not measure.
func shows(s *session, health, cause string) error {
	var all []live.DeviceState
	s.get("/api/v1/devices", &all)
	for _, d := range all {
		if string(d.ID) != level {
			continue
		}
		if d.Place.Grid != "G02" || d.Place.Lon != gaugeLon || d.Place.Lat != gaugeLat || d.Name != "桥下液位" {
			return fmt.Errorf("it stands at %+v", d.Place)
		}
		for _, v := range d.Values {
			if v.Name == "depth" && v.Value != nil && *v.Value != levelDepth {
				s.t.Errorf("the map shows %v mm", *v.Value)
			}
			if v.Name == "depth" && v.Value != nil && d.Health == health && d.Failure == cause {
				return nil
			}
		}
	}
	return fmt.Errorf("have %+v", all)
}

// finds returns nil once the gateway says what is wrong in both languages.
func finds(e *edge, zh, en string) error {
	res, err := http.Get("http://" + e.page + "/healthz")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var health struct {
		Findings []struct{ Line, Device, ZH, EN string }
	}
	if err := json.NewDecoder(res.Body).Decode(&health); err != nil {
		return err
	}
	for _, f := range health.Findings {
		if strings.Contains(f.ZH, zh) && strings.Contains(f.EN, en) {
			return nil
		}
	}
	return fmt.Errorf("it says %+v", health)
}

// nothingLost compares what the gateway numbered with what the hub accounts
// for: readings that failed are accounted for as well.
func nothingLost(s *session, e *edge) error {
	numbered, err := e.delivered()
	if err != nil {
		return err
	}
	sum := s.ledger(level)
	if numbered < 10 || sum.Polled != int64(numbered) || sum.Pending != 0 || sum.Stored+sum.Repeated+sum.Superseded != sum.Polled {
		return fmt.Errorf("the gateway numbered %d, the ledger says %+v", numbered, sum)
	}
	return nil
}
