package foreign_test

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSparkplugFrames sends a node's messages from files with mosquitto_pub: the
// protobuf of a birth, of a device's birth with aliases, and of data that names
// metrics by alias alone. They bear no times, as small nodes' do: the hub's
// count.
func TestSparkplugFrames(t *testing.T) {
	h := open(t)
	secret := h.add("pumps", "--kind", "gateway", "--convention", "sparkplug", "--foreign", "street/node-2", "--profile", "pump")
	as := []string{"-i", "mosquitto", "-u", "pumps", "-P", secret, "-q", "1"}
	for _, m := range []struct{ file, topic string }{
		{"nbirth.bin", "spBv1.0/street/NBIRTH/node-2"},
		{"dbirth.bin", "spBv1.0/street/DBIRTH/node-2/pump1"},
		{"ddata.bin", "spBv1.0/street/DDATA/node-2/pump1"},
	} {
		frame, err := os.ReadFile(filepath.Join("testdata", "sparkplug", m.file))
		if err != nil {
			t.Fatal(err)
		}
		h.pub(m.topic, string(frame), as...)
	}
	h.has("pumps", "Supply_Voltage", 12.5)
	h.has("pumps.pump1", "Flow", 2.75)
	h.has("pumps.pump1", "Running", 1)
	h.has("pumps.pump1", "Level", -7) // told at birth alone
	h.shows("pumps.pump1", withUnit("Level", "mm"))
	h.pub("spBv1.0/street/DDATA/node-2/pump1", "\xff\xff", as...)
	h.quarantined("pumps", "malformed", 1)
}
