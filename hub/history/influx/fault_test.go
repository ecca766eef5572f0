package influx

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/history"
	"gridhub/hub/history/historytest"
	"gridhub/hub/history/influx/influxtest"
)

// fake answers writes as InfluxDB does in one situation, and keeps the lines
// that it took.
type fake struct {
	answer func(w http.ResponseWriter, lines []string) bool // true: it has refused

	mu    sync.Mutex
	lines map[string]int
	posts int
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	z, err := gzip.NewReader(r.Body)
	if err != nil || r.URL.Query().Get("precision") != "ms" {
		http.Error(w, "want gzip and milliseconds", http.StatusInternalServerError)
		return
	}
	body, _ := io.ReadAll(z)
	lines := strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")
	f.mu.Lock()
	defer f.mu.Unlock()
	f.posts++
	if f.answer != nil && f.answer(w, lines) {
		return
	}
	for _, l := range lines {
		f.lines[l]++
	}
	w.WriteHeader(http.StatusNoContent)
}

func refuse(w http.ResponseWriter, status int, message string) bool {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"code":"x","message":%q}`, message)
	return true
}

func fakeStore(t *testing.T, f *fake) *Store {
	t.Helper()
	f.lines = map[string]int{}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return open(t, server.URL, "db/rp")
}

func many(n int) (pts []telemetry.Point) {
	for i := range n {
		pts = append(pts, historytest.Point("d", historytest.T0+telemetry.Millis(i), uint64(i+1), "x", float64(i)))
	}
	return pts
}

// F5, F6: a bad line among good ones.
func TestBadLineIsNamedAndHoldsUpNothing(t *testing.T) {
	for _, status := range []int{http.StatusBadRequest, http.StatusUnprocessableEntity} {
		f := &fake{}
		f.answer = func(w http.ResponseWriter, lines []string) bool {
			for _, l := range lines {
				if strings.Contains(l, "x=7 ") || strings.Contains(l, "x=700 ") {
					return refuse(w, status, "field type conflict: x")
				}
			}
			return false
		}
		w, err := fakeStore(t, f).Write(context.Background(), many(1000))
		if err != nil || w.Stored != 998 || len(w.Rejected) != 2 || w.Rejected[0].Index != 7 || w.Rejected[1].Index != 700 {
			t.Fatalf("%d: %+v, %v", status, w, err)
		}
		if !strings.Contains(w.Rejected[0].Reason, "field type conflict") {
			t.Errorf("reason %q", w.Rejected[0].Reason)
		}
		if len(f.lines) != 998 || f.posts > 50 {
			t.Errorf("%d lines in %d posts", len(f.lines), f.posts)
		}
	}
}

// F8: too large is halved, not lost.
func TestTooLargeIsHalved(t *testing.T) {
	f := &fake{answer: func(w http.ResponseWriter, lines []string) bool {
		return len(lines) > 100 && refuse(w, http.StatusRequestEntityTooLarge, "too large")
	}}
	w, err := fakeStore(t, f).Write(context.Background(), many(1000))
	if err != nil || w.Stored != 1000 || len(f.lines) != 1000 {
		t.Errorf("%+v, %v, %d lines", w, err, len(f.lines))
	}
}

// F7, F8: what is not the lines' fault keeps them.
func TestRefusalsKeepEverything(t *testing.T) {
	for status, want := range map[int]history.Unavailable{
		401: {Person: true}, 403: {Person: true}, 404: {Person: true},
		429: {After: 7 * time.Second}, 503: {After: 7 * time.Second}, 500: {After: 7 * time.Second},
		418: {After: 7 * time.Second}, // nobody knows why: keep
	} {
		f := &fake{answer: func(w http.ResponseWriter, _ []string) bool {
			w.Header().Set("Retry-After", "7")
			return refuse(w, status, "no")
		}}
		w, err := fakeStore(t, f).Write(context.Background(), many(10))
		var u *history.Unavailable
		if !errors.As(err, &u) || u.Person != want.Person || u.After != want.After || len(w.Rejected) > 0 || f.posts != 1 {
			t.Errorf("%d: %+v, %+v, %d posts", status, w, err, f.posts)
		}
	}
}

func TestNobodyThereKeepsEverything(t *testing.T) {
	s := open(t, "http://127.0.0.1:1", "db/rp")
	_, err := s.Write(context.Background(), many(10))
	var u *history.Unavailable
	if !errors.As(err, &u) || u.Person {
		t.Errorf("%v", err)
	}
}

// writerTo runs a Writer until the test ends.
func writerTo(t *testing.T, s history.Store) *history.Writer {
	w := history.NewWriter(s, history.WriterOptions{Batch: 500})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { w.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return w
}

func count(t *testing.T, s *Store) int {
	t.Helper()
	got, err := s.Range(context.Background(), history.Query{Device: "d", Kind: "gas", Metrics: []string{"x"}, From: 1, To: historytest.T0.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) == 0 {
		return 0
	}
	return len(got[0].Samples)
}

// F3: InfluxDB is killed and comes back; every point is there once.
func TestKilledServerLosesNothing(t *testing.T) {
	server := influxtest.Start(t)
	s := open(t, server.URL, server.Bucket)
	w := writerTo(t, s)
	ctx := context.Background()
	pts := many(6000)
	put := func(p []telemetry.Point) {
		if err := w.Put(ctx, p, nil); err != nil {
			t.Fatal(err)
		}
	}
	put(pts[:2000])
	if err := w.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	put(pts[2000:3000])
	server.Kill()
	for i := 3000; i < 4000; i += 100 {
		put(pts[i : i+100])
	}
	until(t, "a failure", func() bool { return w.Totals().Failures > 0 })
	server.Restart(t)
	put(pts[4000:])
	if err := w.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s); n != 6000 {
		t.Errorf("%d points, want 6000; %+v", n, w.Totals())
	}
	if tot := w.Totals(); tot.Error != "" || tot.Waiting != 0 || tot.Rejected != 0 {
		t.Errorf("%+v", tot)
	}
}

// F4: InfluxDB accepts and never answers: the request ends in time, nothing
// piles up, and all goes on when it answers again.
func TestFrozenServerPilesUpNothing(t *testing.T) {
	server := influxtest.Start(t)
	s, err := Open(Config{URL: server.URL, Version: 1, Bucket: server.Bucket, Timeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := writerTo(t, s)
	ctx := context.Background()
	pts := many(3000)
	if err := w.Put(ctx, pts[:1000], nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	server.Freeze()
	if err := w.Put(ctx, pts[1000:2000], nil); err != nil {
		t.Fatal(err)
	}
	until(t, "three failures", func() bool { return w.Totals().Failures >= 3 })
	if n := runtime.NumGoroutine(); n > before+10 {
		t.Errorf("%d goroutines, %d before", n, before)
	}
	server.Thaw()
	if err := w.Put(ctx, pts[2000:], nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	until(t, "all points", func() bool {
		got, err := s.Range(ctx, history.Query{Device: "d", From: 1, To: historytest.T0.Add(time.Hour)})
		return err == nil && len(got) == 1 && len(got[0].Samples) == 3000
	})
}

// until asks again and again; a minute is a failure.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(time.Minute); !ok(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("no %s within a minute", what)
		}
	}
}

func TestConfigNamesItsMistakes(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
	err := Config{URL: "127.0.0.1:8086", Version: 3, Bucket: `a"b`}.Validate()
	for _, key := range []string{"influx.url is 127.0.0.1:8086: want http://host:port", "influx.version is 3: want 1 or 2", "influx.bucket", "influx.timeout"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%v does not say %s", err, key)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	server := influxtest.Start(b)
	s := open(b, server.URL, server.Bucket)
	w := history.NewWriter(s, history.WriterOptions{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go w.Run(ctx)
	n := 0
	for b.Loop() {
		pts := make([]telemetry.Point, 1000)
		for i := range pts {
			pts[i] = historytest.Point("d", historytest.T0+telemetry.Millis(n), uint64(n), "ch4", float64(i)/8, "humidity", 61.5, "temp", 21.75)
			n++
		}
		if err := w.Put(ctx, pts, nil); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Flush(ctx); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "points/s")
}

func BenchmarkPrepare(b *testing.B) {
	s := open(b, "http://127.0.0.1:1", "db/rp")
	pts := make([]telemetry.Point, 5000)
	for i := range pts {
		pts[i] = historytest.Point("device-17", historytest.T0+telemetry.Millis(i*37), uint64(i), "ch4", float64(i)/8, "humidity", 61.5, "temp", 21.75)
	}
	for b.Loop() {
		s.Prepare(pts)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/5000, "ns/point")
}
