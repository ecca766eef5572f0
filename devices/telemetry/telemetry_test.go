package telemetry

import (
	"testing"
	"time"
)

func TestEventTime(t *testing.T) {
	const hub = Millis(1_700_000_000_000)
	tests := []struct {
		name string
		in   Times
		at   Millis
		by   Basis
		ok   bool
	}{
		{"device clock wins", Times{Device: hub - 7000, Gateway: hub - 3000, Hub: hub}, hub - 7000, ByDevice, true},
		{"gateway when the device has no clock", Times{Gateway: hub - 3000, Hub: hub}, hub - 3000, ByGateway, true},
		{"hub when nobody has one", Times{Hub: hub}, hub, ByHub, true},
		{"a small offset is left alone", Times{Gateway: hub - 3000, Hub: hub, Offset: 4 * time.Second}, hub - 3000, ByGateway, true},
		{"a clock from 1970 is shifted", Times{Gateway: 60_000, Hub: hub, Offset: time.Duration(hub-61_000) * time.Millisecond}, hub - 1000, ByCorrected, true},
		{"a clock a day ahead is shifted back", Times{Gateway: hub + 86_400_000, Hub: hub, Offset: -24 * time.Hour}, hub, ByCorrected, true},
		{"five minutes ahead is allowed", Times{Device: hub + 300_000, Hub: hub}, hub + 300_000, ByDevice, true},
		{"more is not", Times{Device: hub + 300_001, Hub: hub}, hub + 300_001, ByDevice, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at, by, ok := tt.in.Event()
			if at != tt.at || by != tt.by || ok != tt.ok {
				t.Errorf("Event() = %d, %s, %v; want %d, %s, %v", at, by, ok, tt.at, tt.by, tt.ok)
			}
		})
	}
}

func TestSupersedes(t *testing.T) {
	a := Key{Sender: "gw", Stream: "data", Epoch: 1, Seq: 9, Offset: 50}
	tests := []struct {
		name string
		k    Key
		want bool
	}{
		{"higher sequence", Key{Sender: "gw", Stream: "data", Epoch: 1, Seq: 10, Offset: 40}, true},
		{"lower sequence, later offset", Key{Sender: "gw", Stream: "data", Epoch: 1, Seq: 8, Offset: 60}, false},
		{"higher epoch", Key{Sender: "gw", Stream: "data", Epoch: 2, Seq: 1, Offset: 60}, true},
		{"another sender, later offset", Key{Sender: "other", Stream: "data", Epoch: 1, Seq: 1, Offset: 60}, true},
		{"no numbers, earlier offset", Key{Sender: "gw", Stream: "data", Offset: 40}, false},
	}
	for _, tt := range tests {
		if got := tt.k.Supersedes(a); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
