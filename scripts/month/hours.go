package main

import (
	"slices"
	"strconv"
	"time"

	"gridhub/hub/tasks"
)

// hours counts working minutes by a table of all minutes, so that the plan owes
// nothing to how the hub counts them.
type hours struct {
	start  time.Time
	worked []int32 // working minutes before each minute
}

// newHours fills the table from start on. works says of a day whether it is one.
func newHours(start time.Time, days int, works func(day time.Time) bool) *hours {
	h := &hours{start: start, worked: make([]int32, 1, days*1440+1)}
	for d := range days {
		day := start.AddDate(0, 0, d)
		on := works(day)
		for m := range 1440 {
			n := h.worked[len(h.worked)-1]
			if on && (m >= 9*60 && m < 12*60 || m >= 13*60+30 && m < 17*60+30) {
				n++
			}
			h.worked = append(h.worked, n)
		}
	}
	return h
}

// after is the minute at which so many minutes of a kind have been counted.
func (h *hours) after(kind tasks.LimitKind, from time.Time, minutes int) time.Time {
	if kind != tasks.WorkingHours && kind != tasks.WorkingDays {
		return from.Add(time.Duration(minutes) * time.Minute)
	}
	at := int(from.Sub(h.start) / time.Minute)
	want := h.worked[at] + int32(minutes)
	n, _ := slices.BinarySearch(h.worked[at:], want)
	return h.start.Add(time.Duration(at+n) * time.Minute)
}

// open is from itself when people work then, else when they next do.
func (h *hours) open(from time.Time) time.Time {
	return h.after(tasks.WorkingHours, from, 1).Add(-time.Minute)
}

// minutes is the length of a limit: a working day has seven hours.
func minutes(l tasks.Limit) int {
	n, _ := strconv.ParseFloat(l.Value[:max(0, len(l.Value)-1)], 64)
	switch l.Value[len(l.Value)-1] {
	case 'm':
		return int(n)
	case 'h':
		return int(n * 60)
	}
	if l.Kind == tasks.WorkingHours || l.Kind == tasks.WorkingDays {
		return int(n * 7 * 60)
	}
	return int(n * 24 * 60)
}
