// Package hubclient is one account's session with a hub's HTTP API, for the
// programs in scripts. It speaks as a page does; the session's cookie is kept
// by hand, because it is Secure and a demo speaks plain HTTP on the loopback.
// It leaves out what the operations mean.
package hubclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"gridhub/hub/api"
)

const sessionPath = "/api/v1/session"

// maxAnswer is the most bytes read of one answer.
const maxAnswer = 32 << 20

// Client is safe for concurrent use.
type Client struct {
	base string
	http *http.Client

	mu                sync.Mutex
	account, password string
	session           string
}

// New returns a client of the hub at base, such as http://127.0.0.1:8080, that
// has not signed in.
func New(base string) *Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = t.MaxIdleConns // all requests go to one host
	return &Client{base: base, http: &http.Client{Timeout: 30 * time.Second, Transport: t}}
}

// StatusError is an answer that is no success.
type StatusError struct {
	Code int
	Body string // its beginning
}

func (e *StatusError) Error() string { return fmt.Sprintf("%d: %s", e.Code, e.Body) }

// Status returns the code of the StatusError in err, or 0.
func Status(err error) int {
	if s, ok := errors.AsType[*StatusError](err); ok {
		return s.Code
	}
	return 0
}

// SignIn starts a session, and says who that is. The client signs in again by
// itself when the session has ended.
func (c *Client) SignIn(ctx context.Context, account, password string) (api.Me, error) {
	c.mu.Lock()
	c.account, c.password = account, password
	c.mu.Unlock()
	var me api.Me
	err := c.Call(ctx, "POST", sessionPath, map[string]string{"account": account, "password": password}, &me)
	return me, err
}

// Call sends in as JSON (nil: nothing) and decodes the answer into out (nil:
// drops it).
func (c *Client) Call(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	return c.Send(ctx, method, path, "application/json", body, out)
}

// Send sends bytes of a content type. It asks once, and once more after signing
// in again when the session has ended.
func (c *Client) Send(ctx context.Context, method, path, kind string, body []byte, out any) error {
	err := c.try(ctx, method, path, kind, body, out)
	if Status(err) != http.StatusUnauthorized || path == sessionPath {
		return err
	}
	c.mu.Lock()
	account, password := c.account, c.password
	c.mu.Unlock()
	if _, err := c.SignIn(ctx, account, password); err != nil {
		return err
	}
	return c.try(ctx, method, path, kind, body, out)
}

func (c *Client) try(ctx context.Context, method, path, kind string, body []byte, out any) error {
	req, err := c.request(ctx, method, path, kind, body)
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %w", method, path, &StatusError{res.StatusCode, string(data[:min(len(data), 300)])})
	}
	c.keepSession(res)
	if out == nil || len(data) == 0 {
		return nil
	}
	return json.Unmarshal(data, out)
}

func (c *Client) request(ctx context.Context, method, path, kind string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", kind)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session != "" {
		req.AddCookie(&http.Cookie{Name: api.SessionCookie, Value: c.session})
	}
	return req, nil
}

func (c *Client) keepSession(res *http.Response) {
	for _, cookie := range res.Cookies() {
		if cookie.Name == api.SessionCookie {
			c.mu.Lock()
			c.session = cookie.Value
			c.mu.Unlock()
		}
	}
}
