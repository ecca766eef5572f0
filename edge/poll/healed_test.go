package poll

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/edge/driver"
)

// noisy is a line that damages every fourth answer.
type noisy struct{ answers int }

func (n *noisy) Read(_ context.Context, s driver.Station) (driver.Reading, error) {
	if n.answers++; n.answers%4 == 0 {
		return driver.Reading{}, &driver.ReadError{Device: s.ID, Cause: driver.Damaged, Retry: true, Err: errors.New("wrong CRC")}
	}
	return driver.Reading{Values: []telemetry.Field{{Metric: "ch4", Value: 1}}}, nil
}

func (n *noisy) Close() error { return nil }

// TestHealed holds that retries hide no damage from the diagnosis: every
// reading succeeds, and the line is called bad all the same.
func TestHealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New("bus", &noisy{}, tasks(time.Second, 2), func(r wire.Record, _ bool) {
			if r.Quality != telemetry.Good {
				t.Errorf("a failed reading: %+v", r)
			}
		}, Options{Retries: 2})
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		if err := s.Run(ctx); err != nil {
			t.Fatal(err)
		}
		found := s.Findings()
		if len(found) != 1 || found[0].Device != "" || !strings.Contains(found[0].Text.EN, "120 ohm") {
			t.Errorf("found %+v", found)
		}
	})
}
