package commands

import (
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/codec/sparkplug"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

func (d *desk) last(kind, payload string) {
	d.t.Helper()
	if len(d.sent) == 0 {
		d.t.Fatal("nothing was sent")
	}
	if s := d.sent[len(d.sent)-1]; s.kind != kind || payload != "" && string(s.payload) != payload {
		d.t.Fatalf("sent %s %q, want %s %q", s.kind, s.payload, kind, payload)
	}
}

// shows has a device tell a value now.
func (d *desk) shows(from, device devices.ID, topic, metric string, v float64) {
	d.t.Helper()
	now := telemetry.At(time.Now())
	d.hear(Heard{From: from, Topic: topic, At: now, Points: []telemetry.Point{{Device: device, At: now, Fields: []telemetry.Field{{Metric: metric, Value: v}}}}})
}

func TestTasmota(t *testing.T) {
	run(t, func(t *testing.T, d *desk) {
		d.online["plug"] = true
		controls, signed, err := d.Controls(t.Context(), "plug")
		if err != nil || signed || len(controls) != 2 || controls[0].Name != "Dimmer" || !controls[1].Bool {
			t.Fatalf("%+v, %v, %v", controls, signed, err)
		}
		d.shows("plug", "plug", "tasmota/stat/POWER", "POWER", 1)
		pass(time.Minute)
		i := d.command("plug", "POWER", 1)
		pass(time.Second)
		d.last("tasmota/cmnd/POWER", "ON")
		d.shows("plug", "plug", "tasmota/tele/STATE", "POWER", 1)  // its hourly word, perhaps from before
		d.shows("plug", "plug", "tasmota/stat/POWER", "POWER", 0)  // not what was asked for
		d.shows("other", "plug", "tasmota/stat/POWER", "POWER", 1) // not by itself
		if got := d.is(i.ID, "plug", Sent); !got.Unsigned {
			t.Errorf("%+v", got)
		}
		d.shows("plug", "plug", "tasmota/stat/POWER", "POWER", 1)
		d.is(i.ID, "plug", Executed, Created, Sent, Executed)
		silent := d.command("plug", "POWER", 0)
		d.Greet("plug")
		pass(time.Hour)
		if got := d.is(silent.ID, "plug", Expired); got.Stages[2].Cause != NoAnswer || len(d.sent) != 2 {
			t.Errorf("%+v after %d sendings: a foreign device is told once", got, len(d.sent))
		}
	})
}

func TestThingsBoard(t *testing.T) {
	run(t, func(t *testing.T, d *desk) {
		d.online["board"], d.online["tb"] = true, true
		if err := d.Declare(t.Context(), "board", wire.Control{Name: "setSiren", Bool: true}); err != nil {
			t.Fatal(err)
		}
		if err := d.Declare(t.Context(), "tb.hall", wire.Control{Name: "setpoint", Unit: "Cel"}); err != nil {
			t.Fatal(err)
		}
		i := d.command("board", "setSiren", 1)
		pass(time.Second)
		d.last("tb/rpc/request/1", `{"method":"setSiren","params":true}`)
		d.hear(Heard{From: "tb", Topic: "tb/rpc/response/1", Body: []byte(`{}`)}) // another's number 1
		d.is(i.ID, "board", Sent)
		d.hear(Heard{From: "board", Topic: "tb/rpc/response/1", Body: []byte(`{"siren":true}`)})
		if got := d.is(i.ID, "board", Executed); got.Stages[2].Values["siren"] != 1 {
			t.Errorf("%+v", got)
		}
		behind := d.command("tb.hall", "setpoint", 21.5)
		pass(time.Second)
		d.last("tb/gateway/rpc", `{"data":{"id":2,"method":"setpoint","params":21.5},"device":"hall"}`)
		d.hear(Heard{From: "tb", Topic: "tb/gateway/rpc", Body: []byte(`{"device":"hall","id":2,"data":{"success":false,"error":"stuck"}}`)})
		if got := d.is(behind.ID, "tb.hall", Failed); got.Stages[2].Cause != "device" || got.Stages[2].Detail == "" {
			t.Errorf("%+v", got)
		}
		if err := d.Withdraw(t.Context(), "board", "setSiren"); err != nil {
			t.Error(err)
		}
		if c, _, err := d.Controls(t.Context(), "board"); err != nil || len(c) != 0 {
			t.Errorf("%v, %v", c, err)
		}
		for _, c := range []wire.Control{{Name: "two words"}, {Name: "a", Bool: true, Text: true}} {
			if d.Declare(t.Context(), "board", c) == nil {
				t.Errorf("%+v is taken", c)
			}
		}
		if d.Declare(t.Context(), "plug", wire.Control{Name: "POWER9", Bool: true}) == nil || d.Withdraw(t.Context(), "board", "x") == nil {
			t.Error("a Tasmota is described by hand, or nothing is withdrawn")
		}
	})
}

func TestHomeAssistant(t *testing.T) {
	run(t, func(t *testing.T, d *desk) {
		d.online["z"] = true
		const topic = "ha/discovery/switch/0x1/relay/config"
		d.hear(Heard{From: "z", Speaks: true, Topic: topic, Body: []byte(`{"stat_t":"z2m/lamp","cmd_t":"z2m/lamp/set","dev":{"ids":["0x1"]}}`)})
		d.hear(Heard{From: "z", Speaks: true, Topic: "ha/discovery/switch/0x1/far/config", Body: []byte(`{"stat_t":"z2m/lamp","cmd_t":"elsewhere/set","dev":{"ids":["0x1"]}}`)})
		i := d.command("z.0x1", "switch.relay", 1)
		pass(time.Second)
		d.last("ha/state/z2m/lamp/set", "ON")
		d.shows("z", "z.0x1", "ha/state/z2m/lamp", "switch.relay", 1)
		d.is(i.ID, "z.0x1", Executed)
		v := 1.0
		if _, err := d.Command(t.Context(), Request{Device: "z.0x1", Control: "switch.far", Value: &v}); err == nil {
			t.Error("a topic of somebody else's tree is taken")
		}
		d.hear(Heard{From: "z", Speaks: true, Topic: topic}) // taken back
		if c, _, err := d.Controls(t.Context(), "z.0x1"); err != nil || len(c) != 1 {
			t.Errorf("%v, %v", c, err)
		}
	})
}

// TestSparkplug sets a metric that a birth calls writable; what the node then
// tells shows that it was done.
func TestSparkplug(t *testing.T) {
	run(t, func(t *testing.T, d *desk) {
		d.online["plant"] = true
		// One metric "Valve/1", Int16, with the property readOnly = false.
		birth := []byte("\x12\x1d\x0a\x07Valve/1\x20\x02\x4a\x10\x0a\x08readOnly\x12\x04\x08\x0b\x38\x00")
		if _, err := sparkplug.Decode(birth); err != nil {
			t.Fatal(err)
		}
		d.hear(Heard{From: "plant", Speaks: true, Topic: "spb/DBIRTH/pump", Body: birth})
		c, _, err := d.Controls(t.Context(), "plant.pump")
		if err != nil || len(c) != 1 || c[0].Name != "Valve.1" || *c[0].Min != -32768 {
			t.Fatalf("%+v, %v", c, err)
		}
		i := d.command("plant.pump", "Valve.1", -7)
		pass(time.Second)
		d.last("spb/DCMD/pump", "")
		d.shows("plant", "plant.pump", "spb/DDATA/pump2", "Valve.1", -7)
		d.shows("plant", "plant.pump", "spb/DBIRTH/pump", "Valve.1", -7)
		d.is(i.ID, "plant.pump", Sent)
		d.shows("plant", "plant.pump", "spb/DDATA/pump", "Valve.1", -7)
		d.is(i.ID, "plant.pump", Executed)
		half := 0.5
		if _, err := d.Command(t.Context(), Request{Device: "plant.pump", Control: "Valve.1", Value: &half}); err == nil {
			t.Error("an integer takes a half")
		}
	})
}
