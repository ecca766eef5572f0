package signaling

import (
	"context"
	"maps"
	"slices"
	"time"

	"gridhub/streams/call"
	"gridhub/streams/sfu"
)

// runnerQueue is how many orders one call may have waiting. A device that
// overfills it is told to try again; the server's own orders wait.
const runnerQueue = 64

// runner owns one live call: it alone touches the state, keeps its deadlines
// and carries out what its events mean.
type runner struct {
	service *Service
	id      call.ID
	caller  call.Person
	mode    call.Mode
	room    *sfu.Room
	inbox   chan order
	done    chan struct{} // closed when the call is over

	// owned by run
	call    *call.Call
	ringing map[member]bool     // devices that said it rings there
	members map[member]sfu.Gate // what the room was told
}

// member is one device of one person in a call.
type member struct {
	person call.Person
	device string
}

// order is one thing to do about a call.
type order struct {
	cmd    call.Command
	begun  []call.Event // instead of cmd: the invitation that made the call
	show   bool         // instead of cmd: tell device how things stand
	person call.Person
	device string // who gets the reply; empty: nobody
	re     request
}

func newRunner(s *Service, c *call.Call, room *sfu.Room) *runner {
	return &runner{
		service: s, id: c.ID, caller: c.Caller, mode: c.Invite.Mode, room: room, call: c,
		inbox: make(chan order, runnerQueue), done: make(chan struct{}),
		ringing: map[member]bool{}, members: map[member]sfu.Gate{},
	}
}

// offer queues an order of a device, or fails.
func (r *runner) offer(o order) error {
	select {
	case <-r.done:
		return errUnknown
	default:
	}
	select {
	case r.inbox <- o:
		return nil
	default:
		return errBusy
	}
}

// send queues an order of the server, and waits where the queue is full.
func (r *runner) send(o order) {
	select {
	case r.inbox <- o:
	case <-r.done:
	case <-r.service.stop:
	}
}

func (r *runner) run() {
	defer r.room.Close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for r.call.Phase != call.Ended {
		select {
		case <-r.service.stop:
			return
		case o := <-r.inbox:
			r.carryOut(o)
		case now := <-timer.C:
			r.happened(r.call.Expire(now), order{})
		}
		if next, ok := r.call.Next(); ok {
			timer.Reset(time.Until(next))
		}
	}
	r.room.Close() // before the call's name may be used again
	r.service.forget(r, r.call)
	close(r.done)
	r.refuseRest()
}

// refuseRest answers what was still queued when the call ended.
func (r *runner) refuseRest() {
	for {
		select {
		case o := <-r.inbox:
			if o.device != "" && !o.show {
				r.service.deliver(o.device, failure(o.re, errUnknown))
			}
		default:
			return
		}
	}
}

func (r *runner) carryOut(o order) {
	switch {
	case o.show:
		r.tell(member{o.person, o.device}, reply{})
	case o.begun != nil:
		r.happened(o.begun, o)
		r.refuseForBusy()
	default:
		events, err := r.call.Apply(o.cmd, time.Now())
		if err == nil {
			r.noteRinging(o.cmd)
		}
		r.happened(events, o)
		if o.device == "" {
			return
		}
		if err != nil {
			r.service.deliver(o.device, failure(o.re, err))
		} else if len(events) == 0 {
			r.tell(member{o.cmd.Person, o.device}, reply{Re: o.re.Seq})
		}
	}
}

// noteRinging admits a device to the room, gates closed, so that media is
// negotiated while it rings and sound follows the answer at once.
func (r *runner) noteRinging(c call.Command) {
	if c.Verb == call.DoRing && len(r.ringing) < 4*call.MaxCallees {
		r.ringing[member{c.Person, c.Device}] = true
	}
}

// refuseForBusy answers for callees who talk in another call. An emergency
// rings all the same.
func (r *runner) refuseForBusy() {
	if r.call.Invite.Priority == call.Emergency {
		return
	}
	for _, p := range r.call.Invite.Callees {
		if r.call.Phase != call.Ended && r.service.engaged(p, r) {
			events, _ := r.call.Apply(call.Command{Verb: call.DoBusy, Person: p, Reason: "in another call"}, time.Now())
			r.happened(events, order{})
		}
	}
}

// happened stores the events, lets them act on the media, and tells everybody
// they concern.
func (r *runner) happened(events []call.Event, o order) {
	for _, e := range events {
		r.record(e)
	}
	r.gates()
	if len(events) == 0 {
		return
	}
	r.service.mu.Lock()
	r.service.index(r, r.call)
	r.service.mu.Unlock()
	last := events[len(events)-1]
	for _, m := range r.concerned(events) {
		news := reply{Event: &last}
		if m.device == o.device {
			news.Re = o.re.Seq
		}
		r.tell(m, news)
	}
}

// record stores one event. A store that fails must not end a conversation:
// it is logged for somebody to act on, and the call goes on.
func (r *runner) record(e call.Event) {
	ctx, cancel := context.WithTimeout(context.Background(), recordWithin)
	defer cancel()
	if err := r.service.store.Record(ctx, e); err != nil {
		r.service.log.Error("call event not stored", "call", r.id, "task", e.Task, "event", e.Kind, "number", e.Number, "err", err)
		return
	}
	r.service.log.Info("call", "call", r.id, "task", e.Task, "event", e.Kind, "person", e.Person, "reason", e.Reason)
}

// gates makes the room what the call says: who is in it, who is heard.
func (r *runner) gates() {
	want := r.wanted()
	for m := range r.members {
		if _, stays := want[m]; !stays {
			r.room.Leave(m.id())
			delete(r.members, m)
		}
	}
	for m, gate := range want {
		now, known := r.members[m]
		if known && now == gate {
			continue
		}
		err := r.room.Join(sfu.Member{ID: m.id(), Person: string(m.person)})
		if err == nil {
			err = r.room.Gate(m.id(), gate)
		}
		if err != nil {
			r.service.log.Warn("no media", "call", r.id, "device", m.device, "err", err)
			continue
		}
		r.members[m] = gate
	}
}

func (r *runner) wanted() map[member]sfu.Gate {
	want := map[member]sfu.Gate{}
	if r.call.Phase == call.Ended {
		return want
	}
	for _, s := range r.call.Seats {
		if s.Status.Present() {
			want[member{s.Person, s.Device}] = sfu.Gate{Send: r.call.Sends(s.Person), Receive: r.call.Hears(s.Person)}
		}
	}
	for m := range r.ringing {
		if r.call.Seat(m.person).Status == call.Ringing {
			want[m] = sfu.Gate{}
		} else {
			delete(r.ringing, m)
		}
	}
	return want
}

// concerned lists the devices to be told: of all who are in the call or may
// still answer, and of those whose seat changed just now.
func (r *runner) concerned(events []call.Event) []member {
	people := map[call.Person]bool{}
	for _, e := range events {
		people[e.Person] = true
	}
	ended := events[len(events)-1].Kind == call.HasEnded
	all := map[member]bool{}
	for _, s := range r.call.Seats {
		if !s.Status.Present() && !s.Status.Pending() && !people[s.Person] && !(ended && s.Status == call.Missed) {
			continue
		}
		if s.Device != "" {
			all[member{s.Person, s.Device}] = true
		}
		for _, d := range r.service.devices(s.Person) {
			all[member{s.Person, d}] = true
		}
	}
	return slices.Collect(maps.Keys(all))
}

func (r *runner) tell(m member, news reply) {
	news.Type, news.Call = "state", r.id
	news.State = show(r.call, m.person, m.device, time.Now())
	news.State.Boot, news.State.Recording = r.service.boot, r.service.announce(r.id)
	r.service.deliver(m.device, news)
}
