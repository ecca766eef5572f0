// Package influx keeps history in InfluxDB, 1.8 or 2.x, as ../LAYOUT.md lays it
// out: one line for each instant of each device. It is the only package that
// knows the client library.
//
// It promises that what InfluxDB does not take is either still to be written
// (an error of type *history.Unavailable: the network, the server, the
// settings) or named, line by line, with InfluxDB's own reason; a line that it
// will never take does not hold up the others. Of two values for one instant
// the one written last stays, so points must be written in the order of the
// journal. It leaves out waiting and trying again: that is history.Writer's.
package influx

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
	api "github.com/influxdata/influxdb-client-go/v2/api/http"

	"gridhub/devices/telemetry"
	"gridhub/hub/history"
)

// Config says where InfluxDB is.
type Config struct {
	URL     string        // http://127.0.0.1:8086
	Version int           // 1 (1.8 and later) or 2
	Org     string        // 2.x only
	Bucket  string        // 2.x: the bucket; 1.8: database/retention-policy
	Token   string        // 2.x: the token; 1.8: user:password
	Timeout time.Duration // of one request
}

// Default returns a local InfluxDB 2.
func Default() Config {
	return Config{URL: "http://127.0.0.1:8086", Version: 2, Org: "street", Bucket: "gridhub", Timeout: 30 * time.Second}
}

// Validate names every key that makes no sense.
func (c Config) Validate() error {
	var errs []error
	want := func(ok bool, key string, got any, what string) {
		if !ok {
			errs = append(errs, fmt.Errorf("influx.%s is %v: want %s", key, got, what))
		}
	}
	u, err := url.Parse(c.URL)
	want(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "", "url", c.URL, "http://host:port or https://host:port")
	want(c.Version == 1 || c.Version == 2, "version", c.Version, "1 or 2")
	want(c.Version != 2 || c.Org != "", "org", `""`, "the organisation's name, as InfluxDB 2 has it")
	db, _, _ := strings.Cut(c.Bucket, "/")
	want(db != "" && !strings.ContainsAny(c.Bucket, "\"\\\n"), "bucket", c.Bucket, "a bucket's name, or database/retention-policy for 1.8")
	want(c.Timeout > 0, "timeout", c.Timeout, "more than 0")
	return errors.Join(errs...)
}

// Store is a history in InfluxDB. It implements history.Store and
// history.Preparer.
type Store struct {
	cfg    Config
	client influxdb2.Client
	write  string // the address that takes lines
}

// Open validates cfg. It does not speak to InfluxDB, which may come later.
func Open(cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, ResponseHeaderTimeout: cfg.Timeout}
	o := influxdb2.DefaultOptions().SetHTTPClient(&http.Client{Transport: transport, Timeout: cfg.Timeout}).SetLogLevel(0)
	s := &Store{cfg: cfg, client: influxdb2.NewClientWithOptions(cfg.URL, cfg.Token, o)}
	q := url.Values{"org": {cfg.Org}, "bucket": {cfg.Bucket}, "precision": {"ms"}}
	s.write = s.client.HTTPService().ServerAPIURL() + "write?" + q.Encode()
	return s, nil
}

// Close gives the connections back.
func (s *Store) Close() error {
	s.client.Close()
	return nil
}

// lines is a batch in line protocol.
type lines struct {
	text     []byte
	ends     []int // of each line in text
	index    []int // of each line's point in what was given
	rejected []history.Rejected
	packed   []byte // text under gzip
}

// Prepare encodes points.
func (s *Store) Prepare(pts []telemetry.Point) any {
	l := &lines{text: make([]byte, 0, 128*len(pts)), ends: make([]int, 0, len(pts)), index: make([]int, 0, len(pts))}
	for i := range pts {
		if reason := history.Fault(&pts[i]); reason != "" {
			l.rejected = append(l.rejected, history.Rejected{Index: i, Reason: reason})
			continue
		}
		l.text = history.AppendLine(l.text, &pts[i])
		l.ends, l.index = append(l.ends, len(l.text)), append(l.index, i)
	}
	l.packed = pack(l.text)
	return l
}

// pack compresses quickly: the line is short, the processor is what is scarce.
func pack(text []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed) // fails for unknown levels only
	w.Write(text)                                   // a bytes.Buffer never fails
	w.Close()
	return b.Bytes()
}

// Write encodes and sends points.
func (s *Store) Write(ctx context.Context, pts []telemetry.Point) (history.Written, error) {
	return s.Send(ctx, s.Prepare(pts))
}

// Send sends what Prepare made.
func (s *Store) Send(ctx context.Context, prepared any) (history.Written, error) {
	l := prepared.(*lines)
	w := history.Written{Rejected: append([]history.Rejected(nil), l.rejected...)}
	if len(l.ends) == 0 {
		return w, nil
	}
	err := s.send(ctx, l, 0, len(l.ends), l.packed, &w)
	if err != nil {
		return history.Written{}, err
	}
	sortRejected(w.Rejected)
	return w, nil
}

// send sends lines [from, to), and halves them when InfluxDB says that they
// are too many or that there is a bad one among them.
func (s *Store) send(ctx context.Context, l *lines, from, to int, packed []byte, w *history.Written) error {
	err := s.post(ctx, s.write, packed)
	if err == nil {
		w.Stored += to - from
		return nil
	}
	e := classify(ctx, err)
	if e.fate == retry {
		return &history.Unavailable{After: e.after, Person: e.person, Err: fmt.Errorf("influx: %w", err)}
	}
	if to-from == 1 {
		w.Rejected = append(w.Rejected, history.Rejected{Index: l.index[from], Reason: "influx: " + err.Error()})
		return nil
	}
	half := from + (to-from)/2
	for _, r := range [2][2]int{{from, half}, {half, to}} {
		if err := s.send(ctx, l, r[0], r[1], pack(l.cut(r[0], r[1])), w); err != nil {
			return err
		}
	}
	return nil
}

// cut returns the text of lines [from, to).
func (l *lines) cut(from, to int) []byte {
	start := 0
	if from > 0 {
		start = l.ends[from-1]
	}
	return l.text[start:l.ends[to-1]]
}

func (s *Store) post(ctx context.Context, address string, packed []byte) error {
	err := s.client.HTTPService().DoPostRequest(ctx, address, bytes.NewReader(packed), func(r *http.Request) {
		r.Header.Set("Content-Encoding", "gzip")
		r.Header.Set("Content-Type", "text/plain; charset=utf-8")
	}, drain)
	if err != nil { // a nil *api.Error is no nil error
		return err
	}
	return nil
}

// drain reads an answer to its end, so that the connection can be used again.
func drain(r *http.Response) error {
	_, err := io.Copy(io.Discard, io.LimitReader(r.Body, 1<<20))
	return errors.Join(err, r.Body.Close())
}

// fate is what an error of InfluxDB means for the lines that were sent.
type fate int

const (
	retry fate = iota // keep them all, try again
	split             // look for the bad one, or send fewer
)

type verdict struct {
	fate   fate
	after  time.Duration
	person bool
}

// classify reads an answer. Whatever is not known to be the lines' own fault
// keeps them.
func classify(ctx context.Context, err error) verdict {
	var e *api.Error
	if ctx.Err() != nil || !errors.As(err, &e) {
		return verdict{}
	}
	switch e.StatusCode {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		return verdict{fate: split}
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return verdict{person: true}
	}
	return verdict{after: time.Duration(e.RetryAfter) * time.Second}
}
