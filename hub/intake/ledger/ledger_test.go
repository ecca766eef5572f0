package ledger_test

import (
	"context"
	"reflect"
	"testing"

	"gridhub/devices/telemetry"
	"gridhub/hub/intake"
	"gridhub/hub/intake/ledger"
	"gridhub/hub/store/storetest"
)

func open(t *testing.T, o ledger.Options) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), storetest.Open(t), o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func hours(t *testing.T, l *ledger.Ledger, from, to telemetry.Millis) []ledger.Hour {
	t.Helper()
	all, err := l.Ledger(t.Context(), "", from, to)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCountsOnce(t *testing.T) {
	l := open(t, ledger.Options{})
	batch := []intake.Decoded{
		{Number: 1, Tally: []intake.Tally{{Device: "a", Hour: t0, Outcome: intake.Stored, N: 3}, {Device: "a", Hour: t0, Outcome: intake.Quarantined, Cause: "future", N: 2}}},
		{Number: 2, Repeats: 4, Tally: []intake.Tally{{Device: "a", Hour: t0, Outcome: intake.Quarantined, Cause: "future", N: -2}, {Device: "a", Hour: t0, Outcome: intake.Superseded, N: 1}}},
	}
	for _, part := range [][]intake.Decoded{batch[:1], batch, batch[1:]} {
		if err := l.Handle(t.Context(), part); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := hours(t, l, t0, t0+1), []ledger.Hour{{Device: "a", Begin: t0, Stored: 3, Superseded: 1}}; !reflect.DeepEqual(got, want) || got[0].Total() != 4 {
		t.Errorf("%+v", got)
	}
	if n, err := l.Redelivered(t.Context()); n != 4 || err != nil {
		t.Error(n, err)
	}
	if got := hours(t, l, t0+hour, t0+2*hour); len(got) != 0 {
		t.Errorf("the next hour: %+v", got)
	}
	if got := hours(t, l, t0+1000, t0+hour); len(got) != 1 {
		t.Errorf("an hour that had begun: %+v", got)
	}
}

const hour = telemetry.Millis(3_600_000)

func TestOffDutyPositionsAreExpired(t *testing.T) {
	off := func(_ context.Context, p telemetry.Position) (string, bool, error) {
		return "off-duty", p.Lat == 0, nil
	}
	l := open(t, ledger.Options{Expired: off})
	err := l.Handle(t.Context(), []intake.Decoded{{Number: 1,
		Positions: []telemetry.Position{{Device: "p", Lat: 1}, {Device: "p", Lat: 0}, {Device: "p", Lat: 0}},
		Tally:     []intake.Tally{{Device: "p", Hour: t0, Outcome: intake.Stored, N: 2}, {Device: "p", Hour: t0 + hour, Outcome: intake.Stored, N: 1}}}})
	if err != nil {
		t.Fatal(err)
	}
	want := []ledger.Hour{
		{Device: "p", Begin: t0, Stored: 1, Expired: map[string]int64{"off-duty": 1}},
		{Device: "p", Begin: t0 + hour, Expired: map[string]int64{"off-duty": 1}},
	}
	if got := hours(t, l, t0, t0+2*hour); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}
