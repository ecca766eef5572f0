package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"testing"
	"testing/synctest"
	"time"

	"gridhub/streams/journal"
	"gridhub/streams/journal/fsx"
)

// model is what a journal must look like from outside.
type model struct {
	t       *testing.T
	rng     *rand.Rand
	disk    *fsx.Memory
	o       journal.Options
	j       *journal.Journal
	epoch   uint64
	records [][]byte // records[i] has number i+1
	cursors map[string]uint64
	states  map[string]string
	readers map[*journal.Reader]uint64
}

// TestRandomOperations does anything in any order, with limits that bite, and
// compares with a model after each step.
func TestRandomOperations(t *testing.T) {
	for seed := range int64(60) {
		synctest.Test(t, func(t *testing.T) {
			m := newModel(t, seed)
			defer func() { m.j.Close() }()
			for range 150 {
				m.step()
				m.compare()
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
}

func newModel(t *testing.T, seed int64) *model {
	rng := rand.New(rand.NewSource(seed))
	m := &model{t: t, rng: rng, disk: fsx.NewMemory(), cursors: map[string]uint64{}, states: map[string]string{}}
	m.o = journal.Options{
		FS: m.disk, SegmentBytes: 1100 + rng.Int63n(3000), Overrun: journal.Overrun(rng.Intn(2)),
		MaxBytes: 8000 * rng.Int63n(3), MaxAge: time.Duration(rng.Intn(2)) * time.Hour,
	}
	m.reopen()
	m.epoch = m.j.Epoch()
	return m
}

func (m *model) reopen() {
	if m.j != nil {
		if err := m.j.Close(); err != nil {
			m.t.Fatal(err)
		}
	}
	m.readers = map[*journal.Reader]uint64{}
	j, err := journal.Open("j", m.o)
	if err != nil {
		m.t.Fatal(err)
	}
	m.j = j
}

func (m *model) step() {
	switch m.rng.Intn(12) {
	case 0:
		m.reopen()
	case 1:
		time.Sleep(time.Duration(m.rng.Intn(50)) * time.Minute)
	case 2, 3:
		m.commit(fmt.Sprintf("c%d", m.rng.Intn(3)))
	case 4:
		m.forget(fmt.Sprintf("c%d", m.rng.Intn(3)))
	case 5:
		from := 1 + uint64(m.rng.Intn(len(m.records)+2))
		m.readers[m.j.Reader(from)] = from
	case 6, 7:
		m.read()
	default:
		m.append()
	}
}

func (m *model) append() {
	var recs [][]byte
	for range 1 + m.rng.Intn(4) {
		rec := make([]byte, m.rng.Intn(500))
		m.rng.Read(rec)
		recs = append(recs, rec)
	}
	first, err := m.j.Append(background, recs...)
	switch {
	case errors.Is(err, journal.ErrFull):
		if m.o.Overrun != journal.Refuse || m.needy() == 0 {
			m.t.Errorf("refused although nothing stands in the way: %v", err)
		}
	case err != nil:
		m.t.Error(err)
	case first != uint64(len(m.records))+1:
		m.t.Errorf("append got number %d, want %d", first, len(m.records)+1)
	default:
		m.records = append(m.records, recs...)
	}
}

// needy counts the cursors that still want something.
func (m *model) needy() (n int) {
	for _, p := range m.cursors {
		if p <= uint64(len(m.records)) {
			n++
		}
	}
	return n
}

func (m *model) commit(name string) {
	first := m.j.First()
	c, err := m.j.Cursor(name)
	if err != nil {
		m.t.Fatal(err)
	}
	want, known := m.cursors[name]
	if !known {
		want = first
	}
	if c.Position() != want || string(c.State()) != m.states[name] {
		m.t.Errorf("cursor %s is at %d with %q, want %d with %q", name, c.Position(), c.State(), want, m.states[name])
	}
	p := min(want+uint64(m.rng.Intn(8)), uint64(len(m.records))+1)
	state := fmt.Sprint("state ", m.rng.Int())
	if err := c.Commit(p, []byte(state)); err != nil {
		m.t.Fatal(err)
	}
	if err := c.Commit(uint64(len(m.records))+2, nil); err == nil {
		m.t.Error("a position beyond Next was accepted")
	}
	m.cursors[name], m.states[name] = p, state
	synctest.Wait()
}

func (m *model) forget(name string) {
	_, known := m.cursors[name]
	if err := m.j.Remove(name); (err == nil) != known {
		m.t.Errorf("removing cursor %s (known: %v): %v", name, known, err)
	}
	delete(m.cursors, name)
	delete(m.states, name)
	synctest.Wait()
}

// read lets every reader that has something to read return some of it.
func (m *model) read() {
	for r, want := range m.readers {
		if want > uint64(len(m.records)) {
			continue
		}
		first := m.j.First()
		recs, err := r.Next(background, 1+m.rng.Intn(5), m.rng.Intn(1500))
		if err != nil {
			m.t.Fatal(err)
		}
		for _, rec := range recs {
			switch {
			case rec.Number != want:
				m.t.Errorf("number %d where %d was due", rec.Number, want)
			case rec.Kind == journal.Gap && rec.Number+rec.Lost > first:
				m.t.Errorf("gap %d+%d reaches into what is served from %d on", rec.Number, rec.Lost, first)
			case rec.Kind == journal.Data && !bytes.Equal(rec.Data, m.records[rec.Number-1]):
				m.t.Errorf("number %d has other data than was appended", rec.Number)
			}
			want = rec.Number + max(1, rec.Lost)
		}
		m.readers[r] = want
	}
}

// compare checks what must hold at all times.
func (m *model) compare() {
	s := m.j.Stats()
	if m.j.Epoch() != m.epoch || s.Next != uint64(len(m.records))+1 || s.First == 0 || s.First > s.Next {
		m.t.Errorf("epoch %d first %d next %d, want epoch %d next %d", m.j.Epoch(), s.First, s.Next, m.epoch, len(m.records)+1)
	}
	const copied = 2*1024 + 4*(500+28) // heads of segments ended early, and one commit after a restart
	if m.o.MaxBytes > 0 && s.Size > m.o.MaxBytes+copied {
		m.t.Errorf("%d bytes, limit %d", s.Size, m.o.MaxBytes)
	}
	if m.o.MaxBytes == 0 && m.o.MaxAge == 0 && s.First != 1 {
		m.t.Errorf("first is %d without any limit", s.First)
	}
	for name, p := range m.cursors {
		if m.o.Overrun == journal.Refuse && p < s.First {
			m.t.Errorf("cursor %s wants %d, first is %d", name, p, s.First)
		}
	}
	if s.Damaged != 0 || len(s.Quarantined) != 0 {
		m.t.Errorf("%d damaged, quarantined %v", s.Damaged, s.Quarantined)
	}
}
