package sqlite

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/history"
)

// subjects returns those that match, sorted by device and kind.
func (s *Store) subjects(match func(subject) bool) (all []subject) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for w, id := range s.names.subjects {
		if x := (subject{id, w.device, w.kind}); match(x) {
			all = append(all, x)
		}
	}
	slices.SortFunc(all, func(a, b subject) int {
		return cmp.Or(strings.Compare(string(a.device), string(b.device)), strings.Compare(a.kind, b.kind))
	})
	return all
}

func (s *Store) asked(q history.Query) []subject {
	return s.subjects(func(x subject) bool { return x.device == q.Device && (q.Kind == "" || q.Kind == x.kind) })
}

func (s *Store) metricName(id int64) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.names.metric[id]
}

// instants calls see for each row of a subject in [from, to), in the order
// given ("ASC" or "DESC"), until it returns false.
func (s *Store) instants(ctx context.Context, sub subject, from, to telemetry.Millis, order string, see func(telemetry.Millis, []telemetry.Field) bool) error {
	rows, err := s.read.QueryContext(ctx, "SELECT at, fields FROM points WHERE subject = ? AND at >= ? AND at < ? ORDER BY at "+order,
		sub.id, int64(from), int64(to))
	if err != nil {
		return err
	}
	defer rows.Close()
	var at int64
	var packed []byte
	for rows.Next() {
		if err := rows.Scan(&at, &packed); err != nil {
			return err
		}
		fields, err := unpack(packed, s.metricName)
		if err != nil {
			return err
		}
		if !see(telemetry.Millis(at), fields) {
			return nil
		}
	}
	return rows.Err()
}

// Range returns values as they were written.
func (s *Store) Range(ctx context.Context, q history.Query) (all []history.Series, err error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	n := 0
	for _, sub := range s.asked(q) {
		series := collection{}
		err := s.instants(ctx, sub, q.From, q.To, "ASC", func(at telemetry.Millis, fields []telemetry.Field) bool {
			for _, f := range fields {
				if len(q.Metrics) == 0 || slices.Contains(q.Metrics, f.Metric) {
					series[f.Metric] = append(series[f.Metric], history.Sample{At: at, Value: f.Value})
					n++
				}
			}
			return n <= history.MaxSamples
		})
		if err != nil {
			return nil, err
		}
		if n > history.MaxSamples {
			return nil, history.ErrTooMany
		}
		all = series.appendTo(all, sub)
	}
	return all, ctx.Err()
}

// collection is samples by metric.
type collection map[string][]history.Sample

func (c collection) appendTo(all []history.Series, sub subject) []history.Series {
	names := make([]string, 0, len(c))
	for name := range c {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		all = append(all, history.Series{Device: sub.device, Kind: sub.kind, Metric: name, Samples: c[name]})
	}
	return all
}

// Downsample reads a range piece by piece, each of whole spans, so that a year
// takes no more memory than a day.
func (s *Store) Downsample(ctx context.Context, q history.Query, every time.Duration, fn history.Fn) ([]history.Series, error) {
	if err := history.CheckEvery(every, fn); err != nil {
		return nil, err
	}
	if err := q.Check(); err != nil {
		return nil, err
	}
	var all []history.Series
	step := telemetry.Millis(every.Milliseconds())
	piece := max(step, telemetry.Millis(24*time.Hour.Milliseconds())/step*step)
	for _, sub := range s.asked(q) {
		sums := collection{}
		for from := q.From; from < q.To; {
			to := min(q.To, from-from%step+piece)
			part := q
			part.Kind, part.From, part.To = sub.kind, from, to
			got, err := s.Range(ctx, part)
			if err != nil {
				return nil, err
			}
			for _, x := range got {
				sums[x.Metric] = append(sums[x.Metric], history.Aggregate(x.Samples, every, fn)...)
			}
			if from = to; len(got) == 0 {
				if from, err = s.nextAt(ctx, sub, to, q.To); err != nil {
					return nil, err
				}
			}
		}
		all = sums.appendTo(all, sub)
	}
	return all, nil
}

// nextAt is the subject's first instant from there on, or end: years without a
// point are skipped at once.
func (s *Store) nextAt(ctx context.Context, sub subject, from, end telemetry.Millis) (telemetry.Millis, error) {
	at := end
	err := s.instants(ctx, sub, from, end, "ASC", func(t telemetry.Millis, _ []telemetry.Field) bool {
		at = t
		return false
	})
	return at, err
}

// newestRows is how far back Newest looks for a metric: a device that tells
// its metrics in turns has them within so many rows.
const newestRows = 100

// Newest returns the newest value of each metric among a device's last rows.
func (s *Store) Newest(ctx context.Context, ids ...devices.ID) (all []history.Series, err error) {
	for _, sub := range s.subjects(func(x subject) bool { return slices.Contains(ids, x.device) }) {
		series, n := collection{}, 0
		err := s.instants(ctx, sub, 0, 1<<62, "DESC", func(at telemetry.Millis, fields []telemetry.Field) bool {
			for _, f := range fields {
				if series[f.Metric] == nil {
					series[f.Metric] = []history.Sample{{At: at, Value: f.Value}}
				}
			}
			n++
			return n < newestRows
		})
		if err != nil {
			return nil, err
		}
		all = series.appendTo(all, sub)
	}
	return all, nil
}

// Export writes line protocol.
func (s *Store) Export(ctx context.Context, w io.Writer, q history.Query) error {
	if err := q.Check(); err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 64<<10)
	var line []byte
	for _, sub := range s.asked(q) {
		var failed error
		err := s.instants(ctx, sub, q.From, q.To, "ASC", func(at telemetry.Millis, fields []telemetry.Field) bool {
			p := telemetry.Point{Device: sub.device, Kind: sub.kind, At: at}
			for _, f := range fields {
				switch {
				case f.Metric == history.QualityField:
					p.Quality = telemetry.Quality(f.Value)
				case len(q.Metrics) == 0 || slices.Contains(q.Metrics, f.Metric):
					p.Fields = append(p.Fields, f)
				}
			}
			if len(p.Fields) > 0 || p.Quality != telemetry.Good {
				line = history.AppendLine(line[:0], &p)
				_, failed = out.Write(line)
			}
			return failed == nil
		})
		if err != nil || failed != nil {
			return cmp.Or(err, failed)
		}
	}
	return out.Flush()
}
