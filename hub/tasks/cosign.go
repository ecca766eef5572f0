package tasks

import (
	"fmt"
	"slices"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
)

// What became of a round of the counter-sign.
const (
	RoundOpen      = "open"
	RoundPassed    = "passed"    // enough agreed, and everybody with a veto
	RoundVetoed    = "vetoed"    // somebody with a veto opposed
	RoundFailed    = "failed"    // so many opposed that the quorum is out of reach
	RoundWithdrawn = "withdrawn" // taken back
	RoundLapsed    = "lapsed"    // it was about a result that another took the place of
)

// Round is one round of the counter-sign (会签). While it is open the lead rests.
type Round struct {
	N       int              `json:"n"` // from 1
	State   string           `json:"state"`
	Signers []string         `json:"signers"`
	Quorum  int              `json:"quorum"`
	Veto    []string         `json:"veto,omitempty"`
	Votes   []Vote           `json:"votes"`
	Asked   telemetry.Millis `json:"asked"`
	Decided telemetry.Millis `json:"decided,omitempty"`
}

// Vote is what one department said in a round.
type Vote struct {
	Department string            `json:"department"`
	Agrees     bool              `json:"agrees"`
	Person     identity.PersonID `json:"person,omitempty"` // empty: a desk recorded it
	At         telemetry.Millis  `json:"at"`
}

// pending are the departments that have not said anything yet.
func (r *Round) pending() []string {
	if r == nil {
		return nil
	}
	var out []string
	for _, s := range r.Signers {
		if !slices.ContainsFunc(r.Votes, func(v Vote) bool { return v.Department == s }) {
			out = append(out, s)
		}
	}
	return out
}

// count is what the votes amount to. A round does not pass before everybody with
// a veto has spoken: else the quick would take the right away from the slow.
func (r *Round) count() string {
	agreed, left, silent := 0, r.pending(), false
	for _, v := range r.Votes {
		if v.Agrees {
			agreed++
		} else if slices.Contains(r.Veto, v.Department) {
			return RoundVetoed
		}
	}
	for _, d := range left {
		silent = silent || slices.Contains(r.Veto, d)
	}
	switch {
	case agreed+len(left) < r.Quorum:
		return RoundFailed
	case agreed >= r.Quorum && !silent:
		return RoundPassed
	}
	return RoundOpen
}

// sign brings an event of the counter-sign into the case. A decided round gives
// the case back to its lead, where it was.
func (c *Case) sign(e *Event) {
	if e.Type == Cosign {
		n := 1
		if c.Round != nil {
			n = c.Round.N + 1
		}
		c.signedFrom = c.before
		c.Round = &Round{N: n, State: RoundOpen, Signers: e.Body.Signers, Quorum: e.Body.Quorum, Veto: e.Body.Veto, Votes: []Vote{}, Asked: e.At}
		return
	}
	if c.State != Cosign || c.Round == nil {
		return
	}
	if e.Type == Withdrawn {
		c.Round.State = RoundWithdrawn
	} else {
		v := Vote{Department: e.Body.Department, Agrees: e.Type == Agreed, Person: e.Person, At: e.At}
		if e.Body.Kind == Recorded {
			v.Person = ""
		}
		c.Round.Votes = append(c.Round.Votes, v)
		c.Round.State = c.Round.count()
	}
	if c.Round.State != RoundOpen {
		c.Round.Decided, c.State = e.At, c.signedFrom
	}
}

// lapse ends the worth of a counter-sign: what is handled anew is signed anew.
func (c *Case) lapse(t EventType) {
	if c.Round != nil && (t == Rework || t == Dispatched || t == Filed) && (c.Round.State == RoundOpen || c.Round.State == RoundPassed) {
		c.Round.State = RoundLapsed
	}
}

// maySign wants a department that is asked and has not answered, and somebody
// who may speak for it: one of its people, who has an order of it on this case,
// or a desk that says how it was told.
func (c *Case) maySign(who actor, cmd Command) error {
	d := signer(who, cmd)
	if !slices.Contains(c.Round.pending(), d) {
		return &RefusedError{Code: "invalid", Reason: fmt.Sprintf("department %q is not asked, or has answered: want one of %v", d, c.Round.pending())}
	}
	if !c.speaks(who, d) && !recorded(who, cmd) {
		return &RefusedError{Code: "right", Reason: "for " + d + " signs one of its people, or a desk that says why"}
	}
	return nil
}

// speaks reports whether who may sign for a department; the lead does not.
func (c *Case) speaks(who actor, department string) bool {
	if who.Person == "" || who.Person == c.Assignee {
		return false
	}
	return who.department == department || slices.ContainsFunc(c.Orders, func(o WorkOrder) bool {
		return o.Department == department && o.Assignee == who.Person
	})
}

// signer is the department for which a vote is cast.
func signer(who actor, cmd Command) string {
	if cmd.Department != "" {
		return cmd.Department
	}
	return who.department
}

// signing is who signs a case: those of the matter, and those whom the lead asks
// beside them. Without a rule everybody asked must agree.
func (m Matter) signing(asked []string) Signing {
	s := Signing{Signers: slices.Clone(m.Cosign.Signers), Quorum: m.Cosign.Quorum, Veto: m.Cosign.Veto}
	for _, d := range asked {
		if !slices.Contains(s.Signers, d) {
			s.Signers = append(s.Signers, d)
		}
	}
	if s.Quorum == 0 {
		s.Quorum = len(s.Signers)
	}
	return s
}

// unsigned reports whether the claim needs a counter-sign that has not passed.
func (m Matter) unsigned(c *Case) bool {
	return len(m.Cosign.Signers) > 0 && (c.Round == nil || c.Round.State != RoundPassed)
}
