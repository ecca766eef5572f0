package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"gridhub/configs"
	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/store"
	"gridhub/hub/tasks"
)

// The district: two years of cases over some square kilometres.
const (
	years     = 2
	atOnce    = 2000
	centreLon = 120.152
	centreLat = 30.271
	spread    = 0.02 // degrees
	workers   = 60
)

// fill lays the closed cases into an empty database.
func (b *bench) fill(ctx context.Context, address string) error {
	matters, err := readMatters()
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, address)
	if err != nil {
		return err
	}
	defer db.Close()
	pool, err := tasks.Open(ctx, db, tasks.Options{Matters: matters, Calendar: tasks.OfficeHours(time.UTC), Now: time.Now})
	if err != nil {
		return err
	}
	began, shown := time.Now(), time.Now()
	dice := rand.New(rand.NewPCG(1, 1))
	first := time.Now().AddDate(-years, 0, 0)
	step := time.Since(first) / time.Duration(b.cases+1)
	for n := 0; n < b.cases; n += atOnce {
		histories := map[identity.CaseID][]tasks.Event{}
		for i := n; i < min(n+atOnce, b.cases); i++ {
			at := first.Add(time.Duration(i) * step)
			histories[tasks.CaseFor(fmt.Sprintf("bench-%d", i))] = closedCase(dice, matters[dice.IntN(len(matters))], i, at)
		}
		if err := pool.Adopt(ctx, histories); err != nil {
			return err
		}
		if time.Since(shown) > 10*time.Second {
			shown = time.Now()
			fmt.Printf("%d of %d cases\n", n, b.cases)
		}
	}
	fmt.Printf("%d cases in %.0f s\n", b.cases, time.Since(began).Seconds())
	return nil
}

func readMatters() (all []tasks.Matter, err error) {
	files, err := filepath.Glob("configs/matters/*.yaml")
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no matters below configs: %w", os.ErrNotExist)
	}
	for _, f := range files {
		var m tasks.Matter
		if err := configs.ReadFile(f, &m); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
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
