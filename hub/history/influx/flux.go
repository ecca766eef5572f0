package influx

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/history"
)

// The queries are Flux, which 1.8 and 2.x speak, and are few, so that another
// language (InfluxQL or SQL for 3) is another small file. What is put into
// them has passed Query.Check and needs no quoting.

func (s *Store) flux(q history.Query) string {
	var b strings.Builder
	fmt.Fprintf(&b, "from(bucket: %q) |> range(start: %s, stop: %s)", s.cfg.Bucket,
		instant(q.From.Time()), instant(q.To.Time().Add(-time.Nanosecond))) // 1.8 counts the stop in, 2.x does not
	fmt.Fprintf(&b, " |> filter(fn: (r) => r.device == %q%s%s)", q.Device, either("_measurement", q.Kind), either("_field", q.Metrics...))
	return b.String()
}

func instant(t time.Time) string { return t.Format("2006-01-02T15:04:05.000000000Z") }

// either is a condition: the column has one of the values, or any if there are
// none.
func either(column string, values ...string) string {
	var c []string
	for _, v := range values {
		if v != "" {
			c = append(c, fmt.Sprintf("r.%s == %q", column, v))
		}
	}
	if len(c) == 0 {
		return ""
	}
	return " and (" + strings.Join(c, " or ") + ")"
}

const columns = ` |> keep(columns: ["_time", "_value", "_field", "_measurement", "device"])`

// Range returns values as they were written.
func (s *Store) Range(ctx context.Context, q history.Query) ([]history.Series, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	return s.query(ctx, s.flux(q)+columns)
}

// Downsample lets InfluxDB do it.
func (s *Store) Downsample(ctx context.Context, q history.Query, every time.Duration, fn history.Fn) ([]history.Series, error) {
	if err := history.CheckEvery(every, fn); err != nil {
		return nil, err
	}
	if err := q.Check(); err != nil {
		return nil, err
	}
	all, err := s.query(ctx, s.flux(q)+fmt.Sprintf(" |> aggregateWindow(every: %dms, fn: %s, createEmpty: false, timeSrc: \"_start\")", every.Milliseconds(), fn)+columns)
	step := telemetry.Millis(every.Milliseconds())
	for _, x := range all {
		for i := range x.Samples { // the first span is cut off at the range's begin
			x.Samples[i].At -= x.Samples[i].At % step
		}
	}
	return all, err
}

// maxAsked bounds the devices of one query.
const maxAsked = 200

// Newest returns the newest value of each metric.
func (s *Store) Newest(ctx context.Context, ids ...devices.ID) (all []history.Series, err error) {
	for part := range slices.Chunk(ids, maxAsked) {
		names := make([]string, len(part))
		for i, id := range part {
			if _, err := devices.ParseID(string(id)); err != nil {
				return nil, err
			}
			names[i] = string(id)
		}
		got, err := s.query(ctx, fmt.Sprintf("from(bucket: %q) |> range(start: 0, stop: 2200-01-01T00:00:00Z) |> filter(fn: (r) => true%s) |> last()",
			s.cfg.Bucket, either("device", names...))+columns)
		if err != nil {
			return nil, err
		}
		all = append(all, got...)
	}
	sortSeries(all)
	return all, nil
}

// query runs Flux and collects its tables.
func (s *Store) query(ctx context.Context, flux string) ([]history.Series, error) {
	res, err := s.client.QueryAPI(s.cfg.Org).Query(ctx, flux)
	if err != nil {
		return nil, fmt.Errorf("influx query: %w", err)
	}
	defer res.Close()
	var all []history.Series
	n := 0
	for res.Next() {
		r := res.Record()
		id, _ := r.ValueByKey("device").(string)
		last := len(all) - 1
		if last < 0 || all[last].Metric != r.Field() || all[last].Kind != r.Measurement() || string(all[last].Device) != id {
			all = append(all, history.Series{Device: devices.ID(id), Kind: r.Measurement(), Metric: r.Field()})
			last++
		}
		v, ok := number(r.Value())
		if !ok {
			continue // a field that somebody else wrote as text
		}
		if n++; n > history.MaxSamples {
			return nil, history.ErrTooMany
		}
		all[last].Samples = append(all[last].Samples, history.Sample{At: telemetry.At(r.Time()), Value: v})
	}
	if err := res.Err(); err != nil {
		return nil, fmt.Errorf("influx query: %w", err)
	}
	sortSeries(all)
	return all, ctx.Err()
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64: // a count
		return float64(v), true
	}
	return 0, false
}

func sortSeries(all []history.Series) {
	slices.SortFunc(all, func(a, b history.Series) int {
		return cmp.Or(strings.Compare(string(a.Device), string(b.Device)), strings.Compare(a.Kind, b.Kind), strings.Compare(a.Metric, b.Metric))
	})
}

func sortRejected(all []history.Rejected) {
	slices.SortFunc(all, func(a, b history.Rejected) int { return cmp.Compare(a.Index, b.Index) })
}

// Export writes line protocol. It holds the range in memory, so it fails with
// history.ErrTooMany where that would be too much.
func (s *Store) Export(ctx context.Context, w io.Writer, q history.Query) error {
	all, err := s.Range(ctx, q)
	if err != nil {
		return err
	}
	return history.WriteLines(w, all)
}

// Retain deletes what is older.
func (s *Store) Retain(ctx context.Context, kind string, before telemetry.Millis) error {
	return s.remove(ctx, kind, "", 0, before)
}

// Erase deletes a device's points.
func (s *Store) Erase(ctx context.Context, id devices.ID, from, to telemetry.Millis) error {
	if _, err := devices.ParseID(string(id)); err != nil {
		return err
	}
	if from == 0 && to == 0 {
		to = 1 << 42 // the year 2109
	}
	return s.remove(ctx, "", id, from, to)
}

// remove deletes in [from, to). 1.8 has no delete in its 2.x interface: there it
// goes through InfluxQL.
func (s *Store) remove(ctx context.Context, kind string, id devices.ID, from, to telemetry.Millis) error {
	if kind != "" {
		if err := (history.Query{Device: "any", Kind: kind, To: 1}).Check(); err != nil {
			return err
		}
	}
	if s.cfg.Version == 1 {
		return s.removeQL(ctx, kind, id, from, to)
	}
	var where []string
	if kind != "" {
		where = append(where, fmt.Sprintf("_measurement=%q", kind))
	}
	if id != "" {
		where = append(where, fmt.Sprintf("device=%q", string(id)))
	}
	last := to.Time().Add(-time.Nanosecond) // its range includes both ends
	err := s.client.DeleteAPI().DeleteWithName(ctx, s.cfg.Org, s.cfg.Bucket, from.Time(), last, strings.Join(where, " AND "))
	if err != nil {
		return fmt.Errorf("influx delete: %w", err)
	}
	return nil
}

func (s *Store) removeQL(ctx context.Context, kind string, id devices.ID, from, to telemetry.Millis) error {
	ql := "DELETE"
	if kind != "" {
		ql += fmt.Sprintf(" FROM %q", kind)
	}
	ql += fmt.Sprintf(" WHERE time >= %dms AND time < %dms", from, to)
	if id != "" {
		ql += fmt.Sprintf(" AND device = '%s'", id)
	}
	return s.QL(ctx, ql)
}

// QL runs an InfluxQL statement that returns nothing, on 1.8's database:
// DELETE, CREATE DATABASE, CREATE RETENTION POLICY.
func (s *Store) QL(ctx context.Context, statement string) error {
	db, _, _ := strings.Cut(s.cfg.Bucket, "/")
	q := url.Values{"db": {db}, "q": {statement}}
	var answer []byte
	err := s.client.HTTPService().DoPostRequest(ctx, s.client.HTTPService().ServerURL()+"query?"+q.Encode(), nil, nil, func(r *http.Response) (err error) {
		answer, err = io.ReadAll(io.LimitReader(r.Body, 1<<16))
		return cmp.Or(err, r.Body.Close())
	})
	if err != nil {
		return fmt.Errorf("influx: %s: %w", statement, error(err))
	}
	if strings.Contains(string(answer), `"error"`) {
		return fmt.Errorf("influx: %s: %s", statement, answer)
	}
	return nil
}
