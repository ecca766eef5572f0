package rig

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// Mosquitto is a running broker that lets everybody in.
type Mosquitto struct {
	*Program
	MQTT string // host:port
}

// StartMosquitto starts mosquitto from the PATH with nothing that would slow it
// down: no disk, no limit on what is under way to a subscriber or waits for it.
func StartMosquitto(ctx context.Context, dir string) (*Mosquitto, error) {
	m := &Mosquitto{}
	if err := FreeAddresses(&m.MQTT); err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(m.MQTT)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "mosquitto.conf")
	text := fmt.Sprintf("listener %s %s\nallow_anonymous true\npersistence false\nmax_inflight_messages 0\nmax_queued_messages 0\nset_tcp_nodelay true\nlog_type error\n", port, host)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	if m.Program, err = start(dir, "mosquitto", "mosquitto", nil, "-c", file); err != nil {
		return nil, err
	}
	if err := m.Await(ctx, func() error { return Dials(m.MQTT) }); err != nil {
		m.Stop()
		return nil, err
	}
	return m, nil
}

// telegraf takes what the hub takes: the values of one message become one line
// with one tag, stamped by the sender. The tag is the topic and the values are
// named, which costs Telegraf the least. The buffer holds a whole run.
const telegraf = `
[agent]
  interval = "1s"
  flush_interval = "1s"
  metric_batch_size = 5000
  metric_buffer_limit = 1000000
  omit_hostname = true
  logtarget = "stderr"

[[inputs.mqtt_consumer]]
  servers = ["tcp://%s"]
  topics = ["gh/1/+/up/telemetry"]
  topic_tag = "device"
  qos = 1
  client_id = "telegraf"
  persistent_session = true
  max_undelivered_messages = 50000
  data_format = "json_v2"
  [[inputs.mqtt_consumer.json_v2]]
    measurement_name = "%s"
    timestamp_path = "at"
    timestamp_format = "unix_ms"
    [[inputs.mqtt_consumer.json_v2.field]]
      path = "values.temp"
      type = "float"
    [[inputs.mqtt_consumer.json_v2.field]]
      path = "values.hum"
      type = "float"

[[outputs.influxdb_v2]]
  urls = ["%s"]
  organization = ""
  bucket = "%s"
`

// StartTelegraf starts telegraf from the PATH between a broker and a database
// and returns when it has subscribed.
func StartTelegraf(ctx context.Context, dir string, m *Mosquitto, in *Influx, measurement string) (*Program, error) {
	file := filepath.Join(dir, "telegraf.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, telegraf, m.MQTT, measurement, in.URL, Bucket), 0o600); err != nil {
		return nil, err
	}
	p, err := start(dir, "telegraf", "telegraf", nil, "--config", file)
	if err != nil {
		return nil, err
	}
	connected := func() error {
		said, err := os.ReadFile(p.log)
		if err == nil && !bytes.Contains(said, []byte("Connected [tcp://")) {
			err = fmt.Errorf("not connected to %s", m.MQTT)
		}
		return err
	}
	if err := p.Await(ctx, connected); err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}
