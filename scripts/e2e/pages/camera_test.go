package pages_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// cameras starts RTSP servers and writes a street's list of cameras: one that
// works, one with a password, one whose pictures cannot be shown.
func cameras(t *testing.T) (list string) {
	t.Helper()
	cmd := exec.Command("/usr/bin/python3", filepath.Join(root(t), "streams/camera/testdata/server.py"))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait() // a server of the test's own
	})
	var free, locked int
	if _, err := fmt.Fscan(out, &free, &locked); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"gate.password": "p@ss:word\n", "cameras.yaml": fmt.Sprintf(`cameras:
  - {id: bridge, name: {zh: 桐声巷桥头, en: Bridge}, place: {lon: 120.1600, lat: 30.2750}, grid: G05, url: "rtsp://127.0.0.1:%[1]d/good"}
  - {id: gate, name: {zh: 东门, en: East gate}, place: {lon: 120.1612, lat: 30.2750}, grid: G05, url: "rtsp://127.0.0.1:%[2]d/secret", user: viewer, password_file: gate.password}
  - {id: market, name: {zh: 菜场北口, en: Market}, place: {lon: 120.1588, lat: 30.2750}, grid: G05, url: "rtsp://127.0.0.1:%[1]d/bframes"}
`, free, locked)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "cameras.yaml")
}

// The desk looks through the cameras of the street: it sees moving pictures, is
// told what is wrong with the one that cannot be shown, and keeps a snapshot as
// evidence of a case.
func TestTheCentreLooksThroughCameras(t *testing.T) {
	s := open(t, place{cameras: cameras(t)})
	s.staff()
	s.browse("camera", task{})
}
