package reports

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gridhub/configs"
)

// Config is one report that is made again and again.
type Config struct {
	Name  string   `yaml:"name"`  // of its files: small letters, digits, hyphens
	Title string   `yaml:"title"` // as people read it
	Every string   `yaml:"every"` // day, week, month
	On    string   `yaml:"on"`    // of a week: monday to sunday; of a month: 1 to 28; of a day: empty
	At    string   `yaml:"at"`    // time of day, HH:MM in the street's zone
	By    []string `yaml:"by"`    // a sheet for each
	Keep  int      `yaml:"keep"`  // how many files stay
}

// Default is a report of the week before, each Monday morning, for two years.
func Default() []Config {
	return []Config{{Name: "weekly", Title: "周报", Every: "week", On: "monday", At: "08:00", By: []string{"department", "matter", "grid", "day"}, Keep: 104}}
}

var (
	fileName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)
	weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"} // as time.Weekday counts
)

// Validate checks each key. What a table can be cut by is asked by whoever knows.
func (c Config) Validate() error {
	var errs []error
	want := func(ok bool, key string, value any, what string) {
		if !ok {
			errs = append(errs, configs.Fault(key, value, "%s", what))
		}
	}
	want(fileName.MatchString(c.Name), "name", c.Name, "small letters, digits and hyphens, such as weekly")
	want(c.Title != "", "title", c.Title, "what people call it")
	_, err := time.Parse("15:04", c.At)
	want(err == nil, "at", c.At, "a time of day such as 08:00")
	want(len(c.By) > 0, "by", "", "one table at least")
	want(c.Keep >= 1 && c.Keep <= 10_000, "keep", c.Keep, "1 to 10000")
	for i, by := range c.By {
		want(!slices.Contains(c.By[:i], by), "by", by, "each table once")
	}
	switch n, err := strconv.Atoi(c.On); c.Every {
	case "day":
		want(c.On == "", "on", c.On, "nothing: it is made each day")
	case "week":
		want(slices.Contains(weekdays, c.On), "on", c.On, "one of "+strings.Join(weekdays, ", "))
	case "month":
		want(err == nil && n >= 1 && n <= 28, "on", c.On, "a day that each month has, 1 to 28")
	default:
		want(false, "every", c.Every, "day, week or month")
	}
	return errors.Join(errs...)
}

// span is what a report is of: [From, To), the last whole day, week from Monday
// or month before it is due.
type span struct{ from, to time.Time }

// last is the newest instant up to now at which the report was due.
func (c Config) last(now time.Time) time.Time {
	at, _ := time.Parse("15:04", c.At) // Validate has seen it
	due := time.Date(now.Year(), now.Month(), now.Day(), at.Hour(), at.Minute(), 0, 0, now.Location())
	for !c.day(due) || due.After(now) {
		due = time.Date(due.Year(), due.Month(), due.Day()-1, at.Hour(), at.Minute(), 0, 0, now.Location())
	}
	return due
}

// day reports whether the report is made on that day.
func (c Config) day(t time.Time) bool {
	switch c.Every {
	case "week":
		return weekdays[t.Weekday()] == c.On
	case "month":
		return strconv.Itoa(t.Day()) == c.On
	}
	return true
}

// before is the instant at which the report was due before due.
func (c Config) before(due time.Time) time.Time { return c.last(due.Add(-time.Second)) }

// next is the first instant after now at which the report is due.
func (c Config) next(now time.Time) time.Time {
	due := c.last(now)
	for after := due; ; { // an hour may be missing or twice in a day, so days are looked at
		after = after.AddDate(0, 0, 1)
		if next := c.last(after); next.After(now) {
			return next
		}
	}
}

// of is what a report due at an instant is of.
func (c Config) of(due time.Time) span {
	midnight := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, due.Location()) }
	y, m, d := due.Date()
	switch c.Every {
	case "week":
		d -= (int(due.Weekday()) + 6) % 7 // Monday of this week
		return span{midnight(y, m, d-7), midnight(y, m, d)}
	case "month":
		return span{midnight(y, m-1, 1), midnight(y, m, 1)}
	}
	return span{midnight(y, m, d-1), midnight(y, m, d)}
}
