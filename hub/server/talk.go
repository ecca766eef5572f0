package server

import (
	"context"
	"errors"
	"slices"
	"strings"

	"gridhub/devices/telemetry"
	"gridhub/hub/calls"
	"gridhub/hub/dispatch"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
	"gridhub/streams/radio"
	"gridhub/streams/talk"
)

const (
	// pulled is how many of the nearest are called to somebody who calls for
	// help.
	pulled = 3
	// centreName is who is called when no one at the centre in particular is.
	centreName = "centre"
	// maxCentre bounds how many desks ring at once.
	maxCentre = 16
)

// atCentre are the roles of those who sit at the centre.
var atCentre = []identity.Role{identity.Dispatcher, identity.CallTaker, identity.Admin}

// openTalk joins talk groups and calls for help to the machinery of calls.
func (h *Hub) openTalk(ctx context.Context) error {
	tapes, err := calls.OpenTapes(ctx, h.db)
	if err != nil {
		return err
	}
	latch, err := calls.OpenLatch(ctx, h.db)
	if err != nil {
		return err
	}
	where := callStreet{h}
	h.sos = &calls.SOSDesk{Latch: latch, Line: h.signaling, Street: where, Ended: h.sosEnded, Now: h.now, Log: h.log}
	h.radio, err = radio.New(radio.Default(), h.media, talkBook{calls.NewGroups(where, latch), h.signaling}, tapes, h.signaling.Send, h.log)
	if err != nil {
		return err
	}
	h.signaling.Accompany(radio.Prefix, h.radio)
	h.signaling.Accompany(calls.SOSPrefix, h.sos)
	h.signaling.Alias(h.callees)
	return nil
}

// talkBook is the street's groups, and where their members are reached.
type talkBook struct {
	groups *calls.Groups
	line   calls.Line
}

func (b talkBook) Devices(person string) []string { return b.line.Devices(person) }

func (b talkBook) Groups(ctx context.Context, person string) ([]radio.Group, error) {
	return b.groups.Groups(ctx, person)
}

func (b talkBook) Group(ctx context.Context, id talk.Group) (radio.Group, error) {
	return b.groups.Group(ctx, id)
}

// callees are those whom a name stands for: the centre is everybody who sits
// there now.
func (h *Hub) callees(name string) ([]string, error) {
	if name != centreName {
		return []string{name}, nil
	}
	centre, err := callStreet{h}.Centre(context.Background())
	if err != nil {
		return nil, err
	}
	var out []string
	for _, p := range centre {
		if len(h.signaling.Devices(string(p))) > 0 && len(out) < maxCentre {
			out = append(out, string(p))
		}
	}
	if len(out) == 0 {
		return nil, errors.New("nobody sits at the centre now")
	}
	return out, nil
}

// callStreet tells talk groups of the street.
type callStreet struct{ h *Hub }

func (s callStreet) Staff(ctx context.Context) ([]calls.Someone, error) {
	staff, err := s.h.staff.List(ctx)
	out := make([]calls.Someone, len(staff))
	for i, p := range staff {
		out[i] = calls.Someone{Person: talk.Person(p.ID), Department: p.Department, Grids: p.Grids}
	}
	return out, err
}

func (s callStreet) Centre(ctx context.Context) ([]talk.Person, error) {
	accounts, err := s.h.accounts.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	var out []talk.Person
	for _, a := range accounts {
		if !(identity.Principal{Roles: a.Roles}).Has(atCentre...) {
			continue
		}
		p := talk.Person(a.Person)
		if p == "" {
			p = talk.Person(a.Name)
		}
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out, nil
}

func (s callStreet) Departments() map[string]calls.Label {
	out := map[string]calls.Label{}
	for _, d := range s.h.files.Departments {
		out[d.Code] = calls.Label{ZH: d.Name.ZH, EN: d.Name.EN}
	}
	return out
}

func (s callStreet) Grids() map[string]calls.Label {
	out := map[string]calls.Label{}
	for _, g := range s.h.files.Grids.All() {
		out[g.Code] = calls.Label{ZH: g.NameZH, EN: g.NameEN}
	}
	return out
}

func (s callStreet) Case(ctx context.Context, id identity.CaseID) (calls.CaseGroup, error) {
	c, _, err := s.h.pool.Get(ctx, id)
	if err != nil {
		return calls.CaseGroup{}, err
	}
	out := calls.CaseGroup{Label: calls.Label{ZH: c.Number + " " + c.Title, EN: c.Number + " " + c.Title}, Open: c.Open()}
	for _, p := range workers(c) {
		out.People = append(out.People, talk.Person(p))
	}
	return out, nil
}

func (s callStreet) CasesOf(ctx context.Context, person talk.Person) ([]identity.CaseID, error) {
	open, err := s.h.pool.List(ctx, tasks.Filter{Open: true, Limit: 10_000})
	var out []identity.CaseID
	for _, c := range open {
		if slices.Contains(workers(c), identity.PersonID(person)) {
			out = append(out, c.ID)
		}
	}
	return out, err
}

// emergency latches a call for help and calls the nearest to it. What cannot be
// done here is said and does not hold up the case, which stands already.
func (h *Hub) emergency(ctx context.Context, who identity.Principal, c tasks.Case) {
	if h.sos == nil {
		return
	}
	s := calls.SOS{Case: c.ID, Person: talk.Person(who.Person), Title: c.Title, Place: c.Place, At: c.Reported, Pulled: []calls.Pull{}}
	near, err := dispatch.New(dispatch.Default(), h.pool, roster{h}, h.files.Roads, h.now).Candidates(ctx, c.ID)
	if err != nil {
		h.log.Error("nobody is near a call for help", "task", c.ID, "error", err)
	}
	for _, p := range near {
		if p.Excluded == "" && p.Person != who.Person && len(s.Pulled) < pulled {
			s.Pulled = append(s.Pulled, calls.Pull{Person: talk.Person(p.Person), Distance: p.Distance, ETA: p.ETA})
		}
	}
	if err := h.sos.Raise(ctx, s); err != nil {
		h.log.Error("a call for help is not latched", "task", c.ID, "error", err)
	}
}

// sosEnded writes the end of a call for help on its case.
func (h *Hub) sosEnded(ctx context.Context, s calls.SOS) error {
	_, err := h.pool.Add(ctx, s.Case, "sos-ended/"+string(s.Case), tasks.Event{Type: tasks.Noted, At: s.Ended, Server: telemetry.At(h.now()), By: s.By,
		Why: strings.TrimSpace("求助由指挥中心结束 call for help ended by the centre: " + s.Reason), Body: tasks.Body{Kind: "sos-ended"}})
	return err
}
