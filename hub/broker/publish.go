package broker

import (
	"errors"
	"sync"
	"time"
)

var errFlood = errors.New("too many QoS 2 publishes without PUBREL")

// Causes for which a publish is quarantined or refused.
const (
	causeTopic = "topic" // outside the client's own tree, or too long or deep
)

// publish handles an inbound PUBLISH. The library never sees it: acknowledging
// is the sink's business, and packet ids of the two directions never meet.
func (c *conn) publish(f frame) error {
	if c.anonymous {
		return c.pass(f)
	}
	p, err := parsePublish(f, c.v5)
	if err != nil {
		return err
	}
	if !c.awaitRoom() || !c.pace() || closed(c.b.stopping) {
		return errStopping
	}
	c.b.stats.Published.Add(1)
	if p.qos == 2 {
		again, err := c.session.inbound.begin(c, p.id)
		if err != nil {
			return err
		}
		if again != unknownID {
			c.repeat(p.id, again)
			return nil
		}
	}
	if err := c.aim(p.topic); err != nil {
		return err
	}
	if c.msg.Refused != "" && !c.quarantines(p) {
		return nil
	}
	return c.deliver(p, len(f.body))
}

// pace holds a client to PublishRate, after a second's worth at once, by
// reading no further. It reports false when the wait was in vain.
func (c *conn) pace() bool {
	if c.b.cfg.PublishRate == 0 {
		return true
	}
	now := time.Now()
	if c.paid.Before(now) {
		c.paid = now
	}
	c.paid = c.paid.Add(time.Second / time.Duration(c.b.cfg.PublishRate))
	wait := c.paid.Sub(now) - time.Second
	if wait <= 0 {
		return true
	}
	select {
	case <-time.After(wait):
		return true
	case <-c.gone:
	case <-c.b.stopping:
	}
	return false
}

// aim fills in topic, kind and cause of c.msg. A client mostly repeats the
// topic of its last publish; then nothing is computed and nothing allocated.
func (c *conn) aim(topic []byte) error {
	if string(topic) == c.lastTopic && c.lastTopic != "" {
		return nil
	}
	if !validTopic(topic) { // must close the connection [MQTT-3.3.2-2] [MQTT-1.5.4-1]
		return errMalformed
	}
	c.lastTopic = string(topic[:min(len(topic), maxTopicBytes)])
	c.msg.Topic, c.msg.Below, c.msg.Kind, c.msg.Refused = c.lastTopic, "", "", causeTopic
	if !withinLimits(topic) {
		c.lastTopic = "" // cut: it may look like another
		return nil
	}
	canonical := c.lastTopic
	if c.conv != nil {
		var ok bool
		if canonical, ok = c.conv.inward(c.up, canonical); !ok || !withinLimits([]byte(canonical)) {
			return nil
		}
	}
	if rest, ok := cutPrefix(canonical, c.up); ok {
		c.msg.Topic, c.msg.Below, c.msg.Kind, c.msg.Refused = canonical, rest, kindOf(rest), ""
	}
	return nil
}

// cutPrefix returns what of topic follows prefix, if anything does.
func cutPrefix(topic, prefix string) (rest string, ok bool) {
	if len(topic) <= len(prefix) || topic[:len(prefix)] != prefix || topic[len(prefix)] == '/' {
		return "", false
	}
	return topic[len(prefix):], true
}

// quarantines says whether a publish that is not the client's to make goes to
// the sink all the same. A 3.1.1 client can only be told by closing the
// connection, and one that stores and forwards would repeat it for ever: its
// message is kept as refused. Version 5 has a reason code for it.
func (c *conn) quarantines(p publish) bool {
	c.b.refused(c, "publish", c.msg.Topic, c.msg.Refused)
	if p.qos == 0 {
		return false
	}
	if !c.v5 {
		return true
	}
	kind := byte(typePuback)
	if p.qos == 2 {
		kind = typePubrec
		c.session.inbound.decided(c, p.id, false)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.window.decide(c.window.add(kind, p.id), slotFailed, codeNotAuthorized)
	c.answerLocked()
	return false
}

// deliver hands the publish to the sink, waiting while everybody's budget is
// spent. The client's own window has room, or publish would not have come here.
func (c *conn) deliver(p publish, size int) error {
	if !c.b.budget.take(size, c.gone) {
		return errStopping
	}
	ack := Ack{c: c, size: int32(size), qos: p.qos}
	if p.qos > 0 {
		kind := byte(typePuback)
		if p.qos == 2 {
			kind = typePubrec
		}
		c.mu.Lock()
		ack.seq = c.window.add(kind, p.id)
		c.mu.Unlock()
	}
	c.msg.From, c.msg.At = c.id, c.in.at
	c.msg.Payload, c.msg.QoS, c.msg.Retain = p.payload, p.qos, p.retain
	c.b.sink.Accept(&c.msg, ack)
	c.msg.Payload = nil
	return nil
}

// What is known of an inbound QoS 2 packet id.
const (
	unknownID = iota
	decidingID
	receivedID
)

// inbound remembers the ids of QoS 2 publishes from the first PUBLISH to
// PUBREL, across the connections of a session, so that a repeat is stored once
// (MQTT 5.0, 4.3.3). It holds at most the receive maximum.
type inbound struct {
	mu  sync.Mutex
	ids map[uint16]received
}

type received struct {
	state byte
	by    *conn // while deciding: whose publish it is
}

// begin notes id as being decided for c and returns what it was before.
func (in *inbound) begin(c *conn, id uint16) (was byte, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if was := in.ids[id].state; was != unknownID {
		return was, nil
	}
	if len(in.ids) >= c.b.cfg.ReceiveMaximum {
		return unknownID, errFlood
	}
	if in.ids == nil {
		in.ids = map[uint16]received{}
	}
	in.ids[id] = received{decidingID, c}
	return unknownID, nil
}

// decided notes the sink's answer for c's publish; one that failed may come
// again. An answer for an older connection changes nothing.
func (in *inbound) decided(c *conn, id uint16, durable bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if was := in.ids[id]; was.state != decidingID || was.by != c {
		return
	}
	if durable {
		in.ids[id] = received{state: receivedID}
	} else {
		delete(in.ids, id)
	}
}

// release forgets id and reports whether it was known.
func (in *inbound) release(id uint16) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	_, known := in.ids[id]
	delete(in.ids, id)
	return known
}

// abandon forgets the ids whose answer will not reach their connection; the
// client sends those again.
func (in *inbound) abandon() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for id, was := range in.ids {
		if was.state == decidingID {
			delete(in.ids, id)
		}
	}
}

// clear ends a session's memory.
func (in *inbound) clear() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.ids = nil
}

// repeat answers a QoS 2 publish that was received before. One still with the
// sink is answered by its first copy.
func (c *conn) repeat(id uint16, state byte) {
	if state == receivedID {
		c.b.stats.Repeated.Add(1)
		c.send(typePubrec<<4, 2, byte(id>>8), byte(id))
	}
}

// release handles PUBREL, the client's last word on a QoS 2 publish.
func (c *conn) release(f frame) error {
	if c.anonymous {
		return c.pass(f)
	}
	id, _, err := packetID(f.body)
	if err != nil {
		return err
	}
	reason := byte(0)
	if !c.session.inbound.release(id) && c.v5 {
		reason = codeNoSuchID
	}
	c.send(appendAck(nil, typePubcomp, id, reason)...)
	return nil
}
