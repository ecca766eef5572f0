package api

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"gridhub/devices"
	"gridhub/devices/codec"
	"gridhub/devices/codec/influx"
)

// Writers are the devices that send line protocol over HTTP.
type Writers interface {
	// Writer says whose token it is; ErrNotAWriter of one that may not write.
	Writer(token string) (devices.ID, error)
	// Write keeps payloads of line protocol. It returns nil when they are
	// durable; any error means that they may not be.
	Write(ctx context.Context, from devices.ID, unit influx.Precision, payloads [][]byte) error
}

// ErrNotAWriter is the error of a known identity that measures nothing.
var ErrNotAWriter = errors.New("this identity may not write measurements")

// Limits of the write API. A client with more splits it (413) or comes back
// (503).
const (
	maxWriteBody   = 8 << 20 // bytes, unpacked
	maxWrites      = 16      // requests at once
	maxQuery       = 4 << 10 // bytes of a question
	maxNamedErrors = 20      // wrong lines that one answer explains
	writeTimeout   = 30 * time.Second
)

// WriteAPI is InfluxDB's write endpoint for Telegraf and whatever else writes
// there: POST /api/v2/write with a device's secret as token, or version 1's
// POST /write with its id and secret as user and password. An answer of success
// means that everything is on disk. Lines that are wrong are explained, and
// kept in quarantine; the others are written.
//
// Organisation, bucket and database are not looked at: a device has one place.
func WriteAPI(w Writers) http.Handler {
	h := &writeAPI{writers: w, busy: make(chan struct{}, maxWrites)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v2/write", h.write)
	mux.HandleFunc("POST /write", h.write)
	mux.HandleFunc("POST /query", h.query)
	mux.HandleFunc("/api/v2/ping", ping)
	mux.HandleFunc("/ping", ping)
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]string{"name": "gridhub", "message": "ready for writes", "status": "pass"})
	})
	return mux
}

type writeAPI struct {
	writers Writers
	busy    chan struct{} // a place for each request at work
}

// writeError is an answer as InfluxDB's clients know it. Line is of the first
// wrong line, Errors of all that are explained.
type writeError struct {
	status  int
	Code    string      `json:"code"`
	Message string      `json:"message"`
	Line    int         `json:"line,omitempty"`
	Errors  []lineError `json:"errors,omitempty"`
	Error1  string      `json:"error,omitempty"` // the message again, where version 1 has it
}

type lineError struct {
	Line    int         `json:"line"`
	Cause   codec.Cause `json:"cause"`
	Message string      `json:"message"`
}

func (e *writeError) Error() string { return e.Message }

func failed(status int, code, format string, args ...any) *writeError {
	return &writeError{status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

func ping(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the reader left; nobody to tell
}

func (h *writeAPI) write(w http.ResponseWriter, r *http.Request) {
	err := h.take(w, r)
	var e *writeError
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
		return
	case !errors.As(err, &e):
		e = failed(http.StatusServiceUnavailable, "unavailable", "%v", err)
	}
	if e.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	if r.URL.Path == "/write" {
		e.Error1 = e.Message
	}
	reply(w, e.status, e)
}

// query answers the one question that clients of version 1 ask before they
// write: whether their database can be made.
func (h *writeAPI) query(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxQuery)
	if !strings.HasPrefix(strings.ToUpper(strings.TrimSpace(r.FormValue("q"))), "CREATE DATABASE ") {
		reply(w, http.StatusBadRequest, map[string]string{"error": "this hub is written to, not asked: see /api/v1"})
		return
	}
	reply(w, http.StatusOK, map[string]any{"results": []map[string]int{{"statement_id": 0}}})
}

func (h *writeAPI) take(w http.ResponseWriter, r *http.Request) error {
	from, err := h.who(r)
	if err != nil {
		return err
	}
	unit, err := influx.ParsePrecision(r.URL.Query().Get("precision"))
	if err != nil {
		return failed(http.StatusBadRequest, "invalid", "%v", err)
	}
	select {
	case h.busy <- struct{}{}:
		defer func() { <-h.busy }()
	default:
		return failed(http.StatusServiceUnavailable, "unavailable", "%d writes are under way", maxWrites)
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(writeTimeout)) // not every connection can
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	lines := influx.Lines(body, unit)
	if len(lines) == 0 {
		return failed(http.StatusBadRequest, "invalid", "writing requires points")
	}
	if err := h.writers.Write(r.Context(), from, unit, influx.Join(lines)); err != nil {
		return err
	}
	return wrong(lines)
}

// who finds the device behind a request.
func (h *writeAPI) who(r *http.Request) (devices.ID, error) {
	token, shown := credentials(r)
	if !shown {
		return "", failed(http.StatusUnauthorized, "unauthorized", "unauthorized access: want Authorization: Token and the device's secret")
	}
	id, err := h.writers.Writer(token)
	switch {
	case errors.Is(err, ErrNotAWriter):
		return "", failed(http.StatusForbidden, "forbidden", "%v", err)
	case err != nil:
		return "", failed(http.StatusUnauthorized, "unauthorized", "unauthorized access")
	}
	return id, nil
}

// credentials are the token of version 2, or version 1's user and password as
// id:secret.
func credentials(r *http.Request) (token string, shown bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Token") || strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token), true
	}
	if user, password, ok := r.BasicAuth(); ok {
		return user + ":" + password, true
	}
	q := r.URL.Query()
	return q.Get("u") + ":" + q.Get("p"), q.Has("u")
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	in := io.Reader(http.MaxBytesReader(w, r.Body, maxWriteBody))
	switch packed := r.Header.Get("Content-Encoding"); packed {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, failed(http.StatusBadRequest, "invalid", "gzip: %v", err)
		}
		in = z
	default:
		return nil, failed(http.StatusBadRequest, "invalid", "content encoding %q: want gzip or none", packed)
	}
	body, err := io.ReadAll(io.LimitReader(in, maxWriteBody+1))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large) || len(body) > maxWriteBody:
		return nil, failed(http.StatusRequestEntityTooLarge, "request too large", "more than %d bytes: split it", maxWriteBody)
	case err != nil:
		return nil, failed(http.StatusBadRequest, "invalid", "the body ends too early: %v", err)
	}
	return body, nil
}

// wrong explains the lines that were not written; nil when all were.
func wrong(lines []influx.Line) error {
	var e writeError
	n := 0
	for i := range lines {
		l := &lines[i]
		err := l.Err
		if !l.Fits() {
			err = codec.Errorf(codec.TooLarge, "a line of %d bytes", len(l.Text))
		}
		if err == nil {
			continue
		}
		if n++; n == 1 {
			e.Line = l.Number
		}
		if n <= maxNamedErrors {
			e.Errors = append(e.Errors, lineError{l.Number, codec.CauseOf(err), err.Error()})
		}
	}
	if n == 0 {
		return nil
	}
	e.status, e.Code = http.StatusBadRequest, "invalid"
	e.Message = fmt.Sprintf("partial write: %d of %d lines were not written", n, len(lines))
	for _, one := range e.Errors {
		e.Message += fmt.Sprintf("; line %d: %s", one.Line, one.Message)
	}
	return &e
}
