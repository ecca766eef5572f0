package residents

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/netip"
	"slices"
	"time"
	"unicode/utf8"

	"gridhub/devices/telemetry"
	"gridhub/hub/alike"
	"gridhub/hub/evidence"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/people"
	"gridhub/hub/tasks"
)

// Following is what who has a code reads of a case. It names no person.
type Following struct {
	Number   string           `json:"number" doc:"said on the phone"`
	Service  string           `json:"service"`
	Name     people.Name      `json:"name"`
	Said     string           `json:"said,omitempty" doc:"the own words; empty for who follows another's report"`
	Follows  bool             `json:"follows,omitempty" doc:"somebody else reported it first"`
	Grid     string           `json:"grid,omitempty"`
	Stage    string           `json:"stage" enum:"received,verifying,queued,sent,working,paused,checking,done,declined,void"`
	Reason   string           `json:"reason,omitempty" doc:"why it was declined"`
	Reported telemetry.Millis `json:"reported"`
	Expected telemetry.Millis `json:"expected,omitempty" doc:"when the step under way is due"`
	Steps    []Milestone      `json:"steps"`
	Photos   []string         `json:"photos" doc:"own ones"`
	Finished []string         `json:"finished" doc:"photos of the finished work"`

	MayRate     bool             `json:"may_rate,omitempty"`
	Rated       string           `json:"rated,omitempty" enum:"satisfied,unsatisfied"`
	ReopenUntil telemetry.Millis `json:"reopen_until,omitempty" doc:"it may be opened again until then"`
}

// Milestone is one thing that was done, without who did it.
type Milestone struct {
	Step       string           `json:"step" enum:"received,verifying,verified,accepted,declined,sent,coming,there,paused,resumed,finished,again,done,reopened,merged,void"`
	At         telemetry.Millis `json:"at"`
	Department *people.Name     `json:"department,omitempty" doc:"to whom it was sent"`
}

// Follow tells what became of a code's case. Errors: tasks.ErrNotFound,
// *LimitedError, *tasks.RefusedError with the code code.
func (d *Desk) Follow(ctx context.Context, from netip.Prefix, code string) (Following, error) {
	if wait, ok := d.limits.reads.Take(from); !ok {
		return Following{}, &LimitedError{wait}
	}
	t, err := d.find(ctx, from, code, d.limits.code)
	if err != nil {
		return Following{}, err
	}
	return d.progress(ctx, t)
}

func (d *Desk) progress(ctx context.Context, t ticket) (Following, error) {
	own, c, events, err := d.cases(ctx, t)
	if err != nil {
		return Following{}, err
	}
	p := d.Tell(c, events)
	p.Number, p.Reported, p.Follows = own.Number, own.Reported, t.follows
	if t.follows {
		p.Reason = ""
	} else if own.ID == c.ID {
		p.Said = events[0].Body.Text
	}
	if p.Photos, err = d.photos(ctx, t); err != nil {
		return p, err
	}
	p.Rated = []string{"", Satisfied, Unsatisfied}[t.rated]
	p.MayRate = p.Stage == "done" && t.rated == 0
	return p, nil
}

// cases are the case of a code and the one it was merged into, if it was.
func (d *Desk) cases(ctx context.Context, t ticket) (own, c tasks.Case, events []tasks.Event, err error) {
	own, events, err = d.pool.Get(ctx, t.of)
	if c = own; err == nil && own.Into != "" {
		c, events, err = d.pool.Get(ctx, own.Into)
	}
	return own, c, events, err
}

// Tell says what becomes of a case in what the public may read of it; the photos
// are those of the finished work, once it was checked.
func (d *Desk) Tell(c tasks.Case, events []tasks.Event) Following {
	p := Following{Number: c.Number, Service: c.Matter, Name: d.name(c.Matter), Grid: c.Grid, Stage: stages[c.State], Reported: c.Reported,
		Expected: expected(c), Steps: d.steps(events), Photos: []string{}, Finished: []string{}}
	if p.Stage == "" {
		p.Stage = "working"
	}
	if until, err := tasks.MayReopen(c, events, d.now()); err == nil {
		p.ReopenUntil = until
	}
	for _, e := range events {
		switch {
		case p.Stage == "done" && e.Type == tasks.Evidence && e.Body.Kind == "photo-after":
			p.Finished = append(p.Finished, e.Body.Evidence)
		case p.Stage == "declined" && e.Type == tasks.Rejected:
			p.Reason = e.Why
		}
	}
	return p
}

func (d *Desk) name(matter string) people.Name {
	for _, m := range d.pool.Matters() {
		if m.Code == matter {
			return m.Name
		}
	}
	return people.Name{ZH: matter, EN: matter}
}

var stages = map[tasks.EventType]string{
	tasks.Reported: "received", tasks.Screened: "received", tasks.Verifying: "verifying", tasks.Verified: "queued", tasks.Filed: "queued",
	tasks.Returned: "queued", tasks.Upheld: "queued", tasks.Dispatched: "sent", tasks.Suspended: "paused", tasks.Claimed: "checking",
	tasks.Checked: "checking", tasks.Closed: "done", tasks.Archived: "done", tasks.Rejected: "declined", tasks.Voided: "void",
}

// plainly are the steps that people are told of.
var plainly = map[tasks.EventType]string{
	tasks.Reported: "received", tasks.Verifying: "verifying", tasks.Verified: "verified", tasks.Filed: "accepted", tasks.Rejected: "declined",
	tasks.Dispatched: "sent", tasks.Enroute: "coming", tasks.Onscene: "there", tasks.Suspended: "paused", tasks.Resumed: "resumed",
	tasks.Claimed: "finished", tasks.Rework: "again", tasks.Closed: "done", tasks.Voided: "void",
}

func (d *Desk) steps(events []tasks.Event) []Milestone {
	out := []Milestone{}
	closed := false
	for _, e := range events {
		said := Milestone{Step: plainly[e.Type], At: e.At}
		switch {
		case said.Step == "":
			continue
		case e.Type == tasks.Filed && closed:
			said.Step, closed = "reopened", false
		case e.Type == tasks.Closed:
			closed = true
		case e.Type == tasks.Dispatched:
			name := d.o.Department(e.Body.Department)
			said.Department = &name
		}
		if n := len(out); n > 0 && out[n-1].Step == said.Step && said.Step != "sent" {
			continue // the same again says nothing new
		}
		out = append(out, said)
	}
	return out
}

// expected is when the step under way is due: the handling once it runs, else
// what runs out last.
func expected(c tasks.Case) (due telemetry.Millis) {
	if !c.Open() || c.State == tasks.Suspended {
		return 0
	}
	for _, k := range c.Clocks {
		switch {
		case k.Stopped != 0:
		case k.Name == "handle":
			return k.Due
		default:
			due = max(due, k.Due)
		}
	}
	return due
}

// shown reports whether the public may know of a case at all.
func (d *Desk) shown(c tasks.Case) bool {
	_, public := d.public[c.Matter]
	return public && c.State != tasks.Voided
}

// Photo opens a photo that a code's holder may see: an own one as a small
// picture, one of the finished work with the street's mark. The caller closes
// it. Errors as of Follow.
func (d *Desk) Photo(ctx context.Context, from netip.Prefix, code, hash string) (io.ReadSeekCloser, error) {
	if wait, ok := d.limits.reads.Take(from); !ok {
		return nil, &LimitedError{wait}
	}
	t, err := d.find(ctx, from, code, d.limits.code)
	if err != nil {
		return nil, err
	}
	p, err := d.progress(ctx, t)
	if err != nil {
		return nil, err
	}
	return d.Show(ctx, p, hash)
}

// Show opens one of the photos that a progress names.
func (d *Desk) Show(ctx context.Context, p Following, hash string) (io.ReadSeekCloser, error) {
	var f io.ReadSeekCloser
	err := error(tasks.ErrNotFound)
	switch {
	case slices.Contains(p.Photos, hash):
		f, _, err = d.evidence.Open(ctx, hash, evidence.Thumb)
	case slices.Contains(p.Finished, hash):
		f, err = d.evidence.Public(ctx, hash, []string{d.o.Street + " · " + p.Number})
	}
	if errors.Is(err, evidence.ErrNotFound) {
		err = tasks.ErrNotFound
	}
	return f, err
}

// Rate keeps whether the holder of a code finds it in order now, once. Errors as
// of Follow; *tasks.RefusedError with the code state when it is not done yet.
func (d *Desk) Rate(ctx context.Context, from netip.Prefix, code string, satisfied bool, words string) (Following, error) {
	t, err := d.find(ctx, from, code, d.limits.deeds)
	if err != nil {
		return Following{}, err
	}
	_, c, _, err := d.cases(ctx, t)
	if err != nil {
		return Following{}, err
	}
	words = Plain(words)
	switch {
	case stages[c.State] != "done":
		return Following{}, refuse("state", "it is not done yet")
	case utf8.RuneCountInString(words) > MaxWords:
		return Following{}, refuse("words", "too many words")
	}
	kind, rated := Satisfied, 1
	if !satisfied {
		kind, rated = Unsatisfied, 2
	}
	if first, err := d.rate(ctx, t, rated); err != nil || !first {
		if err == nil {
			return d.progress(ctx, ticket{t.hash, t.of, t.follows, cmp.Or(t.rated, rated)})
		}
		return Following{}, err
	}
	if _, err := d.pool.Add(ctx, c.ID, "rating-"+t.hash[:32], tasks.Event{Type: tasks.Noted, At: d.now(), By: resident.Account,
		Body: tasks.Body{Kind: kind, Text: words}}); err != nil {
		return Following{}, err
	}
	t.rated = rated
	return d.progress(ctx, t)
}

// Reopen files a closed case again in the words of a code's holder. id makes a
// repeat harmless. Errors as of Follow; *tasks.RefusedError with the code state
// when it cannot be.
func (d *Desk) Reopen(ctx context.Context, from netip.Prefix, code, id, words string) (Following, error) {
	t, err := d.find(ctx, from, code, d.limits.deeds)
	if err != nil {
		return Following{}, err
	}
	words = Plain(words)
	if n := utf8.RuneCountInString(words); n < 1 || n > MaxWords {
		return Following{}, refuse("words", "say what is not in order")
	}
	if _, err := d.pool.Reopen(ctx, t.of, "reopen-"+t.hash[:16]+id, words); err != nil {
		return Following{}, err
	}
	return d.progress(ctx, t)
}

// Nearby is an open report of the same kind close to a place: enough to know it
// again, too little to learn who said what where.
type Nearby struct {
	Case   identity.CaseID  `json:"case" doc:"for same_as"`
	Name   people.Name      `json:"name"`
	Within int              `json:"within_m" doc:"100 or 300"`
	Day    telemetry.Millis `json:"day" doc:"start of the day on which it was reported"`
	Stage  string           `json:"stage"`
}

// Nearby lists at most three. Words are not compared: who asks with many texts
// must not learn what others wrote.
func (d *Desk) Nearby(ctx context.Context, from netip.Prefix, service string, at geo.Point) ([]Nearby, error) {
	if wait, ok := d.limits.reads.Take(from); !ok {
		return nil, &LimitedError{wait}
	}
	out := []Nearby{}
	if _, inside := d.o.Grid(at); d.public[service].Code == "" || !at.Valid() || !inside {
		return out, nil
	}
	found, err := d.similar.About(ctx, service, at)
	if err != nil {
		return nil, err
	}
	for _, m := range found {
		c, _, err := d.pool.Get(ctx, m.Case)
		if err != nil {
			return nil, err
		}
		if m.Kind == alike.Duplicate && c.Matter == service && c.Open() && d.shown(c) && len(out) < 3 {
			out = append(out, Nearby{Case: c.ID, Name: d.public[service].Name, Within: coarse(m.Distance), Day: d.day(c.Reported), Stage: d.Tell(c, nil).Stage})
		}
	}
	return out, nil
}

func coarse(m geo.Metres) int {
	if m <= 100 {
		return 100
	}
	return 300
}

// day is the midnight before a time, where the street is.
func (d *Desk) day(at telemetry.Millis) telemetry.Millis {
	t := at.Time().In(d.o.Zone)
	return telemetry.At(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location()))
}
