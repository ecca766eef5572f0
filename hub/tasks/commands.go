package tasks

import (
	"errors"
	"fmt"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
)

// ErrNotFound says that the pool has no such case.
var ErrNotFound = errors.New("no such case")

// ConflictError says that the case moved on since the caller looked.
type ConflictError struct{ Have, Want uint64 }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("the case is at revision %d, the command was made for %d", e.Have, e.Want)
}

// RefusedError says why a step is not possible now. Code is for programs.
type RefusedError struct {
	Code   string // state, evidence, right, invalid
	Reason string
}

func (e *RefusedError) Error() string { return e.Reason }

// Report is what somebody or something says is wrong. ID is made by the
// reporter, so that a repeat is harmless.
type Report struct {
	ID       string            `json:"id" minLength:"8" maxLength:"64" doc:"made by the reporter; a repeat with the same id is the same report"`
	Matter   string            `json:"matter"`
	Source   string            `json:"source" enum:"sensor,patrol,sos,hotline,resident,partner,desk"`
	Severity string            `json:"severity,omitempty" enum:"info,minor,major,critical"`
	Title    string            `json:"title,omitempty" maxLength:"200"`
	Text     string            `json:"text,omitempty" maxLength:"4000"`
	Reporter string            `json:"reporter,omitempty" maxLength:"200"`
	Place    geo.Point         `json:"place"`
	Grid     string            `json:"grid,omitempty"`
	Region   string            `json:"region,omitempty" maxLength:"20" doc:"class of the region, where limits differ by it"`
	At       telemetry.Millis  `json:"at,omitempty" doc:"when it was seen; default: now"`
	Hazard   identity.HazardID `json:"-"`
	Device   string            `json:"-"`
	Metric   string            `json:"-"`
	Value    *float64          `json:"-"`
	Evidence []string          `json:"evidence,omitempty" maxItems:"20"`

	// Verify holds the steps that the matter takes by itself until somebody has
	// looked on site; Verifier is who is asked to, empty: whoever the desk names.
	Verify   bool              `json:"-"`
	Verifier identity.PersonID `json:"-"`
}

// Command asks for one step. ID is made by the caller: a repeat returns what
// the first one did. Rev, when given, must be the case's revision.
type Command struct {
	ID         string            `json:"id" minLength:"8" maxLength:"64" doc:"made by the caller; a repeat is harmless"`
	Case       identity.CaseID   `json:"-"`
	Type       EventType         `json:"type" enum:"screened,rejected,verifying,verified,spot,filed,dispatched,accepted,returned,objected,upheld,dismissed,enroute,onscene,handling,cosign,agreed,opposed,withdrawn,extended,suspended,resumed,claimed,checked,rework,closed,archived,voided,graded,supervised,noted,evidence,ordered,taken,declined,done,waived"`
	Rev        uint64            `json:"rev,omitempty" doc:"the revision the caller looked at; 0: any"`
	At         telemetry.Millis  `json:"at,omitempty" doc:"when it was done, for what was done offline; default: now"`
	Place      *geo.Point        `json:"place,omitempty"`
	Why        string            `json:"why,omitempty" maxLength:"1000"`
	Text       string            `json:"text,omitempty" maxLength:"4000"`
	Assignee   identity.PersonID `json:"assignee,omitempty" doc:"for dispatched, ordered, verifying; for taken, when the desk records it"`
	Department string            `json:"department,omitempty" maxLength:"20" doc:"for dispatched, ordered; for agreed and opposed: who signs, default the caller's"`
	With       []string          `json:"with,omitempty" maxItems:"20" doc:"for dispatched: co-handlers; for cosign: who signs, beside those whom the matter names"`
	Order      int               `json:"order,omitempty" minimum:"0" doc:"the co-handler's order, as the case numbers them; for ordered 0 makes a new one; for noted and evidence whose it is"`
	Optional   bool              `json:"optional,omitempty" doc:"for ordered: the check does not wait for it"`
	Evidence   string            `json:"evidence,omitempty" doc:"for evidence: the hash that the upload returned"`
	Kind       string            `json:"kind,omitempty" doc:"for evidence: what it is"`
	Until      telemetry.Millis  `json:"until,omitempty"`
	Severity   string            `json:"severity,omitempty" enum:"info,minor,major,critical" doc:"for graded"`
	Candidates []Candidate       `json:"-"` // what the dispatcher was shown, kept with the choice
}

// Filter narrows a list of cases; zero fields do not narrow. Assignee finds the
// cases that a person leads or has an order of, and with Department also those
// on which anybody of that department has a move.
type Filter struct {
	Open       bool
	State      EventType
	Assignee   identity.PersonID
	Department string              // only with Assignee
	For        []identity.PersonID // only with Assignee: the absent for whom the person stands in
	Matter     string
	Since      telemetry.Millis // changed at or after
	Limit      int

	ReportedFrom, ReportedTo telemetry.Millis // [from, to)

	Within   *identity.Reach   // only what is within reach; nil: everything
	Cases    []identity.CaseID // only these; nil: all
	Evidence string            // only cases with this piece of evidence, by its hash
}
