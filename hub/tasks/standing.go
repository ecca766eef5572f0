package tasks

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"gridhub/devices/telemetry"
)

// Standing is what a street demands of every matter, beside what the matter's own
// file says: limits of the desk's own steps, and who is told when a limit nears
// or has passed.
type Standing struct {
	// Limits hold for each matter that has no limit of the same name.
	Limits []Limit `json:"limits" yaml:"limits"`
	// Escalation is the ladder, in ascending order of At.
	Escalation []Rung `json:"escalation" yaml:"escalation"`
}

// Level says who is told.
type Level string

// The levels of the ladder, from the one who holds the case upwards.
const (
	ToHolder Level = "holder" // 承办人: the assignee, else the department or the desk
	ToLead   Level = "lead"   // 组长 of the department
	ToHead   Level = "head"   // 部门负责人
	ToLeader Level = "leader" // 街道分管领导
)

var levels = []Level{ToHolder, ToLead, ToHead, ToLeader}

// Rung is one step of the ladder: at a share of a limit somebody is told.
type Rung struct {
	At float64 `json:"at" yaml:"at"` // per cent of the limit; 100 is the limit itself
	To Level   `json:"to" yaml:"to"`
}

// DefaultStanding is what configs/standing.yaml says.
func DefaultStanding() Standing {
	return Standing{
		Limits: []Limit{
			{Name: "screen", From: Reported, Until: Screened, Kind: Emergency, Value: "15m"},
			{Name: "file", From: Verified, Until: Filed, Kind: Emergency, Value: "30m"},
			{Name: "file", From: Screened, Until: Filed, Kind: Emergency, Value: "30m"},
			{Name: "dispatch", From: Filed, Until: Dispatched, Kind: Emergency, Value: "15m"},
		},
		Escalation: []Rung{{80, ToHolder}, {100, ToLead}, {150, ToHead}, {200, ToLeader}},
	}
}

// Validate reports everything that is wrong with the ladder, and limits that
// stand there twice. What one limit says is asked by the loader.
func (s Standing) Validate() error {
	var f faults
	f.distinct(s.Limits)
	for i, l := range s.Limits {
		f.want(!l.ofOrder(), fmt.Sprintf("limits[%d].from", i), l.From, "a step of the case: limits of co-handlers' orders stand in the matter")
	}
	for i, r := range s.Escalation {
		f.want(r.At > 0 && r.At <= 1000 && (i == 0 || r.At > s.Escalation[i-1].At), fmt.Sprintf("escalation[%d].at", i), r.At, "per cent of the limit, more than the rung before, at most 1000")
		oneOf(&f, fmt.Sprintf("escalation[%d].to", i), r.To, levels)
	}
	return errors.Join(f...)
}

// under is the matter with the limits that the street demands of each.
func (m Matter) under(s Standing) Matter {
	m.Limits = slices.Clone(m.Limits)
	own := len(m.Limits)
	for _, l := range s.Limits {
		if !slices.ContainsFunc(m.Limits[:own], func(o Limit) bool { return o.Name == l.Name }) {
			m.Limits = append(m.Limits, l)
		}
	}
	return m
}

// Escalation is one time that a limit reached a rung, and who was told.
type Escalation struct {
	Limit  string           `json:"limit"`
	Order  int              `json:"order,omitempty"` // the co-handler's order; 0: the case
	Since  telemetry.Millis `json:"since"`           // when the limit began to count
	Share  float64          `json:"share"`           // per cent of the limit
	Level  Level            `json:"level"`
	Person string           `json:"person,omitempty"` // empty: the street names nobody for that level
	At     telemetry.Millis `json:"at"`
}

// is reports whether two are the same rung of the same clock.
func (e Escalation) is(o Escalation) bool {
	return e.Limit == o.Limit && e.Order == o.Order && e.Since == o.Since && e.Share == o.Share
}

func escalation(e *Event) Escalation {
	b := &e.Body
	return Escalation{Limit: b.Kind, Order: b.Order, Since: b.Since, Share: b.Share, Level: b.Level, Person: string(b.Assignee), At: e.At}
}

// climb lists the rungs that running limits have reached by now and that were not
// told yet, in the order in which they were reached, and when the next one will
// be: zero when no limit runs that has one.
func (m Matter) climb(ladder []Rung, c *Case, events []Event, cal Calendar, now time.Time) (due []Event, next time.Time) {
	if !c.Open() {
		return nil, time.Time{}
	}
	for order := range len(c.Orders) + 1 {
		m.each(events, order, cal, now, func(l Limit, r run) {
			if r.stop != 0 {
				return
			}
			for _, rung := range ladder {
				at := cal.due(l.Kind, r.active, time.Duration(float64(r.length)*rung.At/100))
				e := Event{Type: Escalated, At: telemetry.At(at), Body: Body{Kind: l.Name, Order: order, Since: r.start, Share: rung.At, Level: rung.To, Until: telemetry.At(cal.due(l.Kind, r.active, r.length))}}
				switch {
				case slices.ContainsFunc(c.Escalations, escalation(&e).is):
				case !e.At.Time().After(now):
					due = append(due, e)
				case next.IsZero() || at.Before(next):
					next = at
				}
			}
		})
	}
	slices.SortStableFunc(due, func(a, b Event) int { return int(a.At - b.At) })
	return due, next
}
