package tasks

import (
	"fmt"
	"strconv"
	"time"
)

// Calendar says when people work: the hours of a working day, and the days
// that differ from Monday to Friday. It is a file, one table per year.
type Calendar struct {
	Zone     *time.Location
	Hours    [][2]time.Duration // since midnight, ascending: 09:00–12:00, 13:30–17:30
	Holidays map[string]bool    // 2026-10-01: no work although it is a weekday
	Makeup   map[string]bool    // 2026-10-10: work although it is a weekend (调休)
	years    map[int]Year       // the tables that the two were made of
}

// OfficeHours is the calendar of a street without public holidays.
func OfficeHours(zone *time.Location) Calendar {
	return Calendar{Zone: zone, Hours: [][2]time.Duration{{9 * time.Hour, 12 * time.Hour}, {13*time.Hour + 30*time.Minute, 17*time.Hour + 30*time.Minute}}}
}

// works reports whether the day of t is a working day.
func (c Calendar) works(t time.Time) bool {
	day := t.Format(time.DateOnly)
	if c.Makeup[day] {
		return true
	}
	weekend := t.Weekday() == time.Saturday || t.Weekday() == time.Sunday
	return !weekend && !c.Holidays[day]
}

// perDay is the working time of one working day.
func (c Calendar) perDay() time.Duration {
	var sum time.Duration
	for _, h := range c.Hours {
		sum += h[1] - h[0]
	}
	return sum
}

// span is an interval of counted time.
type span struct{ from, to time.Time }

// longest bounds how far ahead a due time is searched: no limit is longer.
const longest = 3 * 366

// spans yields the intervals that count for kind, from t on, day by day.
func (c Calendar) spans(kind LimitKind, t time.Time, yield func(span) bool) {
	if kind != WorkingHours && kind != WorkingDays {
		yield(span{t, t.AddDate(0, 0, longest)})
		return
	}
	t = t.In(c.Zone)
	for day := range longest {
		midnight := time.Date(t.Year(), t.Month(), t.Day()+day, 0, 0, 0, 0, c.Zone)
		if !c.works(midnight) {
			continue
		}
		for _, h := range c.Hours {
			s := span{midnight.Add(h[0]), midnight.Add(h[1])}
			if s.from.Before(t) {
				s.from = t
			}
			if s.from.Before(s.to) && !yield(s) {
				return
			}
		}
	}
}

// Counted is how much time of kind lies between from and to.
func (c Calendar) Counted(kind LimitKind, from, to time.Time) time.Duration {
	var sum time.Duration
	c.spans(kind, from, func(s span) bool {
		if !s.from.Before(to) {
			return false
		}
		sum += minTime(s.to, to).Sub(s.from)
		return s.to.Before(to)
	})
	return sum
}

// After is the instant at which d of kind have been counted since from.
func (c Calendar) After(kind LimitKind, from time.Time, d time.Duration) time.Time {
	due := from
	c.spans(kind, from, func(s span) bool {
		if have := s.to.Sub(s.from); have < d {
			d -= have
			return true
		}
		due = s.from.Add(d)
		return false
	})
	return due
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// length turns a limit's value into counted time: 20m, 4h, 2d. A working day
// is the calendar's working time of one day, a calendar day is 24 hours.
func (l Limit) length(c Calendar) (time.Duration, error) {
	if err := l.checkWhen(); err != nil {
		return 0, err
	}
	n, unit, ok := l.amount()
	if !ok {
		return 0, fmt.Errorf("limit %s: value %q: want 20m, 4h or 2d", l.Name, l.Value)
	}
	if unit == 24*time.Hour && (l.Kind == WorkingDays || l.Kind == WorkingHours) {
		unit = c.perDay()
	}
	return time.Duration(n * float64(unit)), nil
}

// amount splits a limit's value into its number and its unit.
func (l Limit) amount() (n float64, unit time.Duration, ok bool) {
	if l.Value == "" {
		return 0, 0, false
	}
	last := len(l.Value) - 1
	unit, ok = map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[l.Value[last]]
	n, err := strconv.ParseFloat(l.Value[:last], 64)
	return n, unit, ok && err == nil && n > 0 && n*unit.Hours() <= longest*24
}
