package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"gridhub/scripts/rig"
)

const (
	few      = 20              // smoke detectors
	settle   = 2 * time.Second // of noise, before the first alarm
	patience = 10 * time.Second
)

// detectors registers and connects the smoke detectors.
func detectors(ctx context.Context, hub *rig.Hub) (all []*rig.Sensor, err error) {
	for i := range few {
		id := fmt.Sprint("smoke-", i)
		secret, err := hub.Register(ctx, id, "smoke")
		if err != nil {
			return all, err
		}
		d, err := hub.Connect(id, secret)
		if err != nil {
			return all, err
		}
		all = append(all, d)
	}
	return all, nil
}

// seen is a case that was on the screen for the first time.
type seen struct {
	at  time.Time
	err error
}

// follow tells of each new case, once.
func follow(screen *rig.Screen, tell chan<- seen) {
	known := map[string]bool{}
	for {
		e, err := screen.Next()
		if err != nil {
			tell <- seen{err: fmt.Errorf("stream: %w", err)}
			return
		}
		var c struct{ ID string }
		if e.Kind == "case" && json.Unmarshal(e.Data, &c) == nil && !known[c.ID] {
			known[c.ID] = true
			tell <- seen{at: e.At}
		}
	}
}

// alarm lets detectors go off one after the other, and returns how long each
// took to the screen, and how many records per second the journal had meanwhile.
func (p plan) alarm(ctx context.Context, hub *rig.Hub, all []*rig.Sensor, screen *rig.Screen, noise <-chan error) (waits []time.Duration, rate float64, err error) {
	cases := make(chan seen, 16) // one is awaited at a time
	go follow(screen, cases)
	pause(ctx, settle)
	before, err := hub.Metric(ctx, "gridhub_journal_records_total")
	if err != nil {
		return nil, 0, err
	}
	began := time.Now()
	for i := range p.alarms {
		d := all[i%len(all)]
		sent := time.Now()
		if err := d.Publish(smoke(1)); err != nil {
			return nil, 0, err
		}
		select {
		case s := <-cases:
			if s.err != nil {
				return nil, 0, s.err
			}
			waits = append(waits, s.at.Sub(sent))
		case err := <-noise:
			return nil, 0, err
		case <-time.After(patience):
			return nil, 0, errors.New("an alarm made no case")
		}
		if err := d.Publish(smoke(0)); err != nil {
			return nil, 0, err
		}
		pause(ctx, time.Duration(rand.IntN(100))*time.Millisecond)
	}
	after, err := hub.Metric(ctx, "gridhub_journal_records_total")
	return waits, (after - before) / time.Since(began).Seconds(), err
}

func smoke(v int) []byte {
	return fmt.Appendf(nil, `{"v":1,"at":%d,"values":{"smoke":%d}}`, time.Now().UnixMilli(), v)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
