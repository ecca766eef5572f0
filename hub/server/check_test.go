package server_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gridhub/hub/server"
	"gridhub/hub/server/cli"
)

// mistake is one that a person makes in the sound folder: in a file, one text
// stands where another belongs. Want is the whole report.
type mistake struct{ file, old, new, want string }

var mistakes = []mistake{
	{"hub.yaml", "data: data", "data: ''\ndatabase: mysql://x", `hub.yaml:1:7: data: want a folder
hub.yaml:2:11: database: mysql:…: want sqlite:FILE or postgres://…`},
	{"hub.yaml", "street: street", "street: strasse", "hub.yaml:2:9: street: strasse: want the folder of a street: no such file or directory"},
	{"hub.yaml", "[matters]", "[matters, more]", "hub.yaml:3:20: matters[1]: more: want a file or a folder: no such file or directory"},
	{"hub.yaml", "data: data", "data: data\nhttp: {address: localhost, secure: '0.0.0.0:8883'}", `hub.yaml:1:1: mqtt.listeners[1].address: 0.0.0.0:8883: want an address of its own, http.secure has this one already
hub.yaml:2:17: http.address: localhost: want host:port`},
	{"hub.yaml", "data: data", "data: data\nhistory: {influx: {token_file: token}}", "hub.yaml:2:32: history.influx.token_file: token: want a file with the token: no such file or directory"},

	{"street/street.yaml", "30.3]", "30.1]", "street/street.yaml:3:9: bounds: [120.1 30.2 120.2 30.1]: want west, south, east and north in WGS-84 degrees, west below east and south below north"},
	{"street/street.yaml", ", 30.3]", "]", "street/street.yaml:3:9: bounds: [120.1 30.2 120.2]: want four numbers: west, south, east and north"},
	{"street/street.yaml", "Asia/Shanghai", "Asia/Chengwan", "street/street.yaml:4:12: time_zone: Asia/Chengwan: want a name such as Asia/Shanghai"},
	{"street/street.yaml", "lat: 30.27", "lat: 120.16", "street/street.yaml:2:9: center: 120.16, 120.16: want WGS-84 degrees: {lon: 120.16, lat: 30.27}"},
	{"street/street.yaml", "zh: 澄湾街道, ", "zh: '', ", "street/street.yaml:1:12: name.zh: want a name"},

	{"street/departments.yaml", "code: SAN", "code: UM", `street/departments.yaml:3:12: departments[1].code: UM: want one of its own, departments[0] has this one already
street/staff.yaml:3:66: staff[1].department: SAN: want a department of this street
matters/CG01.yaml:5:8: with[0]: SAN: want a department of this street
matters/CG02.yaml:4:7: lead: SAN: want a department of this street`},
	{"street/departments.yaml", "code: UM", "code: 'U M'", `street/departments.yaml:2:12: departments[0].code: U M: want a code such as UM
street/staff.yaml:2:64: staff[0].department: UM: want a department of this street, did you mean U M?
matters/CG01.yaml:4:7: lead: UM: want a department of this street, did you mean U M?`},

	{"street/staff.yaml", "id: p-002", "id: p-001", "street/staff.yaml:3:10: staff[1].id: p-001: want one of its own, staff[0] has this one already"},
	{"street/staff.yaml", "id: p-002", "id: 张伟", "street/staff.yaml:3:10: staff[1].id: 张伟: want a number such as p-017: up to 64 of a-z A-Z 0-9 - _ ."},
	{"street/staff.yaml", "department: SAN", "department: SAM", "street/staff.yaml:3:66: staff[1].department: SAM: want a department of this street, did you mean SAN?"},
	{"street/staff.yaml", "[G01, G02]", "[G01, X9]", "street/staff.yaml:3:84: staff[1].grids[1]: X9: want a grid of this street"},
	{"street/staff.yaml", "[G01, G02]", "[G01, G01]", "street/staff.yaml:3:84: staff[1].grids[1]: G01: want each grid once"},
	{"street/staff.yaml", "force: patrol", "force: patrols", "street/staff.yaml:3:46: staff[1].force: patrols: want patrol, grid, community or cadre"},
	{"street/staff.yaml", "{zh: 网格员 002}", "{}", "street/staff.yaml:3:24: staff[1].label.zh: want what others read, such as 网格员 017"},

	{"street/routes.yaml", `"11:30"`, `"07:30"`, "street/routes.yaml:7:12: routes[0].until: 07:30: want a time of the same day after from"},
	{"street/routes.yaml", "force: grid", "force: grids", "street/routes.yaml:5:12: routes[0].force: grids: want patrol, grid, community or cadre"},
	{"street/routes.yaml", "grid: G01", "grid: G03", "street/routes.yaml:4:11: routes[0].grid: G03: want a grid of this street, did you mean G01?"},
	{"street/routes.yaml", "lat: 30.26", "lat: 300.26", "street/routes.yaml:9:42: routes[0].stops[0].place: want a place in WGS-84 degrees"},

	{"street/grids.geojson", `"code":"G02"`, `"code":"G01"`, `street/grids.geojson: features[1] (grid "G01"): properties.code: want a code of its own, features[0] has this one already`},
	{"street/grids.geojson", `[120.16,30.27],[120.15,30.26]]]`, `[120.16,30.27]]]`, `street/grids.geojson: features[1] (grid "G02"): a ring of 3 positions: want at least 4, the last equal to the first`},
	{"street/grids.geojson", `[120.14,30.26],[120.15,30.26]`, `[30.26,120.14],[120.15,30.26]`, `street/grids.geojson: features[0] (grid "G01"): position 0 is 30.26, 120.14: want WGS-84 degrees, longitude first`},
	{"street/grids.geojson", `{"code":"G02"},`, `{"code":"G02"},,`, "street/grids.geojson:3:47: GeoJSON: invalid character ',' looking for beginning of object key string"},
	{"street/grids.geojson", `"Polygon","coordinates":[[[120.15,30.26],[120.16,30.26],[120.16,30.27],[120.15,30.26]]]`, `"MultiPolygon","coordinates":[]`, `street/grids.geojson: features[1] (grid "G02"): a multi-polygon without polygons`},
	{"street/roads.geojson", `"LineString","coordinates":[[120.15`, `"Point","coordinates":[[120.15`, `street/roads.geojson: features[1] (road "汀云巷"): geometry "Point": want LineString or MultiLineString`},

	{"matters/CG02.yaml", "code: CG02", "code: CG01", `matters/CG02.yaml:1:7: code: CG01: want a code that no other matter has, it stands in matters/CG01.yaml already
rules/rules.yaml:7:13: rules[0].matter: CG02: want the code of a matter: no file has this one`},
	{"matters/CG01.yaml", "code: CG01", "code: ''", "matters/CG01.yaml:1:7: code: want a code such as CG01"},
	{"matters/CG01.yaml", "lead: UM", "lead: UN", "matters/CG01.yaml:4:7: lead: UN: want a department of this street, did you mean UM?"},
	{"matters/CG01.yaml", "[SAN]", "[SAN, SAN]", "matters/CG01.yaml:5:13: with[1]: SAN: want each department once, the leading one not again"},
	{"matters/CG01.yaml", "domain: urban", "domain: rural", "matters/CG01.yaml:3:9: domain: rural: want one of urban, governance, environment, safety"},
	{"matters/CG01.yaml", "privacy: public", "privacy: secret", "matters/CG01.yaml:12:10: privacy: secret: want one of public, internal, restricted"},
	{"matters/CG01.yaml", "[screened, filed]", "[screened, file]", "matters/CG01.yaml:11:18: auto[1]: file: want one of screened, filed; did you mean filed?"},
	{"matters/CG01.yaml", "[screened, filed]", "[screened, dispatched]", "matters/CG01.yaml:11:18: auto[1]: dispatched: want one of screened, filed"},
	{"matters/CG01.yaml", "value: 2h", "value: 2 hours", "matters/CG01.yaml:8:82: limits[1].value: 2 hours: want 20m, 4h or 2d"},
	{"matters/CG01.yaml", "kind: working-hours", "kind: working_hours", "matters/CG01.yaml:8:60: limits[1].kind: working_hours: want one of emergency, working-hours, working-days, calendar-hours, calendar-days, plan; did you mean working-hours?"},
	{"matters/CG01.yaml", "name: handle", "name: arrive", "matters/CG01.yaml:8:12: limits[1].name: arrive: want a name of its own, or before it limits of that name from other steps or for other conditions only"},
	{"matters/CG01.yaml", "value: 2h", "value: 2h, when: severity", "matters/CG01.yaml:8:92: limits[1].when: severity: want severity=major|critical, region=A, or both with a space between"},
	{"matters/CG01.yaml", "until: onscene", "until: onscreen", "matters/CG01.yaml:7:45: limits[0].until: onscreen: want a step that moves a case: reported, screened, verified, verifying, rejected, spot, filed, dispatched, accepted, enroute, onscene, handling, cosign, claimed, returned, objected, upheld, dismissed, checked, rework, closed, archived, suspended, resumed, voided; did you mean onscene?"},
	{"matters/CG01.yaml", "kind: photo-after", "kind: foto-after", "matters/CG01.yaml:10:12: evidence[0].kind: foto-after: want one of photo-before, photo-after, signature, document, video, audio, checklist, callback, tag, reading; did you mean photo-after?"},
	{"matters/CG02.yaml", "kind: plan", "kind: plan, value: 2d", "matters/CG02.yaml:6:73: limits[0].value: 2d: want nothing here: the plan names the day"},
	{"matters/CG02.yaml", "auto: []", "auto: []\nautos: [filed]", "matters/CG02.yaml:8:1: autos: not known here, did you mean auto?"},

	{"rules/rules.yaml", "matter: CG02", "matter: CG99", "rules/rules.yaml:7:13: rules[0].matter: CG99: want the code of a matter: no file has this one"},
}

// TestEachMistakeIsReportedWhereItStands makes one mistake at a time in a sound
// folder and wants exactly its report.
func TestEachMistakeIsReportedWhereItStands(t *testing.T) {
	for _, m := range mistakes {
		t.Run(m.file+" "+m.new, func(t *testing.T) {
			dir := sound(t)
			m.make(t, dir)
			if got := report(t, dir); got != m.want {
				t.Errorf("got\n%s\nwant\n%s", got, m.want)
			}
		})
	}
}

// TestAllFilesAreReportedAtOnce makes a mistake in every file: check names them
// all, ends with an error, and leaves the folder as it was.
func TestAllFilesAreReportedAtOnce(t *testing.T) {
	dir := sound(t)
	if got := report(t, dir); got != "" {
		t.Fatalf("the sound folder: %s", got)
	}
	seen := map[string]bool{}
	var want []string
	for _, m := range mistakes {
		if !seen[m.file] && !strings.Contains(m.want, "\n") && m.new != "street: strasse" {
			seen[m.file] = true
			m.make(t, dir)
			want = append(want, m.want)
		}
	}
	if len(want) != 9 {
		t.Fatalf("mistakes in %d files", len(want))
	}
	var out bytes.Buffer
	err := cli.Run(t.Context(), []string{"check", filepath.Join(dir, "hub.yaml")}, &out, &out)
	if err == nil {
		t.Fatal("check found nothing")
	}
	for _, w := range want {
		if !strings.Contains(strings.ReplaceAll(err.Error(), dir+"/", ""), w) {
			t.Errorf("the report lacks\n%s\nit is\n%s", w, err)
		}
	}
	if err := cli.Run(t.Context(), []string{"serve", "--config", filepath.Join(dir, "hub.yaml")}, &out, &out); err == nil {
		t.Error("the hub was started on a bad configuration")
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
		t.Error("a data folder was made")
	}
}

// sound copies the sound folder, so that mistakes can be made in it.
func sound(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/sound")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func (m mistake) make(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, m.file)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Count(data, []byte(m.old)) < 1 {
		t.Fatalf("%s has no %q", m.file, m.old)
	}
	if err := os.WriteFile(path, bytes.Replace(data, []byte(m.old), []byte(m.new), 1), 0o600); err != nil {
		t.Fatal(err)
	}
}

// report is what Check says, paths relative to the folder.
func report(t *testing.T, dir string) string {
	t.Helper()
	err := server.Check(filepath.Join(dir, "hub.yaml"))
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(err.Error(), dir+"/", "")
}
