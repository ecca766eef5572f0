package calendars_test

import (
	"strings"
	"testing"
	"time"

	"gridhub/configs"
	"gridhub/configs/calendars"
	"gridhub/hub/tasks"

	"github.com/6tail/lunar-go/HolidayUtil"
	"github.com/6tail/lunar-go/calendar"
)

var zone = time.FixedZone("CST", 8*3600)

func load(t *testing.T) []tasks.Year {
	t.Helper()
	files, err := calendars.Files.ReadDir(".")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var out []tasks.Year
	for _, f := range files {
		data, err := calendars.Files.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		var y tasks.Year
		if err := configs.Decode(f.Name(), data, &y); err != nil {
			t.Fatal(err)
		}
		if f.Name() != time.Date(y.Year, 1, 1, 0, 0, 0, 0, zone).Format("2006")+".yaml" {
			t.Errorf("%s holds the year %d", f.Name(), y.Year)
		}
		out = append(out, y)
	}
	return out
}

// works asks the calendar in the way that clocks do.
func works(c tasks.Calendar, day time.Time) bool {
	return c.Counted(tasks.WorkingHours, day, day.AddDate(0, 0, 1)) > 0
}

// TestAgainstAnotherTable compares each day of 2025 with a library that keeps
// its own table of the notices.
func TestAgainstAnotherTable(t *testing.T) {
	c := tasks.OfficeHours(zone).With(load(t)...)
	free := 0
	for day := time.Date(2025, 1, 1, 0, 0, 0, 0, zone); day.Year() == 2025; day = day.AddDate(0, 0, 1) {
		want := day.Weekday() != time.Saturday && day.Weekday() != time.Sunday
		if h := HolidayUtil.GetHoliday(day.Format(time.DateOnly)); h != nil {
			want = h.IsWork()
			free++
		}
		if got := works(c, day); got != want {
			t.Errorf("%s: works %v, the other table says %v", day.Format(time.DateOnly), got, want)
		}
	}
	if free == 0 {
		t.Fatal("the other table knows nothing of 2025")
	}
}

// TestFestivalsLieInTheirBreaks finds slips of the pen in years that the other
// table does not have: the lunar calendar says where each festival is.
func TestFestivalsLieInTheirBreaks(t *testing.T) {
	for _, y := range load(t) {
		days := map[string]string{
			"元旦": day(y.Year, 1, 1), "劳动节": day(y.Year, 5, 1), "国庆节": day(y.Year, 10, 1),
			"春节": lunar(y.Year, 1, 1), "端午节": lunar(y.Year, 5, 5), "中秋节": lunar(y.Year, 8, 15), "清明节": qingming(y.Year),
		}
		for _, b := range y.Breaks {
			for name := range strings.SplitSeq(b.Name, "、") {
				if d, ok := days[name]; !ok || d < b.From || d > b.To {
					t.Errorf("%d %s from %s to %s: the day is %s", y.Year, name, b.From, b.To, d)
				}
				delete(days, name)
			}
		}
		if len(days) != 0 {
			t.Errorf("%d lacks %v", y.Year, days)
		}
		// 13 public holidays (全国年节及纪念日放假办法, 2024); the rest of each
		// break is weekends and days that are worked elsewhere.
		if weekdaysOff(t, y) > 13 {
			t.Errorf("%d: %d weekdays off and not worked for, more than the law gives", y.Year, weekdaysOff(t, y))
		}
	}
}

// weekdaysOff are the weekdays that are free, less the weekend days worked.
func weekdaysOff(t *testing.T, y tasks.Year) int {
	n := 0
	for _, b := range y.Breaks {
		from, err := time.Parse(time.DateOnly, b.From)
		if err != nil {
			t.Fatal(err)
		}
		for i := range length(t, b) {
			if d := from.AddDate(0, 0, i).Weekday(); d != time.Saturday && d != time.Sunday {
				n++
			}
		}
		n -= len(b.Work)
	}
	return n
}

func length(t *testing.T, b tasks.Break) int {
	from, err1 := time.Parse(time.DateOnly, b.From)
	to, err2 := time.Parse(time.DateOnly, b.To)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return int(to.Sub(from).Hours()/24) + 1
}

func day(y, m, d int) string {
	return time.Date(y, time.Month(m), d, 0, 0, 0, 0, zone).Format(time.DateOnly)
}

func lunar(y, m, d int) string {
	return calendar.NewLunarFromYmd(y, m, d).GetSolar().ToYmd()
}

func qingming(y int) string {
	return calendar.NewLunarFromYmd(y, 6, 1).GetJieQiTable()["清明"].ToYmd()
}
