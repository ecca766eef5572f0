package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// connectTerminals opens n connections, each subscribed to its own tree, and
// returns what closes them.
func connectTerminals(address string, n int) (done func(), err error) {
	open, errs := make([]net.Conn, n), make([]error, n)
	slots := make(chan struct{}, 64) // connecting at once
	var all sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			open[i], errs[i] = connectTerminal(address, fmt.Sprintf("terminal-%05d", i))
		})
	}
	all.Wait()
	return func() {
		for _, nc := range open {
			_ = nc.Close()
		}
	}, errors.Join(errs...)
}

// connectTerminal sends CONNECT (3.1.1, persistent session, keepalive 10 min)
// and SUBSCRIBE, and waits for both answers.
func connectTerminal(address, id string) (net.Conn, error) {
	nc, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		return nil, err
	}
	_ = nc.SetDeadline(time.Now().Add(time.Minute))
	field := func(s string) string { return string([]byte{0, byte(len(s))}) + s }
	connect := field("MQTT") + "\x04\xc0\x02\x58" + field(id) + field(id) + field("secret")
	subscribe := "\x00\x01" + field("gh/1/"+id+"/down/#") + "\x01"
	packets := "\x10" + string([]byte{byte(len(connect))}) + connect + "\x82" + string([]byte{byte(len(subscribe))}) + subscribe
	if _, err := io.WriteString(nc, packets); err != nil {
		return nil, err
	}
	var answers [9]byte // CONNACK and SUBACK
	if _, err := io.ReadFull(nc, answers[:]); err != nil {
		return nil, fmt.Errorf("terminal %s: %w", id, err)
	}
	if answers[3] != 0 || answers[8] != 1 {
		return nil, fmt.Errorf("terminal %s: refused with %x", id, answers)
	}
	return nc, nil
}
