package live_test

import (
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/live"
)

// TestFailed shows why a device does not answer, keeps what it measured before,
// and forgets the cause with the next value.
func TestFailed(t *testing.T) {
	now := time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)
	b := live.NewBoard(func() time.Time { return now })
	b.Describe("edge-1", wire.Entry{ID: "gas-1", Period: 1000, Metrics: []wire.Metric{{Name: "ch4"}}})
	at := func(ago time.Duration) telemetry.Millis { return telemetry.At(now.Add(-ago)) }
	read := func(ago time.Duration) *telemetry.Point {
		return &telemetry.Point{Device: "gas-1", At: at(ago), Fields: []telemetry.Field{{Metric: "ch4", Value: 5}}}
	}
	failed := func(ago time.Duration) *telemetry.Point {
		return &telemetry.Point{Device: "gas-1", At: at(ago), Quality: telemetry.Bad}
	}
	is := func(health, cause string) {
		t.Helper()
		d := b.Devices()[0]
		if d.Health != health || d.Failure != cause || d.Values[0].Value == nil || *d.Values[0].Value != 5 {
			t.Errorf("got %s %q %+v, want %s %q and 5", d.Health, d.Failure, d.Values, health, cause)
		}
	}
	b.Point(read(4 * time.Second))
	is("fresh", "")
	b.Point(failed(3 * time.Second))
	b.Failed("gas-1", at(3*time.Second), "line-down")
	is("fault", "line-down")
	b.Failed("gas-1", at(time.Hour), "timeout") // it comes late
	b.Failed("nobody", at(0), "timeout")
	is("fault", "line-down")
	b.Point(read(2 * time.Second))
	is("fresh", "")
}
