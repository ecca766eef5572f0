package tasks

import (
	"slices"

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
	if moves(e.Type) {
		c.before, c.State = c.State, e.Type
	}
	switch e.Type {
	case Reported:
		c.report(e)
	case Dispatched:
		c.Assignee, c.Department, c.With = e.Body.Assignee, e.Body.Department, e.Body.With
	case Returned:
		c.Assignee = ""
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
		c.proofs = append(c.proofs, e.Body.Kind)
	case Sensed:
		c.Cleared = e.Body.Kind == "cleared"
	}
}

func (c *Case) report(e *Event) {
	b := &e.Body
	c.Matter, c.Source, c.Severity, c.Title, c.Grid, c.Region = b.Matter, b.Source, b.Severity, b.Title, b.Grid, b.Region
	c.Hazard, c.Device, c.Department, c.With, c.Reported = b.Hazard, b.Device, b.Department, b.With, e.At
	c.Number = b.Number
	if e.Place != nil {
		c.Place = *e.Place
	}
}

// Open reports whether somebody still has to do something.
func (c *Case) Open() bool {
	switch c.State {
	case Closed, Archived, Rejected, Voided, Merged:
		return false
	}
	return true
}

// step says from which states an event may follow and whose step it is.
type step struct {
	from []EventType
	own  bool            // only the assignee
	by   []identity.Role // any of these, when it is not own
}

var working = []EventType{Accepted, Enroute, Onscene, Handling, Rework}

// steps is the state machine. Events that do not move a case are in remarks.
var steps = map[EventType]step{
	Screened:   {from: []EventType{Reported}, by: []identity.Role{identity.CallTaker, identity.Dispatcher}},
	Rejected:   {from: []EventType{Reported, Screened}, by: []identity.Role{identity.CallTaker, identity.Dispatcher}},
	Filed:      {from: []EventType{Screened, Closed, Archived}, by: []identity.Role{identity.Dispatcher}},
	Dispatched: {from: append([]EventType{Filed, Dispatched, Returned}, working...), by: []identity.Role{identity.Dispatcher, identity.Head}},
	Accepted:   {from: []EventType{Dispatched}, own: true},
	Returned:   {from: []EventType{Dispatched, Accepted, Enroute, Onscene}, own: true},
	Enroute:    {from: []EventType{Accepted, Rework}, own: true},
	Onscene:    {from: []EventType{Accepted, Enroute, Rework}, own: true},
	Handling:   {from: []EventType{Onscene}, own: true},
	Claimed:    {from: []EventType{Onscene, Handling, Rework}, own: true},
	Extended:   {from: working, by: []identity.Role{identity.Dispatcher, identity.Head}},
	Suspended:  {from: append([]EventType{Filed, Dispatched}, working...), by: []identity.Role{identity.Dispatcher, identity.Head}},
	Graded:     {from: append([]EventType{Reported, Screened, Filed, Dispatched, Returned, Suspended}, working...), by: []identity.Role{identity.CallTaker, identity.Dispatcher, identity.Head}},
	Resumed:    {from: []EventType{Suspended}, by: []identity.Role{identity.Dispatcher, identity.Head}},
	Checked:    {from: []EventType{Claimed}, by: []identity.Role{identity.Checker, identity.Dispatcher}},
	Rework:     {from: []EventType{Claimed, Checked}, by: []identity.Role{identity.Checker, identity.Dispatcher}},
	Closed:     {from: []EventType{Checked}, by: []identity.Role{identity.Dispatcher}},
	Archived:   {from: []EventType{Closed}, by: []identity.Role{identity.Dispatcher}},
	Voided:     {from: []EventType{Reported, Screened, Filed, Dispatched, Returned}, by: []identity.Role{identity.Dispatcher}},
}

// remarks are events that any insider may add to any case that is not sealed.
var remarks = []EventType{Noted, Evidence}

// moves reports whether an event changes the case's state.
func moves(t EventType) bool {
	if t == Extended || t == Graded {
		return false
	}
	_, ok := steps[t]
	return ok || t == Reported || t == Merged || t == Unmerged
}

// order lists the steps as people read them, so that Next is stable.
var order = []EventType{Screened, Rejected, Filed, Dispatched, Accepted, Enroute, Onscene, Handling, Claimed, Returned,
	Checked, Rework, Closed, Archived, Extended, Suspended, Resumed, Graded, Voided}

// next lists the steps that the state allows.
func (c *Case) next() []EventType {
	out := []EventType{}
	for _, t := range order {
		if slices.Contains(steps[t].from, c.State) {
			out = append(out, t)
		}
	}
	return out
}

// may says whether who may take step t on c now; nil or a RefusedError.
func (c *Case) may(who identity.Principal, t EventType) error {
	if slices.Contains(remarks, t) {
		if c.State == Archived {
			return &RefusedError{Code: "state", Reason: "the case is archived: nothing is added any more"}
		}
		return nil
	}
	s, known := steps[t]
	if !known {
		return &RefusedError{Code: "invalid", Reason: "no such step: " + string(t)}
	}
	if !slices.Contains(s.from, c.State) {
		return &RefusedError{Code: "state", Reason: string(t) + " cannot follow " + string(c.State)}
	}
	if s.own && (who.Person == "" || who.Person != c.Assignee) {
		return &RefusedError{Code: "right", Reason: string(t) + " is the step of the assignee"}
	}
	if !s.own && !who.Has(append(s.by, identity.Admin)...) {
		return &RefusedError{Code: "right", Reason: "account " + who.Account + " may not take the step " + string(t)}
	}
	if t == Checked && who.Person != "" && who.Person == c.Assignee {
		return &RefusedError{Code: "right", Reason: "who handled a case does not check it"}
	}
	return nil
}
