package uplink

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// far is a hub as the ledger sees it: each number counts in the hour of the
// copy that came first, and of what a gateway says the settled part only grows.
type far struct {
	came map[uint64]cell
	said map[cell]wire.AccountHour
	upto uint64
}

func (f *far) take(records []wire.Record) {
	for _, r := range records {
		hour := r.Hour
		if hour == 0 {
			hour = hourOf(r.At)
		}
		if _, known := f.came[r.Seq]; !known {
			f.came[r.Seq] = cell{r.Device, hour}
		}
	}
	for f.came[f.upto+1] != (cell{}) {
		f.upto++
	}
}

func (f *far) hear(hours []wire.AccountHour) {
	for _, h := range hours {
		k := cell{h.Device, h.Hour}
		if old := f.said[k]; h.Polled-h.Pending < old.Polled-old.Pending {
			h.Polled = old.Polled
		}
		f.said[k] = h
	}
}

// unexplained is what neither side can say the fate of.
func (f *far) unexplained() (all []string) {
	stored := map[cell]uint64{}
	for _, c := range f.came {
		stored[c]++
	}
	for c, n := range stored {
		if f.said[c].Polled < n {
			all = append(all, fmt.Sprintf("%s %v: %d came, %+v", c.device, c.hour.Time(), n, f.said[c]))
		}
	}
	for c, h := range f.said {
		if h.Polled != stored[c]+h.Pending+h.Lost {
			all = append(all, fmt.Sprintf("%s %v: %d came of %+v", c.device, c.hour.Time(), stored[c], h))
		}
	}
	return all
}

// site is a gateway's spool on a machine whose clock anybody may set.
type site struct {
	*box
	spool *Spool
	hub   *far
	next  int
}

func newSite(t *testing.T, wall time.Time) *site {
	s := &site{box: newBox(t, wall), hub: &far{map[uint64]cell{}, map[cell]wire.AccountHour{}, 0}}
	s.open()
	return s
}

func (s *site) open() {
	spool, err := OpenSpoolOn(s.machine, s.dir, DefaultSpool(), slog.New(slog.DiscardHandler))
	if err != nil {
		s.t.Fatal(err)
	}
	s.spool = spool
}

// close ends the program in good order, or as a crash does: with the checkpoint
// of the ledger that lay there before.
func (s *site) close(crash bool) {
	file := filepath.Join(s.dir, wire.Data, "tally.json")
	old, _ := os.ReadFile(file)
	if err := s.spool.Close(); err != nil {
		s.t.Fatal(err)
	}
	if crash {
		if err := os.WriteFile(file, old, 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

// restarts the machine after it was off.
func (s *site) reboot(off time.Duration, wall time.Time) {
	s.close(false)
	s.boot(off, wall)
	s.open()
}

func (s *site) read(n int) {
	before := s.spool.data.journal.Next()
	for range n {
		s.spool.Put(wire.Record{Device: devices.ID("ab"[s.next%2 : s.next%2+1]), At: telemetry.At(s.truth.Add(s.error)), Values: map[string]float64{"v": 1}}, false)
		s.next++
		s.pass(40 * time.Millisecond)
	}
	for s.spool.data.tally.countedNow() < before+uint64(n) {
		time.Sleep(time.Millisecond) // until the disk has them
	}
}

// send offers up to n records that are not acknowledged, from a random one on, as a
// session does; arrives says whether the hub gets them.
func (s *site) send(n int, skip uint64, arrives bool) {
	st := s.spool.data
	first := st.floor() + skip
	if first >= st.journal.Next() {
		return
	}
	r := st.journal.Reader(first)
	defer r.Close()
	b, err := (lane{stream: st}).read(s.t.Context(), r, n, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	out := st.stamped(s.spool.time.scale(), b.records)
	if arrives {
		s.hub.take(out)
	}
}

func (s *site) acknowledge() {
	st := s.spool.data
	st.acknowledge(wire.Acknowledgement{V: wire.Version, Stream: wire.Data, Epoch: st.journal.Epoch(), Upto: s.hub.upto})
	st.save()
}

// settle delivers all, and checks that nothing is left unexplained.
func (s *site) settle(what string) {
	s.t.Helper()
	s.acknowledge() // as on each connect
	for s.spool.data.floor() < s.spool.data.journal.Next() {
		s.send(100, 0, true)
		s.acknowledge()
	}
	s.hub.hear(s.spool.Account(true))
	for _, line := range s.hub.unexplained() {
		s.t.Errorf("%s: %s", what, line)
	}
}

// TestLedgerFollowsTheClock steps the clock while readings wait, while they are
// under way and while the gateway is off, and holds that the hub's ledger and
// the gateway's account agree hour for hour.
func TestLedgerFollowsTheClock(t *testing.T) {
	epoch := time.Unix(8, 0)
	s := newSite(t, epoch)
	s.read(10)
	s.hub.hear(s.spool.Account(true))
	s.set(s.truth)
	s.read(10)
	s.settle("first NTP after a start without a clock")
	if h := s.hub.said[cell{"a", hourOf(telemetry.At(s.truth))}]; h.Polled != 10 {
		t.Errorf("what was read before the clock was set is not counted when it was read: %+v", h)
	}
	for _, step := range []time.Duration{25 * time.Hour, -time.Hour, 0} {
		s.read(7)
		s.hub.hear(s.spool.Account(false))
		s.send(3, 0, true)
		s.set(s.truth.Add(step))
		s.read(7)
		s.settle("stepped by " + step.String())
	}
	s.read(5)
	s.send(5, 0, true)
	s.set(s.truth.Add(-3 * time.Hour))
	s.send(5, 0, true)
	s.settle("sent twice, the clock set in between: the hub has the first")
	s.set(s.truth)
	s.read(5)
	s.send(5, 0, false)
	s.set(s.truth.Add(-3 * time.Hour))
	s.send(5, 0, true)
	s.settle("sent twice, the clock set in between: the hub has the second")
	s.set(s.truth)
	s.read(5)
	s.reboot(3*time.Hour, epoch)
	s.read(5)
	s.hub.hear(s.spool.Account(true))
	s.set(s.truth)
	s.settle("the power went and came, and the network later")
}

// TestLedgerFollowsAnyClock does the same at random: steps, restarts, losses on
// the way, acknowledgements and accounts in any order.
func TestLedgerFollowsAnyClock(t *testing.T) {
	for seed := range uint64(12) {
		dice := rand.New(rand.NewPCG(seed, 6))
		s := newSite(t, time.Unix(8, 0))
		for range 40 {
			switch dice.IntN(11) {
			case 10:
				s.set(time.Unix(1<<32+int64(dice.IntN(1000)), 0)) // 2106, where 32 bits end
			case 0:
				s.set(s.truth)
			case 1:
				s.set(s.truth.Add(time.Duration(dice.IntN(50)-25) * time.Hour))
			case 2:
				s.set(time.Unix(int64(dice.IntN(1000)), 0))
			case 3:
				s.reboot(time.Duration(dice.IntN(600))*time.Second, time.Unix(8, 0))
			case 4:
				s.close(false)
				s.open()
			case 5:
				s.spool.time.told(telemetry.At(s.truth))
			case 6:
				s.acknowledge()
			case 7:
				s.hub.hear(s.spool.Account(dice.IntN(2) == 0))
			case 8:
				s.send(1+dice.IntN(20), dice.Uint64N(10), dice.IntN(2) == 0)
			default:
				s.read(1 + dice.IntN(10))
			}
			s.pass(time.Duration(1+dice.IntN(1800)) * time.Second)
		}
		s.settle(fmt.Sprint("seed ", seed))
		s.close(true)
		s.open()
		s.settle(fmt.Sprint("after a crash, seed ", seed))
		if err := s.spool.Close(); err != nil || t.Failed() {
			t.Fatal(err)
		}
	}
}
