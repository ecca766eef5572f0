package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"gridhub/devices"
	"gridhub/devices/telemetry"
)

// subject is a row of subjects.
type subject struct {
	id     int64
	device devices.ID
	kind   string
}

type who struct {
	device devices.ID
	kind   string
}

// origin is what a source stands for: a key without its numbers.
type origin struct {
	sender devices.ID
	stream string
	epoch  uint64
}

// names mirrors the small tables, which hold every text once.
type names struct {
	subjects map[who]int64
	sources  map[origin]int64
	origins  map[int64]origin
	metrics  map[string]int64
	metric   map[int64]string
}

func newNames() names {
	return names{map[who]int64{}, map[origin]int64{}, map[int64]origin{}, map[string]int64{}, map[int64]string{}}
}

func (n *names) load(ctx context.Context, db *sql.DB) error {
	err := each(ctx, db, "SELECT id, device, kind FROM subjects", func(scan func(...any) error) error {
		var id int64
		var w who
		err := scan(&id, &w.device, &w.kind)
		n.subjects[w] = id
		return err
	})
	return errors.Join(err, each(ctx, db, "SELECT id, sender, stream, epoch FROM sources", func(scan func(...any) error) error {
		var id, epoch int64
		var o origin
		err := scan(&id, &o.sender, &o.stream, &epoch)
		o.epoch = uint64(epoch)
		n.sources[o], n.origins[id] = id, o
		return err
	}), each(ctx, db, "SELECT id, name FROM metrics", func(scan func(...any) error) error {
		var id int64
		var name string
		err := scan(&id, &name)
		n.metrics[name], n.metric[id] = id, name
		return err
	}))
}

// each calls row for each row of a query.
func each(ctx context.Context, db *sql.DB, query string, row func(scan func(...any) error) error, args ...any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// newcomers are names as a transaction sees them: what it adds is known to
// others only when it has been committed.
type newcomers struct {
	*names
	mu    *sync.RWMutex
	added names
}

func (n *names) begin(mu *sync.RWMutex) *newcomers {
	return &newcomers{names: n, mu: mu, added: newNames()}
}

func (n *newcomers) commit(mu *sync.RWMutex) {
	mu.Lock()
	defer mu.Unlock()
	copyInto(n.names.subjects, n.added.subjects)
	copyInto(n.names.sources, n.added.sources)
	copyInto(n.names.origins, n.added.origins)
	copyInto(n.names.metrics, n.added.metrics)
	copyInto(n.names.metric, n.added.metric)
}

func copyInto[K comparable, V any](to, from map[K]V) {
	for k, v := range from {
		to[k] = v
	}
}

// find looks a name up; only the one writer changes the maps, so that it may
// read them without the lock.
func find[K comparable](known, added map[K]int64, k K) (int64, bool) {
	if id, ok := known[k]; ok {
		return id, true
	}
	id, ok := added[k]
	return id, ok
}

func insert(ctx context.Context, tx *sql.Tx, query string, args ...any) (int64, error) {
	res, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

func (n *newcomers) subject(ctx context.Context, tx *sql.Tx, id devices.ID, kind string) (int64, error) {
	w := who{id, kind}
	if v, ok := find(n.subjects, n.added.subjects, w); ok {
		return v, nil
	}
	v, err := insert(ctx, tx, "INSERT INTO subjects (device, kind) VALUES (?, ?)", string(id), kind)
	n.added.subjects[w] = v
	return v, err
}

func (n *newcomers) source(ctx context.Context, tx *sql.Tx, k telemetry.Key) (int64, error) {
	o := origin{k.Sender, k.Stream, k.Epoch}
	if v, ok := find(n.sources, n.added.sources, o); ok {
		return v, nil
	}
	v, err := insert(ctx, tx, "INSERT INTO sources (sender, stream, epoch) VALUES (?, ?, ?)", string(k.Sender), k.Stream, int64(k.Epoch))
	n.added.sources[o], n.added.origins[v] = v, o
	return v, err
}

func (n *newcomers) key(source int64) telemetry.Key {
	o, ok := n.origins[source]
	if !ok {
		o = n.added.origins[source]
	}
	return telemetry.Key{Sender: o.sender, Stream: o.stream, Epoch: o.epoch}
}

func (n *newcomers) metricID(ctx context.Context, tx *sql.Tx, name string) (int64, error) {
	if v, ok := find(n.metrics, n.added.metrics, name); ok {
		return v, nil
	}
	v, err := insert(ctx, tx, "INSERT INTO metrics (name) VALUES (?)", name)
	n.added.metrics[name], n.added.metric[v] = v, name
	return v, err
}

// pack makes the fields of a row: for each the metric's id as a varint and the
// value in 8 bytes, little end first.
func (n *newcomers) pack(ctx context.Context, tx *sql.Tx, fields []telemetry.Field) ([]byte, error) {
	b := make([]byte, 0, 10*len(fields))
	for _, f := range fields {
		id, err := n.metricID(ctx, tx, f.Metric)
		if err != nil {
			return nil, err
		}
		b = binary.AppendUvarint(b, uint64(id))
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f.Value))
	}
	return b, nil
}

func (n *newcomers) unpack(b []byte) ([]telemetry.Field, error) {
	fields, err := unpack(b, func(id int64) string {
		if name, ok := n.metric[id]; ok {
			return name
		}
		return n.added.metric[id]
	})
	return sorted(fields), err
}

var errFields = errors.New("fields of a row are damaged")

func unpack(b []byte, name func(int64) string) ([]telemetry.Field, error) {
	fields := make([]telemetry.Field, 0, 4)
	for len(b) > 0 {
		id, n := binary.Uvarint(b)
		if n <= 0 || len(b) < n+8 {
			return nil, errFields
		}
		f := telemetry.Field{Metric: name(int64(id)), Value: math.Float64frombits(binary.LittleEndian.Uint64(b[n:]))}
		if f.Metric == "" {
			return nil, errFields
		}
		fields = append(fields, f)
		b = b[n+8:]
	}
	return fields, nil
}

func sorted(f []telemetry.Field) []telemetry.Field {
	slices.SortFunc(f, func(a, b telemetry.Field) int { return strings.Compare(a.Metric, b.Metric) })
	return f
}

func insertRows(n int) string {
	return "INSERT INTO points (subject, at, source, seq, number, fields) VALUES " +
		strings.TrimSuffix(strings.Repeat("(?,?,?,?,?,?),", n), ",")
}

func isConstraint(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xFF == sqlite3.SQLITE_CONSTRAINT
}
