package tasks

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"gridhub/configs"
)

// Year is one year's public holidays, a file in configs/calendars.
type Year struct {
	Year   int     `yaml:"year"`
	Source string  `yaml:"source"` // the notice that it follows
	Breaks []Break `yaml:"breaks"`
}

// Break is one holiday: the days off from From to To, and the weekend days that
// are worked for it (调休). Days are written 2026-10-01.
type Break struct {
	Name string   `yaml:"name"`
	From string   `yaml:"from"`
	To   string   `yaml:"to"`
	Work []string `yaml:"work"`
}

// longestBreak is more than any holiday; a longer one is a slip of the pen.
const longestBreak = 15

// Validate reports every mistake: days that are none, breaks that end before
// they begin or last too long, make-up days that are no weekend or are free.
func (y Year) Validate() error {
	var errs []error
	fault := func(key string, value any, want string) { errs = append(errs, configs.Fault(key, value, "%s", want)) }
	if y.Year < 2000 || y.Year > 2100 {
		fault("year", y.Year, "a year such as 2026")
	}
	if y.Source == "" {
		fault("source", y.Source, "the notice that says so")
	}
	free, _ := y.days()
	for i, b := range y.Breaks {
		key := fmt.Sprintf("breaks[%d]", i)
		from, err1 := time.Parse(time.DateOnly, b.From)
		to, err2 := time.Parse(time.DateOnly, b.To)
		switch {
		case err1 != nil || from.Year() != y.Year:
			fault(key+".from", b.From, fmt.Sprintf("a day of the year such as %d-10-01", y.Year))
		case err2 != nil || to.Before(from) || to.Sub(from) >= longestBreak*24*time.Hour:
			fault(key+".to", b.To, "the last day off, at most 15 days on")
		}
		for j, w := range b.Work {
			day, err := time.Parse(time.DateOnly, w)
			if err != nil || day.Weekday() != time.Saturday && day.Weekday() != time.Sunday || free[w] {
				fault(fmt.Sprintf("%s.work[%d]", key, j), w, "a Saturday or Sunday that is worked")
			}
		}
	}
	return errors.Join(errs...)
}

// days are the year's days off and make-up days.
func (y Year) days() (free, makeup map[string]bool) {
	free, makeup = map[string]bool{}, map[string]bool{}
	for _, b := range y.Breaks {
		day, err1 := time.Parse(time.DateOnly, b.From)
		to, err2 := time.Parse(time.DateOnly, b.To)
		for n := 0; err1 == nil && err2 == nil && !day.After(to) && n < longestBreak; n++ {
			free[day.Format(time.DateOnly)] = true
			day = day.AddDate(0, 0, 1)
		}
		for _, w := range b.Work {
			makeup[w] = true
		}
	}
	return free, makeup
}

// With returns the calendar with further years; a later table of a year takes
// the place of an earlier one.
func (c Calendar) With(years ...Year) Calendar {
	c.years = maps.Clone(c.years)
	if c.years == nil {
		c.years = map[int]Year{}
	}
	for _, y := range years {
		c.years[y.Year] = y
	}
	c.Holidays, c.Makeup = map[string]bool{}, map[string]bool{}
	for _, n := range slices.Sorted(maps.Keys(c.years)) {
		free, makeup := c.years[n].days()
		maps.Copy(c.Holidays, free)
		maps.Copy(c.Makeup, makeup)
	}
	return c
}

// Unknown lists the years between two instants whose holidays the calendar
// does not know: limits count through them as if there were none.
func (c Calendar) Unknown(from, to time.Time) []int {
	var out []int
	for y := from.In(c.Zone).Year(); y <= to.In(c.Zone).Year(); y++ {
		if _, ok := c.years[y]; !ok {
			out = append(out, y)
		}
	}
	return out
}

// DayKind says what the day of t is where the street is: workday (also one that
// is worked for a holiday), holiday or weekend.
func (c Calendar) DayKind(t time.Time) string {
	t = t.In(c.Zone)
	switch {
	case c.works(t):
		return "workday"
	case c.Holidays[t.Format(time.DateOnly)]:
		return "holiday"
	}
	return "weekend"
}
