package tasks

import (
	"slices"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
)

// Clock is one limit of a case as it stands at a given moment.
type Clock struct {
	Name    string           `json:"name"`
	Kind    LimitKind        `json:"kind"`
	Until   EventType        `json:"until"` // the step that stops it
	Started telemetry.Millis `json:"started"`
	Due     telemetry.Millis `json:"due"`
	Stopped telemetry.Millis `json:"stopped,omitempty"`
	Used    float64          `json:"used"`  // share of the limit: 0.8 = yellow, 1 = overdue
	Light   string           `json:"light"` // green, yellow, red
}

// approach are the steps on the way to the work itself.
var approach = []EventType{Screened, Verified, Filed, Dispatched, Accepted, Enroute, Onscene}

// Decides reports whether the limit says if a case was finished in time. Those of
// the way there, taking in, dispatch and arrival, have figures of their own.
func (k Clock) Decides() bool { return !slices.Contains(approach, k.Until) }

// Case is what the events amount to.
type Case struct {
	ID         identity.CaseID                `json:"id"`
	Number     string                         `json:"number"` // said on the phone: 261123-042
	Rev        uint64                         `json:"rev"`    // seq of the newest event
	State      EventType                      `json:"state"`
	Matter     string                         `json:"matter"`
	Source     string                         `json:"source"`
	Severity   string                         `json:"severity"` // info, minor, major, critical
	Title      string                         `json:"title"`
	Grid       string                         `json:"grid"`
	Region     string                         `json:"region,omitempty"` // class of the region
	Place      geo.Point                      `json:"place"`
	Hazard     identity.HazardID              `json:"hazard,omitempty"`
	Device     string                         `json:"device,omitempty"`
	Department string                         `json:"department,omitempty"`
	Assignee   identity.PersonID              `json:"assignee,omitempty"`
	With       []string                       `json:"with,omitempty"`
	Reported   telemetry.Millis               `json:"reported"`
	Updated    telemetry.Millis               `json:"updated"`
	Cleared    bool                           `json:"cleared,omitempty"` // readings say that the hazard is gone
	Reworks    int                            `json:"reworks,omitempty"`
	Reused     int                            `json:"reused,omitempty"` // photos that were used before: a person should look
	Times      map[EventType]telemetry.Millis `json:"times"`            // first time of each event
	Clocks     []Clock                        `json:"clocks,omitempty"`
	Reopened   telemetry.Millis               `json:"reopened,omitempty"` // when it was opened again, the newest time; its clocks count since then
	Former     []Clock                        `json:"former,omitempty"`   // the clocks of before that, as they ended
	Evidence   []string                       `json:"evidence,omitempty"`
	Next       []EventType                    `json:"next"`              // steps that the state machine allows now
	Missing    []string                       `json:"missing,omitempty"` // evidence still demanded before the claim

	Joined []identity.CaseID `json:"joined,omitempty"` // cases merged into this one
	Into   identity.CaseID   `json:"into,omitempty"`   // the case that this one is merged into

	Orders  []WorkOrder `json:"orders,omitempty"`  // the co-handlers' own; the lead's is the case itself
	Round   *Round      `json:"cosign,omitempty"`  // the newest round of the counter-sign
	Waiting []string    `json:"waiting,omitempty"` // departments whose orders the check waits for
	Held    []Held      `json:"held,omitempty"`    // who kept the case waiting, and how long
	Passes  []Pass      `json:"passes,omitempty"`  // how it went from hand to hand

	Supervised  int          `json:"supervised,omitempty"`  // how often it was put under supervision (督办)
	Escalations []Escalation `json:"escalations,omitempty"` // who was told that a limit nears or has passed

	Marks []string `json:"-"` // whom and what it has to do with, as scopes name it, in order of appearance

	newest        map[EventType]telemetry.Millis // first time of each event since it was opened again; nil: never
	before        EventType                      // state before the newest move
	mergedFrom    EventType
	finder        identity.PersonID                    // who reported it
	own           telemetry.Millis                     // own report, before others joined
	joined        map[identity.CaseID]telemetry.Millis // their reports
	suspendedFrom EventType
	signedFrom    EventType // state in which the counter-sign was asked for
	objectedFrom  EventType
	sentBy        string // account of the newest dispatch
	settled       bool   // an objection to it was dismissed
	stays         stays
	rests         []Rest          // when it was suspended
	threads       map[int]*thread // by order; 0: the lead
	proofs        []string        // kinds of evidence so far
}
