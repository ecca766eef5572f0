package tasks

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAYearIsChecked(t *testing.T) {
	y := Year{Year: 2026, Breaks: []Break{
		{Name: "国庆节", From: "2026-10-01", To: "2026-10-07", Work: []string{"2026-10-10", "2026-10-09", "2026-10-03", "soon"}},
		{Name: "backwards", From: "2026-05-05", To: "2026-05-01"},
		{Name: "last year", From: "2025-12-31", To: "2026-01-03"},
		{Name: "long", From: "2026-06-01", To: "2027-06-01"},
	}}
	err := y.Validate()
	for _, want := range []string{"source", "breaks[0].work[1]", "breaks[0].work[2]", "breaks[0].work[3]", "breaks[1].to", "breaks[2].from", "breaks[3].to"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no fault for %s: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "work[0]") {
		t.Errorf("a Saturday that is worked is a fault: %v", err)
	}
}

func TestUnknownYearsAreNamed(t *testing.T) {
	zone := time.FixedZone("CST", 8*3600)
	c := OfficeHours(zone).With(Year{Year: 2026, Breaks: []Break{{From: "2026-10-01", To: "2026-10-07", Work: []string{"2026-10-10"}}}})
	from := time.Date(2026, 12, 1, 0, 0, 0, 0, zone)
	if got := c.Unknown(from, from.AddDate(0, 0, 45)); !slices.Equal(got, []int{2027}) {
		t.Errorf("unknown %v, want 2027", got)
	}
	if got := c.Unknown(from.AddDate(0, -6, 0), from); got != nil {
		t.Errorf("unknown %v, want none", got)
	}
	replaced := c.With(Year{Year: 2026})
	saturday := time.Date(2026, 10, 10, 0, 0, 0, 0, zone)
	if !c.works(saturday) || replaced.works(saturday) || !replaced.works(time.Date(2026, 10, 1, 0, 0, 0, 0, zone)) {
		t.Error("a later table of a year does not take the place of the earlier one")
	}
}

func TestKindsOfDays(t *testing.T) {
	zone := time.FixedZone("CST", 8*3600)
	c := OfficeHours(zone).With(Year{Year: 2026, Breaks: []Break{{From: "2026-10-01", To: "2026-10-07", Work: []string{"2026-10-10"}}}})
	for day, want := range map[int]string{1: "holiday", 3: "holiday", 8: "workday", 10: "workday", 11: "weekend"} {
		at := time.Date(2026, 10, day, 1, 0, 0, 0, zone) // the day before in UTC
		if got := c.DayKind(at.UTC()); got != want {
			t.Errorf("October %d: %s, want %s", day, got, want)
		}
	}
}
