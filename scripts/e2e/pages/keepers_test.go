package pages_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
)

// broken starts a gateway of which one line cannot be opened, and registers one
// that never comes.
func (s *street) broken(session string) {
	s.t.Helper()
	add := func(id string) string {
		secret, err := exec.Command(filepath.Join(s.bin, "hub"), "device", "add", id, "--kind", "gateway", "--config", s.config).Output()
		if err != nil {
			s.t.Fatalf("the gateway was not registered: %v", err)
		}
		return string(secret)
	}
	add("gw-ordered")
	plant := fmt.Sprintf(`lines:
  - {name: sim, kind: simulated, seed: 5, hazard_every: 0s}
  - {name: cabinet, kind: tcp, address: %q, timeout: 1s}
devices:
  - {id: well-1, name: 东侧水位计, profile: gas-ch4@1, line: sim, period: 1s, place: {grid: G02, lon: 120.1530, lat: 30.2723}}
  - {id: meter-9, name: 9 号楼总表, profile: electricity-meter@1, line: cabinet, address: 9, period: 1s, place: {grid: G02, lon: 120.1522, lat: 30.2719}}
`, freePort(s.t, "127.0.0.1"))
	config := s.write("cabinet.yaml", fmt.Sprintf(`id: gw-cabinet
data: cabinet
profiles: [%s/configs/profiles]
devices: [%s]
hub: {url: "tcp://%s", password_file: %s}
`, root(s.t), s.write("cabinet-plant.yaml", plant), s.mqtt, s.write("cabinet-secret", add("gw-cabinet"))))
	s.run("edge", "run", "--config", config)
	s.measures(session, "well-1")
}

// TestInstallersAndAuditorsHaveTheirRooms: who looks after devices sees them,
// live, and nothing of people or cases; who audits sees who did what.
func TestInstallersAndAuditorsHaveTheirRooms(t *testing.T) {
	s := open(t, place{})
	s.staff("p-017")
	chief := s.post("/api/v1/session", "", map[string]string{"account": admin, "password": password})
	s.post("/api/v1/accounts", chief, account{Name: "fitter", Roles: []string{"installer"}, Password: password})
	s.post("/api/v1/accounts", chief, account{Name: "watch", Roles: []string{"auditor"}, Password: password})
	s.broken(chief)
	s.browse("keepers", task{Person: "p-017"})
}
