package server

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gridhub/configs/words"
	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/api"
	"gridhub/hub/geo"
	"gridhub/hub/history"
	"gridhub/hub/history/influx"
	"gridhub/hub/history/sqlite"
	"gridhub/hub/identity"
	"gridhub/hub/intake/ledger"
	"gridhub/hub/intake/quarantine"
)

func openHistory(c Config) (history.Store, error) {
	if c.History.Store == "sqlite" {
		return sqlite.Open(under(c.Data, historyFile))
	}
	in := c.History.Influx
	token := ""
	if in.TokenFile != "" {
		b, err := os.ReadFile(in.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("history.influx.token_file: %w", err)
		}
		token = strings.TrimSpace(string(b))
	}
	return influx.Open(influx.Config{URL: in.URL, Version: in.Version, Org: in.Org, Bucket: in.Bucket, Token: token, Timeout: in.Timeout})
}

// street shows the files of the street.
type street struct{ files Files }

func (s street) About() api.StreetInfo {
	i := s.files.Info
	return api.StreetInfo{Name: i.Name, Center: i.Center, Bounds: [4]float64(i.Bounds), TimeZone: i.TimeZone,
		Departments: s.files.Departments, Version: Version}
}

// emptyCollection is a map without features.
const emptyCollection = `{"type":"FeatureCollection","features":[]}`

func (s street) layer(name string) []byte {
	if b := s.files.raw[name]; b != nil {
		return b
	}
	return []byte(emptyCollection)
}

func (s street) Grids() []byte  { return s.layer("grids") }
func (s street) Roads() []byte  { return s.layer("roads") }
func (s street) Ground() []byte { return s.layer("ground") }

// series reads one metric from the history.
type series struct{ store history.Store }

func (s series) Series(ctx context.Context, id devices.ID, metric string, from, to telemetry.Millis, every int64, fn string) ([]api.Sample, error) {
	if metric == "lon" || metric == "lat" {
		return []api.Sample{}, nil // where somebody was is a track, which fewer may see
	}
	q := history.Query{Device: id, Metrics: []string{metric}, From: from, To: to}
	var all []history.Series
	var err error
	if every == 0 {
		all, err = s.store.Range(ctx, q)
	} else {
		all, err = s.store.Downsample(ctx, q, time.Duration(every)*time.Millisecond, history.Fn(fn))
	}
	if err != nil {
		return nil, err
	}
	out := []api.Sample{}
	for _, one := range all {
		for _, v := range one.Samples {
			out = append(out, api.Sample{At: v.At, Value: v.Value})
		}
	}
	return out, nil
}

// tracks joins the fixes of a person's terminals.
type tracks struct{ h *Hub }

func (t tracks) Track(ctx context.Context, who identity.PersonID, from, to telemetry.Millis) (geo.Track, error) {
	var fixes []geo.Fix
	for _, id := range t.h.registry.Terminals(who) {
		some, err := t.fixes(ctx, id, from, to)
		if err != nil {
			return geo.Track{}, err
		}
		fixes = append(fixes, some...)
	}
	carried, err := t.carriedFixes(ctx, who, from, to)
	if err != nil {
		return geo.Track{}, err
	}
	fixes = append(fixes, carried...)
	return geo.BuildTrack(fixes, geo.OnFoot()), nil
}

// shelf shows the quarantine.
type shelf struct{ q *quarantine.Quarantine }

func (s shelf) Causes(ctx context.Context) ([]api.QuarantineCause, error) {
	all, err := s.q.Causes(ctx)
	out := make([]api.QuarantineCause, 0, len(all))
	for _, c := range all {
		out = append(out, api.QuarantineCause{Cause: c.Cause, Device: c.Device, N: uint64(c.Entries), Last: c.Newest})
	}
	return out, err
}

func (s shelf) List(ctx context.Context, cause string, device devices.ID, limit int) ([]api.QuarantineEntry, error) {
	all, err := s.q.List(ctx, quarantine.Filter{Cause: cause, Device: device, Limit: limit})
	if err != nil {
		return nil, err
	}
	out := make([]api.QuarantineEntry, 0, len(all))
	for _, e := range all {
		out = append(out, s.view(ctx, e))
	}
	return out, nil
}

func (s shelf) view(ctx context.Context, e quarantine.Entry) api.QuarantineEntry {
	v := api.QuarantineEntry{Number: e.Number, At: e.At, Device: e.Device, Topic: e.Topic, Cause: e.Cause, Detail: e.Detail,
		Done: e.State != quarantine.Waiting}
	raw, err := s.q.Payload(ctx, e.Number)
	if err != nil {
		return v // the message is older than the journal
	}
	if v.Binary = !utf8.Valid(raw.Payload); v.Binary {
		v.Payload = base64.StdEncoding.EncodeToString(raw.Payload)
	} else {
		v.Payload = string(raw.Payload)
	}
	return v
}

func (s shelf) Replay(ctx context.Context, cause string, device devices.ID) (int, error) {
	return s.q.Replay(ctx, quarantine.Filter{Cause: cause, Device: device, Limit: 1000})
}

// account shows the ledger.
type account struct{ l *ledger.Ledger }

func (a account) Hours(ctx context.Context, id devices.ID, from, to telemetry.Millis) ([]api.LedgerHour, error) {
	all, err := a.l.Ledger(ctx, id, from, to)
	out := make([]api.LedgerHour, 0, len(all))
	for _, h := range all {
		b := h.Balance()
		out = append(out, api.LedgerHour{Hour: h.Begin, Polled: b.Polled, Stored: h.Stored, Repeated: h.Repeated, Superseded: h.Superseded,
			Quarantined: h.Quarantined, Expired: expired(h, b), Pending: b.Pending, Unexplained: b.Unexplained, Told: h.Told != nil, LeftOut: h.LeftOut})
	}
	return out, err
}

// expired is what will never come, by reason: dropped here, given up by the
// gateway, or passed over by it without a word.
func expired(h ledger.Hour, b ledger.Balance) map[string]int64 {
	all := maps.Clone(h.Expired)
	for cause, n := range map[string]int64{"given-up": b.Lost, "missing": h.Missing} {
		if n == 0 {
			continue
		}
		if all == nil {
			all = map[string]int64{}
		}
		all[cause] += n
	}
	return all
}

// health asks every part how it does.
type parts struct{ h *Hub }

func (p parts) Parts() []api.Part {
	out := []api.Part{part("journal", p.h.journal.Healthy(), "down"), part("broker", p.h.broker.Healthy(), "down")}
	t := p.h.writer.Totals()
	db := api.Part{Name: "history", State: "ok", Detail: t.Error}
	if t.Error != "" {
		db.State = "degraded"
	}
	out = append(out, db)
	out = append(out, p.h.calendarPart(), part("archive", p.h.archive.Healthy(), "degraded"),
		part("backup", p.h.nightly.Healthy(), "degraded"), part("reports", p.h.reports.Healthy(), "degraded"), p.h.conditions.part())
	for _, s := range p.h.intake.Stats() {
		c := api.Part{Name: "consumer " + s.Name, State: "ok", Detail: s.Error, Lag: s.Lag}
		if s.Error != "" || s.Behind {
			c.State = "degraded"
		}
		out = append(out, c)
	}
	for i := range out {
		out[i].Words, _ = words.Chinese(out[i].Detail)
	}
	return out
}

// ahead is how far limits reach: the longest of the matters is 20 working days,
// and the next year's notice is out by then.
const ahead = 45 * 24 * time.Hour

// calendarPart says whether the holidays of the coming weeks are known.
func (h *Hub) calendarPart() api.Part {
	now := h.now()
	var years []string
	for _, year := range h.files.Calendar().Unknown(now, now.Add(ahead)) {
		years = append(years, strconv.Itoa(year))
	}
	if len(years) == 0 {
		return api.Part{Name: "calendar", State: "ok"}
	}
	return api.Part{Name: "calendar", State: "degraded",
		Detail: fmt.Sprintf("the public holidays of %s are not known and count as working days: add a file as in configs/calendars and name it under calendars", strings.Join(years, ", "))}
}

func part(name string, err error, bad string) api.Part {
	if err != nil {
		return api.Part{Name: name, State: bad, Detail: err.Error()}
	}
	return api.Part{Name: name, State: "ok"}
}
