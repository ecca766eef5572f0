// Program demowalkers plays the field workers of the demo street: each signs
// in with an account of its own, binds a terminal, goes on duty, walks a
// patrol route and tells where it is. Who is sent to a case accepts, goes
// there, takes the photos and reports it done, as people do: after a while.
//
// It knows the hub only as a handheld does, through the HTTP API and MQTT.
//
//	go run ./scripts/demowalkers -passwords FILE
//
// FILE has one account a line, name and password with a space between; names
// that are staff numbers (p-017) become walkers.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"gridhub/configs"
	"gridhub/devices"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/patrol"
	"gridhub/hub/people"
)

type options struct {
	hub, broker, passwords, state, street string
	limit                                 int
	every                                 time.Duration
	answer                                float64
	desk                                  string
	deskShare                             float64
}

func main() {
	var o options
	flag.StringVar(&o.hub, "hub", "http://127.0.0.1:8080", "address of the hub's HTTP API")
	flag.StringVar(&o.broker, "mqtt", "tcp://127.0.0.1:1883", "address of the broker")
	flag.StringVar(&o.passwords, "passwords", "", "file of accounts and passwords")
	flag.StringVar(&o.state, "state", "", "file in which the terminals' ids are remembered")
	flag.StringVar(&o.street, "street", filepath.Join("configs", "demo"), "folder of the demo street")
	flag.IntVar(&o.limit, "n", 60, "most walkers")
	flag.DurationVar(&o.every, "every", 6*time.Second, "time between two fixes of a walker")
	flag.Float64Var(&o.answer, "answer", 0.9, "share of the tasks that walkers answer")
	flag.StringVar(&o.desk, "desk", "", "account that dispatches and closes by itself; empty: nobody does")
	flag.Float64Var(&o.deskShare, "desk-share", 0.5, "share of the cases that this account moves")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, slog.New(slog.NewTextHandler(os.Stderr, nil))); err != nil {
		fmt.Fprintln(os.Stderr, "demowalkers:", err)
		os.Exit(1)
	}
}

// street is what the walkers know of the ground.
type street struct {
	roads  *geo.Graph
	zone   *time.Location
	routes []patrol.Route
	staff  map[identity.PersonID]people.Staff
}

func load(folder string) (*street, error) {
	data, err := os.ReadFile(filepath.Join(folder, "roads.geojson"))
	if err != nil {
		return nil, err
	}
	roads, err := geo.ParseRoads(data)
	if err != nil {
		return nil, err
	}
	var routes struct {
		Routes []patrol.Route `yaml:"routes"`
	}
	var staff struct {
		Staff []people.Staff `yaml:"staff"`
	}
	err = errors.Join(configs.ReadFile(filepath.Join(folder, "routes.yaml"), &routes), configs.ReadFile(filepath.Join(folder, "staff.yaml"), &staff))
	if err != nil {
		return nil, err
	}
	s := &street{roads: roads, zone: time.FixedZone("CST", 8*3600), routes: routes.Routes, staff: map[identity.PersonID]people.Staff{}}
	for _, p := range staff.Staff {
		s.staff[p.ID] = p
	}
	return s, nil
}

// account is one line of the passwords' file.
type account struct{ name, password string }

func readAccounts(path string) ([]account, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var out []account
	for n, l := range strings.Split(string(data), "\n") {
		f := strings.Fields(l)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		if len(f) != 2 {
			return nil, fmt.Errorf("%s:%d: want an account and its password, a space between", path, n+1)
		}
		out = append(out, account{f[0], f[1]})
	}
	return out, nil
}

func run(ctx context.Context, o options, log *slog.Logger) error {
	s, err := load(o.street)
	if err != nil {
		return err
	}
	accounts, err := readAccounts(o.passwords)
	if err != nil {
		return err
	}
	crew, err := muster(ctx, o, s, accounts, log)
	if err != nil {
		return err
	}
	log.Info("walkers are on duty", "n", len(crew))
	var all sync.WaitGroup
	for _, w := range crew {
		all.Go(func() {
			if err := w.run(ctx); err != nil && ctx.Err() == nil {
				log.Warn("a walker went home", "err", err)
			}
		})
	}
	if d, err := openDesk(ctx, o, accounts, crew, log); err != nil {
		log.Warn("nobody sits at the desk", "err", err)
	} else if d != nil {
		all.Go(func() { _ = d.run(ctx) }) // it ends with ctx only
	}
	all.Wait()
	return nil
}

// muster signs everybody in and binds the terminals, one after the other: a
// password costs the hub a tenth of a second.
func muster(ctx context.Context, o options, s *street, accounts []account, log *slog.Logger) ([]*worker, error) {
	var staff []people.Staff
	passwords := map[identity.PersonID]string{}
	for _, a := range accounts {
		if p, ok := s.staff[identity.PersonID(a.name)]; ok && len(staff) < o.limit {
			staff, passwords[p.ID] = append(staff, p), a.password
		}
	}
	if len(staff) == 0 {
		return nil, fmt.Errorf("%s names no member of staff (p-001 …)", o.passwords)
	}
	routes := assign(staff, s.routes, time.Now().In(s.zone))
	known := terminals(o.state)
	var crew []*worker
	for i, p := range staff {
		h := newHub(o.hub)
		if _, err := h.SignIn(ctx, string(p.ID), passwords[p.ID]); err != nil {
			return nil, fmt.Errorf("%s: sign in: %w", p.ID, err)
		}
		id, secret, err := h.bind(ctx, known[p.ID])
		if err != nil {
			return nil, fmt.Errorf("%s: bind a terminal: %w", p.ID, err)
		}
		known[p.ID] = id
		crew = append(crew, newWorker(o, s, i, p, routes[i], h, id, secret, log))
	}
	return crew, remember(o.state, known)
}

func newWorker(o options, s *street, i int, p people.Staff, route patrol.Route, h *hub, id devices.ID, secret string, log *slog.Logger) *worker {
	w := newWalker(s.roads, uint64(i)+1, route.Stops[i%len(route.Stops)].Place)
	r := newRound(route)
	r.next = i % len(route.Stops)
	if i%4 != 0 { // on the way already: a street is never seen starting
		r.next = (i + 1) % len(route.Stops)
	}
	return &worker{
		staff: p, hub: h, walker: w, round: r, log: log, answer: o.answer, battery: 0.5 + 0.5*w.rand.Float64(),
		every: o.every + time.Duration(w.rand.IntN(1000))*time.Millisecond,
		line:  &line{broker: o.broker, id: id, secret: secret, wake: make(chan struct{}, 1), epoch: uint64(time.Now().UnixMilli())},
	}
}

func openDesk(ctx context.Context, o options, accounts []account, crew []*worker, log *slog.Logger) (*desk, error) {
	if o.desk == "" {
		return nil, nil
	}
	d := &desk{hub: newHub(o.hub), share: o.deskShare, walkers: map[identity.PersonID]bool{}, log: log}
	for _, w := range crew {
		d.walkers[w.staff.ID] = true
	}
	for _, a := range accounts {
		if a.name == o.desk {
			_, err := d.hub.SignIn(ctx, a.name, a.password)
			return d, err
		}
	}
	return nil, fmt.Errorf("%s has no account %q", o.passwords, o.desk)
}

// terminals reads which terminal each person had in an earlier run, so that a
// restart makes no new ones. A file that cannot be read means none.
func terminals(path string) map[identity.PersonID]devices.ID {
	known := map[identity.PersonID]devices.ID{}
	if data, err := os.ReadFile(path); err == nil {
		_ = json.Unmarshal(data, &known) // of no use then, and written anew
	}
	return known
}

func remember(path string, known map[identity.PersonID]devices.ID) error {
	if path == "" {
		return nil
	}
	data, err := json.MarshalIndent(known, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}
