package tasks

import "gridhub/hub/people"

// LimitKind says which hours a limit counts.
type LimitKind string

// The limit kinds; 紧急时 never pauses, the others pause while a case is suspended.
const (
	Emergency     LimitKind = "emergency"      // 紧急时: round the clock
	WorkingHours  LimitKind = "working-hours"  // 工作时
	WorkingDays   LimitKind = "working-days"   // 工作日
	CalendarHours LimitKind = "calendar-hours" // 日历时
	CalendarDays  LimitKind = "calendar-days"  // 日历日
	ByPlan        LimitKind = "plan"           // the plan or resolution names the day
)

// Signing says who counter-signs (会签) a result before it is claimed.
type Signing struct {
	Signers []string `json:"signers" yaml:"signers"`     // departments that are asked
	Quorum  int      `json:"quorum" yaml:"quorum"`       // how many of them must agree
	Veto    []string `json:"veto,omitempty" yaml:"veto"` // of the signers: those without whom it does not pass
}

// Limit is one clock of a matter: it starts at the event From and runs Value
// hours, days or minutes as Kind says; When narrows it (severity or form field).
// One from ordered or taken is a clock of each co-handler's order.
type Limit struct {
	Name  string    `json:"name" yaml:"name"` // arrive, handle, check, …
	From  EventType `json:"from" yaml:"from"`
	Until EventType `json:"until" yaml:"until"`
	Kind  LimitKind `json:"kind" yaml:"kind"`
	Value string    `json:"value" yaml:"value"` // 20m, 4h, 2d
	When  string    `json:"when,omitempty" yaml:"when"`
}

// Proof is one piece of evidence that a matter demands before a step.
type Proof struct {
	Kind   string    `json:"kind" yaml:"kind"`     // photo-before, photo-after, signature, document, video, checklist, callback, tag, reading
	Before EventType `json:"before" yaml:"before"` // the step that is refused without it
}

// Matter is one of the standardised matters, a file in configs/matters.
type Matter struct {
	Code     string      `json:"code" yaml:"code"`
	Name     people.Name `json:"name" yaml:"name"`
	Domain   string      `json:"domain" yaml:"domain"` // urban, governance, environment, safety
	GBClass  string      `json:"gb_class" yaml:"gb_class"`
	Lead     string      `json:"lead" yaml:"lead"`
	With     []string    `json:"with" yaml:"with"`
	Must     []string    `json:"must,omitempty" yaml:"must"`     // of With: ordered at the first dispatch, and the check waits for them
	Cosign   Signing     `json:"cosign,omitzero" yaml:"cosign"`  // what the claim needs first; without signers: nothing
	Review   []string    `json:"review,omitempty" yaml:"review"` // sources whose cases are not simply returned: an objection is reviewed
	Limits   []Limit     `json:"limits" yaml:"limits"`
	Evidence []Proof     `json:"evidence" yaml:"evidence"`
	Auto     []EventType `json:"auto" yaml:"auto"` // steps that the hub takes by itself: screened, filed
	Privacy  string      `json:"privacy" yaml:"privacy"`
	Open311  string      `json:"open311" yaml:"open311"`
	Keywords []string    `json:"keywords" yaml:"keywords"`
	Source   string      `json:"source" yaml:"source"` // where the limits come from
	// Recording says which calls about a case are recorded: always (also where
	// nothing is said), on-demand or never.
	Recording string `json:"recording,omitempty" yaml:"recording"`
}
