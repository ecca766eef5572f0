// Package figures counts: how many cases were handled and closed, how long it
// took. Every number is made of named cases, so that a reader can open them.
package figures

import "gridhub/hub/identity"

// mostBehind bounds the cases that a summary names behind one number: a person
// reads no more, and Board.Cases lists all.
const mostBehind = 1000

// Spread describes a set of durations in seconds. N = 0 means none: the other
// fields are then meaningless and shown as a dash. Cases are those of a Count.
type Spread struct {
	N      int               `json:"n"`
	Mean   float64           `json:"mean_s"`
	Median float64           `json:"median_s"`
	P90    float64           `json:"p90_s"`
	Cases  []identity.CaseID `json:"cases"`
}

// Count is a number and the cases behind it, of many the first mostBehind.
type Count struct {
	N     int               `json:"n"`
	Cases []identity.CaseID `json:"cases"`
}

// Summary is one period's figures. Formula is the version of the definitions.
type Summary struct {
	Formula      string `json:"formula"`
	Reported     Count  `json:"reported"`
	Filed        Count  `json:"filed"`
	Handled      Count  `json:"handled"` // claimed by the handler
	Closed       Count  `json:"closed"`
	OnTime       Count  `json:"closed_on_time"`
	Open         Count  `json:"open"`
	Overdue      Count  `json:"overdue"`
	Suspended    Count  `json:"suspended"`
	SuspendedFor Spread `json:"suspended_for"` // of the cases closed that were suspended
	Response     Spread `json:"response"`      // filed → onscene
	Close        Spread `json:"time_to_close"` // reported → closed
	Handling     Spread `json:"handling"`      // dispatched → claimed
}
