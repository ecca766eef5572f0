package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

// fate is what becomes of a problem.
type fate struct {
	spot     bool // handled where it was found
	rejected bool
	repeats  *problem // it is that one once more, and merged into it
	late     bool     // claimed after its limit
	reworked bool
	moved    bool // to another department
	rests    bool // suspended for some days
	extended bool
	reopened bool
}

// problem is one thing that somebody finds, with all that will be done about it.
type problem struct {
	n      int
	id     string // of the report
	matter tasks.Matter
	source string
	grid   string
	place  geo.Point
	at     time.Time // found
	fate   fate
	steps  []step

	// What the plan knows of it, for the figures.
	filed, dispatched, spotted, movedAt time.Time
	rest                                [2]time.Time
	reworkAt                            time.Time
	lives                               []lifetime
}

// lifetime is one way through the loop, from the filing to the closing.
type lifetime struct {
	began, due, claimed, closed time.Time
	late                        bool
}

// step is one command of one actor at one minute.
type step struct {
	at  time.Time
	by  actor
	of  string // department, for co-handlers and who signs
	cmd tasks.Command
	own func(*run, scene) error // instead of cmd alone
}

// actor is a part that somebody plays.
type actor int

const (
	finder actor = iota // who found it: a collector
	taker               // call-taker
	desk                // dispatcher
	review              // another dispatcher
	lead                // whom the desk sent
	helper              // somebody of the department named
	checker
	duty // the hub itself, in a resident's name
)

func (p *problem) caseID() identity.CaseID { return tasks.CaseFor(p.id) }

// builder writes a problem's steps, one after the other.
type builder struct {
	*problem
	h     *hours
	dice  *rand.Rand
	now   time.Time
	start time.Time // of the handling limits
	used  int       // minutes of them that are used up
}

// plan lays a problem's whole way out. The same problem, found at the same time,
// takes the same way.
func (p *problem) plan(seed uint64, h *hours) {
	p.steps, p.lives = nil, nil
	p.filed, p.dispatched, p.spotted, p.movedAt, p.reworkAt, p.rest = time.Time{}, time.Time{}, time.Time{}, time.Time{}, time.Time{}, [2]time.Time{}
	b := &builder{problem: p, h: h, dice: rand.New(rand.NewPCG(seed, uint64(p.n))), now: p.at}
	b.take(finder, step{own: (*run).report})
	switch {
	case p.fate.rejected:
		b.later(2, 20).do(taker, tasks.Rejected, "查无此事")
		return
	case p.fate.repeats != nil:
		b.later(2, 20).take(taker, step{own: (*run).merge})
		return
	case p.fate.spot:
		if slices.Contains(p.matter.Auto, tasks.Filed) {
			b.filed = b.now
		}
		b.later(3, 25).proof(finder, tasks.Claimed)
		b.later(1, 3).do(finder, tasks.Spot, "")
		p.spotted = b.now
	default:
		b.intake()
		b.through(p.fate)
		b.again()
	}
	b.later(30, 20*60).do(desk, tasks.Archived, "")
}

func (b *builder) later(least, most int) *builder {
	b.now = b.now.Add(time.Duration(least+b.dice.IntN(most-least+1)) * time.Minute)
	return b
}

func (b *builder) take(by actor, s step) {
	s.at, s.by = b.now, by
	b.steps = append(b.steps, s)
}

func (b *builder) do(by actor, t tasks.EventType, why string) {
	b.take(by, step{cmd: tasks.Command{Type: t, Why: why}})
}

// share draws a number of minutes between two shares of a length.
func (b *builder) share(length int, low, high float64) int {
	return int(float64(length) * (low + b.dice.Float64()*(high-low)))
}

// public says whether somebody outside reported it.
func (p *problem) public() bool { return p.source == "hotline" || p.source == "resident" }

// intake brings a report into the task pool.
func (b *builder) intake() {
	if slices.Contains(b.matter.Auto, tasks.Filed) {
		b.filed = b.now
		return
	}
	b.later(1, 10).do(taker, tasks.Screened, "")
	if b.public() {
		b.later(10, 60).do(checker, tasks.Noted, "现场核实属实")
	}
	b.later(1, 10).do(desk, tasks.Filed, "")
	b.filed = b.now
}

// through takes a filed case to its closing.
func (b *builder) through(f fate) {
	life := lifetime{began: b.now, late: f.late}
	b.later(1, 8).do(desk, tasks.Dispatched, "")
	if b.dispatched.IsZero() {
		b.dispatched = b.now
	}
	b.start, b.used = b.now, 0
	ready := b.orders()
	if f.moved {
		b.move()
	}
	b.later(1, 3).do(lead, tasks.Accepted, "")
	b.later(0, 1).do(lead, tasks.Enroute, "")
	b.later(1, 4).do(lead, tasks.Onscene, "")
	if b.source != "patrol" {
		b.proofOf(lead, "photo-before")
	}
	b.later(0, 1).do(lead, tasks.Handling, "")
	claim := b.handle(f)
	life.due = b.due()
	b.sign(claim)
	b.now = later(b.now, claim)
	b.proof(lead, tasks.Claimed)
	b.do(lead, tasks.Claimed, "")
	life.claimed = b.now
	b.now = later(b.now, ready)
	if f.reworked {
		b.rework()
	}
	b.check().do(checker, tasks.Checked, "")
	if b.public() {
		b.later(1, 10).take(taker, step{cmd: tasks.Command{Type: tasks.Noted, Kind: "callback", Text: "回访：满意"}})
	}
	b.later(3, 40).do(desk, tasks.Closed, "")
	life.closed = b.now
	b.lives = append(b.lives, life)
}

// again opens a closed case again and takes it through once more.
func (b *builder) again() {
	if !b.fate.reopened {
		return
	}
	if b.dice.IntN(2) == 0 {
		b.later(30, 300).do(desk, tasks.Archived, "")
	}
	b.later(24*60, 3*24*60).take(duty, step{cmd: tasks.Command{Type: tasks.Filed, Why: "reopened by the reporter", Text: "又出现了"}})
	b.through(fate{})
}

// limits are those that end with the claim, each with a length.
func (b *builder) limits() (out []tasks.Limit) {
	for _, l := range b.matter.Limits {
		if l.Until == tasks.Claimed && l.Kind != tasks.ByPlan {
			out = append(out, l)
		}
	}
	return out
}

// due is when the first handling limit runs out, without pauses; zero: none does.
func (b *builder) due() (out time.Time) {
	for _, l := range b.limits() {
		if at := b.h.after(l.Kind, b.start, minutes(l)); out.IsZero() || at.Before(out) {
			out = at
		}
	}
	return out
}

// within draws a time by which every handling limit has used up no more than a
// share of its length.
func (b *builder) within(low, high float64) (out time.Time) {
	for _, l := range b.limits() {
		at := b.h.after(l.Kind, b.start, max(1, b.share(minutes(l)-b.used, low, high)))
		if out.IsZero() || at.Before(out) {
			out = at
		}
	}
	if out.IsZero() { // a plan names the day
		out = b.h.after(tasks.WorkingHours, b.now, 30+b.dice.IntN(400))
	}
	return out
}

// handle says when the lead will have done it, with what comes between.
func (b *builder) handle(f fate) time.Time {
	switch {
	case f.late:
		l := slices.MinFunc(b.limits(), func(x, y tasks.Limit) int {
			return b.h.after(x.Kind, b.start, minutes(x)).Compare(b.h.after(y.Kind, b.start, minutes(y)))
		})
		return b.h.after(l.Kind, b.start, minutes(l)+max(2, b.share(minutes(l), .1, .7)))
	case f.rests:
		b.later(5, 20).do(desk, tasks.Suspended, "待业主配合")
		b.rest[0] = b.now
		b.now = b.h.open(b.now.Add(time.Duration(24+b.dice.IntN(72)) * time.Hour))
		b.do(desk, tasks.Resumed, "")
		b.rest[1] = b.now
		b.start, b.used = b.now, 90 // more than was used before
		return b.within(.1, .85)
	case f.extended:
		b.later(5, 15)
		due := b.due()
		until := b.h.after(tasks.WorkingHours, due.Add(24*time.Hour), 60)
		b.take(desk, step{cmd: tasks.Command{Type: tasks.Extended, Why: "工程量大", Until: millis(until)}})
		return b.h.after(b.limits()[0].Kind, due, 20)
	}
	return later(b.now.Add(time.Minute), b.within(.12, .85))
}

// move sends the case on to another department, which gets it at once: by a
// return, by an objection where the matter reviews, or by the desk itself.
func (b *builder) move() {
	other := b.matter.With[0]
	b.later(1, 3).do(lead, tasks.Accepted, "")
	switch {
	case slices.Contains(b.matter.Review, b.source):
		b.later(1, 3).do(lead, tasks.Objected, "不属本部门")
		b.later(1, 4).do(review, tasks.Upheld, "同意")
	case b.dice.IntN(2) == 0:
		b.later(1, 3).do(lead, tasks.Returned, "不属本部门")
	}
	b.later(1, 3).take(desk, step{cmd: tasks.Command{Type: tasks.Dispatched, Department: other}})
	b.movedAt = b.now
}

// orders plans what the co-handlers do who must take part, and says when the last
// of them is done.
func (b *builder) orders() (ready time.Time) {
	n := 0
	length := 600
	kind := tasks.WorkingHours
	for _, l := range b.matter.Limits {
		if l.Until == tasks.Done {
			length, kind = minutes(l), l.Kind
		}
	}
	for _, d := range b.matter.Must {
		if d == b.matter.Lead {
			continue
		}
		n++
		taken := b.now.Add(time.Duration(3+b.dice.IntN(15)) * time.Minute)
		done := later(taken.Add(time.Minute), b.h.after(kind, b.now, b.share(length, .1, .8)))
		b.steps = append(b.steps, step{at: taken, by: helper, of: d, cmd: tasks.Command{Type: tasks.Taken, Order: n}},
			step{at: done, by: helper, of: d, cmd: tasks.Command{Type: tasks.Done, Order: n}})
		ready = later(ready, done)
	}
	return ready
}

// sign plans the counter-sign before the claim: those with a veto first, then as
// many as the quorum needs.
func (b *builder) sign(claim time.Time) {
	s := b.matter.Cosign
	if len(s.Signers) == 0 {
		return
	}
	b.now = later(b.now.Add(time.Minute), claim.Add(-25*time.Minute))
	b.do(lead, tasks.Cosign, "")
	signers := slices.Clone(s.Veto)
	for _, d := range s.Signers {
		if len(signers) < s.Quorum && !slices.Contains(signers, d) {
			signers = append(signers, d)
		}
	}
	for _, d := range signers {
		b.later(1, 5).take(helper, step{of: d, cmd: tasks.Command{Type: tasks.Agreed, Department: d}})
	}
	b.later(1, 1)
}

// check waits as long as a checker needs.
func (b *builder) check() *builder {
	for _, l := range b.matter.Limits {
		if l.From == tasks.Claimed {
			b.now = b.h.after(l.Kind, b.now, max(1, b.share(minutes(l), .1, .85)))
		}
	}
	return b
}

// rework sends a case back to who handled it.
func (b *builder) rework() {
	b.check().do(checker, tasks.Rework, "仍有残留")
	b.reworkAt = b.now
	b.start, b.used = b.now, 0
	b.now = later(b.now.Add(3*time.Minute), b.within(.12, .85))
	b.proofOf(lead, "photo-after")
	b.do(lead, tasks.Claimed, "")
}

// proof adds everything that a matter demands before a step and the case has not.
func (b *builder) proof(by actor, before tasks.EventType) {
	for _, p := range b.matter.Evidence {
		if p.Before == before && (p.Kind != "photo-before" || len(b.lives) > 0) {
			b.proofOf(by, p.Kind)
		}
	}
}

func (b *builder) proofOf(by actor, kind string) {
	b.take(by, step{own: (*run).proof, cmd: tasks.Command{Type: tasks.Evidence, Kind: kind}})
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func (p *problem) String() string { return fmt.Sprintf("%s %s from %s", p.id, p.matter.Code, p.source) }
