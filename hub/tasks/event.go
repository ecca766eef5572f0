// Package tasks is the pool: the case as an append-only list of events, its
// state and clocks as pure functions of them, and the matters that say what is
// demanded. Sensors, patrols, the hotline and residents all report into it.
//
// It promises that a case can be proven: each event's canonical bytes carry the
// hash of the one before; personal fields enter only as salted commitments, so
// that they can be erased without breaking the chain. It leaves out who is
// nearest (dispatch), what a photo shows (evidence) and who may ask (api).
package tasks

import (
	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
)

// EventType names what happened to a case.
type EventType string

// The events. Those up to Archived are the loop 信息收集 → 综合评价; the rest
// add to a case without moving it.
const (
	Reported   EventType = "reported"   // 上报
	Screened   EventType = "screened"   // 受理
	Rejected   EventType = "rejected"   // 不予受理
	Verifying  EventType = "verifying"  // 核实: somebody looks on site whether it is so
	Verified   EventType = "verified"   // 核实属实
	Spot       EventType = "spot"       // 自处置: who found it set it right on the spot
	Filed      EventType = "filed"      // 立案
	Dispatched EventType = "dispatched" // 派遣
	Accepted   EventType = "accepted"   // 签收
	Returned   EventType = "returned"   // 回退
	Enroute    EventType = "enroute"    // 前往
	Onscene    EventType = "onscene"    // 到场
	Handling   EventType = "handling"   // 处置
	Extended   EventType = "extended"   // 延时
	Suspended  EventType = "suspended"  // 挂账
	Resumed    EventType = "resumed"    // 恢复
	Claimed    EventType = "claimed"    // 处理反馈
	Checked    EventType = "checked"    // 核查 passed
	Rework     EventType = "rework"     // 返工
	Closed     EventType = "closed"     // 结案
	Archived   EventType = "archived"   // 归档
	Voided     EventType = "voided"     // 作废
	Merged     EventType = "merged"     // 并案: into another case, see Merge
	Unmerged   EventType = "unmerged"   // the merge was undone

	Objected  EventType = "objected"  // 提出异议: the handler says that the case is another's
	Upheld    EventType = "upheld"    // 异议成立: it is, and is dispatched again
	Dismissed EventType = "dismissed" // 异议驳回: it is not, and goes on as it was
	Cosign    EventType = "cosign"    // 发起会签: a round in which departments sign the result
	Agreed    EventType = "agreed"    // 会签同意
	Opposed   EventType = "opposed"   // 会签不同意
	Withdrawn EventType = "withdrawn" // 撤回会签

	Ordered  EventType = "ordered"  // 协办派单: a co-handler's own order; again for the same order: sent once more
	Taken    EventType = "taken"    // 协办签收
	Declined EventType = "declined" // 协办退单
	Done     EventType = "done"     // 协办办结
	Waived   EventType = "waived"   // 协办免办: nobody waits for it any more

	Graded     EventType = "graded"     // 调整等级: another severity, and with it other limits
	Noted      EventType = "noted"      // a remark
	Evidence   EventType = "evidence"   // a photo, a document, a recording was added
	Called     EventType = "called"     // a step of a call bound to the case
	Joined     EventType = "joined"     // another case was merged into this one
	Parted     EventType = "parted"     // and is its own again
	Supervised EventType = "supervised" // 督办: a head or the desk wants it watched
	Escalated  EventType = "escalated"  // 升级: a limit nears or has passed, and somebody was told
	Sensed     EventType = "sensed"     // the hazard was confirmed again, or cleared, by readings
)

// SOS is the source of a case that is a person's own call for help.
const SOS = "sos"

// ReusedPhoto is the kind of a remark by which the hub says that a photo was
// used before; the remark's evidence is the earlier one.
const ReusedPhoto = "reused-photo"

// Event is one entry of a case's list. At is when it happened by the clock of
// who did it; Server is when the hub wrote it.
type Event struct {
	Case   identity.CaseID   `json:"case"`
	Seq    uint64            `json:"seq"` // from 1
	Type   EventType         `json:"type"`
	At     telemetry.Millis  `json:"at"`
	Server telemetry.Millis  `json:"server"`
	By     string            `json:"by"` // account
	Person identity.PersonID `json:"person,omitempty"`
	Place  *geo.Point        `json:"place,omitempty"`
	Why    string            `json:"why,omitempty"` // personal, unless the hub's own: committed, not contained
	Body   Body              `json:"body"`
	Hash   string            `json:"hash"` // hex SHA-256 over the canonical bytes
}

// Body holds what some events carry; absent fields are left out of the
// canonical bytes.
type Body struct {
	Number     string            `json:"number,omitempty"`
	Matter     string            `json:"matter,omitempty"`
	Source     string            `json:"source,omitempty"` // sensor, patrol, sos, hotline, resident, partner, desk
	Severity   string            `json:"severity,omitempty"`
	Grid       string            `json:"grid,omitempty"`
	Region     string            `json:"region,omitempty"` // class of the region, as limits name it
	Title      string            `json:"title,omitempty"`
	Text       string            `json:"text,omitempty"`     // personal: committed, not contained
	Reporter   string            `json:"reporter,omitempty"` // personal: committed, not contained
	Hazard     identity.HazardID `json:"hazard,omitempty"`
	Device     string            `json:"device,omitempty"`
	Metric     string            `json:"metric,omitempty"`
	Value      *float64          `json:"value,omitempty"`
	Department string            `json:"department,omitempty"`
	Assignee   identity.PersonID `json:"assignee,omitempty"`
	With       []string          `json:"with,omitempty"` // co-handling departments
	Candidates []Candidate       `json:"candidates,omitempty"`
	Evidence   string            `json:"evidence,omitempty"` // sha256 of the original
	Kind       string            `json:"kind,omitempty"`     // of evidence, of a call's step
	Call       string            `json:"call,omitempty"`
	Until      telemetry.Millis  `json:"until,omitempty"`   // extended to, suspended to
	Other      identity.CaseID   `json:"other,omitempty"`   // the other case of a merge
	Since      telemetry.Millis  `json:"since,omitempty"`   // when the joined case was reported; of an escalation: when the limit began to count
	Near       *geo.Metres       `json:"near_m,omitempty"`  // distance of the arrival from the case
	Private    map[string]string `json:"private,omitempty"` // field -> commitment, hex SHA-256(salt ‖ value)

	Order   int      `json:"order,omitempty"`   // the co-handler's order that the event is of, from 1; 0: the case, its lead
	Must    bool     `json:"must,omitempty"`    // of an order: the check waits for it
	Round   int      `json:"round,omitempty"`   // of the counter-sign, from 1
	Signers []string `json:"signers,omitempty"` // departments that are asked
	Quorum  int      `json:"quorum,omitempty"`  // how many of them must agree
	Veto    []string `json:"veto,omitempty"`    // those without whom it does not pass

	Level Level   `json:"level,omitempty"` // of an escalation: who was told, in Assignee if the street names somebody
	Share float64 `json:"share,omitempty"` // of an escalation: per cent of the limit in Kind

	Starts map[EventType]telemetry.Millis `json:"starts,omitempty"` // when the joined case's clocks began
	Rests  []Rest                         `json:"rests,omitempty"`  // when it was suspended
}

// Rest is a time in which a case was suspended.
type Rest struct {
	From telemetry.Millis `json:"from"`
	To   telemetry.Millis `json:"to"`
}

// Candidate is one person considered in a dispatch, kept with the decision.
type Candidate struct {
	Person   identity.PersonID `json:"person"`
	Distance geo.Metres        `json:"distance_m"`
	ETA      int64             `json:"eta_s"` // seconds
	Age      int64             `json:"fix_age_s"`
	Open     int               `json:"open_tasks"`
	Cost     float64           `json:"cost"`
	Reasons  []string          `json:"reasons"`            // why here: typed codes such as nearest, own-grid, skilled, free
	Excluded string            `json:"excluded,omitempty"` // why not: off-duty, no-position, stale-position, busy, wrong-department
}
