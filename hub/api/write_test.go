package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"gridhub/devices"
	"gridhub/devices/codec/influx"
)

// notebook keeps what was written, unless it is full.
type notebook struct {
	full error
	unit influx.Precision
	text string
}

func (*notebook) Writer(token string) (devices.ID, error) {
	switch token {
	case "right", "box-1:secret":
		return "box-1", nil
	case "phone":
		return "", ErrNotAWriter
	}
	return "", errors.New("unknown identity")
}

func (n *notebook) Write(_ context.Context, from devices.ID, unit influx.Precision, payloads [][]byte) error {
	if n.full != nil {
		return n.full
	}
	n.unit, n.text = unit, string(from)+" "+string(bytes.Join(payloads, nil))
	return nil
}

func packed(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s)) // a buffer never fails
	_ = z.Close()
	return b.String()
}

func TestWriteAPI(t *testing.T) {
	const basic = "Basic Ym94LTE6c2VjcmV0" // box-1:secret
	for _, tt := range []struct {
		name, path, auth, encoding, body string
		full                             error
		status                           int
		kept, said                       string
	}{
		{"a line", "?org=o&bucket=b", "Token right", "", "cpu a=1 5", nil, 204, "box-1 cpu a=1 5\n", ""},
		{"packed, in ms", "?precision=ms", "Token right", "gzip", packed("cpu a=1 5\nmem b=2"), nil, 204, "box-1 cpu a=1 5\nmem b=2\n", ""},
		{"bearer", "", "Bearer right", "identity", "cpu a=1", nil, 204, "box-1 cpu a=1\n", ""},
		{"user and password", "", basic, "", "cpu a=1", nil, 204, "box-1 cpu a=1\n", ""},
		{"version 1", "/v1?db=x&precision=s", basic, "", "cpu a=1", nil, 204, "box-1 cpu a=1\n", ""},
		{"version 1, in the address", "/v1?u=box-1&p=secret", "", "", "cpu a=1", nil, 204, "box-1 cpu a=1\n", ""},
		{"version 1, wrong", "/v1?u=box-1&p=guess", "", "", "cpu a=1", nil, 401, "", `"error":"unauthorized access"`},
		{"version 1, a line wrong", "/v1", basic, "", "cpu a=1\nx", nil, 400, "box-1 cpu a=1\nx\n", `"error":"partial write: 1 of 2`},
		{"nobody", "", "", "", "cpu a=1", nil, 401, "", `"code":"unauthorized"`},
		{"somebody else", "", "Token wrong", "", "cpu a=1", nil, 401, "", `"code":"unauthorized"`},
		{"measures nothing", "", "Token phone", "", "cpu a=1", nil, 403, "", `"code":"forbidden"`},
		{"some lines wrong", "", "Token right", "", "cpu a=1\ncpu a=\n\nmem b=x\nmem c=1", nil, 400, "box-1 cpu a=1\ncpu a=\nmem b=x\nmem c=1\n",
			`"line":2,"errors":[{"line":2,"cause":"malformed","message":"malformed: unable to parse 'cpu a=': missing field value"},{"line":4,`},
		{"a line too long", "", "Token right", "", "cpu a=1\nlong s=\"" + strings.Repeat("x", influx.MaxBytes) + "\",b=1", nil, 400, "box-1 cpu a=1\n", `"cause":"too-large"`},
		{"nothing", "", "Token right", "", "# only this\n", nil, 400, "", "writing requires points"},
		{"unknown precision", "?precision=d", "Token right", "", "cpu a=1", nil, 400, "", "precision"},
		{"no gzip", "", "Token right", "gzip", "cpu a=1", nil, 400, "", "gzip"},
		{"cut gzip", "", "Token right", "gzip", packed("cpu a=1 5")[:20], nil, 400, "", "ends too early"},
		{"another packing", "", "Token right", "br", "x", nil, 400, "", "content encoding"},
		{"a bomb", "", "Token right", "gzip", packed(strings.Repeat("cpu a=1\n", maxWriteBody/8+1)), nil, 413, "", `"code":"request too large"`},
		{"too large", "", "Token right", "", strings.Repeat("cpu a=1\n", maxWriteBody/8+1), nil, 413, "", "split it"},
		{"no disk", "", "Token right", "", "cpu a=1", errors.New("no space left"), 503, "", "no space left"},
	} {
		n := &notebook{full: tt.full}
		path := "/api/v2/write" + tt.path
		if query, old := strings.CutPrefix(tt.path, "/v1"); old {
			path = "/write" + query
		}
		r := httptest.NewRequest("POST", path, strings.NewReader(tt.body))
		r.Header.Set("Authorization", tt.auth)
		r.Header.Set("Content-Encoding", tt.encoding)
		w := httptest.NewRecorder()
		WriteAPI(n).ServeHTTP(w, r)
		if w.Code != tt.status || n.text != tt.kept || !strings.Contains(w.Body.String(), tt.said) {
			t.Errorf("%s: %d %.300s, kept %.80q; want %d %s, %q", tt.name, w.Code, w.Body, n.text, tt.status, tt.said, tt.kept)
		}
		if w.Code != 204 && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: the answer is no JSON: %s", tt.name, w.Body)
		}
		if retry := w.Header().Get("Retry-After"); (retry != "") != (w.Code == 503) {
			t.Errorf("%s: retry after %q", tt.name, retry)
		}
	}
}

// TestWriteAPIIsBounded holds as many writers as may be at once, and one more.
func TestWriteAPIIsBounded(t *testing.T) {
	s := &stuck{entered: make(chan struct{}), leave: make(chan struct{})}
	h := WriteAPI(s)
	codes := make(chan int, maxWrites)
	write := func() int {
		r := httptest.NewRequest("POST", "/api/v2/write", strings.NewReader("cpu a=1"))
		r.Header.Set("Authorization", "Token right")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	for range maxWrites {
		go func() { codes <- write() }()
		<-s.entered
	}
	if code := write(); code != http.StatusServiceUnavailable {
		t.Errorf("one more is answered %d", code)
	}
	close(s.leave)
	for range maxWrites {
		if code := <-codes; code != http.StatusNoContent {
			t.Errorf("answered %d", code)
		}
	}
}

// stuck is a notebook on a slow disk.
type stuck struct {
	notebook
	entered, leave chan struct{}
}

func (s *stuck) Write(context.Context, devices.ID, influx.Precision, [][]byte) error {
	s.entered <- struct{}{}
	<-s.leave
	return nil
}

func TestQuery(t *testing.T) {
	for q, want := range map[string]int{`CREATE DATABASE "telegraf"`: 200, "SELECT * FROM cpu": 400, "": 400} {
		r := httptest.NewRequest("POST", "/query", strings.NewReader(url.Values{"q": {q}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		WriteAPI(&notebook{}).ServeHTTP(w, r)
		if w.Code != want || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: %d %s", q, w.Code, w.Body)
		}
	}
}

func TestPing(t *testing.T) {
	for path, want := range map[string]int{"/ping": 204, "/api/v2/ping": 204, "/health": 200} {
		w := httptest.NewRecorder()
		WriteAPI(&notebook{}).ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != want {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}
