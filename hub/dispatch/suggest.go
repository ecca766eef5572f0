package dispatch

import (
	"cmp"
	"slices"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/tasks"
)

// Why somebody is excluded.
const (
	OffDuty         = "off-duty"
	NoPosition      = "no-position"
	StalePosition   = "stale-position"
	Busy            = "busy"
	WrongDepartment = "wrong-department"
	NoWay           = "no-way"  // no road leads there
	Farther         = "farther" // could go, but others are better
	Absent          = "absent"  // of which the reasons say why: absent-leave, absent-sick, …
	InNeed          = "in-need" // who called for help is not sent to help
)

// Why somebody is suggested, or costs what they cost.
const (
	Nearest         = "nearest"
	Best            = "best"
	ByRoad          = "by-road"
	StraightLine    = "straight-line" // estimated: no road network is known there
	Free            = "free"
	HasTasks        = "has-tasks"
	OldFix          = "old-fix" // the position is more than two minutes old
	OwnGrid         = "own-grid"
	Skilled         = "skilled"
	LeadDepartment  = "lead-department"
	CoDepartment    = "co-department"
	FirstResponders = "first-responder"
)

// oldFix is the age from which a position's age is worth a word.
const oldFix = 2 * time.Minute

// Suggest orders everybody for one case at one moment: first those who are
// suggested, cheapest first, then those who could go, then the excluded with
// their reasons. It is a pure function; one sweep from the case serves all.
//
// The cost in seconds is the travel time, plus PerAge for each second of the
// fix's age, plus PerTask for each task in hand, less OwnGrid and Skilled.
func Suggest(c Config, now telemetry.Millis, task tasks.Case, m tasks.Matter, all []Someone, roads *geo.Graph) []tasks.Candidate {
	s := suggester{config: c, now: now, task: task, matter: m}
	if roads != nil {
		s.sweep, _ = roads.Sweep(task.Place, c.Speed)
	}
	out := make([]tasks.Candidate, 0, len(all))
	for _, p := range all {
		out = append(out, s.weigh(p))
	}
	slices.SortFunc(out, func(a, b tasks.Candidate) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Cost, b.Cost), cmp.Compare(a.Person, b.Person))
	})
	pick(out, c.Show)
	return out
}

// exclusions in the order in which they are listed: what can still change
// first.
var exclusions = []string{"", Busy, StalePosition, NoPosition, NoWay, OffDuty, Absent, InNeed, WrongDepartment}

func rank(c tasks.Candidate) int { return slices.Index(exclusions, c.Excluded) }

// pick names the best and the nearest of the eligible, and excludes those
// beyond the number that is shown.
func pick(list []tasks.Candidate, show int) {
	nearest := -1
	for i := range list {
		switch {
		case list[i].Excluded != "":
		case i >= show:
			list[i].Excluded = Farther
		case nearest < 0 || list[i].ETA < list[nearest].ETA:
			nearest = i
		}
	}
	if nearest < 0 {
		return
	}
	list[nearest].Reasons = append([]string{Nearest}, list[nearest].Reasons...)
	list[0].Reasons = append([]string{Best}, list[0].Reasons...)
}

type suggester struct {
	config Config
	now    telemetry.Millis
	task   tasks.Case
	matter tasks.Matter
	sweep  *geo.Sweep
}

// weigh says what sending p would cost, or why p cannot go. The distance is
// told even of the excluded, where it is known.
func (s *suggester) weigh(p Someone) tasks.Candidate {
	c := tasks.Candidate{Person: p.ID, Open: p.Open, ETA: -1, Distance: -1, Age: -1, Reasons: []string{}}
	reachable := true
	if p.Position != nil {
		c.Age = max(0, int64(s.now.Sub(p.FixAt).Seconds()))
		reachable = s.travel(&c, *p.Position)
	}
	if c.Excluded = s.exclude(p, c, reachable); c.Excluded == Absent {
		c.Reasons = append(c.Reasons, Absent+"-"+p.Absent)
	}
	if c.Excluded == "" {
		s.price(&c, p)
	}
	return c
}

func (s *suggester) exclude(p Someone, c tasks.Candidate, reachable bool) string {
	fits, _ := s.belongs(p)
	switch {
	case p.InNeed:
		return InNeed
	case !fits:
		return WrongDepartment
	case p.Absent != "":
		return Absent
	case !p.OnDuty:
		return OffDuty
	case p.Position == nil:
		return NoPosition
	case time.Duration(c.Age)*time.Second > s.config.StaleAfter:
		return StalePosition
	case !reachable:
		return NoWay
	case p.Open >= s.config.Busy:
		return Busy
	}
	return ""
}

// belongs reports whether p's department or force deals with the matter, and
// as what.
func (s *suggester) belongs(p Someone) (bool, string) {
	lead := s.task.Department
	if lead == "" {
		lead = s.matter.Lead
	}
	switch {
	case p.Department == lead && lead != "":
		return true, LeadDepartment
	case slices.Contains(s.matter.With, p.Department) || slices.Contains(s.task.With, p.Department):
		return true, CoDepartment
	case slices.Contains(s.config.FirstUp, p.Force):
		return true, FirstResponders
	}
	return lead == "", ""
}

// travel fills in distance and travel time; false when roads are known and
// none leads there.
func (s *suggester) travel(c *tasks.Candidate, from geo.Point) bool {
	if s.sweep == nil {
		d := float64(geo.Distance(from, s.task.Place)) * s.config.Detour
		c.Distance, c.ETA = geo.Metres(d), int64(d/s.config.Speed)
		c.Reasons = append(c.Reasons, StraightLine)
		return true
	}
	way, ok := s.sweep.To(from)
	if !ok {
		return false
	}
	c.Distance, c.ETA = way.Distance, int64(way.ETA.Seconds())
	c.Reasons = append(c.Reasons, ByRoad)
	return true
}

func (s *suggester) price(c *tasks.Candidate, p Someone) {
	c.Cost = float64(c.ETA) + s.config.PerAge*float64(c.Age) + s.config.PerTask.Seconds()*float64(p.Open)
	say := func(when bool, reason string, price time.Duration) {
		if when {
			c.Reasons = append(c.Reasons, reason)
			c.Cost += price.Seconds()
		}
	}
	_, as := s.belongs(p)
	say(as != "", as, 0)
	say(p.Open == 0, Free, 0)
	say(p.Open > 0, HasTasks, 0)
	say(time.Duration(c.Age)*time.Second > oldFix, OldFix, 0)
	say(s.task.Grid != "" && slices.Contains(p.Grids, s.task.Grid), OwnGrid, -s.config.OwnGrid)
	say(s.skilled(p), Skilled, -s.config.Skilled)
}

func (s *suggester) skilled(p Someone) bool {
	return slices.ContainsFunc(s.config.Skills[s.task.Matter], func(k string) bool { return slices.Contains(p.Skills, k) })
}
