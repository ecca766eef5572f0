package rig

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Event is one thing that the hub told a screen.
type Event struct {
	Kind string // hello, device, case, …
	Data []byte // JSON
	At   time.Time
}

// Screen is a signed-in page that is told of every change.
type Screen struct {
	body  io.ReadCloser
	lines *bufio.Scanner
}

// Watch signs in as the hub's administrator and opens the stream of changes.
func (h *Hub) Watch(ctx context.Context) (*Screen, error) {
	cookies, err := h.post(ctx, "/api/v1/session", map[string]string{"account": account, "password": h.password})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.HTTP+"/api/v1/stream", nil)
	if err != nil {
		return nil, err
	}
	for _, c := range cookies { // by hand: it is Secure, and this is plain HTTP on the loopback
		req.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		return nil, fmt.Errorf("stream: %s", res.Status)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	return &Screen{res.Body, lines}, nil
}

func (h *Hub) post(ctx context.Context, path string, in any) ([]*http.Cookie, error) {
	b, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.HTTP+path, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		said, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10)) // the status is error enough
		return nil, fmt.Errorf("POST %s: %s: %s", path, res.Status, said)
	}
	return res.Cookies(), nil
}

// Next waits for an event. It fails when the stream ends.
func (s *Screen) Next() (e Event, err error) {
	for s.lines.Scan() {
		line := s.lines.Bytes()
		switch {
		case len(line) == 0 && e.Data != nil:
			e.At = time.Now()
			return e, nil
		case bytes.HasPrefix(line, []byte("event:")):
			e.Kind = string(bytes.TrimSpace(line[len("event:"):]))
		case bytes.HasPrefix(line, []byte("data:")):
			e.Data = bytes.Clone(bytes.TrimSpace(line[len("data:"):]))
		}
	}
	if err = s.lines.Err(); err == nil {
		err = io.ErrUnexpectedEOF
	}
	return e, err
}

// Close ends the stream.
func (s *Screen) Close() error { return s.body.Close() }
