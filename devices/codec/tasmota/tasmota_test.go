package tasmota

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"gridhub/devices/codec"
)

func say(m Message) string {
	if m.Presence {
		return fmt.Sprint("online ", m.Online)
	}
	units := map[string]string{}
	for _, u := range m.Units {
		units[u.Metric] = u.Unit
	}
	var b strings.Builder
	for _, v := range m.Values {
		fmt.Fprintf(&b, "%s=%v%s ", v.Metric, v.Value, units[v.Metric])
	}
	for _, o := range m.LeftOut {
		fmt.Fprintf(&b, "-%s:%d ", o.Why, o.N)
	}
	if m.At != 0 {
		fmt.Fprintf(&b, "at %d", m.At)
	}
	return strings.TrimSpace(b.String())
}

// The frames are those that Tasmota's documentation and its devices' logs show:
// "MQTT" (POWER, LWT), "Peripherals", "Power Monitoring", "JSON Status Responses".
func TestFrames(t *testing.T) {
	for _, tt := range []struct{ topic, in, want string }{
		{"tele/LWT", "Online", "online true"},
		{"tele/LWT", "Offline", "online false"},
		{"tele/SENSOR", `{"Time":"2018-02-01T20:12:05","DS18B20":{"Id":"0416A4C1AAFF","Temperature":20.6},"TempUnit":"C"}`,
			"DS18B20.Temperature=20.6Cel -text:1"},
		{"tele/SENSOR", `{"Time":"2019-11-03T19:34:28","BME280":{"Temperature":69.4,"Humidity":44.7,"Pressure":987.2},"PressureUnit":"hPa","TempUnit":"F"}`,
			"BME280.Humidity=44.7% BME280.Pressure=987.2hPa BME280.Temperature=69.4[degF]"},
		{"tele/SENSOR", `{"Time":"2021-06-13T06:59:52","ANALOG":{"CTEnergy":{"Energy":0.006,"Power":2068,"Voltage":230,"Current":8.992}},"DHT11":{"Temperature":23.0,"Humidity":37.0,"DewPoint":7.5},"TempUnit":"C"}`,
			"ANALOG.CTEnergy.Current=8.992A ANALOG.CTEnergy.Energy=0.006 ANALOG.CTEnergy.Power=2068W ANALOG.CTEnergy.Voltage=230V DHT11.DewPoint=7.5Cel DHT11.Humidity=37% DHT11.Temperature=23Cel"},
		{"tele/SENSOR", `{"Time":"2024-01-01T00:00:00+08:00","ENERGY":{"TotalStartTime":"2023-01-01T00:00:00","Total":3.185,"Power":[11,0],"Factor":0.63}}`,
			"ENERGY.Factor=0.63 ENERGY.Power.1=11W ENERGY.Power.2=0W ENERGY.Total=3.185kW.h -text:1 at 1704038400000"},
		{"tele/STATE", `{"Time":"2024-02-24T22:20:38","Uptime":"0T00:10:11","UptimeSec":611,"Heap":24,"SleepMode":"Dynamic","Sleep":50,"LoadAvg":19,"MqttCount":1,"POWER":"OFF","Wifi":{"AP":1,"SSId":"ESP-Network","BSSId":"E6:8D:8C:4B:BE:F7","Channel":3,"Mode":"11n","RSSI":44,"Signal":-78,"LinkCount":1,"Downtime":"0T00:00:05"}}`,
			"Heap=24 LoadAvg=19 MqttCount=1 POWER=0 Sleep=50 UptimeSec=611s Wifi.AP=1 Wifi.Channel=3 Wifi.LinkCount=1 Wifi.RSSI=44% Wifi.Signal=-78dBm -text:6"},
		{"tele/SENSOR", `{"Time":"2024-02-24T22:20:38","Switch1":"ON"}`, "Switch1=1"},
		{"stat/RESULT", `{"POWER":"ON"}`, "POWER=1"},
		{"stat/POWER1", "OFF", "POWER1=0"},
		{"stat/STATUS10", `{"StatusSNS":{"Time":"2021-06-13T06:59:49","DHT11":{"Temperature":null,"Humidity":37.0},"TempUnit":"C"}}`,
			"DHT11.Humidity=37% -null:1"},
		{"stat/STATUS11", `{"StatusSTS":{"Time":"2021-06-13T06:59:49","UptimeSec":9,"POWER2":"ON","Ok":true}}`, "Ok=1 POWER2=1 UptimeSec=9s"},
		{"tele/UPTIME", "12", "UPTIME=12"},
		{"stat/INFO", "hello", "-text:1"},
	} {
		m, err := Read(tt.topic, []byte(tt.in))
		if got := say(m); err != nil || got != tt.want {
			t.Errorf("%s %s\nis   %s, %v\nwant %s", tt.topic, tt.in, got, err, tt.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for in, want := range map[string]codec.Cause{
		`{"a":1`:                             codec.Malformed,
		`{"a":1}x`:                           codec.Malformed,
		`{"a":1e999}`:                        codec.Number,
		`{"A":{"B":1},"A":{"B":2}}`:          codec.Duplicate,
		`{"a":` + strings.Repeat("[", 40):    codec.TooDeep,
		`{"a":[` + strings.Repeat("1,", 300): codec.TooLarge,
		strings.Repeat(" ", MaxBytes+1):      codec.TooLarge,
	} {
		if m, err := Read("tele/SENSOR", []byte(in)); codec.CauseOf(err) != want || err == nil {
			t.Errorf("%.40s: %+v, %v; want %s", in, m, err, want)
		}
	}
	if _, err := Read("tele/LWT", []byte("online")); codec.CauseOf(err) != codec.Shape {
		t.Error(err)
	}
	if _, err := Read("tele", []byte("1")); codec.CauseOf(err) != codec.Shape {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("tele/SENSOR", []byte(`{"Time":"2018-02-01T20:12:05","DS18B20":{"Id":"0416A4C1AAFF","Temperature":20.6},"TempUnit":"C"}`))
	f.Add("stat/POWER", []byte("ON"))
	f.Add("tele/STATE", []byte(`{"Wifi":{"RSSI":[1,{"a":-0.5e3}]},"Ok":true,"x":null}`))
	f.Fuzz(func(t *testing.T, topic string, p []byte) {
		m, err := Read(topic, p)
		if err != nil {
			return
		}
		for i, v := range m.Values {
			if math.IsInf(v.Value, 0) || math.IsNaN(v.Value) || !codec.ValidMetric([]byte(v.Metric)) || i > 0 && m.Values[i-1].Metric >= v.Metric {
				t.Fatalf("accepted %+v", m.Values)
			}
		}
	})
}
