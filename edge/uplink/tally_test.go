package uplink

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

const tallyHour = telemetry.Millis(1_760_000_400_000) / hourMillis * hourMillis

func spoolIn(t *testing.T, dir string, c SpoolConfig) *Spool {
	t.Helper()
	s, err := OpenSpool(dir, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fill puts n records of device a, b or c in turn and waits until they have
// numbers.
func fill(s *Spool, n int, hour telemetry.Millis) {
	before := s.data.journal.Next()
	for i := range n {
		s.Put(wire.Record{Device: devices.ID("abc"[i%3 : i%3+1]), At: hour + telemetry.Millis(i), Values: map[string]float64{"v": float64(i)}}, false)
	}
	for s.data.tally.countedNow() < before+uint64(n) {
		runtime.Gosched() // until the disk has them
	}
}

func (t *tally) countedNow() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counted
}

// account is what the spool says, by device and hours since tallyHour.
func account(s *Spool) map[string]wire.AccountHour {
	all := map[string]wire.AccountHour{}
	for _, h := range s.Account(true) {
		all[fmt.Sprint(h.Device, (h.Hour-tallyHour)/hourMillis)] = wire.AccountHour{Polled: h.Polled, Pending: h.Pending, Lost: h.Lost}
	}
	return all
}

// TestTallySurvivesCrashes stops a spool again and again, leaves it an older
// checkpoint, a damaged one or none, as crashes do, and holds that the account
// is that of the records.
func TestTallySurvivesCrashes(t *testing.T) {
	dir, dice := t.TempDir(), rand.New(rand.NewPCG(7, 8))
	file := filepath.Join(dir, wire.Data, "tally.json")
	polled, settled := uint64(0), uint64(0)
	for round := range 20 {
		old, _ := os.ReadFile(file)
		s := spoolIn(t, dir, DefaultSpool())
		n := 3 * (1 + dice.IntN(50))
		fill(s, n, tallyHour)
		polled += uint64(n)
		if dice.IntN(2) == 0 {
			s.data.saveTally()
		}
		settled += dice.Uint64N(polled - settled + 1)
		s.data.acknowledge(wire.Acknowledgement{V: wire.Version, Stream: wire.Data, Epoch: s.data.journal.Epoch(), Upto: settled})
		s.data.save()
		got := account(s)
		for i, device := range []string{"a", "b", "c"} {
			delivered := (settled + 2 - uint64(i)) / 3
			want := wire.AccountHour{Polled: polled / 3, Pending: polled/3 - delivered}
			if got[device+"0"] != want {
				t.Fatalf("round %d, %d of %d acknowledged: %s has %+v, want %+v", round, settled, polled, device, got[device+"0"], want)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		switch dice.IntN(4) {
		case 0:
			_ = os.Remove(file)
		case 1:
			_ = os.WriteFile(file, []byte("nonsense"), 0o600)
		case 2:
			_ = os.WriteFile(file, old, 0o600)
		}
	}
}

// TestTallyKnowsWhoseRecordsWereDropped fills a small spool twice over and holds
// that of each device issued = pending + lost.
func TestTallyKnowsWhoseRecordsWereDropped(t *testing.T) {
	c := DefaultSpool()
	c.Data, c.Reserve = 1<<20, 0
	s := spoolIn(t, t.TempDir(), c)
	defer s.Close()
	for range 10 {
		fill(s, 3000, tallyHour)
	}
	first := s.data.journal.First()
	if first == 1 {
		t.Fatal("nothing was dropped")
	}
	var sum wire.AccountHour
	for device, h := range account(s) {
		if h.Polled != 10_000 || h.Pending+h.Lost != h.Polled {
			t.Errorf("%s: %+v", device, h)
		}
		sum.Pending, sum.Lost = sum.Pending+h.Pending, sum.Lost+h.Lost
	}
	if sum.Lost != first-1 {
		t.Errorf("%d lost, %d dropped", sum.Lost, first-1)
	}
	if s.Delivered("a") {
		t.Error("what is pending counts as delivered")
	}
	s.data.acknowledge(wire.Acknowledgement{V: wire.Version, Stream: wire.Data, Epoch: s.data.journal.Epoch(), Upto: 30_000})
	s.data.save()
	if got := account(s)["a0"]; got.Pending != 0 || !s.Delivered("a") {
		t.Errorf("all is acknowledged, but %+v", got)
	}
}

// TestTallyForgets holds that hours that are over, told and rest leave the file,
// and that a restart does not let them rest anew.
func TestTallyForgets(t *testing.T) {
	s := spoolIn(t, t.TempDir(), DefaultSpool())
	defer s.Close()
	up := telemetry.Millis(0)
	s.data.tally.up = func() telemetry.Millis { return up }
	fill(s, 3, tallyHour)
	up += 20 * hourMillis
	fill(s, 3, tallyHour+20*hourMillis)
	s.data.acknowledge(wire.Acknowledgement{V: wire.Version, Stream: wire.Data, Epoch: s.data.journal.Epoch(), Upto: 6})
	s.data.save()
	up += 11 * hourMillis
	for _, told := range []int{6, 6} { // settled when the machine was 20 hours old, all of them
		if got := len(account(s)); got != told {
			t.Errorf("%d hours, want %d", got, told)
		}
		s.data.saveTally()
	}
	saved, err := readTally(s.data.tally.file)
	if err != nil {
		t.Fatal(err)
	}
	up = 0 // the machine was started anew
	s.data.tally.hours = map[cell]*sums{}
	s.data.tally.take(saved)
	up += 20 * hourMillis
	for _, told := range []int{6, 0} { // the first time, the hours are told only
		if got := len(account(s)); got != told {
			t.Errorf("%d hours, want %d", got, told)
		}
		s.data.saveTally()
	}
}
