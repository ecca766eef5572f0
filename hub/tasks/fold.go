package tasks

import (
	"slices"
	"strings"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
)

// Fold computes a case from its events, in order. It is pure: the same events
// give the same case. Clocks, Next and Missing depend on the matter and the
// time; see Matter.Describe.
func Fold(events []Event) Case {
	c := Case{Times: map[EventType]telemetry.Millis{}}
	for i := range events {
		c.apply(&events[i])
	}
	return c
}

func (c *Case) apply(e *Event) {
	c.ID, c.Rev, c.Updated = e.Case, e.Seq, e.Server
	if _, seen := c.Times[e.Type]; !seen {
		c.Times[e.Type] = e.At
	}
	if _, seen := c.newest[e.Type]; !seen && c.newest != nil {
		c.newest[e.Type] = e.At
	}
	if moves(e.Type) {
		c.before, c.State = c.State, e.Type
	}
	switch e.Type {
	case Reported:
		c.report(e)
	case Dispatched:
		c.Assignee, c.Department, c.With = e.Body.Assignee, e.Body.Department, e.Body.With
		c.sentBy, c.settled = e.By, false
	case Filed:
		if slices.Contains(ended, c.before) {
			c.reopen(e)
		}
	case Verifying:
		c.Assignee = e.Body.Assignee
	case Returned, Upheld, Verified, Rejected:
		c.Assignee = ""
	case Objected:
		c.objectedFrom = c.before
	case Dismissed:
		c.State, c.settled = c.objectedFrom, true
	case Cosign, Agreed, Opposed, Withdrawn:
		c.sign(e)
	case Ordered, Taken, Declined, Done, Waived:
		c.order(e)
	case Resumed:
		c.State = c.suspendedFrom
	case Suspended:
		c.suspendedFrom = c.before
	case Merged:
		c.mergedFrom, c.Into = c.before, e.Body.Other
	case Unmerged:
		c.State, c.Into = c.mergedFrom, ""
	case Joined, Parted:
		c.join(e)
	case Rework:
		c.Reworks++
	case Noted:
		if e.Body.Kind == ReusedPhoto {
			c.Reused++
		}
	case Graded:
		c.Severity = e.Body.Severity
	case Evidence:
		c.Evidence = append(c.Evidence, e.Body.Evidence)
		if e.Body.Order == 0 { // a co-handler's photo is no proof of the lead's work
			c.proofs = append(c.proofs, e.Body.Kind)
		}
	case Supervised:
		c.Supervised++
	case Escalated:
		c.Escalations = append(c.Escalations, escalation(e))
	case Sensed:
		c.Cleared = e.Body.Kind == "cleared"
	}
	c.mark(e)
	c.lapse(e.Type)
	c.pass(e)
	c.rest(e)
	c.stays.see(c, e.At)
}

func (c *Case) report(e *Event) {
	b := &e.Body
	c.Matter, c.Source, c.Severity, c.Title, c.Grid, c.Region = b.Matter, b.Source, b.Severity, b.Title, b.Grid, b.Region
	c.Hazard, c.Device, c.Department, c.With, c.Reported = b.Hazard, b.Device, b.Department, b.With, e.At
	c.Number, c.finder = b.Number, e.Person
	if e.Place != nil {
		c.Place = *e.Place
	}
}

// Open reports whether somebody still has to do something.
func (c *Case) Open() bool {
	switch c.State {
	case Closed, Spot, Archived, Rejected, Voided, Merged:
		return false
	}
	return true
}

// step says from which states an event may follow and whose step it is.
type step struct {
	from []EventType
	own  bool            // the assignee
	by   []identity.Role // or any of these
}

var (
	working = []EventType{Accepted, Enroute, Onscene, Handling, Cosign, Rework}
	desks   = []identity.Role{identity.Dispatcher, identity.Head}
	ended   = []EventType{Closed, Spot, Archived} // a case that may be opened again
)

// steps is the state machine. Events that do not move a case are in remarks.
var steps = map[EventType]step{
	Screened:   {from: []EventType{Reported}, by: []identity.Role{identity.CallTaker, identity.Dispatcher}},
	Rejected:   {from: []EventType{Reported, Screened, Verifying, Verified}, own: true, by: []identity.Role{identity.CallTaker, identity.Dispatcher}},
	Verifying:  {from: []EventType{Reported, Screened, Verifying}, by: []identity.Role{identity.CallTaker, identity.Dispatcher}},
	Verified:   {from: []EventType{Verifying}, own: true, by: []identity.Role{identity.CallTaker, identity.Dispatcher, identity.Checker}},
	Spot:       {from: []EventType{Reported, Screened, Filed}, by: identity.Roles}, // who found it
	Filed:      {from: append([]EventType{Screened, Verified}, ended...), by: []identity.Role{identity.Dispatcher}},
	Dispatched: {from: append([]EventType{Filed, Dispatched, Returned, Upheld}, working...), by: desks},
	Accepted:   {from: []EventType{Dispatched}, own: true},
	Returned:   {from: []EventType{Dispatched, Accepted, Enroute, Onscene}, own: true},
	Objected:   {from: []EventType{Dispatched, Accepted, Enroute, Onscene}, own: true},
	Upheld:     {from: []EventType{Objected}, by: desks},
	Dismissed:  {from: []EventType{Objected}, by: desks},
	Enroute:    {from: []EventType{Accepted, Rework}, own: true},
	Onscene:    {from: []EventType{Accepted, Enroute, Rework}, own: true},
	Handling:   {from: []EventType{Onscene}, own: true},
	Cosign:     {from: []EventType{Onscene, Handling, Rework}, own: true},
	Agreed:     {from: []EventType{Cosign}, by: identity.Roles}, // of the departments asked: see maySign
	Opposed:    {from: []EventType{Cosign}, by: identity.Roles},
	Withdrawn:  {from: []EventType{Cosign}, own: true, by: desks},
	Claimed:    {from: []EventType{Onscene, Handling, Rework}, own: true},
	Extended:   {from: working, by: desks},
	Suspended:  {from: append([]EventType{Filed, Dispatched}, working...), by: desks},
	Graded:     {from: append([]EventType{Reported, Screened, Verifying, Verified, Filed, Dispatched, Returned, Objected, Upheld, Suspended}, working...), by: []identity.Role{identity.CallTaker, identity.Dispatcher, identity.Head}},
	Supervised: {from: append([]EventType{Filed, Dispatched, Returned, Objected, Upheld, Suspended, Claimed, Checked}, working...), by: desks},
	Resumed:    {from: []EventType{Suspended}, by: desks},
	Checked:    {from: []EventType{Claimed}, by: []identity.Role{identity.Checker, identity.Dispatcher}},
	Rework:     {from: []EventType{Claimed, Checked}, by: []identity.Role{identity.Checker, identity.Dispatcher}},
	Closed:     {from: []EventType{Checked}, by: []identity.Role{identity.Dispatcher}},
	Archived:   {from: []EventType{Closed, Spot}, by: []identity.Role{identity.Dispatcher}},
	Voided:     {from: []EventType{Reported, Screened, Verifying, Verified, Filed, Dispatched, Returned, Upheld}, by: []identity.Role{identity.Dispatcher}},
}

// remarks are events that any insider may add to any case that is not sealed.
var remarks = []EventType{Noted, Evidence}

// moves reports whether an event changes the case's state by its own name.
func moves(t EventType) bool {
	switch t {
	case Extended, Graded, Supervised, Agreed, Opposed, Withdrawn:
		return false
	case Reported, Merged, Unmerged:
		return true
	}
	_, ok := steps[t]
	return ok
}

// order lists the steps as people read them, so that Next is stable.
var order = []EventType{Screened, Verified, Verifying, Rejected, Spot, Filed, Dispatched, Accepted, Enroute, Onscene, Handling, Cosign, Agreed, Opposed, Withdrawn,
	Claimed, Returned, Objected, Upheld, Dismissed, Checked, Rework, Closed, Archived, Extended, Suspended, Resumed, Graded, Supervised, Voided}

// next lists the steps that the state allows.
func (c *Case) next() []EventType {
	out := []EventType{}
	for _, t := range order {
		if slices.Contains(steps[t].from, c.State) && c.barred(t) == nil {
			out = append(out, t)
		}
	}
	return out
}

// barred says what stands in the way of a step that the state allows.
func (c *Case) barred(t EventType) error {
	switch waiting := c.waiting(); {
	case t == Checked && len(waiting) > 0:
		return &RefusedError{Code: "state", Reason: "checked waits for the orders of " + strings.Join(waiting, ", ")}
	case c.settled && (t == Objected || t == Returned):
		return &RefusedError{Code: "state", Reason: "an objection to this dispatch was dismissed: only another dispatch changes it"}
	}
	return nil
}

// actor is who takes a step, with the department of the person.
type actor struct {
	identity.Principal
	department string
}

// may says whether who may take a step on c now; nil or a RefusedError.
func (c *Case) may(who actor, cmd Command) error {
	t := cmd.Type
	switch _, ofOrder := orderSteps[t]; {
	case slices.Contains(remarks, t) && c.State == Archived:
		return &RefusedError{Code: "state", Reason: "the case is archived: nothing is added any more"}
	case slices.Contains(remarks, t):
		return nil
	case ofOrder && (t != Extended || cmd.Order != 0):
		return c.mayOrder(who, cmd)
	}
	s, known := steps[t]
	if !known {
		return &RefusedError{Code: "invalid", Reason: "no such step: " + string(t)}
	}
	if !slices.Contains(s.from, c.State) {
		return &RefusedError{Code: "state", Reason: string(t) + " cannot follow " + string(c.State)}
	}
	if err := c.barred(t); err != nil {
		return err
	}
	mine := who.Is(c.Assignee)
	switch {
	case s.own && !mine && len(s.by) == 0:
		return &RefusedError{Code: "right", Reason: string(t) + " is the step of the assignee"}
	case !(s.own && mine) && !who.Has(append(slices.Clip(s.by), identity.Admin)...):
		return &RefusedError{Code: "right", Reason: "account " + who.Account + " may not take the step " + string(t)}
	case t == Checked && mine:
		return &RefusedError{Code: "right", Reason: "who handled a case does not check it"}
	case (t == Upheld || t == Dismissed) && (mine || who.Account == c.sentBy):
		return &RefusedError{Code: "right", Reason: "an objection is reviewed by somebody else than who dispatched or who objects"}
	case t == Agreed || t == Opposed:
		return c.maySign(who, cmd)
	case t == Spot && (who.Person == "" || who.Person != c.finder) && !recorded(who, cmd):
		return &RefusedError{Code: "right", Reason: "spot is the step of who found it, or of a desk that says why"}
	}
	return nil
}
