package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/server"
	"gridhub/hub/store"
	"gridhub/hub/tasks"
)

// The district: two years of cases over some square kilometres.
const (
	years     = 2
	atOnce    = 1000
	fillers   = 3
	centreLon = 120.152
	centreLat = 30.271
	spread    = 0.02 // degrees
	workers   = 60
)

// fill lays the closed cases into an empty database; one that is filled stays.
func (b *bench) fill(ctx context.Context, address string) error {
	files, err := server.ReadFiles(server.Config{Matters: []string{"configs/matters"}}) // as the hub does
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, address)
	if err != nil {
		return err
	}
	defer db.Close()
	pool, err := tasks.Open(ctx, db, tasks.Options{Matters: files.Matters, Calendar: files.Calendar(), Now: time.Now})
	if err != nil {
		return err
	}
	have, err := pool.List(ctx, tasks.Filter{Limit: 1})
	if err != nil || len(have) > 0 {
		return err
	}
	began := time.Now()
	if err := b.adopt(ctx, pool, files.Matters); err != nil {
		return err
	}
	fmt.Printf("%d cases in %.0f s\n", b.cases, time.Since(began).Seconds())
	return pool.Settle(ctx, nil) // finds that nothing is to be done
}

// adopt lays cases in, in the order of their time; one hand chains some while
// another writes.
func (b *bench) adopt(ctx context.Context, pool *tasks.Pool, matters []tasks.Matter) error {
	first := time.Now().AddDate(-years, 0, 0)
	step := time.Since(first) / time.Duration(b.cases+1)
	parts, failed := make(chan int), make(chan error, fillers)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for range fillers {
		go func() {
			for n := range parts {
				dice, histories := rand.New(rand.NewPCG(1, uint64(n))), map[identity.CaseID][]tasks.Event{}
				for i := n; i < min(n+atOnce, b.cases); i++ {
					histories[tasks.CaseFor(fmt.Sprintf("bench-%d", i))] = closedCase(dice, matters[dice.IntN(len(matters))], i, first.Add(time.Duration(i)*step))
				}
				if err := pool.Adopt(ctx, histories); err != nil {
					cancel()
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	shown := time.Now()
	for n := 0; n < b.cases && ctx.Err() == nil; n += atOnce {
		select {
		case parts <- n:
		case <-ctx.Done():
		}
		if time.Since(shown) > 10*time.Second {
			shown = time.Now()
			fmt.Printf("%d of %d cases\n", n, b.cases)
		}
	}
	close(parts)
	var errs []error
	for range fillers {
		errs = append(errs, <-failed)
	}
	return errors.Join(errs...)
}

var (
	sources = []string{"hotline", "patrol", "sensor", "resident"}
	places  = []string{"东门", "地铁口", "小学旁", "菜市场", "三号楼", "河边步道", "停车场", "广场"}
	trouble = []string{"垃圾堆放", "井盖缺失", "占道经营", "路灯不亮", "污水外溢", "噪音扰民", "电动车乱停", "违章搭建"}
)

// closedCase is a case that went its usual way in a few hours.
func closedCase(dice *rand.Rand, m tasks.Matter, n int, at time.Time) []tasks.Event {
	place := geo.Point{Lon: centreLon + spread*dice.Float64(), Lat: centreLat + spread*dice.Float64()}
	person := identity.PersonID(fmt.Sprintf("p-%03d", dice.IntN(workers)))
	var out []tasks.Event
	now := at
	add := func(t tasks.EventType, after time.Duration, by string, body tasks.Body) {
		now = now.Add(after/2 + time.Duration(dice.Int64N(int64(after)+1)))
		out = append(out, tasks.Event{Type: t, At: telemetry.At(now), Server: telemetry.At(now), By: by, Body: body})
	}
	add(tasks.Reported, 0, "system", tasks.Body{Number: fmt.Sprintf("B%07d", n), Matter: m.Code, Source: sources[dice.IntN(len(sources))],
		Severity: "minor", Grid: fmt.Sprintf("G%02d", dice.IntN(20)), Title: m.Name.ZH, Department: m.Lead, With: m.With,
		Text: places[dice.IntN(len(places))] + trouble[dice.IntN(len(trouble))]})
	out[0].Place = &place
	add(tasks.Screened, time.Minute, "system", tasks.Body{})
	add(tasks.Filed, time.Minute, "system", tasks.Body{})
	add(tasks.Dispatched, 5*time.Minute, "desk", tasks.Body{Assignee: person, Department: m.Lead, With: m.With})
	add(tasks.Accepted, 5*time.Minute, string(person), tasks.Body{})
	add(tasks.Onscene, 20*time.Minute, string(person), tasks.Body{})
	add(tasks.Claimed, 2*time.Hour, string(person), tasks.Body{})
	add(tasks.Checked, 2*time.Hour, "checker", tasks.Body{})
	add(tasks.Closed, 10*time.Minute, "desk", tasks.Body{})
	return out
}
