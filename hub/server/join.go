package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/broker"
	"gridhub/hub/dispatch"
	"gridhub/hub/evidence"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/intake"
	"gridhub/hub/live"
	"gridhub/hub/people"
	"gridhub/hub/registry"
	"gridhub/hub/rules"
	"gridhub/hub/tasks"
)

// authority lets the broker ask the registry.
type authority struct {
	registry *registry.Registry
	barred   func(context.Context, devices.ID) (bool, error) // whose person may not sign in any more
}

func (a authority) Authenticate(ctx context.Context, c broker.Credentials) (broker.Principal, error) {
	p, err := a.who(ctx, c)
	if err != nil {
		return broker.Principal{}, err
	}
	if barred, err := a.barred(ctx, p.ID); err != nil || barred {
		return broker.Principal{}, errors.Join(err, people.ErrDisabled)
	}
	return broker.Principal{ID: p.ID, Kind: p.Kind, Convention: p.Convention, Foreign: p.Foreign}, nil
}

// who goes by the certificate, where there is one; else by the secret.
func (a authority) who(ctx context.Context, c broker.Credentials) (registry.Principal, error) {
	if c.CertCN == "" {
		return a.registry.Authenticate(c.Username, c.Password)
	}
	p, err := a.registry.Certificate(ctx, c.CertCN, c.CertSerial)
	if errors.Is(err, registry.ErrStore) {
		err = fmt.Errorf("%w: %w", broker.ErrUnavailable, err)
	}
	return p, err
}

// sink brings publishes from the broker to the intake, and calls to signaling.
type sink struct{ h *Hub }

func (s sink) Accept(m *broker.Message, ack broker.Ack) {
	if m.Kind == wire.Call {
		ack.Done(nil)
		s.h.call(m.From, m.Payload)
		return
	}
	topic := m.Below
	if m.Refused != "" {
		topic = m.Topic
	}
	s.h.intake.Accept(intake.Raw{At: telemetry.At(m.At), From: m.From, Topic: topic, Payload: m.Payload, QoS: m.QoS,
		Retain: m.Retain, Will: m.Will, Refused: m.Refused}, ack.Done)
}

func (h *Hub) call(from devices.ID, payload []byte) {
	who, ok := h.registry.Person(from)
	if !ok {
		h.log.Warn("a device that is bound to nobody tried to call", "device", from)
		return
	}
	h.signaling.Handle(string(who), string(from), slices.Clone(payload))
}

// outbox carries call messages to terminals.
type outbox struct{ h *Hub }

func (o outbox) Send(to string, payload []byte) error {
	return o.h.broker.Send(devices.ID(to), wire.Call, payload, 1)
}

// acknowledge tells a gateway what is durable here.
func (h *Hub) acknowledge(to devices.ID, payload []byte) {
	if err := h.broker.Send(to, wire.Ack, payload, 0); err != nil && !errors.Is(err, broker.ErrNoSession) {
		h.log.Debug("an acknowledgement was not delivered; it is repeated", "device", to, "error", err)
	}
}

// settle is how long a client gets to subscribe before it is told what it
// missed.
const settle = time.Second

// presence follows connections: people on the board, calls, and what gateways
// want to know first.
func (h *Hub) presence(id devices.ID, online bool, _ time.Time, cause string) {
	h.log.Debug("presence", "device", id, "online", online, "cause", cause)
	if who, ok := h.registry.Person(id); ok {
		h.board.Presence(who, h.online(who))
		if online {
			h.signaling.Connected(string(who), string(id))
		} else {
			h.signaling.Gone(string(who), string(id))
		}
		return
	}
	if online {
		time.AfterFunc(settle, func() {
			h.repeatAcks(id)
			h.greet(id)
			h.repeatKeys(id)
			h.commands.Greet(id)
		})
	}
}

func (h *Hub) online(who identity.PersonID) bool {
	return slices.ContainsFunc(h.registry.Terminals(who), h.broker.Connected)
}

func (h *Hub) repeatAcks(id devices.ID) {
	for _, a := range h.intake.Acks(id) {
		a.Now = telemetry.At(h.now())
		payload, err := json.Marshal(a)
		if err != nil {
			h.log.Error("an acknowledgement cannot be written", "device", id, "error", err)
			continue
		}
		h.acknowledge(id, payload)
	}
}

func (h *Hub) refused(r broker.Refusal) {
	h.strangers.note(r)
	h.log.Warn("refused", "device", r.ID, "remote", r.Remote, "what", r.What, "detail", r.Detail, "cause", r.Cause)
}

// caseChanged tells the screens and the terminals of those who have a part.
func (h *Hub) caseChanged(c tasks.Case) {
	h.board.Publish(c)
	h.atWork(c)
	h.wake(c)
	if c.State == tasks.Archived {
		h.archive.Archived(c.ID)
	}
}

func wakePayload(w wire.Wake) []byte {
	b, err := json.Marshal(w)
	if err != nil {
		panic(err) // plain values
	}
	return b
}

func (h *Hub) hazardChanged(z rules.Hazard) {
	open := z.ID
	if z.Cleared != 0 {
		open = ""
	}
	h.board.Hazard(z.Device, open)
	h.board.Publish(z)
}

// refill brings the board back after a start.
func (h *Hub) refill(ctx context.Context, s screen) error {
	for _, p := range h.registry.List() {
		h.showSpeaker(p)
	}
	on := map[identity.PersonID]bool{}
	for _, id := range h.staff.Now(h.now()) {
		on[id] = true
		h.board.Duty(id, true)
	}
	if err := s.refill(ctx, h.history, func(id identity.PersonID) bool { return on[id] }); err != nil {
		return fmt.Errorf("newest values: %w", err)
	}
	open, err := h.pool.List(ctx, tasks.Filter{Open: true, Limit: 10_000})
	if err != nil {
		return err
	}
	for _, c := range open {
		for _, who := range workers(c) {
			h.board.Work(who, c.ID)
		}
	}
	hazards, err := h.book.List(ctx, true, 10_000)
	for _, z := range hazards {
		h.board.Hazard(z.Device, z.ID)
	}
	return err
}

// registerSpeakers tells the intake which identities speak for themselves.
func (h *Hub) registerSpeakers(ctx context.Context) {
	var r intake.Registration
	for _, p := range h.registry.List() {
		if p.Revoked == 0 {
			r.Set = append(r.Set, registered(p))
		}
	}
	if len(r.Set) == 0 {
		return
	}
	if err := h.intake.Register(ctx, telemetry.At(h.now()), r); err != nil {
		h.log.Error("the devices could not be told to the intake", "error", err)
	}
}

// showSpeaker puts a sensor on the screens that no gateway's inventory names.
func (h *Hub) showSpeaker(p registry.Principal) {
	if p.Kind == devices.Sensor && p.Revoked == 0 {
		h.board.Describe("", wire.Entry{ID: p.ID, Name: p.Label, Kind: p.Profile})
		h.screen().attend(p.ID)
	}
}

func registered(p registry.Principal) intake.Registered {
	kind := p.Profile
	if p.Kind == devices.Terminal {
		kind = ""
	}
	return intake.Registered{ID: p.ID, Kind: kind, Convention: p.Convention, Speaks: p.Convention != "" && p.Kind == devices.Gateway}
}

// terminals binds handhelds and tells the intake of them before they speak.
type terminals struct{ h *Hub }

func (t terminals) Bind(ctx context.Context, who identity.PersonID, known devices.ID, label string) (devices.ID, string, error) {
	id, secret, err := t.h.registry.Bind(ctx, who, known, label)
	if err != nil {
		return "", "", err
	}
	return id, secret, t.h.register(ctx, id)
}

func (h *Hub) register(ctx context.Context, id devices.ID) error {
	p, _ := h.registry.Get(id)
	h.showSpeaker(p)
	return h.intake.Register(ctx, telemetry.At(h.now()), intake.Registration{Set: []intake.Registered{registered(p)}})
}

// intakeDesk is the pool as the API sees it: a report without a place, such as
// an SOS from a phone that has no fix, gets the best that is known. The report of
// an SOS is known by its press, not by its own id: the event has it too.
type intakeDesk struct {
	*tasks.Pool
	h *Hub
}

func (d intakeDesk) Report(ctx context.Context, who identity.Principal, r tasks.Report) (tasks.Case, error) {
	if isSOS(who, r) {
		r.ID = sosReport(string(who.Person), r.At)
	}
	if !r.Place.Valid() {
		r.Place = d.h.whereabouts(who.Person)
	}
	if r.Grid == "" {
		r.Grid = d.h.screen().gridAt(r.Place)
	}
	c, err := d.Pool.Report(ctx, who, r)
	if err == nil && r.Source == tasks.SOS {
		d.h.emergency(ctx, who, c)
	}
	for _, hash := range r.Evidence {
		if err == nil {
			c, err = d.h.look(ctx, c, hash)
		}
	}
	return c, err
}

// Do takes a step, and looks at the photo that it may have brought.
func (d intakeDesk) Do(ctx context.Context, who identity.Principal, cmd tasks.Command) (tasks.Case, error) {
	cmd, err := d.h.instead(cmd)
	if err != nil {
		return tasks.Case{}, err
	}
	c, err := d.Pool.Do(ctx, who, cmd)
	if err != nil || cmd.Type != tasks.Evidence {
		return c, err
	}
	return d.h.look(ctx, c, cmd.Evidence)
}

// look notes on a case when one of its photos was used before. A repeat, such
// as that of a client which got no answer, notes nothing twice.
func (h *Hub) look(ctx context.Context, c tasks.Case, hash string) (tasks.Case, error) {
	earlier, err := h.evidence.Reused(ctx, hash, c.ID)
	if errors.Is(err, evidence.ErrNotFound) || err == nil && earlier == nil {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	why := "此照片与先前的证据相同或相似 this photo was used before"
	if earlier.Case != "" {
		why += ": " + string(earlier.Case)
	}
	return h.pool.Add(ctx, c.ID, "reused/"+hash, tasks.Event{Type: tasks.Noted, At: telemetry.At(h.now()), Why: why,
		Body: tasks.Body{Kind: tasks.ReusedPhoto, Evidence: earlier.Hash}})
}

// whereabouts is the newest position of a person, else the street's centre.
func (h *Hub) whereabouts(who identity.PersonID) geo.Point {
	for _, p := range h.board.People() {
		if p.ID == who && p.Position != nil {
			return *p.Position
		}
	}
	return h.files.Info.Center
}

// desk is the staff with the board told of duty.
type desk struct {
	*people.Directory
	board *live.Board
}

func (d desk) SetDuty(ctx context.Context, id identity.PersonID, on bool, at telemetry.Millis) error {
	if err := d.Directory.SetDuty(ctx, id, on, at); err != nil {
		return err
	}
	d.board.Duty(id, on)
	return nil
}

// roster tells dispatch of everybody.
type roster struct{ h *Hub }

func (r roster) Everybody(ctx context.Context) ([]dispatch.Someone, error) {
	staff, err := r.h.staff.List(ctx)
	if err != nil {
		return nil, err
	}
	open, err := r.h.pool.List(ctx, tasks.Filter{Open: true, Limit: 10_000})
	if err != nil {
		return nil, err
	}
	busy := map[identity.PersonID]int{}
	for _, c := range open {
		for _, who := range workers(c) {
			busy[who]++
		}
	}
	now := map[identity.PersonID]live.PersonState{}
	for _, p := range r.h.board.People() {
		now[p.ID] = p
	}
	out := make([]dispatch.Someone, len(staff))
	for i, s := range staff {
		p := now[s.ID]
		out[i] = dispatch.Someone{ID: s.ID, Force: string(s.Force), Department: s.Department, Grids: s.Grids, Skills: s.Skills,
			OnDuty: p.OnDuty, Position: p.Position, FixAt: p.At, Open: busy[s.ID]}
		if a, absent := r.h.staff.Absent(s.ID, telemetry.At(r.h.now())); absent {
			out[i].Absent = a.Reason
		}
	}
	return out, nil
}

// phonebook says who can be called, and where.
type phonebook struct{ h *Hub }

func (b phonebook) Devices(person string) []string {
	var out []string
	for _, id := range b.h.registry.Terminals(identity.PersonID(person)) {
		if b.h.broker.Connected(id) {
			out = append(out, string(id))
		}
	}
	return out
}

// Permit lets the street's own people call one another. Who is not of the
// staff is reached under the account's name, at a desk.
func (b phonebook) Permit(_, to, _ string) error {
	if _, err := b.h.staff.Person(context.Background(), identity.PersonID(to)); err == nil {
		return nil
	}
	accounts, err := b.h.accounts.Accounts(context.Background())
	if err != nil {
		return err
	}
	if slices.ContainsFunc(accounts, func(a people.Account) bool { return a.Name == to }) {
		return nil
	}
	return fmt.Errorf("nobody here is called %q", to)
}

// caption gives a photo's watermark its lines about who, which case, which grid.
func (h *Hub) caption(ctx context.Context, m evidence.Meta) []string {
	var out []string
	if s, err := h.staff.Person(ctx, m.By); err == nil {
		out = append(out, s.Label.ZH+" "+string(s.ID))
	}
	if c, _, err := h.pool.Get(ctx, m.Case); m.Case != "" && err == nil {
		out = append(out, "案件 "+c.Number+" "+c.Title)
	}
	if m.Place != nil {
		if code := h.screen().gridAt(*m.Place); code != "" {
			out = append(out, "网格 "+code)
		}
	}
	return out
}
