package pages_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// plants are a gateway's file before and after the fitter was there: the meter
// was replaced, the old probe taken down, the new one is still being worked on.
func plants(port string) (before, after string) {
	const lines = `
lines:
  - {name: sim, kind: simulated, seed: 3, hazard_every: 0s}
  - {name: badges, kind: listen, address: %q}
devices:
  - {id: badge-7, name: 终端 7 号, profile: terminal-jt808@1, line: badges, address: "13912344329", unit: BADGE-0007, place: {grid: G02, note: 值班室}}
  - {id: meter-1, name: 3 号楼总表, profile: electricity-meter@1, line: sim, period: 1s, unit: %s, place: {grid: G02, lon: 120.1522, lat: 30.2719, note: 一层强电井, seal: S-4471, photo: "https://photos.example/meter-1.jpg"}}
  - {id: %s, name: %s, profile: gas-ch4@1, line: sim, period: 1s, maintenance: %v, place: {grid: G02, lon: 120.1530, lat: 30.2723}}
`
	before = fmt.Sprintf(lines, port, "SN-1001", "gas-old", "旧燃气探头", false)
	return before, fmt.Sprintf(lines, port, "SN-2002", "gas-new", "新燃气探头", true)
}

// fitted starts a gateway with the file before, and again with the file after
// once the hub has heard of the first.
func (s *street) fitted(session string) {
	s.t.Helper()
	secret, err := exec.Command(filepath.Join(s.bin, "hub"), "device", "add", "gw-fit", "--kind", "gateway", "--config", s.config).Output()
	if err != nil {
		s.t.Fatalf("the gateway was not registered: %v", err)
	}
	before, after := plants(freePort(s.t, "127.0.0.1"))
	config := s.write("fit.yaml", fmt.Sprintf(`id: gw-fit
data: fit
profiles: [%s/configs/profiles]
devices: [%s]
hub: {url: "tcp://%s", password_file: %s}
`, root(s.t), s.write("plant.yaml", before), s.mqtt, s.write("fit-secret", string(secret))))
	first := exec.Command(filepath.Join(s.bin, "edge"), "run", "--config", config)
	first.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := first.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.measures(session, "meter-1", "gas-old")
	_ = first.Process.Signal(syscall.SIGTERM)
	if err := first.Wait(); err != nil {
		s.t.Fatalf("the gateway ended with %v", err)
	}
	s.write("plant.yaml", after)
	s.run("edge", "run", "--config", config)
	s.measures(session, "gas-new")
}

// measures waits until the hub has heard values of these devices.
func (s *street) measures(session string, ids ...string) {
	s.t.Helper()
	for limit := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		heard := map[string]bool{}
		for _, d := range s.devices(session) {
			heard[d.ID] = d.Heard > 0
		}
		missing := 0
		for _, id := range ids {
			if !heard[id] {
				missing++
			}
		}
		if missing == 0 {
			return
		}
		if time.Now().After(limit) {
			s.t.Fatalf("of %v only %v were heard", ids, heard)
		}
	}
}

type heard struct {
	ID    string `json:"id"`
	Heard int64  `json:"heard"`
}

func (s *street) devices(session string) (all []heard) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), "GET", s.URL+"/api/v1/devices", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Cookie", session)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&all); err != nil {
		s.t.Fatal(err)
	}
	return all
}

// What a device is, who has it, who works on it and what stood in its place
// before, as the desk sees and sets it.
func TestTheLifeOfADevice(t *testing.T) {
	s := open(t, place{})
	s.staff("p-017")
	s.fitted(s.post("/api/v1/session", "", map[string]string{"account": "desk", "password": password}))
	s.browse("life", task{})
}
