package uplink

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// Times of one connection.
const (
	dialTimeout  = 15 * time.Second
	writeTimeout = 10 * time.Second // without it, publishing on a dead line blocks for 30 s
	quiesce      = 250              // milliseconds that a clean leave may take
)

// connection is one MQTT connection, used once: paho's own reconnecting ends a
// publish without error that was never acknowledged.
type connection struct {
	id     devices.ID
	url    string
	client paho.Client
	lost   chan error // capacity 1: why it ended
}

// connect opens a connection and subscribes to everything meant for us.
// receive is called on paho's goroutine and must not block.
func (u *Uplink) connect(ctx context.Context, receive func(kind string, payload []byte)) (*connection, error) {
	w, err := u.way()
	if err != nil {
		return nil, err
	}
	opts, err := u.options(ctx, w)
	if err != nil {
		return nil, err
	}
	c := &connection{id: u.id, url: w.url, lost: make(chan error, 1)}
	handle := func(_ paho.Client, m paho.Message) {
		kind, _ := strings.CutPrefix(m.Topic(), wire.Down(u.id, ""))
		receive(kind, m.Payload())
	}
	opts.SetDefaultPublishHandler(handle) // without one, paho never acknowledges
	opts.SetConnectionLostHandler(func(_ paho.Client, err error) {
		select {
		case c.lost <- err:
		default:
		}
	})
	c.client = paho.NewClient(opts)
	if err := await(ctx, c.client.Connect()); err != nil {
		c.client.Disconnect(0)
		return nil, fmt.Errorf("connect to %s: %w", w.url, w.refused(err))
	}
	if err := c.subscribe(ctx, handle); err != nil {
		c.client.Disconnect(0)
		return nil, err
	}
	return c, nil
}

func (c *connection) subscribe(ctx context.Context, handle paho.MessageHandler) error {
	filter := wire.DownFilter(c.id)
	token := c.client.Subscribe(filter, 1, handle)
	if err := await(ctx, token); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	if st, ok := token.(*paho.SubscribeToken); ok && st.Result()[filter] >= 0x80 {
		return fmt.Errorf("subscribe: the hub refuses %s", filter)
	}
	return nil
}

func (u *Uplink) options(ctx context.Context, w way) (*paho.ClientOptions, error) {
	will, err := json.Marshal(wire.Presence{V: wire.Version, Cause: "connection lost"})
	if err != nil {
		return nil, err
	}
	o := paho.NewClientOptions().AddBroker(w.url).SetClientID(string(u.id)).
		SetUsername(w.user).SetPassword(w.secret).
		SetAutoReconnect(false).SetCleanSession(true).SetProtocolVersion(4).
		SetKeepAlive(u.cfg.KeepAlive).SetPingTimeout(u.cfg.KeepAlive/2).
		SetConnectTimeout(dialTimeout).SetWriteTimeout(writeTimeout).
		SetBinaryWill(wire.Up(u.id, wire.Status), will, 1, true)
	o.SetCustomOpenConnectionFn(func(uri *url.URL, _ paho.ClientOptions) (net.Conn, error) {
		conn, err := dial(ctx, uri, w.trust)
		if err != nil {
			return nil, err
		}
		return &guard{Conn: conn, silence: u.cfg.KeepAlive * 3 / 2}, nil
	})
	return o, nil
}

// dial opens a connection, with TLS unless the address says tcp.
func dial(ctx context.Context, uri *url.URL, trust *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", uri.Host)
	if err != nil {
		return nil, err
	}
	if uri.Scheme == "tcp" {
		return conn, nil
	}
	trust = trust.Clone()
	trust.ServerName = uri.Hostname()
	secure := tls.Client(conn, trust)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// say publishes one of our own envelopes and waits for its PUBACK.
func (c *connection) say(ctx context.Context, kind string, retained bool, v any) error {
	payload, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	if err := await(ctx, c.client.Publish(wire.Up(c.id, kind), 1, retained, payload)); err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	return nil
}

// reason is why the connection ended if that is known, else err: paho tells a
// publisher no more than "not connected".
func (c *connection) reason(err error) error {
	select {
	case lost := <-c.lost:
		return fmt.Errorf("%w: %w", errLost, lost)
	case <-time.After(time.Second): // it is told on another goroutine
		return err
	}
}

// leave says goodbye, as far as the line lets it.
func (c *connection) leave(now telemetry.Millis, cause string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = c.say(ctx, wire.Status, true, wire.Presence{V: wire.Version, Cause: cause, Now: now})
	c.client.Disconnect(quiesce)
}

// await waits for a token, or for ctx.
func await(ctx context.Context, t paho.Token) error {
	select {
	case <-t.Done():
		return t.Error()
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errLost = errors.New("connection lost")
