package checks

import (
	"strings"
	"testing"
)

const root = "../.."

func report(t *testing.T, wrong []string) {
	t.Helper()
	for _, w := range wrong {
		t.Error(w)
	}
}

func load(t *testing.T) []Package {
	t.Helper()
	all, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 30 {
		t.Fatalf("only %d packages found", len(all))
	}
	return all
}

func TestImports(t *testing.T)  { report(t, CheckImports(load(t))) }
func TestPackages(t *testing.T) { report(t, CheckPackages(load(t))) }

func TestFiles(t *testing.T) {
	all, err := Tracked(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Fatalf("only %d files found", len(all))
	}
	report(t, CheckFiles(all))
}

// TestForbidden tries the tables with imports that nobody has written, so that
// a table which lets everything pass is found out.
func TestForbidden(t *testing.T) {
	for _, c := range []struct{ from, imported, want string }{
		{"edge/uplink", "hub/broker", "without the hub"},
		{"hub/intake", "edge/uplink", "belongs in devices"},
		{"scripts/benches/load", "hub/broker", ""},
		{"hub/intake", "scripts/checks", "never the reverse"},
		{"streams/journal", "hub/store", "knows neither"},
		{"devices/wire", "streams/journal", "how it travels"},
		{"configs", "devices", "its own Config"},

		{"edge", "edge/cli", ""},
		{"edge/cli", "edge/gateway", ""},
		{"edge/gateway", "edge/uplink", ""},
		{"edge/uplink", "edge/gateway", "does not know composition"},
		{"edge/uplink", "edge/poll", "small interface"},
		{"edge/driver/modbus", "edge/driver", ""},
		{"edge/poll", "edge/driver", ""},
		{"edge/driver", "edge/poll", "small interface"},
		{"edge/uplink", "edge", "does not know programs"},
		{"hub/server", "hub/api", ""},
		{"hub/api", "hub/tasks", ""},
		{"hub/tasks", "hub/api", "does not know faces"},
		{"hub/tasks", "hub/rules", "small interface"},
		{"hub/rules", "hub/tasks", ""},
		{"hub/tasks", "hub/store", ""},
		{"hub/store", "hub/audit", "does not know audit"},
		{"hub/history/sqlite", "hub/history", ""},
		{"hub/history", "hub/history/sqlite", "small interface"},
		{"devices/codec", "devices/profile", "small interface"},
		{"devices/profile", "devices/codec/modbus", ""},
		{"streams/signaling", "streams/sfu", ""},
		{"streams/sfu", "streams/signaling", "does not know faces"},

		{"hub/intake", "github.com/mochi-mqtt/server/v2", "hub/broker"},
		{"hub/broker", "github.com/mochi-mqtt/server/v2/packets", ""},
		{"hub/tasks", "github.com/jackc/pgx/v5", "both databases"},
		{"edge/uplink/hubtest", "github.com/eclipse/paho.mqtt.golang", ""},
		{"edge/uplink", "edge/uplink/hubtest", "no program carries it"},
		{"edge/driver/modbus/modbustest", "hub/store", "without the hub"},
		{"hub/geo", "example.com/new/thing", "needs a home"},
	} {
		got := forbidden(c.from, c.imported)
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s imports %s: %q, want %q", c.from, c.imported, got, c.want)
		}
	}
}

// TestTables finds lines that name no folder of this project: a check that
// nothing can fail.
func TestTables(t *testing.T) {
	known := map[string]bool{"streams": true, "hub/sheets": true, "hub/audit": true, "hub/calls": true, "hub/web": true, "hub/server": true,
		"hub/cli": true, "hub/server/cli": true, "streams/chain": true, "streams/record": true, "streams/camera": true, "streams/relay": true, "scripts": true}
	for _, p := range load(t) {
		for f := p.Folder; f != ""; f = f[:max(0, strings.LastIndexByte(f, '/'))] {
			known[f] = true
		}
	}
	var named []string
	for _, b := range bans {
		named = append(append(named, b.from...), b.not...)
	}
	for _, l := range layers {
		named = append(named, l.roots...)
	}
	for _, n := range neighbours {
		named = append(append(named, n.from...), n.may...)
	}
	for _, l := range libraries {
		named = append(named, l.homes...)
	}
	for _, f := range named {
		if !known[strings.TrimSuffix(f, "/...")] {
			t.Errorf("scripts/checks/table.go names %s, which does not exist and is not planned", f)
		}
	}
}

func TestPackageRules(t *testing.T) {
	wrong := CheckPackages([]Package{{Folder: "hub/a", Doc: "Package a is."}, {Folder: "hub/b"}, {Folder: "hub/util", Doc: "Package util."}})
	if len(wrong) != 2 || !strings.Contains(wrong[0], "hub/b: no package comment") || !strings.Contains(wrong[1], "name the noun") {
		t.Errorf("%q", wrong)
	}
}

func TestFileRules(t *testing.T) {
	machine := "/" + "root"
	for _, c := range []struct {
		text string
		want int
	}{
		{"see " + machine + "/go/bin", 1},
		{"\n\"" + machine + "/x\"", 1},
		{"https://example.com" + machine + "/x", 0},
		{"a/path" + machine + "/x", 0},
		{"FROM=$HOME" + machine + "/x", 0},
		{strings.Repeat("x", maxFile+1), 1},
		{strings.Repeat("x", maxFile), 0},
		{machine + "/x\x00", 0},
	} {
		if got := CheckFiles([]File{{"f", []byte(c.text)}}); len(got) != c.want {
			t.Errorf("%.40q: %q", c.text, got)
		}
	}
}
