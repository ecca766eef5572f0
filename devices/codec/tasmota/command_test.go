package tasmota

import "testing"

func TestCommands(t *testing.T) {
	for name, want := range map[string]bool{"POWER": true, "POWER1": true, "POWER32": true, "POWER321": false, "ENERGY.Power": false, "Dimmer": false} {
		if Switch(name) != want {
			t.Errorf("%s is a switch: %v", name, !want)
		}
	}
	for want, got := range map[string][]byte{"ON": Command("POWER", 1), "OFF": Command("POWER2", 0), "40": Command(Dimmer, 40)} {
		if string(got) != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
