package talk

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// snapshot is a floor as it is kept, so that its events need not be.
type snapshot struct {
	Group   Group             `json:"group"`
	Number  uint64            `json:"number"`
	Bursts  uint64            `json:"bursts"`
	Last    time.Time         `json:"last"`
	Holder  *keptBurst        `json:"holder,omitempty"`
	Queue   []keptWaiting     `json:"queue,omitempty"`
	Past    []keptBurst       `json:"past,omitempty"`
	Present []Person          `json:"present,omitempty"`
	Ears    map[Person]span   `json:"ears,omitempty"`
	Seen    map[Person]uint64 `json:"seen,omitempty"`
}

type keptBurst struct {
	Burst
	Granted time.Time
}

type keptWaiting struct {
	Waiting
	Sequence uint64
}

type span struct{ From, Upto uint64 }

// Snapshot is the floor as bytes, from which Resume makes it again.
func (f *Floor) Snapshot() []byte {
	s := snapshot{Group: f.Group, Number: f.number, Bursts: f.bursts, Last: f.last, Present: slices.Sorted(maps.Keys(f.Present)),
		Ears: map[Person]span{}, Seen: f.seen}
	if f.Holder != nil {
		s.Holder = &keptBurst{*f.Holder, f.Holder.granted}
	}
	for _, w := range f.Queue {
		s.Queue = append(s.Queue, keptWaiting{w, w.sequence})
	}
	for _, b := range f.Past {
		s.Past = append(s.Past, keptBurst{b, b.granted})
	}
	for p, e := range f.ears {
		s.Ears[p] = span{e.from, e.upto}
	}
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // plain data: cannot fail
	}
	return b
}

// Resume is the floor of a snapshot (none: of a new group) after the events
// that followed it. Events that the snapshot already holds are passed over.
func Resume(g Group, kept []byte, events ...Event) (*Floor, error) {
	f, err := New(g)
	if err != nil || len(kept) == 0 {
		return restored(f, events, err)
	}
	var s snapshot
	if err := json.Unmarshal(kept, &s); err != nil {
		return nil, fmt.Errorf("floor of %s: %w", g, err)
	}
	if s.Group != g {
		return nil, fmt.Errorf("floor of %s: the snapshot is of %s", g, s.Group)
	}
	f.number, f.bursts, f.last = s.Number, s.Bursts, s.Last
	if s.Holder != nil {
		f.Holder = s.Holder.burst()
	}
	for _, w := range s.Queue {
		w.sequence = w.Sequence
		f.Queue = append(f.Queue, w.Waiting)
	}
	for _, b := range s.Past {
		f.Past = append(f.Past, *b.burst())
	}
	for _, p := range s.Present {
		f.Present[p] = true
	}
	for p, e := range s.Ears {
		f.ears[p] = ear{e.From, e.Upto}
	}
	maps.Copy(f.seen, s.Seen)
	return restored(f, events, nil)
}

func restored(f *Floor, events []Event, err error) (*Floor, error) {
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		switch {
		case e.Group == f.Group && e.Number <= f.number:
		case e.Group != f.Group || e.Number != f.number+1:
			return nil, fmt.Errorf("event %s/%d does not follow %s/%d", e.Group, e.Number, f.Group, f.number)
		default:
			f.happen(e)
		}
	}
	return f, nil
}

func (k keptBurst) burst() *Burst {
	b := k.Burst
	b.granted = k.Granted
	return &b
}

// Number is that of the newest event; 0: nothing has happened.
func (f *Floor) Number() uint64 { return f.number }

// After is a sequence that is higher than any of p's so far.
func (f *Floor) After(p Person) uint64 { return f.seen[p] + 1 }

// Knows lists, sorted, everybody of whom the floor keeps what they have heard.
func (f *Floor) Knows() []Person { return slices.Sorted(maps.Keys(f.ears)) }
