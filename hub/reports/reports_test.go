package reports_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridhub/configs"
	"gridhub/devices/telemetry"
	"gridhub/hub/reports"
	"gridhub/hub/sheets"
	"gridhub/hub/store"
	"gridhub/hub/store/storetest"
)

var zone = time.FixedZone("CST", 8*3600)

// office is a maker with a clock and formulas that the test sets.
type office struct {
	*reports.Maker
	t      *testing.T
	folder string
	now    time.Time
	fault  error
	asked  []string // what was counted: from, to, by
}

func open(t *testing.T, db *store.DB, folder string, all ...reports.Config) *office {
	t.Helper()
	o := &office{t: t, folder: folder, now: time.Date(2026, 11, 23, 7, 59, 0, 0, zone)} // a Monday
	var err error
	o.Maker, err = reports.Open(t.Context(), db, reports.Options{Reports: all, Folder: folder, Zone: zone,
		Now: func() time.Time { return o.now },
		Sheet: func(_ context.Context, from, to telemetry.Millis, by string) (sheets.Sheet, string, error) {
			say := func(at telemetry.Millis) string { return at.Time().In(zone).Format("01-02 15:04") }
			o.asked = append(o.asked, say(from)+" "+say(to)+" "+by)
			return sheets.Sheet{Name: by, Head: []string{by}, Rows: [][]any{{1}}}, "2", o.fault
		}})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// files makes what is due and returns everything that was made, newest first.
func (o *office) files() string {
	o.t.Helper()
	if err := o.Make(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
	all, err := o.List(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	var names []string
	for _, r := range all {
		names = append(names, strings.TrimSuffix(r.File, ".xlsx"))
	}
	return strings.Join(names, " ")
}

// TestMondayAtEight makes the report of each week once: at eight, again after a
// restart, and afterwards when the hub did not run.
func TestMondayAtEight(t *testing.T) {
	db, folder := storetest.Open(t), t.TempDir()
	o := open(t, db, folder, reports.Default()...)
	for _, step := range []struct {
		after time.Duration
		want  string
	}{
		{0, "weekly-2026-11-16"}, // before eight: that of the Monday before
		{time.Minute, "weekly-2026-11-23 weekly-2026-11-16"},
		{100 * time.Hour, "weekly-2026-11-23 weekly-2026-11-16"},
		{21 * 24 * time.Hour, "weekly-2026-12-14 weekly-2026-12-07 weekly-2026-11-30 weekly-2026-11-23 weekly-2026-11-16"}, // switched off for three weeks
	} {
		o.now = o.now.Add(step.after)
		if got := o.files(); got != step.want {
			t.Errorf("%s: %s, want %s", o.now, got, step.want)
		}
		again := open(t, db, folder, reports.Default()...)
		again.now = o.now
		if got := again.files(); got != step.want || len(again.asked) > 0 {
			t.Errorf("after a restart: %s, counted %v", got, again.asked)
		}
	}
	if want := []string{"11-09 00:00 11-16 00:00 department", "11-16 00:00 11-23 00:00 department"}; o.asked[0] != want[0] || o.asked[4] != want[1] {
		t.Errorf("counted %v, want %v", o.asked, want)
	}
	b, err := o.File(t.Context(), "weekly-2026-11-23.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := sheets.Read(b, sheets.Default())
	if err != nil || len(rows) != 6 || !slices.Equal(rows[2].Cells, []string{"期间起", "2026-11-16 00:00"}) || !slices.Equal(rows[4].Cells, []string{"指标定义版本", "2"}) {
		t.Errorf("the cover says %v, %v", rows, err)
	}
	for _, name := range []string{"weekly-2020-01-06.xlsx", "../hub.db", ""} {
		if _, err := o.File(t.Context(), name); !errors.Is(err, reports.ErrNotFound) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestDaysAndMonths(t *testing.T) {
	o := open(t, storetest.Open(t), t.TempDir(),
		reports.Config{Name: "daily", Title: "日报", Every: "day", At: "06:30", By: []string{"grid"}, Keep: 2},
		reports.Config{Name: "monthly", Title: "月报", Every: "month", On: "1", At: "09:00", By: []string{"week"}, Keep: 9})
	if got, want := o.files(), "daily-2026-11-23 monthly-2026-11-01"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if want := []string{"11-22 00:00 11-23 00:00 grid", "10-01 00:00 11-01 00:00 week"}; !slices.Equal(o.asked, want) {
		t.Errorf("counted %v, want %v", o.asked, want)
	}
	o.now = o.now.AddDate(0, 0, 9) // of the days two stay
	if got, want := o.files(), "daily-2026-12-02 monthly-2026-12-01 daily-2026-12-01 monthly-2026-11-01"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if left, err := os.ReadDir(o.folder); err != nil || len(left) != 4 {
		t.Errorf("%d files, %v", len(left), err)
	}
}

// TestAFaultCostsNoReport fails to count, then to write, and has everything made
// in the end.
func TestAFaultCostsNoReport(t *testing.T) {
	o := open(t, storetest.Open(t), t.TempDir(), reports.Default()...)
	o.fault = errors.New("boom")
	if err := o.Make(t.Context()); !errors.Is(err, o.fault) {
		t.Errorf("%v, want the fault of the figures", err)
	}
	o.fault = nil
	inTheWay := filepath.Join(o.folder, "weekly-2026-11-16.xlsx", "x")
	if err := os.MkdirAll(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := o.Make(t.Context()); err == nil {
		t.Error("a folder stood where the file goes, and nobody said so")
	}
	if all, err := o.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("listed without a file: %v, %v", all, err)
	}
	if err := os.RemoveAll(filepath.Dir(inTheWay)); err != nil {
		t.Fatal(err)
	}
	if got := o.files(); got != "weekly-2026-11-16" {
		t.Error(got)
	}
}

// TestTwoHubsMakeOne lets two hubs on one database see that a report is due.
func TestTwoHubsMakeOne(t *testing.T) {
	db := storetest.Open(t)
	one, other := open(t, db, t.TempDir(), reports.Default()...), open(t, db, t.TempDir(), reports.Default()...)
	var both sync.WaitGroup
	for _, o := range []*office{one, other} {
		both.Go(func() {
			if err := o.Make(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	a, err1 := os.ReadDir(one.folder)
	b, err2 := os.ReadDir(other.folder)
	if err := errors.Join(err1, err2); err != nil || len(a)+len(b) != 1 {
		t.Errorf("%d and %d files, %v", len(a), len(b), err)
	}
}

// TestRunWaitsForTheHour runs through two weeks.
func TestRunWaitsForTheHour(t *testing.T) {
	db := storetest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		var made []string
		m, err := reports.Open(t.Context(), db, reports.Options{Reports: reports.Default(), Folder: t.TempDir(), Zone: time.UTC, Now: time.Now,
			Sheet: func(_ context.Context, _, to telemetry.Millis, by string) (sheets.Sheet, string, error) {
				if by == "department" {
					made = append(made, time.Now().UTC().Format("Mon 15:04"))
				}
				return sheets.Sheet{Name: by, Head: []string{by}}, "1", nil
			}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 15*24*time.Hour)
		defer cancel()
		if err := m.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if len(made) != 3 || made[1] != "Mon 08:00" || made[2] != "Mon 08:00" {
			t.Errorf("made at %v", made)
		}
	})
}

func TestMistakesAreNamed(t *testing.T) {
	for want, change := range map[string]func(*reports.Config){
		"name":  func(c *reports.Config) { c.Name = "../x" },
		"title": func(c *reports.Config) { c.Title = "" },
		"every": func(c *reports.Config) { c.Every = "year" },
		"on":    func(c *reports.Config) { c.On = "mon" },
		"at":    func(c *reports.Config) { c.At = "8 o'clock" },
		"by":    func(c *reports.Config) { c.By = []string{"grid", "grid"} },
		"keep":  func(c *reports.Config) { c.Keep = 0 },
	} {
		c := reports.Default()[0]
		if change(&c); configs.Validate(c) == nil || !strings.Contains(configs.Validate(c).Error(), want) {
			t.Errorf("%s: %v", want, configs.Validate(c))
		}
	}
	if err := configs.Validate(reports.Default()[0]); err != nil {
		t.Error(err)
	}
}
