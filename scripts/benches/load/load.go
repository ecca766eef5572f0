package main

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A result is printed as the last line. Latency is from writing a message to
// reading its acknowledgement, of a sample.
type result struct {
	Messages    int     `json:"messages"`
	Seconds     float64 `json:"seconds"`
	PerSecond   float64 `json:"per_second"`
	P50         float64 `json:"p50_ms"`
	P99         float64 `json:"p99_ms"`
	Connections int     `json:"connections"`
	Window      int     `json:"window"`
}

// run connects every client, then lets them all publish at once.
func run(p plan) (result, error) {
	if p.Connections < 1 || p.Window < 1 || p.Window > 65535 || p.QoS < 0 || p.QoS > 1 {
		return result{}, fmt.Errorf("connections %d, window %d, qos %d: want at least 1, 1 to 65535, 0 or 1", p.Connections, p.Window, p.QoS)
	}
	clients, err := connectAll(p)
	if err != nil {
		return result{}, err
	}
	started := time.Now()
	errs := make([]error, len(clients))
	var all sync.WaitGroup
	for i, c := range clients {
		share := p.Messages / p.Connections
		if i < p.Messages%p.Connections {
			share++
		}
		all.Go(func() { errs[i] = c.publish(share) })
	}
	all.Wait()
	took := time.Since(started)
	if err := errors.Join(errs...); err != nil {
		return result{}, err
	}
	return summarise(p, clients, took), nil
}

// connectAll opens the connections, 64 at a time.
func connectAll(p plan) ([]*client, error) {
	clients, errs := make([]*client, p.Connections), make([]error, p.Connections)
	slots := make(chan struct{}, 64)
	var all sync.WaitGroup
	for i := range clients {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			clients[i], errs[i] = connect(p, i)
		})
	}
	all.Wait()
	return clients, errors.Join(errs...)
}

func summarise(p plan, clients []*client, took time.Duration) result {
	var waits []time.Duration
	for _, c := range clients {
		waits = append(waits, c.waits...)
		_ = c.nc.Close()
	}
	slices.Sort(waits)
	at := func(share float64) float64 {
		if len(waits) == 0 {
			return 0
		}
		return float64(waits[int(share*float64(len(waits)-1))].Microseconds()) / 1000
	}
	return result{Messages: p.Messages, Seconds: took.Seconds(), PerSecond: float64(p.Messages) / took.Seconds(),
		P50: at(0.5), P99: at(0.99), Connections: p.Connections, Window: p.Window}
}
