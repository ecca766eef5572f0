package chain_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/hub/api"
)

// session is one account at the hub's HTTP interface. The cookie is kept by
// hand: it is Secure, and a client that is no browser would not send it over
// plain HTTP.
type session struct {
	t      testing.TB
	base   string
	client http.Client
	cookie string
}

type statusError struct {
	code int
	body string
}

func (e *statusError) Error() string { return fmt.Sprintf("%d: %s", e.code, e.body) }

func isStatus(err error, code int) bool {
	var s *statusError
	return errors.As(err, &s) && s.code == code
}

// call sends in as JSON and reads the answer into out; nil is nothing.
func (s *session) call(method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	return s.send(method, path, "application/json", body, out)
}

func (s *session) send(method, path, kind string, body []byte, out any) error {
	res, err := s.request(context.Background(), method, path, kind, body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, 32<<20))
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %w", method, path, &statusError{res.StatusCode, string(data)})
	}
	for _, c := range res.Cookies() {
		if c.Name == api.SessionCookie {
			s.cookie = c.Value
		}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(data, out)
}

func (s *session) request(ctx context.Context, method, path, kind string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", kind)
	}
	if s.cookie != "" {
		req.AddCookie(&http.Cookie{Name: api.SessionCookie, Value: s.cookie})
	}
	return s.client.Do(req)
}

// get and post fail the test on any answer but success.
func (s *session) get(path string, out any) {
	s.t.Helper()
	if err := s.call("GET", path, nil, out); err != nil {
		s.t.Fatal(err)
	}
}

func (s *session) post(path string, in, out any) {
	s.t.Helper()
	if err := s.call("POST", path, in, out); err != nil {
		s.t.Fatal(err)
	}
}

// ledger sums what the ledger says of a device over the last day.
func (s *session) ledger(id devices.ID) (sum api.LedgerHour) {
	s.t.Helper()
	return s.ledgerSince(id, time.Now().Add(-24*time.Hour))
}

func (s *session) ledgerSince(id devices.ID, from time.Time) (sum api.LedgerHour) {
	s.t.Helper()
	var hours []api.LedgerHour
	s.get(fmt.Sprintf("/api/v1/devices/%s/ledger?from=%d", id, from.UnixMilli()), &hours)
	for _, h := range hours {
		sum.Polled += h.Polled
		sum.Stored += h.Stored
		sum.Repeated += h.Repeated
		sum.Superseded += h.Superseded
		sum.Pending += h.Pending
		sum.Unexplained += h.Unexplained
		sum.Told = sum.Told || h.Told
		for _, n := range h.Quarantined {
			sum.Quarantined = map[string]int64{"all": sum.Quarantined["all"] + n}
		}
		for cause, n := range h.Expired {
			if sum.Expired == nil {
				sum.Expired = map[string]int64{}
			}
			sum.Expired[cause] += n
			sum.Expired["all"] += n
		}
	}
	return sum
}

// series returns the raw values of one metric.
func (s *session) series(id devices.ID, metric string) []api.Sample {
	s.t.Helper()
	var out []api.Sample
	s.get(fmt.Sprintf("/api/v1/devices/%s/series?metric=%s&every=0", id, metric), &out)
	return out
}

// happening is one server-sent event.
type happening struct{ name, data string }

// feed is a screen: it gathers server-sent events until the test ends.
type feed struct {
	mu   sync.Mutex
	seen []happening
}

// watch subscribes and returns when the hub has said hello.
func (s *session) watch() *feed {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s.t.Cleanup(cancel)
	res, err := s.request(ctx, "GET", "/api/v1/stream", "", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	f := &feed{}
	go f.read(res.Body)
	eventually(s.t, "hello on the stream", func() error { return f.has("hello", "now") })
	return f
}

func (f *feed) read(body io.ReadCloser) {
	defer body.Close()
	in := bufio.NewScanner(body)
	in.Buffer(nil, 1<<20)
	var h happening
	for in.Scan() {
		key, value, _ := strings.Cut(in.Text(), ": ")
		switch {
		case key == "event":
			h.name = value
		case key == "data":
			h.data += value
		case in.Text() == "" && h.name != "":
			f.mu.Lock()
			f.seen = append(f.seen, h)
			f.mu.Unlock()
			h = happening{}
		}
	}
}

// has returns nil once an event of that name came with all the words in it.
func (f *feed) has(name string, words ...string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range f.seen {
		if h.name == name && containsAll(h.data, words) {
			return nil
		}
	}
	return fmt.Errorf("of %d events none is %s with %q", len(f.seen), name, words)
}

func containsAll(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}
