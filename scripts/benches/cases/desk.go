package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"sync"
	"time"

	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
	"gridhub/scripts/hubclient"
	"gridhub/scripts/rig"
)

const (
	openCases = 400 // on a busy day
	asked     = 200 // of each kind of question
	hands     = 32  // requests under way at once, at most
)

// desk asks a hub what its pages ask.
type desk struct {
	client *hubclient.Client
	dice   *rand.Rand
	ids    []identity.CaseID // open ones
}

func newDesk(ctx context.Context, hub *rig.Hub) (*desk, error) {
	c, err := hub.SignIn(ctx)
	return &desk{client: c, dice: rand.New(rand.NewPCG(2, 2))}, err
}

// report brings a new case into the pool.
func (d *desk) report(ctx context.Context, n int) (identity.CaseID, error) {
	var c tasks.Case
	err := d.client.Call(ctx, "POST", "/api/v1/cases", tasks.Report{ID: fmt.Sprintf("new-case-%d", n), Matter: "AQ03", Source: "hotline",
		Text: places[n%len(places)] + trouble[n%len(trouble)], Grid: "G01",
		Place: geo.Point{Lon: centreLon + spread*float64(n%100)/100, Lat: centreLat + spread*float64(n%97)/97}}, &c)
	return c.ID, err
}

// open makes the day's open cases.
func (d *desk) open(ctx context.Context, _ *result) error {
	for n := range openCases {
		id, err := d.report(ctx, n)
		if err != nil {
			return err
		}
		d.ids = append(d.ids, id)
	}
	return nil
}

// ask times one question, asked again and again.
func (d *desk) ask(ctx context.Context, times int, path func() string) (all []time.Duration, err error) {
	for range times {
		began := time.Now()
		if err := d.client.Call(ctx, "GET", path(), nil, nil); err != nil {
			return nil, err
		}
		all = append(all, time.Since(began))
	}
	return all, nil
}

// share is what so many of a hundred do not exceed, in ms.
func share(all []time.Duration, of int) float64 {
	slices.Sort(all)
	return float64(all[len(all)*of/100].Microseconds()) / 1000
}

func (d *desk) pool(ctx context.Context, r *result) error {
	all, err := d.ask(ctx, asked, func() string { return fmt.Sprintf("/api/v1/cases?open=true&limit=%d", openCases) })
	if err != nil {
		return err
	}
	r.Pool = share(all, 95)
	fmt.Printf("the pool's page, %d open cases: p50 %.1f ms, p95 %.1f ms\n", openCases, share(all, 50), r.Pool)
	return nil
}

func (d *desk) closed(cases int) identity.CaseID {
	return tasks.CaseFor(fmt.Sprintf("bench-%d", d.dice.IntN(cases)))
}

func (d *desk) single(ctx context.Context, r *result) error {
	all, err := d.ask(ctx, asked, func() string { return "/api/v1/cases/" + string(d.closed(r.Cases)) })
	if err != nil {
		return err
	}
	r.Case = share(all, 95)
	fmt.Printf("one case of %d: p50 %.1f ms, p95 %.1f ms\n", r.Cases, share(all, 50), r.Case)
	return nil
}

// figures asks for the last thirty days, by matter.
func (d *desk) figures(ctx context.Context, r *result) error {
	path := "/api/v1/figures/table?" + url.Values{"by": {"matter"},
		"from": {fmt.Sprint(time.Now().AddDate(0, 0, -30).UnixMilli())}, "to": {fmt.Sprint(time.Now().UnixMilli())}}.Encode()
	first, err1 := d.ask(ctx, 1, func() string { return path })
	all, err2 := d.ask(ctx, 5, func() string { return path })
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	r.FiguresCold, r.Figures = first[0].Seconds(), share(all, 50)/1000
	fmt.Printf("a month's figures: first %.2f s, then %.2f s\n", r.FiguresCold, r.Figures)
	return nil
}

func (d *desk) duplicates(ctx context.Context, r *result) error {
	path := func() string { return "/api/v1/cases/" + string(d.ids[d.dice.IntN(len(d.ids))]) + "/alike" }
	first, err1 := d.ask(ctx, 1, path)
	all, err2 := d.ask(ctx, asked, path)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	r.Duplicates = share(all, 95)
	fmt.Printf("what is alike a case: first %.2f s, then p50 %.1f ms, p95 %.1f ms\n", first[0].Seconds(), share(all, 50), r.Duplicates)
	return nil
}

// commands has dispatchers work at a rate: a report, then the steps that are
// theirs, on a case that is another hand's at no time. A hand that is late does
// not skip.
func (d *desk) commands(ctx context.Context, r *result, rate int, work time.Duration) error {
	var mu sync.Mutex
	var all []time.Duration
	var faults []error
	var group sync.WaitGroup
	begun, each := time.Now(), time.Second*hands/time.Duration(rate)
	for hand := range hands {
		group.Go(func() {
			began := begun.Add(each * time.Duration(hand) / hands)
			for n := 0; time.Since(begun) < work; n++ {
				due := began.Add(time.Duration(n) * each)
				time.Sleep(time.Until(due))
				err := d.step(ctx, hand, n)
				mu.Lock()
				all = append(all, time.Since(due)) // a wait for its turn counts
				if err != nil {
					faults = append(faults, err)
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if len(faults) > 0 {
		return fmt.Errorf("%d of %d commands failed: %w", len(faults), len(all), faults[0])
	}
	r.Commands, r.CommandsP99 = float64(len(all))/time.Since(begun).Seconds(), share(all, 99)
	fmt.Printf("%.0f commands/s, wanted %d: p50 %.1f ms, p99 %.1f ms\n", r.Commands, rate, share(all, 50), r.CommandsP99)
	return nil
}

// path of a case at the desk, again and again.
var path = []tasks.EventType{tasks.Dispatched, tasks.Noted, tasks.Suspended, tasks.Resumed, tasks.Graded}

func (d *desk) step(ctx context.Context, hand, n int) error {
	of := d.ids[hand+hands*(n/len(path)%(len(d.ids)/hands))]
	c := tasks.Command{ID: fmt.Sprintf("step-%d-%d", hand, n), Type: path[n%len(path)], Why: "为了测量", Text: "备注"}
	switch c.Type {
	case tasks.Dispatched:
		c.Assignee, c.Text = "p-001", ""
	case tasks.Graded:
		c.Severity = []string{"minor", "major"}[n/len(path)%2]
	}
	return d.client.Call(ctx, "POST", "/api/v1/cases/"+string(of)+"/commands", c, nil)
}
