package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"gridhub/hub/archive"
	"gridhub/hub/dispatch"
	"gridhub/hub/evidence"
	"gridhub/hub/figures"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/people"
	"gridhub/hub/server"
	"gridhub/hub/store"
	"gridhub/hub/tasks"
)

// run plays a month on the hub's own packages: a real store, a real folder, and
// a clock that stands wherever the script is.
type run struct {
	*month
	ctx      context.Context
	clock    atomic.Int64 // unix milliseconds
	folder   string
	db       *store.DB
	pool     *tasks.Pool
	proofs   *evidence.Store
	archive  *archive.Archive
	figures  *figures.Board
	dispatch *dispatch.Dispatcher
	staff    []people.Staff
	where    map[identity.PersonID]geo.Point
	busy     map[identity.PersonID]int
	home     map[identity.PersonID]string

	leads map[*problem]identity.PersonID
	puts  *uploads
	done  int // commands
}

// newRun opens everything in a folder.
func newRun(ctx context.Context, m *month, files server.Files, folder string) (*run, error) {
	r := &run{month: m, ctx: ctx, folder: folder, staff: files.Staff, where: map[identity.PersonID]geo.Point{}, busy: map[identity.PersonID]int{},
		home: map[identity.PersonID]string{}, leads: map[*problem]identity.PersonID{}}
	r.set(m.from)
	var err error
	if r.db, err = store.Open(ctx, "sqlite:"+filepath.Join(folder, "hub.db")); err != nil {
		return nil, err
	}
	return r, r.open(ctx, files)
}

func (r *run) open(ctx context.Context, files server.Files) (err error) {
	grids := map[string]geo.Grid{}
	for _, g := range files.Grids.All() {
		grids[g.Code] = g
	}
	for i, s := range r.staff {
		r.home[s.ID] = s.Department
		r.where[s.ID] = files.Info.Center
		if len(s.Grids) > 0 {
			c := grids[s.Grids[0]].Center
			r.where[s.ID] = geo.Point{Lon: c.Lon + float64(i%7-3)*.0004, Lat: c.Lat + float64(i%5-2)*.0004}
		}
	}
	region := func(code string, _ geo.Point) string { return grids[code].Class }
	if r.pool, err = tasks.Open(ctx, r.db, tasks.Options{Matters: files.Matters, Calendar: files.Calendar(), Now: r.now, Region: region,
		Department: func(_ context.Context, p identity.PersonID) string { return r.home[p] }}); err != nil {
		return err
	}
	if r.proofs, err = evidence.Open(ctx, r.db, evidence.Config{Folder: filepath.Join(r.folder, "evidence"), Zone: files.Zone(), Clock: r.now}); err != nil {
		return err
	}
	r.puts = newUploads(ctx, r.proofs)
	if r.archive, err = archive.Open(ctx, r.db, archive.Options{Folder: r.sealed(), Pool: r.pool, Evidence: r.proofs, Zone: files.Zone(), Clock: r.now}); err != nil {
		return err
	}
	cal := files.Calendar()
	r.figures, err = figures.Open(ctx, r.db, r.pool, figures.Options{Definitions: files.Figures, Zone: files.Zone(), DayKind: cal.DayKind})
	r.dispatch = dispatch.New(dispatch.Default(), r.pool, r, files.Roads, r.now)
	return err
}

func (r *run) sealed() string { return filepath.Join(r.folder, "archive") }

func (r *run) now() time.Time  { return time.UnixMilli(r.clock.Load()) }
func (r *run) set(t time.Time) { r.clock.Store(t.UnixMilli()) }
func (r *run) close() error    { return errors.Join(r.puts.wait(), r.db.Close()) }

// play takes the scenes that lie before an instant, and returns the rest.
func (r *run) play(all []scene, until time.Time) ([]scene, error) {
	for i, s := range all {
		if !s.step.at.Before(until) {
			r.set(until)
			return all[i:], nil
		}
		r.set(s.step.at)
		if err := r.act(s); err != nil {
			return nil, fmt.Errorf("%s: %s at %s: %w", s.problem, s.step.cmd.Type, s.step.at.Format("2006-01-02 15:04"), err)
		}
		r.done++
	}
	r.set(until)
	return nil, nil
}

func (r *run) act(s scene) error {
	if s.step.own != nil {
		return s.step.own(r, s)
	}
	cmd := s.step.cmd
	who := r.who(s)
	switch {
	case cmd.Type == tasks.Dispatched:
		return r.send(s)
	case s.step.by == helper && who.Person == "":
		who, cmd.Why = r.principal(desk), "电话答复"
	}
	_, err := r.do(who, s, cmd)
	switch cmd.Type {
	case tasks.Claimed:
		r.busy[r.leads[s.problem]]--
	case tasks.Rework:
		r.busy[r.leads[s.problem]]++
	}
	if err == nil && cmd.Type == tasks.Archived {
		err = r.puts.of(s.problem)
		r.archive.Archived(s.caseID())
	}
	return err
}

func (r *run) do(who identity.Principal, s scene, cmd tasks.Command) (tasks.Case, error) {
	cmd.ID, cmd.Case, cmd.At = fmt.Sprintf("%s/%d", s.id, s.number()), s.caseID(), millis(s.step.at)
	if cmd.Type == tasks.Onscene {
		cmd.Place = &s.place
	}
	return r.pool.Do(r.ctx, who, cmd)
}

// number is a step's place among those of its problem.
func (s scene) number() int {
	for i := range s.steps {
		if s.step == &s.steps[i] {
			return i
		}
	}
	return -1
}

// desks are the accounts of those who sit at one.
var desks = map[actor]identity.Principal{
	taker:   {Account: "taker-1", Roles: []identity.Role{identity.CallTaker}},
	desk:    {Account: "desk-1", Roles: []identity.Role{identity.Dispatcher}},
	review:  {Account: "desk-2", Roles: []identity.Role{identity.Dispatcher}},
	checker: {Account: "checker-1", Roles: []identity.Role{identity.Checker}},
	duty:    identity.System,
}

func (r *run) principal(a actor) identity.Principal { return desks[a] }

func hand(p identity.PersonID) identity.Principal {
	return identity.Principal{Account: string(p), Person: p, Roles: []identity.Role{identity.Handler}}
}

// who plays a step. A department without people has nobody.
func (r *run) who(s scene) identity.Principal {
	switch s.step.by {
	case finder:
		return r.finder(s.problem)
	case lead:
		return hand(r.leads[s.problem])
	case helper:
		for _, p := range r.staff {
			if p.Department == s.step.of && p.ID != r.leads[s.problem] {
				return hand(p.ID)
			}
		}
		return identity.Principal{}
	}
	return r.principal(s.step.by)
}

// finder is who found a problem: a collector of its grid, else a desk.
func (r *run) finder(p *problem) identity.Principal {
	if p.source != "patrol" {
		return r.principal(taker)
	}
	var fit []people.Staff
	for _, s := range r.staff {
		if s.Force == "grid" && len(s.Grids) > 0 && s.Grids[0] == p.grid {
			fit = append(fit, s)
		}
	}
	return hand(fit[p.n%len(fit)].ID)
}

func (r *run) report(s scene) error {
	p := s.problem
	rep := tasks.Report{ID: p.id, Matter: p.matter.Code, Source: p.source, Grid: p.grid, Place: p.place, At: millis(p.at)}
	if p.public() {
		rep.Text, rep.Reporter = "门口"+p.matter.Name.ZH, fmt.Sprintf("居民 1380000%04d", p.n%10000)
	}
	if p.source == "patrol" {
		rep.Evidence = []string{r.puts.photo(p, 0, "photo-before", r.finder(p).Person, r.now())}
	}
	_, err := r.pool.Report(r.ctx, r.finder(p), rep)
	return err
}

// proof adds a photo or a document to the case.
func (r *run) proof(s scene) error {
	who := r.who(s)
	cmd := s.step.cmd
	cmd.Evidence = r.puts.photo(s.problem, s.number(), cmd.Kind, who.Person, r.now())
	_, err := r.do(who, s, cmd)
	return err
}

// merge puts a repeated report together with the first.
func (r *run) merge(p scene) error {
	_, err := r.pool.Merge(r.ctx, r.principal(taker), tasks.Merge{ID: p.id + "/merge", Keep: p.fate.repeats.caseID(), Drop: p.caseID(), Why: "同一问题", At: millis(r.now())})
	return err
}

// send asks for candidates and takes the best, else somebody of the department.
func (r *run) send(s scene) error {
	all, err := r.dispatch.Candidates(r.ctx, s.caseID())
	if err != nil {
		return err
	}
	cmd := s.step.cmd
	for _, c := range all {
		if c.Excluded == "" && (cmd.Department == "" || r.home[c.Person] == cmd.Department) {
			cmd.Assignee = c.Person
			break
		}
	}
	for _, p := range r.staff {
		if cmd.Assignee == "" && (p.Department == cmd.Department || p.Department == s.matter.Lead) {
			cmd.Assignee = p.ID
		}
	}
	if cmd.Department != "" {
		cmd.With = s.matter.With
	}
	if _, err := r.do(r.principal(desk), s, cmd); err != nil {
		return err
	}
	if cmd.Department != "" {
		r.busy[r.leads[s.problem]]--
	}
	r.leads[s.problem] = cmd.Assignee
	r.busy[cmd.Assignee]++
	return nil
}

// Everybody is the roster: who works by day, and who by night.
func (r *run) Everybody(context.Context) ([]dispatch.Someone, error) {
	h := r.now().In(r.from.Location()).Hour()
	out := make([]dispatch.Someone, len(r.staff))
	for i, s := range r.staff {
		at := r.where[s.ID]
		day := h >= 7 && h < 19
		out[i] = dispatch.Someone{ID: s.ID, Force: string(s.Force), Department: s.Department, Grids: s.Grids, Skills: s.Skills,
			OnDuty: (i%4 != 0) == day, Position: &at, FixAt: millis(r.now()), Open: r.busy[s.ID]}
	}
	return out, nil
}

// uploads brings evidence into the store beside the script, as handhelds do:
// two at a time, at most so many waiting, which then hold the script up.
type uploads struct {
	ctx   context.Context
	store *evidence.Store
	slots chan struct{}
	all   sync.WaitGroup
	mu    sync.Mutex
	under map[*problem]*sync.WaitGroup
	fault error
	n     int
}

func newUploads(ctx context.Context, s *evidence.Store) *uploads {
	return &uploads{ctx: ctx, store: s, slots: make(chan struct{}, 2), under: map[*problem]*sync.WaitGroup{}}
}

// photo starts an upload and returns the hash that it will have.
func (u *uploads) photo(p *problem, n int, kind string, by identity.PersonID, at time.Time) string {
	data := picture(p.n, n)
	if kind == "document" || kind == "checklist" {
		data = fmt.Appendf(nil, "%%PDF-1.4\n%% %s %d\n", p.id, n)
	}
	sum := sha256.Sum256(data)
	meta := evidence.Meta{Case: p.caseID(), Kind: kind, By: by, At: millis(at), Place: &p.place, Accuracy: 8}
	u.mu.Lock()
	of := u.under[p]
	if of == nil {
		of = &sync.WaitGroup{}
		u.under[p] = of
	}
	u.n++
	u.mu.Unlock()
	u.slots <- struct{}{}
	of.Add(1)
	u.all.Go(func() {
		defer func() { of.Done(); <-u.slots }()
		_, err := u.store.Put(u.ctx, meta, bytes.NewReader(data))
		var earlier *evidence.Item
		if err == nil {
			earlier, err = u.store.Reused(u.ctx, hex.EncodeToString(sum[:]), p.caseID())
		}
		if err == nil && earlier != nil {
			err = fmt.Errorf("%s: a photo that nobody used before is taken for one of %s", p, earlier.Case)
		}
		u.mu.Lock()
		defer u.mu.Unlock()
		u.fault = errors.Join(u.fault, err)
	})
	return hex.EncodeToString(sum[:])
}

// of waits until what belongs to a problem is there.
func (u *uploads) of(p *problem) error {
	u.mu.Lock()
	of := u.under[p]
	delete(u.under, p)
	u.mu.Unlock()
	if of != nil {
		of.Wait()
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.fault
}

func (u *uploads) wait() error {
	u.all.Wait()
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.fault
}

// picture is a small photo, another one for each step of each problem.
func picture(n, step int) []byte {
	dice := rand.New(rand.NewPCG(uint64(n), uint64(step)))
	img := image.NewRGBA(image.Rect(0, 0, 72, 64))
	var tone [72]uint8
	for i := range tone {
		tone[i] = uint8(dice.IntN(256))
	}
	for y := range 64 {
		for x := range 72 {
			v := tone[y/8*9+x/8]
			img.SetRGBA(x, y, color.RGBA{v, v, v / 2, 255})
		}
	}
	var b bytes.Buffer
	_ = jpeg.Encode(&b, img, &jpeg.Options{Quality: 60}) // into memory
	return b.Bytes()
}
