package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/server"
	"gridhub/hub/tasks"
)

// rates are what a month is made of: those of one city's published months.
type rates struct {
	collected, dispatched int
	done                  float64 // of the dispatched, by the month's end
	overdue               int
	rework, moved         int
	components            float64 // of the collected; the rest are events

	// Not published, and here so that they happen: beside the collected, reports
	// that are rejected and such that repeat another; among the dispatched, those
	// that are suspended, extended, and opened again.
	rejected, repeated, rests, extended, reopened int
}

var published = rates{collected: 12356, dispatched: 5647, done: .9557, overdue: 226, rework: 52, moved: 12, components: .125,
	rejected: 60, repeated: 40, rests: 80, extended: 60, reopened: 30}

// of scales the rates to fewer problems.
func (r rates) of(collected int) rates {
	f := func(n int) int { return max(1, n*collected/r.collected) }
	return rates{collected, f(r.dispatched), r.done, f(r.overdue), f(r.rework), f(r.moved), r.components,
		f(r.rejected), f(r.repeated), f(r.rests), f(r.extended), f(r.reopened)}
}

// month is a street's month before it happens.
type month struct {
	rates
	from, to time.Time
	seed     uint64
	hours    *hours
	problems []*problem
}

// follow is how long after the month's end the plan may reach: cases of its last
// days are taken to their end.
const follow = 150

// newMonth plans the time from one day to another.
func newMonth(files server.Files, r rates, from time.Time, days int, seed uint64) *month {
	cal := files.Calendar()
	m := &month{rates: r, from: from, to: from.AddDate(0, 0, days), seed: seed}
	m.hours = newHours(from, days+follow, func(day time.Time) bool { return cal.DayKind(day) == "workday" })
	dice := rand.New(rand.NewPCG(seed, 0))
	for n := range r.collected {
		m.problems = append(m.problems, m.find(files, dice, n))
	}
	m.decide(dice)
	for _, p := range m.problems {
		p.plan(seed, m.hours)
	}
	m.balance(dice)
	m.beside(files, dice)
	return m
}

// part is whether a matter is about a component of the street, not an event.
func part(m tasks.Matter) bool { return m.Code == "CG07" || m.Code == "CG09" }

// alone is whether a matter needs nobody beside its lead.
func alone(m tasks.Matter) bool { return len(m.Must) == 0 && len(m.Cosign.Signers) == 0 }

// find is one problem somewhere in the street, by day.
func (m *month) find(files server.Files, dice *rand.Rand, n int) *problem {
	component := n < int(float64(m.collected)*m.components+.5)
	var fit []tasks.Matter
	for _, matter := range files.Matters {
		if part(matter) == component {
			fit = append(fit, matter)
		}
	}
	grids := files.Grids.All()
	g := grids[dice.IntN(len(grids))]
	place := geo.Point{Lon: g.Center.Lon + (dice.Float64()-.5)*.002, Lat: g.Center.Lat + (dice.Float64()-.5)*.002}
	return &problem{n: n + 1, id: fmt.Sprintf("problem-%05d", n+1), matter: fit[dice.IntN(len(fit))], source: "patrol",
		grid: g.Code, place: place, at: m.day(dice, 0, 1)}
}

// day is a minute between 07:00 and 21:00 of a day in a part of the month.
func (m *month) day(dice *rand.Rand, from, to float64) time.Time {
	days := m.to.Sub(m.from).Hours() / 24
	day := int(days * (from + dice.Float64()*(to-from)))
	return m.from.Add(time.Duration(day)*24*time.Hour + 7*time.Hour + time.Duration(dice.IntN(14*60))*time.Minute)
}

// decide deals the fates out.
func (m *month) decide(dice *rand.Rand) {
	deck := slices.Clone(m.problems)
	dice.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	deal(&deck, m.collected-m.dispatched, func(p *problem) bool { return alone(p.matter) }, func(p *problem) { p.fate.spot = true })
	for _, p := range deck {
		p.source = []string{"patrol", "patrol", "patrol", "hotline", "resident", "desk"}[dice.IntN(6)]
	}
	lasts := func(p *problem) bool { // with time enough for something to come between
		return alone(p.matter) && !slices.ContainsFunc(p.matter.Limits, func(l tasks.Limit) bool {
			return l.Kind == tasks.Emergency && l.Until != tasks.Onscene || l.Until == tasks.Handling
		}) && slices.ContainsFunc(p.matter.Limits, func(l tasks.Limit) bool {
			return l.Until == tasks.Claimed && l.Kind != tasks.ByPlan && minutes(l) >= 120
		})
	}
	early := func(p *problem) { p.at = m.day(dice, 0, .55) } // so that the month sees what becomes of it
	deal(&deck, m.overdue, lasts, func(p *problem) { p.fate.late = true; early(p) })
	deal(&deck, m.rework, lasts, func(p *problem) { p.fate.reworked = true; early(p) })
	deal(&deck, m.moved, func(p *problem) bool { return lasts(p) && len(p.matter.With) > 0 }, func(p *problem) { p.fate.moved = true })
	deal(&deck, m.rests, lasts, func(p *problem) { p.fate.rests = true })
	deal(&deck, m.extended, func(p *problem) bool { return lasts(p) && p.matter.Limits[0].Kind != tasks.ByPlan }, func(p *problem) { p.fate.extended = true })
	deal(&deck, m.reopened, lasts, func(p *problem) { p.fate.reopened = true })
}

// deal takes the first n that fit off a deck, and marks them.
func deal(deck *[]*problem, n int, fits func(*problem) bool, mark func(*problem)) {
	*deck = slices.DeleteFunc(*deck, func(p *problem) bool {
		if n == 0 || !fits(p) {
			return false
		}
		n--
		mark(p)
		return true
	})
}

// closed is whether a problem that was dispatched is closed at the month's end.
func (m *month) closed(p *problem) bool {
	l, begun := p.life(m.to)
	return begun && l.closed.Before(m.to)
}

// balance moves problems within the month until as many are done at its end as
// the rates say, or nothing can be moved any more.
func (m *month) balance(dice *rand.Rand) {
	var open, done []*problem
	sort := func(p *problem) {
		if m.closed(p) {
			done = append(done, p)
		} else {
			open = append(open, p)
		}
	}
	for _, p := range m.problems {
		if len(p.lives) > 0 {
			sort(p)
		}
	}
	want := m.dispatched - int(float64(m.dispatched)*m.done+.5)
	for range 20 * m.dispatched {
		if len(open) == want {
			return
		}
		from, low, high := &open, 0., .3
		if len(open) < want {
			from, low, high = &done, .93, 1.
		}
		n := dice.IntN(len(*from))
		p := (*from)[n]
		*from = slices.Delete(*from, n, n+1)
		if !p.fate.late { // those stay where the month sees them
			p.at = m.day(dice, low, high)
			p.plan(m.seed, m.hours)
		}
		sort(p)
	}
}

// beside adds the reports that come to nothing, and those that repeat another.
func (m *month) beside(files server.Files, dice *rand.Rand) {
	for range m.rejected {
		p := m.find(files, dice, len(m.problems))
		for slices.Contains(p.matter.Auto, tasks.Filed) { // filed before anybody could reject it
			p.matter = files.Matters[dice.IntN(len(files.Matters))]
		}
		p.source, p.fate.rejected = "hotline", true
		m.add(p)
	}
	for range m.repeated {
		p := m.find(files, dice, len(m.problems))
		for p.fate.repeats == nil {
			o := m.problems[dice.IntN(m.collected)]
			if len(o.lives) > 0 && !part(o.matter) && o.lives[0].closed.Sub(o.at) > 3*time.Hour && !slices.Contains(o.matter.Auto, tasks.Filed) {
				p.matter, p.grid, p.place, p.fate.repeats = o.matter, o.grid, o.place, o
			}
		}
		p.source, p.at = "resident", p.fate.repeats.at.Add(time.Duration(5+dice.IntN(60))*time.Minute)
		m.add(p)
	}
}

func (m *month) add(p *problem) {
	p.plan(m.seed, m.hours)
	m.problems = append(m.problems, p)
}

// script is everything that is done, in the order in which it is.
func (m *month) script() []scene {
	var all []scene
	for _, p := range m.problems {
		for i := range p.steps {
			all = append(all, scene{p, &p.steps[i]})
		}
	}
	slices.SortStableFunc(all, func(a, b scene) int {
		return cmp.Or(a.step.at.Compare(b.step.at), cmp.Compare(a.n, b.n))
	})
	return all
}

// scene is one step of one problem.
type scene struct {
	*problem
	step *step
}

func millis(t time.Time) telemetry.Millis { return telemetry.At(t) }
