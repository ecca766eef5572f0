package history

import (
	"bytes"
	"context"
	"errors"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
)

func fields(kv ...any) (f []telemetry.Field) {
	for i := 0; i < len(kv); i += 2 {
		f = append(f, telemetry.Field{Metric: kv[i].(string), Value: kv[i+1].(float64)})
	}
	return f
}

func TestLinesAreAsTheLayoutSays(t *testing.T) {
	const t0 = telemetry.Millis(1_760_000_410_000)
	pts := []telemetry.Point{
		{Device: "gas-1", Kind: "gas", At: t0 + 1000, Fields: fields("ch4", 0.25, "humidity", 61.5, "temp", -4.75)},
		{Device: "gas-1", Kind: "gas", At: t0 + 2000, Quality: telemetry.Uncertain, Fields: fields("ch4", 7.0)},
		{Device: "gas-2", Kind: "gas", At: t0 + 2120, Quality: telemetry.Bad},
		PositionPoint(telemetry.Position{Device: "p-017", At: t0, Lon: 116.397128, Lat: 39.916527, Accuracy: 8, Heading: -1, Battery: 0.62}),
		PositionPoint(telemetry.Position{Device: "p-017", At: t0 + 2000, Lon: 116.39713, Lat: 39.91653, Speed: -1, Heading: -1, Battery: -1, Mock: true, SOS: true}),
		{Device: "m-1", Kind: "meter", At: t0 + 3000, Fields: fields("a", 1e300, "b", -0.1, "c", 999999999.0, "d", 1e9, "e", 5e-324)},
	}
	var got []byte
	for i := range pts {
		if reason := Fault(&pts[i]); reason != "" {
			t.Errorf("point %d: %s", i, reason)
		}
		got = AppendLine(got, &pts[i])
	}
	want, err := os.ReadFile("testdata/lines.golden")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("LAYOUT.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if !bytes.Contains(doc, want) {
		t.Error("LAYOUT.md shows other lines than testdata/lines.golden")
	}
}

func TestAggregate(t *testing.T) {
	s := []Sample{{1000, 4}, {1500, 2}, {1999, 6}, {2000, 1}, {9999, -3}}
	for fn, want := range map[Fn][]Sample{
		Mean:  {{1000, 4}, {2000, 1}, {9000, -3}},
		Min:   {{1000, 2}, {2000, 1}, {9000, -3}},
		Max:   {{1000, 6}, {2000, 1}, {9000, -3}},
		Last:  {{1000, 6}, {2000, 1}, {9000, -3}},
		Count: {{1000, 3}, {2000, 1}, {9000, 1}},
	} {
		if got := Aggregate(s, time.Second, fn); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", fn, got, want)
		}
	}
}

// slow is a store whose writes fail, and wait, as a test says. The Writer does
// not know a store from its inside, so any will do.
type slow struct {
	Store
	mu     sync.Mutex
	errs   []error // of the next writes
	reject map[devices.ID]string
	got    []telemetry.Point
	times  []time.Time
}

func (s *slow) Write(_ context.Context, pts []telemetry.Point) (w Written, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times = append(s.times, time.Now())
	if len(s.errs) > 0 {
		err, s.errs = s.errs[0], s.errs[1:]
		return w, err
	}
	for i, p := range pts {
		if reason := s.reject[p.Device]; reason != "" {
			w.Rejected = append(w.Rejected, Rejected{Index: i, Reason: reason})
			continue
		}
		s.got = append(s.got, p)
		w.Stored++
	}
	return w, nil
}

// writing runs a Writer inside a synctest bubble.
func writing(t *testing.T, s Store, o WriterOptions, use func(ctx context.Context, w *Writer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := NewWriter(s, o)
		done := make(chan struct{})
		go func() { w.Run(ctx); close(done) }()
		use(ctx, w)
		cancel()
		<-done
	})
}

func points(from, to int) (pts []telemetry.Point) {
	for i := from; i < to; i++ {
		pts = append(pts, telemetry.Point{Device: "d", Kind: "gas", At: telemetry.Millis(i), Fields: fields("x", float64(i))})
	}
	return pts
}

func TestWriterTriesUntilItWorks(t *testing.T) {
	busy := &Unavailable{After: 7 * time.Second, Err: errors.New("busy")}
	locked := &Unavailable{Person: true, Err: errors.New("401")}
	s := &slow{errs: []error{errors.New("broken"), busy, locked}}
	writing(t, s, WriterOptions{}, func(ctx context.Context, w *Writer) {
		if err := w.Put(ctx, points(0, 3), nil); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		var waits []time.Duration
		for i := 1; i < len(s.times); i++ {
			waits = append(waits, s.times[i].Sub(s.times[i-1]))
		}
		if want := []time.Duration{firstPause, 7 * time.Second, slowPause}; !reflect.DeepEqual(waits, want) {
			t.Errorf("waited %v, want %v", waits, want)
		}
		if tot := w.Totals(); tot.Stored != 3 || tot.Failures != 3 || tot.Error != "" || tot.Person {
			t.Errorf("%+v", tot)
		}
	})
}

func TestWriterKeepsOrderAndBounds(t *testing.T) {
	hold := errors.New("not yet")
	s := &slow{errs: []error{hold, hold, hold}}
	writing(t, s, WriterOptions{Batch: 10}, func(ctx context.Context, w *Writer) {
		put := make(chan error, 1)
		go func() {
			for i := 0; i < 200; i += 5 {
				if err := w.Put(ctx, points(i, i+5), nil); err != nil {
					put <- err
					return
				}
			}
			put <- nil
		}()
		synctest.Wait() // the store refuses, and Put has to wait
		if n := w.Totals().Waiting; n > 4*10+5+2*10+10 || n < 40 {
			t.Errorf("%d points wait, the bound is 40 beside what is on its way", n)
		}
		if err := <-put; err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(s.got, points(0, 200)) {
			t.Errorf("%d points, or not in order", len(s.got))
		}
	})
}

func TestWriterHandsOverWhatTheStoreRejects(t *testing.T) {
	s := &slow{reject: map[devices.ID]string{"bad": "field type conflict"}}
	var kept []string
	fail := true
	o := WriterOptions{Rejected: func(_ context.Context, p telemetry.Point, reason string) error {
		if fail {
			fail = false
			return errors.New("quarantine is locked")
		}
		kept = append(kept, string(p.Device)+": "+reason)
		return nil
	}}
	writing(t, s, o, func(ctx context.Context, w *Writer) {
		pts := points(0, 3)
		pts[1].Device = "bad"
		if err := w.Put(ctx, pts, nil); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	})
	if want := []string{"bad: field type conflict"}; !reflect.DeepEqual(kept, want) {
		t.Errorf("%v", kept)
	}
}

func TestWriterStopsWhileTheStoreIsDead(t *testing.T) {
	dead := make([]error, 10_000)
	for i := range dead {
		dead[i] = errors.New("dead")
	}
	writing(t, &slow{errs: dead}, WriterOptions{Batch: 1}, func(ctx context.Context, w *Writer) {
		if err := w.Put(ctx, points(0, 4), nil); err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		if err := w.Flush(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("flushed into a dead store: %v", err)
		}
		if !strings.Contains(w.Totals().Error, "dead") {
			t.Errorf("%+v", w.Totals())
		}
	})
}

// TestWriterGathers: single points leave together after a while, a full batch
// and a flush at once.
func TestWriterGathers(t *testing.T) {
	s := &slow{}
	writing(t, s, WriterOptions{Batch: 10, Gather: time.Second}, func(ctx context.Context, w *Writer) {
		begun := time.Now()
		put := func(from, to int) {
			t.Helper()
			if err := w.Put(ctx, points(from, to), nil); err != nil {
				t.Fatal(err)
			}
		}
		put(0, 1)
		time.Sleep(time.Second / 2)
		put(1, 3)
		time.Sleep(time.Second)
		put(3, 13)
		synctest.Wait()
		put(13, 14)
		if err := w.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		var at []time.Duration
		for _, when := range s.times {
			at = append(at, when.Sub(begun))
		}
		if want := []time.Duration{time.Second, 3 * time.Second / 2, 3 * time.Second / 2}; !reflect.DeepEqual(at, want) {
			t.Errorf("written after %v, want %v", at, want)
		}
	})
}
