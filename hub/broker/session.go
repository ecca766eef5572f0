package broker

import (
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"gridhub/devices"
)

// A realm is a set of clients that may see each other's sessions: the known
// identities, or the anonymous clients of conformance listeners.
type realm struct {
	b         *Broker
	anonymous bool
	library   *mqtt.Server

	mu       sync.Mutex // guards what follows; taken before any other lock
	sessions map[devices.ID]*session
	cuts     map[devices.ID]cutOff
	gen      uint64
}

// A session is what the broker remembers of one client between and during its
// connections. It lives in memory: after a restart clients catch up elsewhere.
type session struct {
	id       devices.ID
	inbound  inbound
	outbound outbound

	// Guarded by the realm's mutex.
	conn    *conn // nil while offline
	client  *mqtt.Client
	will    *will
	delayed *time.Timer // runs while an offline client's will waits
	expires time.Time   // while offline
	flap    bucket
}

// cutOff remembers a Disconnect, so that a connection whose credentials were
// checked before it cannot attach after it.
type cutOff struct {
	gen uint64
	at  time.Time
}

func newRealm(b *Broker, anonymous bool) (*realm, error) {
	r := &realm{b: b, anonymous: anonymous, library: newLibrary(b.cfg, anonymous),
		sessions: map[devices.ID]*session{}, cuts: map[devices.ID]cutOff{}}
	return r, r.library.AddHook(&rights{b: b, anonymous: anonymous}, nil)
}

// generation stamps the moment before a client's credentials are checked.
func (r *realm) generation() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gen++
	return r.gen
}

// attach makes c its session's connection, ending an older one, and answers
// CONNACK.
func (r *realm) attach(c *conn, pk packets.Packet, asked uint64) error {
	c.expiry = r.expiryOf(c, &pk)
	c.client = r.newClient(c, pk)
	r.mu.Lock()
	if r.cuts[c.id].gen > asked {
		r.mu.Unlock()
		return &refusedConnect{c.v5, codeAdministrative, "cut", errProtocol}
	}
	s, taken, err := r.enter(c)
	if err != nil {
		r.mu.Unlock()
		r.b.refused(c, "connect", string(c.id), "flapping") // outside the lock: it may call back
		return err
	}
	present := s.client != nil && !pk.Connect.Clean
	due := s.replace(c, r, present)
	r.mu.Unlock()

	for _, w := range append(taken, due...) {
		w.release(r)
	}
	r.welcome(c, c.connack(&pk, present, c.expiry), present)
	cause := "connect"
	if c.tookOver {
		cause = "takeover"
	}
	r.b.presence.note(r, c.id, true, cause)
	return nil
}

// enter finds or makes the session and sends an older connection away, unless
// the identity has done that too often: then two devices share one identity,
// and the one that is connected stays.
func (r *realm) enter(c *conn) (s *session, wills []*will, err error) {
	now := r.b.now()
	s = r.sessions[c.id]
	if s == nil {
		s = &session{id: c.id, outbound: outbound{total: &r.b.queued}, flap: newBucket(r.b.cfg.TakeoverBurst, now)}
		r.sessions[c.id] = s
		return s, nil, nil
	}
	if s.conn == nil {
		if now.After(s.expires) {
			r.forget(s)
			s.client = nil
		}
		return s, nil, nil
	}
	r.b.stats.Takeovers.Add(1)
	if !s.flap.take(now, r.b.cfg.TakeoverBurst, r.b.cfg.TakeoverInterval) {
		return nil, nil, &refusedConnect{c.v5, codeRate, "flapping", errProtocol}
	}
	c.tookOver = true
	s.conn.sendAway(codeTakenOver, "takeover")
	s.conn = nil
	s.inbound.abandon()
	if s.will != nil {
		wills = append(wills, s.will)
		s.will = nil
	}
	return s, wills, nil
}

// replace gives the session its new connection and returns a will that was
// waiting for the old session's end, if this is it [MQTT-3.1.3-9].
func (s *session) replace(c *conn, r *realm, present bool) (due []*will) {
	if s.delayed != nil {
		r.undelay(s)
		if !present {
			due = append(due, s.will)
		}
	}
	s.will = c.will
	if s.client != nil {
		if present {
			inherit(c.client, s.client)
		} else {
			r.forget(s)
		}
	}
	s.conn, s.client, c.session = c, c.client, s
	r.library.Clients.Add(c.client)
	return due
}

// inherit gives a client what the session remembers. The subscription tree
// knows clients by id, so it needs no change.
func inherit(to, from *mqtt.Client) {
	for filter, sub := range from.State.Subscriptions.GetAll() {
		to.State.Subscriptions.Add(filter, sub)
	}
	to.State.Inflight = from.State.Inflight.Clone()
	to.State.Inflight.ResetReceiveQuota(1 << 15)
	to.State.Inflight.ResetSendQuota(int32(to.Properties.Props.ReceiveMaximum))
}

// forget clears what a session holds.
func (r *realm) forget(s *session) {
	r.library.UnsubscribeClient(s.client)
	s.client.ClearInflights()
	r.library.Clients.Delete(string(s.id))
	s.inbound.clear()
	s.outbound.clear()
}

// newClient makes the library's side of a connection.
func (r *realm) newClient(c *conn, pk packets.Packet) *mqtt.Client {
	c.peerMaximum = int(pk.Properties.ReceiveMaximum)
	if c.peerMaximum == 0 {
		c.peerMaximum = defaultPeerMaximum
	}
	if !c.anonymous { // the receive maximum is kept by outbound, aliases are not used
		pk.Properties.ReceiveMaximum, pk.Properties.TopicAliasMaximum = 0, 0
	}
	cl := r.library.NewClient(wire{c}, c.lis.Name, string(c.id), false)
	cl.ParseConnect(c.lis.Name, pk)
	return cl
}

// expiryOf says how long the session outlives the connection.
func (r *realm) expiryOf(c *conn, pk *packets.Packet) time.Duration {
	if !c.v5 {
		if pk.Connect.Clean {
			return 0
		}
		return r.b.cfg.SessionExpiry
	}
	wish := time.Duration(pk.Properties.SessionExpiryInterval) * time.Second
	return min(wish, r.b.cfg.SessionExpiry)
}

// welcome answers CONNACK and then, in order, sends what waited.
func (r *realm) welcome(c *conn, connack []byte, present bool) {
	if !r.anonymous {
		c.session.outbound.resume(c, connack)
		return
	}
	c.send(connack...)
	if present {
		c.client.ClearExpiredInflights(r.b.now().Unix(), 0) // [MQTT-3.3.2-5]
		_ = c.client.ResendInflightMessages(true)
	}
	r.b.serving.Go(c.client.WriteLoop) // ends with client.Stop
}

// detach ends c's part in its session. Nothing happens if another connection
// has taken over.
func (r *realm) detach(c *conn, cause string) {
	c.client.Stop(nil)
	r.mu.Lock()
	s := c.session
	if s.conn != c {
		r.mu.Unlock()
		return
	}
	s.conn = nil
	s.inbound.abandon()
	s.outbound.pause()
	s.expires = r.b.now().Add(c.expiry)
	if cause == "stopping" {
		s.will = nil // presence is unknown while the hub is away, not lost
	}
	due := s.will
	if due != nil && c.expiry > 0 && due.delay > 0 {
		r.delayWill(s, min(due.delay, c.expiry))
		due = nil
	}
	if due != nil {
		s.will = nil
	}
	if c.expiry == 0 {
		r.forget(s)
		delete(r.sessions, s.id)
	}
	r.mu.Unlock()
	if due != nil {
		due.release(r)
	}
	r.b.presence.note(r, s.id, false, cause)
}

// sweep ends sessions whose clients stayed away too long.
func (r *realm) sweep(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, s := range r.sessions {
		if s.conn == nil && now.After(s.expires) {
			r.forget(s)
			delete(r.sessions, id)
			r.b.stats.SessionsExpired.Add(1)
		}
	}
	for id, cut := range r.cuts {
		if now.Sub(cut.at) > time.Minute {
			delete(r.cuts, id)
		}
	}
}

// cut ends the connection and the session of id, and holds back connections
// of it that are being authenticated right now.
func (r *realm) cut(id devices.ID) *conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gen++
	r.cuts[id] = cutOff{r.gen, r.b.now()}
	s := r.sessions[id]
	if s == nil {
		return nil
	}
	r.undelay(s)
	if c := s.conn; c != nil {
		c.sendAway(codeAdministrative, "cut")
	}
	was := s.conn
	s.conn, s.will = nil, nil
	r.forget(s)
	delete(r.sessions, id)
	return was
}

// online reports whether id has a connection.
func (r *realm) online(id devices.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sessions[id]
	return s != nil && s.conn != nil
}

// A bucket grants burst events at once and one more per interval.
type bucket struct {
	left int
	last time.Time
}

func newBucket(burst int, now time.Time) bucket { return bucket{burst, now} }

func (b *bucket) take(now time.Time, burst int, interval time.Duration) bool {
	if n := int(now.Sub(b.last) / interval); n > 0 {
		b.left = min(burst, b.left+n)
		b.last = b.last.Add(time.Duration(n) * interval)
	}
	if b.left == 0 {
		return false
	}
	b.left--
	return true
}
