package tasks

import (
	"fmt"
	"slices"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
)

// WorkOrder is a co-handler's own work order (协办单): assigned, accepted, done or
// given back, beside the lead's way through the case and beside other orders.
type WorkOrder struct {
	N          int               `json:"n"` // from 1, as the case numbers them
	Department string            `json:"department"`
	Assignee   identity.PersonID `json:"assignee,omitempty"` // empty: whoever of the department takes it
	Must       bool              `json:"must"`               // the check waits for it
	State      EventType         `json:"state"`              // ordered, taken, declined, done, waived
	Since      telemetry.Millis  `json:"since"`              // when it came into this state
	Ordered    telemetry.Millis  `json:"ordered"`            // when it was sent, the newest time
	Sent       int               `json:"sent"`               // how often it was sent
	Clocks     []Clock           `json:"clocks,omitempty"`
	Next       []EventType       `json:"next"` // steps that its state allows now

	former bool // sent before the case was opened again, and not since
}

// Open reports whether an order still has to be done.
func (o *WorkOrder) Open() bool { return o.State != Done && o.State != Waived }

// orderSteps is the state machine of an order: from which of its states a step
// follows, and whose step it is. A desk may take a co-handler's step too when it
// says why: not every department has an account.
var orderSteps = map[EventType]step{
	Ordered:  {from: []EventType{Ordered, Taken, Declined, Done, Waived}, by: desks},
	Taken:    {from: []EventType{Ordered}, own: true},
	Declined: {from: []EventType{Ordered, Taken}, own: true},
	Done:     {from: []EventType{Taken}, own: true},
	Waived:   {from: []EventType{Ordered, Taken, Declined}, by: desks},
	Extended: {from: []EventType{Ordered, Taken}, by: desks},
}

// besides are the states of a case in which its orders go on.
var besides = append([]EventType{Dispatched, Returned, Objected, Upheld, Claimed}, working...)

// order brings an order's event into the case. One that names no order of the
// case changes nothing.
func (c *Case) order(e *Event) {
	n := e.Body.Order
	if e.Type == Ordered && n == len(c.Orders)+1 {
		c.Orders = append(c.Orders, WorkOrder{N: n})
	}
	if n < 1 || n > len(c.Orders) {
		return
	}
	o := &c.Orders[n-1]
	o.State, o.Since = e.Type, e.At
	switch e.Type {
	case Ordered:
		o.Department, o.Assignee, o.Must, o.Ordered = e.Body.Department, e.Body.Assignee, e.Body.Must, e.At
		o.former = false
		o.Sent++
	case Taken:
		o.Assignee = e.Body.Assignee
	case Declined:
		o.Assignee = ""
	}
}

// mayOrder is may for the steps of an order.
func (c *Case) mayOrder(who actor, cmd Command) error {
	s := orderSteps[cmd.Type]
	if !slices.Contains(besides, c.State) {
		return &RefusedError{Code: "state", Reason: fmt.Sprintf("%s: a case that is %s has no orders to work on", cmd.Type, c.State)}
	}
	fresh := cmd.Type == Ordered && cmd.Order == 0
	if !fresh && (cmd.Order < 1 || cmd.Order > len(c.Orders)) {
		return &RefusedError{Code: "invalid", Reason: fmt.Sprintf("order %d: the case has %d", cmd.Order, len(c.Orders))}
	}
	if s.by != nil {
		if !who.Has(append(slices.Clip(s.by), identity.Admin)...) {
			return &RefusedError{Code: "right", Reason: "account " + who.Account + " may not take the step " + string(cmd.Type)}
		}
	} else if !c.Orders[cmd.Order-1].of(who) && !recorded(who, cmd) {
		return &RefusedError{Code: "right", Reason: string(cmd.Type) + " is the step of who has the order, or of a desk that says why"}
	}
	if fresh {
		return nil
	}
	if o := &c.Orders[cmd.Order-1]; !slices.Contains(s.from, o.State) {
		return &RefusedError{Code: "state", Reason: fmt.Sprintf("%s cannot follow %s", cmd.Type, o.State)}
	}
	return nil
}

// Recorded is the kind of a co-handler's step, or a signature, that a desk wrote
// down for a department.
const Recorded = "recorded"

// of reports whether an order is who's to work on.
func (o *WorkOrder) of(who actor) bool {
	if o.Assignee != "" {
		return who.Is(o.Assignee)
	}
	return who.department != "" && who.department == o.Department
}

// recorded reports whether a desk writes down what a department did.
func recorded(who actor, cmd Command) bool {
	return cmd.Why != "" && who.Has(identity.Dispatcher, identity.Admin)
}

// next lists the steps that an order's state allows within its case.
func (o *WorkOrder) next(c *Case) []EventType {
	out := []EventType{}
	if !slices.Contains(besides, c.State) {
		return out
	}
	for _, t := range []EventType{Taken, Done, Declined, Extended, Waived, Ordered} {
		if slices.Contains(orderSteps[t].from, o.State) {
			out = append(out, t)
		}
	}
	return out
}

// waiting lists the departments whose orders the check waits for.
func (c *Case) waiting() []string {
	var out []string
	for i := range c.Orders {
		if o := &c.Orders[i]; o.Must && o.Open() && !slices.Contains(out, o.Department) {
			out = append(out, o.Department)
		}
	}
	return out
}

// Hands are those who have a move on an open case beside its lead: persons by
// their id, and a department as @FR where any of its people may take it.
func (c *Case) Hands() []string {
	out := []string{}
	if !slices.Contains(besides, c.State) {
		return out
	}
	add := func(hand string) {
		if !slices.Contains(out, hand) {
			out = append(out, hand)
		}
	}
	for _, o := range c.Orders {
		switch {
		case o.State != Ordered && o.State != Taken:
		case o.Assignee != "":
			add(string(o.Assignee))
		default:
			add(HandOf(o.Department))
		}
	}
	if c.State == Cosign {
		for _, d := range c.Round.pending() {
			add(HandOf(d))
		}
	}
	return out
}

// HandOf names a department among hands.
func HandOf(department string) string { return "@" + department }
