// Package server is the hub's composition root: it opens the stores, makes the
// parts, joins them, and runs them until it is told to stop. It holds no logic
// of its own beyond fitting one part's words to another's.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"gridhub/devices"
	"gridhub/devices/wire"
	"gridhub/hub/alike"
	"gridhub/hub/api"
	"gridhub/hub/archive"
	"gridhub/hub/audit"
	"gridhub/hub/backup"
	"gridhub/hub/broker"
	"gridhub/hub/calls"
	"gridhub/hub/commands"
	"gridhub/hub/dispatch"
	"gridhub/hub/evidence"
	"gridhub/hub/evidence/uploads"
	"gridhub/hub/figures"
	"gridhub/hub/forecast"
	"gridhub/hub/health"
	"gridhub/hub/history"
	"gridhub/hub/hotline"
	"gridhub/hub/intake"
	"gridhub/hub/intake/ledger"
	"gridhub/hub/intake/quarantine"
	"gridhub/hub/live"
	"gridhub/hub/open311"
	"gridhub/hub/patrol"
	"gridhub/hub/people"
	"gridhub/hub/recordings"
	"gridhub/hub/registry"
	"gridhub/hub/reports"
	"gridhub/hub/residents"
	"gridhub/hub/rules"
	"gridhub/hub/store"
	"gridhub/hub/tasks"
	"gridhub/streams/journal"
	"gridhub/streams/radio"
	"gridhub/streams/relay"
	"gridhub/streams/sfu"
	"gridhub/streams/signaling"
)

// Version is set by the build.
var Version = "dev"

// Hub is all parts of one street's centre.
type Hub struct {
	cfg   Config
	files Files
	log   *slog.Logger
	now   func() time.Time

	db         *store.DB
	audit      *audit.Log
	strangers  *strangers
	journal    *journal.Journal
	history    history.Store
	writer     *history.Writer
	ca         *registry.CA
	registry   *registry.Registry
	enrolments *registry.Enrolments
	staff      *people.Directory
	accounts   *people.Accounts
	oidc       api.OIDC // nil: no identity provider
	board      *live.Board
	keys       *commands.Keys
	commands   *commands.Desk
	pool       *tasks.Pool
	book       *rules.Book
	faults     *health.Book
	conditions *conditions
	engine     *rules.Engine
	quarantine *quarantine.Quarantine
	ledger     *ledger.Ledger
	heard      *heard
	intake     *intake.Intake
	broker     *broker.Broker
	evidence   *evidence.Store
	uploads    *uploads.Desk
	forecast   *forecast.Board
	archive    *archive.Archive
	hotline    *hotline.Importer
	residents  *open311.Desk
	door       *residents.Desk
	figures    *figures.Board
	alike      *alike.Finder
	reports    *reports.Maker
	rounds     *patrol.Rounds
	callLog    *calls.Log
	recordings *recordings.Desk
	media      *sfu.SFU
	wall       *wall
	nightly    *backup.Nightly
	relay      *relay.Relay // nil: none
	signaling  *signaling.Service
	radio      *radio.Service
	sos        *calls.SOSDesk
	api        *api.API
	doors      *doors

	claim claim
	ready chan struct{}
	once  sync.Once
}

// New reads the files, opens the stores and joins the parts. Nothing runs and
// nothing listens before Run, except the media socket. On an error everything
// that was opened is closed again.
func New(ctx context.Context, cfg Config, log *slog.Logger) (*Hub, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	files, err := ReadFiles(cfg)
	if err != nil {
		return nil, err
	}
	h := &Hub{cfg: cfg, files: files, log: log, now: time.Now, heard: newHeard(),
		claim: claim{made: make(chan struct{})}, ready: make(chan struct{})}
	for _, open := range []func(context.Context) error{
		h.openStores, h.openAudit, h.openPeople, h.openWork, h.openSources, h.openPublic, h.openCommands, h.openIntake, h.openBroker, h.openCalls, h.openCameras, h.openDoors,
	} {
		if err := open(ctx); err != nil {
			return nil, errors.Join(err, h.Close())
		}
	}
	return h, nil
}

func (h *Hub) openStores(ctx context.Context) error {
	if err := os.MkdirAll(h.cfg.Data, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	address := h.cfg.Database
	if path, embedded := h.cfg.sqlite(); embedded {
		address = "sqlite:" + path
	}
	var err error
	if h.db, err = store.Open(ctx, address); err != nil {
		return err
	}
	h.journal, err = journal.Open(filepath.Join(h.cfg.Data, intakeFolder), journal.Options{
		MaxBytes: int64(h.cfg.Journal.Max), MaxAge: h.cfg.Journal.Keep, Reserve: int64(h.cfg.Journal.Reserve),
		Overrun: journal.Refuse, Logger: h.log})
	if err != nil {
		return fmt.Errorf("intake journal: %w", err)
	}
	h.history, err = openHistory(h.cfg)
	h.nightly = &backup.Nightly{Config: h.cfg.Backup, Zone: h.files.Zone(), Write: h.nightlyBackup, Now: h.now, Log: h.log}
	return err
}

func (h *Hub) openPeople(ctx context.Context) (err error) {
	if h.ca, err = registry.OpenCA(filepath.Join(h.cfg.Data, "tls"), registry.HostNames(h.cfg.HTTP.Names...), h.now); err != nil {
		return err
	}
	if h.registry, err = registry.Open(ctx, h.db, h.now); err != nil {
		return err
	}
	h.enrolments = h.registry.Enrolments(h.ca)
	if h.staff, err = people.OpenDirectory(ctx, h.db); err != nil {
		return err
	}
	return errors.Join(h.openAccounts(), h.staff.Import(ctx, h.files.Staff))
}

func (h *Hub) openWork(ctx context.Context) (err error) {
	h.board = live.NewBoard(h.now)
	if p := h.calendarPart(); p.State != "ok" {
		h.log.Warn("working days will be counted wrongly", "detail", p.Detail)
	}
	h.pool, err = tasks.Open(ctx, h.db, tasks.Options{Matters: h.files.Matters, Calendar: h.files.Calendar(),
		Now: h.now, Changed: h.caseChanged, Department: h.departmentOf, Region: h.files.region,
		Standing: h.files.Standing, Superior: h.present, Log: h.log})
	if err != nil {
		return err
	}
	if h.book, err = rules.OpenBook(ctx, h.db, h.pool, h.files.Info.Center, h.hazardChanged); err != nil {
		return err
	}
	if h.engine, err = rules.New(h.files.Rules); err != nil {
		return err
	}
	h.evidence, err = evidence.Open(ctx, h.db, evidence.Config{Folder: filepath.Join(h.cfg.Data, "evidence"),
		Zone: h.files.Zone(), Caption: h.caption, Clock: h.now})
	if err != nil {
		return err
	}
	h.forecast = forecast.New(h.pool, h.now, h.log)
	if err = h.openUploads(); err != nil {
		return err
	}
	h.archive, err = archive.Open(ctx, h.db, archive.Options{Folder: filepath.Join(h.cfg.Data, "archive"), Pool: h.pool,
		Evidence: h.evidence, Zone: h.files.Zone(), Clock: h.now, Log: h.log})
	if err != nil {
		return err
	}
	h.rounds, err = patrol.Open(ctx, h.db, h.files.Routes, h.evidence, h.files.Zone(), h.now)
	return err
}

// gatherPoints is how long points may wait to be written together.
const gatherPoints = 50 * time.Millisecond

func (h *Hub) openIntake(ctx context.Context) (err error) {
	d := duties{h.registry, h.staff}
	if h.quarantine, err = quarantine.Open(ctx, h.db, quarantine.Options{Config: quarantine.Default(), Epoch: h.journal.Epoch(), Logger: h.log}); err != nil {
		return err
	}
	if h.ledger, err = ledger.Open(ctx, h.db, ledger.Options{Epoch: h.journal.Epoch(), Expired: d.expired}); err != nil {
		return err
	}
	h.writer = history.NewWriter(h.history, history.WriterOptions{Gather: gatherPoints, Logger: h.log, Rejected: h.quarantine.Reject})
	screen := h.screen()
	conditions, err := h.openConditions(ctx)
	if err != nil {
		return err
	}
	h.intake, err = intake.New(intake.Default(), h.journal,
		intake.Options{Logger: h.log, Acknowledge: h.acknowledge, Tell: h.tell, Poison: h.quarantine.Poison},
		&keeper{Writer: h.writer, duties: d}, &watch{engine: h.engine, book: h.book, help: helpline{h}}, screen, conditions, orders{h}, h.quarantine, h.ledger)
	if err != nil {
		return err
	}
	h.quarantine.Join(h.intake)
	return errors.Join(h.refill(ctx, screen), h.refillFaults(ctx))
}

func (h *Hub) screen() screen {
	return screen{board: h.board, registry: h.registry, grids: h.files.Grids, duties: duties{h.registry, h.staff}, heard: h.heard}
}

func (h *Hub) openBroker(context.Context) (err error) {
	cfg := h.cfg.MQTT
	for i := range cfg.Listeners {
		if cfg.Listeners[i].Network == "tls" {
			cfg.Listeners[i].TLS = h.ca.TLS()
		}
	}
	h.broker, err = broker.New(cfg, authority{h.registry, h.barred}, sink{h}, h.log, broker.Events{Presence: h.presence, Refused: h.refused})
	if err != nil {
		return err
	}
	h.registry.OnRevoke(func(id devices.ID) { h.broker.Disconnect(id, "revoked") })
	return nil
}

func (h *Hub) openCalls(ctx context.Context) (err error) {
	if h.callLog, err = calls.OpenLog(ctx, h.db, h.pool); err != nil {
		return err
	}
	if h.media, err = sfu.New(h.cfg.Media, h.log); err != nil {
		return fmt.Errorf("media: %w", err)
	}
	if err = h.openRelay(); err != nil {
		return err
	}
	if h.signaling, err = signaling.New(signaling.Default(), h.media, phonebook{h}, recorded{h}, outbox{h}, h.log); err != nil {
		return err
	}
	open, err := h.callLog.Unfinished(ctx)
	if err != nil {
		return err
	}
	if err := h.openRecordings(ctx, open); err != nil {
		return err
	}
	h.signaling.Restore(open...)
	return h.openTalk(ctx)
}

func (h *Hub) openDoors(context.Context) (err error) {
	h.api = api.New(api.Deps{Audit: h.audit,
		Accounts: claimable{h.accounts, h}, Terminals: terminals{h}, Enrolments: enrolment{h.enrolments, h}, Street: street{h.files}, Staff: desk{h.staff, h.board},
		Tracks: tracks{h}, Now: h.board, Changes: h.board, History: series{h.history}, Cases: intakeDesk{h.pool, h}, Hazards: h.book,
		Dispatch: dispatch.New(dispatch.Default(), h.pool, roster{h}, h.files.Roads, h.now),
		Evidence: h.evidence, Uploads: h.uploads, Forecast: h.forecast, Archive: h.archive, Recordings: h.recordings, Hotline: h.hotline, Alike: h.alike, Residents: h.door, Merger: h.pool, Patrols: h.rounds, Figures: h.figures, Reports: h.reports,
		FiguresOf: h.figuresOf, Reach: h.staff.Reach, Absences: h.staff, Import: newcomers{h}, OIDC: h.oidc,
		Quarantine: shelf{h.quarantine}, Ledger: account{h.ledger}, Commands: h.commands, CommandKeys: h.keys, Care: caretaker{h}, Gateways: cabinets{h}, Cameras: gallery{h}, Health: parts{h}, Faults: h.faults, Clocks: h.conditions, Clock: h.now, Log: h.log,
	})
	h.doors, err = openDoors(h)
	return err
}

// Ready is closed when the hub listens everywhere, and so not before it is
// claimed.
func (h *Hub) Ready() <-chan struct{} { return h.ready }

// Run serves until ctx ends, then stops cleanly: sources first, then what was
// accepted is committed and acknowledged, then the sinks, then the stores.
func (h *Hub) Run(ctx context.Context) error {
	if err := h.setupToken(ctx); err != nil {
		return errors.Join(err, h.Close())
	}
	sources, stopSources := context.WithCancel(ctx)
	sinks, stopSinks := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSinks()
	failed := make(chan error, 32) // more than run below: nobody waits to say why it failed
	run := func(wg *sync.WaitGroup, ctx context.Context, what string, f func(context.Context) error) {
		wg.Go(func() {
			if err := f(ctx); err != nil {
				failed <- fmt.Errorf("%s: %w", what, err)
				stopSources()
			}
		})
	}
	var in, calls, out sync.WaitGroup
	run(&out, sinks, "history", h.writer.Run)
	run(&out, sinks, "intake", h.intake.Run)
	run(&out, sinks, "board", h.board.Run)
	run(&out, sinks, "archive", h.archive.Run)
	run(&in, sources, "limits", h.pool.Watch)
	run(&out, sinks, "audit", h.audit.Run)
	run(&out, sinks, "refusals", h.recordStrangers)
	run(&out, sinks, "uploads", h.uploads.Run)
	run(&out, sinks, "forecast", h.forecast.Run)
	run(&out, sinks, "commands", h.commands.Run)
	run(&in, sources, "hotline", h.hotline.Run)
	run(&out, sinks, "retention", h.retain)
	run(&in, sources, "beat", h.beat)
	run(&out, sinks, "maintenance", h.endMaintenance)
	run(&in, sources, "backup", h.nightly.Run)
	run(&in, sources, "settling", h.settle)
	run(&in, sources, "alike", h.warm)
	run(&in, sources, "reports", h.reports.Run)
	run(&calls, sinks, "media", h.media.Run)
	run(&calls, sinks, "recordings", h.recordings.Run)
	if h.relay != nil {
		run(&calls, sinks, "relay", h.relay.Run)
	}
	run(&in, sources, "calls", h.signaling.Run)
	run(&in, sources, "cameras", h.serveCameras)
	run(&in, sources, "talk", h.radio.Run)
	run(&in, sources, "broker", h.serveBroker)
	run(&in, sources, "http", h.doors.run)
	run(&in, sources, "ready", h.announce)
	in.Wait()
	stopSources()
	stopSinks()
	calls.Wait()
	h.media, h.relay = nil, nil // Run has closed them
	out.Wait()
	close(failed)
	var errs []error
	for err := range failed {
		errs = append(errs, err)
	}
	return errors.Join(append(errs, h.Close())...)
}

// announce says when everything listens.
func (h *Hub) announce(ctx context.Context) error {
	select {
	case <-h.broker.Ready():
		h.once.Do(func() { close(h.ready) })
		h.log.Info("the hub is open", "http", h.doors.address(), "https", h.cfg.HTTP.Secure, "version", Version)
		h.registerSpeakers(ctx)
	case <-ctx.Done():
	}
	return nil
}

// retainEvery is how often old points are removed.
const retainEvery = time.Hour

func (h *Hub) retain(ctx context.Context) error {
	tick := time.NewTicker(retainEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		h.forgetFaults(ctx)
		for kind, keep := range map[string]time.Duration{"": h.cfg.History.Readings, history.PositionKind: h.cfg.History.Positions} {
			if keep == 0 {
				continue
			}
			if err := h.history.Retain(ctx, kind, before(h.now(), keep)); err != nil {
				h.log.Warn("old points could not be removed", "kind", kind, "error", err)
			}
		}
	}
}

// Close releases what New opened. It is called by Run and may be called again.
func (h *Hub) Close() error {
	var errs []error
	if h.doors != nil {
		errs = append(errs, h.doors.close())
	}
	ended, end := context.WithCancel(context.Background())
	end()
	if h.relay != nil {
		errs = append(errs, h.relay.Run(ended))
		h.relay = nil
	}
	if h.recordings != nil {
		h.recordings.Close()
	}
	if h.media != nil {
		errs = append(errs, h.media.Run(ended)) // closes what New opened, when Run never did
		h.media = nil
	}
	if h.journal != nil {
		errs = append(errs, h.journal.Close())
	}
	if h.history != nil {
		errs = append(errs, h.history.Close())
		h.history = nil
	}
	if h.db != nil {
		errs = append(errs, h.db.Close())
		h.db = nil
	}
	return errors.Join(errs...)
}

// wake tells the terminals of everybody who has a part in a case that it changed.
func (h *Hub) wake(c tasks.Case) {
	payload := wakePayload(wire.Wake{V: wire.Version, Task: string(c.ID), Rev: c.Rev})
	for _, id := range h.terminalsOf(c) {
		if err := h.broker.Send(id, wire.Task, payload, 1); err != nil {
			h.log.Debug("a terminal was not woken; it asks when it returns", "device", id, "task", c.ID, "error", err)
		}
	}
}
