package rig

import (
	"fmt"
	"io"
	"net"
	"time"

	"gridhub/scripts/rig/mqtt"
)

// Sensor is one connection that publishes one message after the other.
type Sensor struct {
	nc    net.Conn
	topic string
}

// Connect opens a registered sensor's connection.
func (h *Hub) Connect(id, secret string) (*Sensor, error) {
	nc, err := net.DialTimeout("tcp", h.MQTT, 10*time.Second)
	if err != nil {
		return nil, err
	}
	s := &Sensor{nc, "gh/1/" + id + "/up/telemetry"}
	answer, err := s.exchange(mqtt.Connect(id, id, secret))
	if err == nil && !mqtt.Accepted(answer) {
		err = fmt.Errorf("sensor %s is refused with %x", id, answer)
	}
	if err != nil {
		_ = nc.Close()
		return nil, err
	}
	return s, nil
}

// exchange writes a packet and reads its answer, which has four bytes.
func (s *Sensor) exchange(packet []byte) (answer [4]byte, err error) {
	_ = s.nc.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := s.nc.Write(packet); err != nil {
		return answer, err
	}
	_, err = io.ReadFull(s.nc, answer[:])
	return answer, err
}

// Publish sends a payload with QoS 1 and returns when it is acknowledged.
func (s *Sensor) Publish(payload []byte) error {
	body := append(mqtt.AppendString(nil, s.topic), 0, 1)
	answer, err := s.exchange(mqtt.AppendFrame(nil, mqtt.Publish(1), append(body, payload...)))
	if err != nil {
		return err
	}
	if _, ok := mqtt.Acknowledged(answer); !ok {
		return fmt.Errorf("publish on %s is answered with %x", s.topic, answer)
	}
	return nil
}

// Close ends the connection.
func (s *Sensor) Close() error { return s.nc.Close() }
