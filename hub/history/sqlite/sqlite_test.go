package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/history"
	"gridhub/hub/history/historytest"
)

func open(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestSuite(t *testing.T) {
	historytest.Run(t, historytest.Options{}, func(t *testing.T) history.Store {
		return open(t, filepath.Join(t.TempDir(), "points.db"))
	})
}

func TestReopenKeepsNamesAndValues(t *testing.T) {
	path := filepath.Join(t.TempDir(), "straße 1?.db")
	for i := range 3 {
		s := open(t, path)
		if w, err := s.Write(context.Background(), []telemetry.Point{historytest.Point("d", historytest.T0+telemetry.Millis(i), uint64(i+1), "x", 1.0)}); err != nil || w.Stored != 1 {
			t.Fatal(w, err)
		}
		got, err := s.Range(context.Background(), history.Query{Device: "d", From: 1, To: historytest.T0 + 100})
		if err != nil || len(got) != 1 || len(got[0].Samples) != i+1 {
			t.Fatalf("%v, %v", got, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNewerFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "points.db")
	s := open(t, path)
	if _, err := s.write.Exec("PRAGMA user_version = 2"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := Open(path); err == nil {
		t.Error("a newer schema was opened")
	}
}

// A failed write leaves no names behind that the file does not have.
func TestRolledBackNamesAreForgotten(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "points.db"))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p := historytest.Point("d", historytest.T0, 1, "x", 1.0)
	if _, err := s.Write(ctx, []telemetry.Point{p}); err == nil {
		t.Fatal("written under a cancelled context")
	}
	if w, err := s.Write(context.Background(), []telemetry.Point{p}); err != nil || w.Stored != 1 {
		t.Fatal(w, err)
	}
	if got, err := s.Newest(context.Background(), "d"); err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

func BenchmarkWrite(b *testing.B) {
	path := filepath.Join(b.TempDir(), "points.db")
	s := open(b, path)
	const batch = 5000
	pts := make([]telemetry.Point, batch)
	n, at := 0, historytest.T0
	for b.Loop() {
		for i := range pts {
			if i%100 == 0 {
				at += 1000
			}
			pts[i] = historytest.Point(devices.ID(fmt.Sprint("dev-", i%100)), at, uint64(n), "ch4", float64(i), "humidity", 61.5, "temp", 21.75)
			n++
		}
		if w, err := s.Write(context.Background(), pts); err != nil || w.Stored != batch {
			b.Fatal(w, err)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "points/s")
	if st, err := os.Stat(path); err == nil {
		b.ReportMetric(float64(st.Size())/float64(n), "B/point")
	}
}
