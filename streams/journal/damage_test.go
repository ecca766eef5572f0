package journal_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gridhub/streams/journal"
	"gridhub/streams/journal/fsx"
)

// small makes a journal of several segments and returns its disk, as a kill
// without Close leaves it, with the ledger of what was acknowledged.
func small(t *testing.T) (*fsx.Memory, map[uint64]string) {
	m := fsx.NewMemory()
	j := open(t, m, journal.Options{SegmentBytes: segmentHead + 300, Epoch: 9})
	ledger := map[uint64]string{}
	for i := range 24 {
		a, b := fmt.Sprintf("record %d", i), strings.Repeat("x", i)
		n := mustAppend(t, j, a, b)
		ledger[n], ledger[n+1] = a, b
	}
	c, err := j.Cursor("hub")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Commit(20, []byte("state")); err != nil {
		t.Fatal(err)
	}
	return m.Clone(), ledger
}

const segmentHead = 1024

func segments(m *fsx.Memory) (names []string) {
	for _, name := range m.Names("j") {
		if filepath.Ext(name) == ".seg" {
			names = append(names, name)
		}
	}
	return names
}

// check reopens m and compares with the ledger: every record that is served
// must be as acknowledged, what is missing must be a gap, new numbers must
// follow. It returns how many acknowledged numbers are missing.
func check(t *testing.T, m *fsx.Memory, ledger map[uint64]string) (missing int, j *journal.Journal) {
	t.Helper()
	j = open(t, m, journal.Options{SegmentBytes: segmentHead + 300})
	next := j.Next()
	n := mustAppend(t, j, "afterwards")
	if n != next {
		t.Fatalf("append got %d, Next said %d", n, next)
	}
	served := map[uint64]bool{}
	for _, r := range readAll(t, j, 1) {
		if r.Kind == journal.Gap {
			if r.Cause == "" {
				t.Fatalf("gap %d+%d without a cause", r.Number, r.Lost)
			}
			continue
		}
		want, ok := ledger[r.Number]
		if r.Number == n {
			want, ok = "afterwards", true
		}
		if !ok || want != string(r.Data) {
			t.Fatalf("number %d is %q, was acknowledged as %q", r.Number, r.Data, want)
		}
		served[r.Number] = true
	}
	for number := range ledger {
		if !served[number] {
			missing++
		}
	}
	return missing, j
}

// A kill in the middle of a write leaves the newest segment at any length.
func TestNewestSegmentCutAtEveryByte(t *testing.T) {
	m, ledger := small(t)
	segs := segments(m)
	newest := segs[len(segs)-1]
	whole := bytes.TrimRight(m.Read(newest), "\x00")
	lost := 0
	for n := len(whole); n >= segmentHead; n-- {
		cut := m.Clone()
		cut.Write(newest, whole[:n])
		missing, j := check(t, cut, ledger)
		if missing < lost {
			t.Fatalf("cut at %d: %d records missing, but %d with more bytes left", n, missing, lost)
		}
		lost = missing
		if gaps := j.Stats().Damaged; gaps != 0 {
			t.Fatalf("cut at %d: taken for damage", n)
		}
		j.Close()
	}
	if lost == 0 {
		t.Fatal("cutting everything off lost nothing: the test cuts the wrong file")
	}
}

// Every byte of every segment, damaged: at most the commit that it hits is
// missing, all others are served, and no number is given out twice.
func TestEveryByteFlipped(t *testing.T) {
	m, ledger := small(t)
	segs := segments(m)
	for i, name := range segs {
		whole := m.Read(name)
		for at := range bytes.TrimRight(whole, "\x00") {
			bad := m.Clone()
			b := bytes.Clone(whole)
			b[at] ^= 0x40
			bad.Write(name, b)
			missing, j := check(t, bad, ledger)
			if last := j.Next() - 1; last <= uint64(len(ledger)) {
				t.Fatalf("%s byte %d: number %d was given out twice", name, at, last)
			}
			if at < segmentHead && missing > 0 {
				t.Fatalf("%s byte %d: %d missing although the header has a copy", name, at, missing)
			}
			if missing > 1 {
				t.Fatalf("%s byte %d: %d records missing, want at most the one hit", name, at, missing)
			}
			if missing == 1 && i < len(segs)-1 && j.Stats().Damaged != 1 {
				t.Fatalf("%s byte %d: damage not counted", name, at)
			}
			j.Close()
		}
	}
}

func TestSegmentWithoutHeaderIsPutAside(t *testing.T) {
	m, ledger := small(t)
	segs := segments(m)
	for i, name := range segs {
		bad := m.Clone()
		b := bad.Read(name)
		copy(b, make([]byte, segmentHead))
		bad.Write(name, b)
		missing, j := check(t, bad, ledger)
		if missing == 0 || missing > 14 {
			t.Errorf("segment %d: %d missing, want those of one segment", i, missing)
		}
		if q := j.Stats().Quarantined; len(q) != 1 {
			t.Errorf("segment %d: quarantined %v, want it alone", i, q)
		}
		if i == len(segs)-1 && j.Next() <= uint64(len(ledger)) {
			t.Errorf("newest segment lost: next is %d, numbers up to %d were given out", j.Next(), len(ledger))
		}
		j.Close()
	}
}

func TestMissingSegmentIsAGap(t *testing.T) {
	m, ledger := small(t)
	segs := segments(m)
	if err := m.Remove(segs[1]); err != nil {
		t.Fatal(err)
	}
	if missing, _ := check(t, m, ledger); missing == 0 || missing > 14 {
		t.Errorf("%d missing, want those of one segment", missing)
	}
}

// The end of the newest segment is gone, but a cursor remembers having had it:
// those numbers must not be given out again.
func TestNumbersBeyondTheEndAreBurntForACursor(t *testing.T) {
	m := fsx.NewMemory()
	j := open(t, m, journal.Options{})
	mustAppend(t, j, "a", "b", "c")
	c, err := j.Cursor("up")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Commit(4, nil); err != nil {
		t.Fatal(err)
	}
	left := m.Clone()
	name := segments(left)[0]
	left.Write(name, left.Read(name)[:segmentHead+29])
	for range 2 { // it must hold after another restart, too
		j = open(t, left, journal.Options{})
		if j.Next() != 4 {
			t.Fatalf("next is %d, want 4", j.Next())
		}
		if got := show(readAll(t, j, 1)); got != "1=a gap2+2" {
			t.Fatalf("got %q", got)
		}
		left = left.Clone()
	}
}

func TestCursorFileDamagedAtEveryByte(t *testing.T) {
	m, _ := small(t)
	const name = "j/cursors/hub.cur"
	whole := m.Read(name)
	if len(whole) != 44+5 {
		t.Fatalf("cursor file has %d bytes", len(whole))
	}
	for at := range whole {
		flipped := bytes.Clone(whole)
		flipped[at] ^= 1
		for _, b := range [][]byte{whole[:at], flipped} {
			bad := m.Clone()
			bad.Write(name, b)
			j := open(t, bad, journal.Options{})
			c, err := j.Cursor("hub")
			if err != nil {
				t.Fatal(err)
			}
			if c.Position() != 1 || c.State() != nil || c.Damage() == nil {
				t.Fatalf("byte %d: position %d state %q damage %v, want a start from 1 that says so",
					at, c.Position(), c.State(), c.Damage())
			}
			j.Close()
		}
	}
}

// The longest state comes back after a start; a longer one is refused, and the
// cursor keeps what it had.
func TestLongestStateOfACursor(t *testing.T) {
	m := fsx.NewMemory()
	j := open(t, m, journal.Options{})
	mustAppend(t, j, "one", "two")
	c, err := j.Cursor("hub")
	if err != nil {
		t.Fatal(err)
	}
	longest := bytes.Repeat([]byte("0123456789abcdef"), journal.MaxState/16)
	if err := c.Commit(2, longest); err != nil {
		t.Fatal(err)
	}
	if err := c.Commit(3, append(longest, 'x')); err == nil {
		t.Error("a longer state was taken")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if c, err = open(t, m, journal.Options{}).Cursor("hub"); err != nil {
		t.Fatal(err)
	}
	if c.Position() != 2 || !bytes.Equal(c.State(), longest) || c.Damage() != nil {
		t.Errorf("position %d, %d bytes of state, damage %v came back", c.Position(), len(c.State()), c.Damage())
	}
}

// The disk cannot read one segment at Open, be it the head or all of it: it is
// put aside, the rest is served, its numbers are not given out again.
func TestSegmentUnreadableAtOpenIsPutAside(t *testing.T) {
	m, ledger := small(t)
	segs := segments(m)
	for i, name := range segs {
		bad := m.Clone()
		bad.SetFail(func(op fsx.Op) error {
			if op.Kind == "read" && op.Name == name {
				return syscall.EIO
			}
			return nil
		})
		missing, j := check(t, bad, ledger)
		if missing == 0 || missing > 14 {
			t.Errorf("segment %d: %d missing, want those of one segment", i, missing)
		}
		if q := j.Stats().Quarantined; len(q) != 1 || j.Next() <= uint64(len(ledger)) {
			t.Errorf("segment %d: quarantined %v, next is %d", i, q, j.Next())
		}
		j.Close()
	}
}
