package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"gridhub/scripts/rig/mqtt"
)

// flushAt is how many bytes are gathered before they are written.
const flushAt = 16 << 10

// sampleEvery is the share of messages whose latency is kept.
const sampleEvery = 61

// A client is one connection. Packet ids run from 1 to the window and around;
// the broker acknowledges in order, so an id is free when it comes round.
type client struct {
	p       plan
	nc      net.Conn
	in      *bufio.Reader
	topic   string
	payload []piece
	sentAt  []atomic.Int64 // by packet id, nanoseconds; read when the answer is back
	waits   []time.Duration
}

func connect(p plan, i int) (*client, error) {
	nc, err := net.DialTimeout("tcp", p.Address, 10*time.Second)
	if err != nil {
		return nil, err
	}
	_ = nc.SetDeadline(time.Now().Add(p.Timeout))
	id := expand(p.ClientID, i, "")
	c := &client{p: p, nc: nc, in: bufio.NewReaderSize(nc, flushAt), topic: expand(p.Topic, i, id),
		payload: pieces(expand(p.Payload, i, id)), sentAt: make([]atomic.Int64, p.Window+1)}
	if _, err := nc.Write(mqtt.Connect(id, expand(p.User, i, id), p.password(i, id))); err != nil {
		return nil, err
	}
	var answer [4]byte
	if _, err := io.ReadFull(c.in, answer[:]); err != nil {
		return nil, fmt.Errorf("client %s: no CONNACK: %w", id, err)
	}
	if !mqtt.Accepted(answer) {
		return nil, fmt.Errorf("client %s: refused with %x", id, answer)
	}
	return c, nil
}

// publish sends n messages and returns when all are acknowledged (QoS 1) or
// written (QoS 0).
func (c *client) publish(n int) error {
	acks := make(chan int, c.p.Window) // at most one entry per message in the window
	failed := make(chan error, 1)
	if c.p.QoS == 1 {
		go func() { failed <- c.read(n, acks) }()
	}
	var buf, body []byte
	free := c.p.Window
	began := time.Now()
	for seq := range n {
		if err := c.pace(began, seq, &buf); err != nil {
			return err
		}
		for c.p.QoS == 1 && (free == 0 || len(acks) > 0) {
			if free == 0 && len(buf) > 0 && len(acks) == 0 {
				if err := c.write(&buf); err != nil {
					return err
				}
			}
			select {
			case k := <-acks:
				free += k
			case err := <-failed:
				return err
			}
		}
		free--
		buf, body = c.appendPublish(buf, body, seq)
		if len(buf) >= flushAt {
			if err := c.write(&buf); err != nil {
				return err
			}
		}
	}
	if err := c.write(&buf); err != nil || c.p.QoS == 0 {
		return err
	}
	for {
		select {
		case <-acks:
		case err := <-failed:
			return err
		}
	}
}

// pace waits until message seq is due, with what was gathered written before.
func (c *client) pace(began time.Time, seq int, buf *[]byte) error {
	if c.p.Rate == 0 {
		return nil
	}
	due := began.Add(time.Duration(seq) * time.Second * time.Duration(c.p.Connections) / time.Duration(c.p.Rate))
	if wait := time.Until(due); wait > 0 {
		if err := c.write(buf); err != nil {
			return err
		}
		time.Sleep(wait)
	}
	return nil
}

func (c *client) write(buf *[]byte) error {
	_, err := c.nc.Write(*buf)
	*buf = (*buf)[:0]
	return err
}

func (c *client) appendPublish(buf, body []byte, seq int) (_, _ []byte) {
	body = mqtt.AppendString(body[:0], c.topic)
	if c.p.QoS == 1 {
		id := seq%c.p.Window + 1
		body = append(body, byte(id>>8), byte(id))
		if seq%sampleEvery == 0 {
			c.sentAt[id].Store(time.Now().UnixNano())
		}
	}
	body = appendPayload(body, c.payload, seq, c.p.From)
	return mqtt.AppendFrame(buf, mqtt.Publish(c.p.QoS), body), body
}

// read counts n PUBACKs, which must come in order, and reports how many each
// read brought.
func (c *client) read(n int, acks chan<- int) error {
	var ack [4]byte
	for seq, fresh := 0, 0; seq < n; seq++ {
		if _, err := io.ReadFull(c.in, ack[:]); err != nil {
			return fmt.Errorf("after %d of %d acknowledgements: %w", seq, n, err)
		}
		id, ok := mqtt.Acknowledged(ack)
		if !ok || id != seq%c.p.Window+1 {
			return fmt.Errorf("answer %d is %x: want PUBACK %d", seq, ack, seq%c.p.Window+1)
		}
		if seq%sampleEvery == 0 {
			c.waits = append(c.waits, time.Duration(time.Now().UnixNano()-c.sentAt[id].Load()))
		}
		if fresh++; c.in.Buffered() < len(ack) || fresh == c.p.Window {
			acks <- fresh
			fresh = 0
		}
	}
	return nil
}
