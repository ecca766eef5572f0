package broker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"gridhub/devices"
)

// refusedConnect is a CONNECT that is answered with a reason.
type refusedConnect struct {
	v5   bool
	code byte // of version 5
	why  string
	err  error
}

func (r *refusedConnect) Error() string { return fmt.Sprintf("connect refused (%s): %v", r.why, r.err) }
func (r *refusedConnect) Unwrap() error { return r.err }

// v3Code maps a version 5 reason to the five that 3.1.1 knows (3.2.2.3).
func v3Code(code byte) byte {
	switch code {
	case codeBadVersion:
		return 1
	case codeBadClientID:
		return 2
	case codeBadCredentials:
		return 4
	case codeNotAuthorized:
		return 5
	}
	return 3 // server unavailable: the client may try again
}

// greet reads CONNECT within ConnectTimeout, finds out who is there, attaches
// the session and answers CONNACK.
func (c *conn) greet() error {
	by := time.Now().Add(c.b.cfg.ConnectTimeout)
	if err := c.nc.SetReadDeadline(by); err != nil {
		return err
	}
	ctx, cancel := context.WithDeadline(context.Background(), by)
	defer cancel()
	f, err := c.in.next()
	if err != nil {
		return err
	}
	if f.kind() != typeConnect { // [MQTT-3.1.0-1]
		return errProtocol
	}
	pk, err := decode(f, 0)
	if err != nil {
		return err
	}
	if err := c.checkConnect(&pk); err != nil {
		return err
	}
	asked := c.realm.generation()
	if err := c.identify(ctx, &pk); err != nil {
		return err
	}
	if err := c.takeWill(&pk); err != nil {
		return err
	}
	c.in.max = c.b.cfg.MaxPacket
	return c.realm.attach(c, pk, asked)
}

// checkConnect settles the version, the keepalive and the form of pk.
func (c *conn) checkConnect(pk *packets.Packet) error {
	c.v5 = pk.ProtocolVersion >= 5
	form := *pk // the library wants a payload in every will; the standard does not
	form.Connect.WillFlag, form.Connect.WillRetain = false, false
	form.Connect.PasswordFlag = len(pk.Connect.Password) > 0
	if code := form.ConnectValidate(); code != packets.CodeSuccess {
		if pk.ProtocolVersion < 3 || pk.ProtocolVersion > 5 {
			return &refusedConnect{c.v5, codeBadVersion, "version", code}
		}
		return errProtocol
	}
	if pk.Properties.AuthenticationMethod != "" && !c.lis.anonymous() {
		return &refusedConnect{c.v5, 0x8c, "auth-method", errProtocol}
	}
	c.keepalive = time.Duration(pk.Connect.Keepalive) * time.Second
	if c.keepalive == 0 || c.keepalive > c.b.cfg.MaxKeepalive {
		c.keepalive = c.b.cfg.MaxKeepalive
	}
	if c.lis.anonymous() && pk.Connect.Keepalive == 120 && pk.Connect.Clean {
		c.keepalive = time.Minute // the interoperability suite looks for a server keepalive
	}
	return nil
}

// identify asks the Authority who the client is and holds it to that: the
// client id and the username are the identity's, or a certificate names it.
func (c *conn) identify(ctx context.Context, pk *packets.Packet) error {
	if c.lis.anonymous() {
		return c.adopt(pk)
	}
	cred := c.hello
	cred.ClientID, cred.Username = pk.Connect.ClientIdentifier, string(pk.Connect.Username)
	cred.Password = pk.Connect.Password
	p, err := c.b.authority.Authenticate(ctx, cred)
	if err == nil {
		err = c.accept(p, cred)
	} else if errors.Is(err, ErrUnavailable) || ctx.Err() != nil {
		err = &refusedConnect{c.v5, codeUnavailable, "unavailable", err}
	} else {
		err = &refusedConnect{c.v5, codeBadCredentials, "credentials", err}
	}
	if err != nil {
		c.b.refused(c, "connect", cred.ClientID, err.(*refusedConnect).why)
		return err
	}
	pk.Connect.ClientIdentifier = string(p.ID)
	pk.Connect.Username = []byte(p.ID)
	return nil
}

// accept makes the connection p's.
func (c *conn) accept(p Principal, cred Credentials) error {
	if _, err := devices.ParseID(string(p.ID)); err != nil {
		return &refusedConnect{c.v5, codeUnavailable, "principal", err}
	}
	if p.Convention != "" {
		err := CheckConvention(p.Convention, p.Foreign)
		if err != nil {
			return &refusedConnect{c.v5, codeUnavailable, "convention", fmt.Errorf("%s: %w", p.ID, err)}
		}
		c.conv, _ = conventions[p.Convention].bind(p.Foreign) // just checked
	}
	if cred.CertCN != "" && cred.CertCN != string(p.ID) {
		err := fmt.Errorf("the certificate is %s's, not %s's", cred.CertCN, p.ID)
		return &refusedConnect{c.v5, codeBadClientID, "certificate", err}
	}
	if c.conv == nil || !c.conv.anyClientID {
		byCert := cred.CertCN == string(p.ID) && cred.Username == ""
		if cred.ClientID != string(p.ID) || cred.Username != string(p.ID) && !byCert {
			err := fmt.Errorf("client id %q and username %q must both be %s", cred.ClientID, cred.Username, p.ID)
			return &refusedConnect{c.v5, codeBadClientID, "client-id", err}
		}
	}
	c.id, c.up, c.down = p.ID, upPrefix(p.ID), downPrefix(p.ID)
	return nil
}

// adopt lets an anonymous client in under whatever id it likes.
func (c *conn) adopt(pk *packets.Packet) error {
	c.anonymous = true
	if pk.Connect.ClientIdentifier == "" {
		if !c.v5 && !pk.Connect.Clean { // [MQTT-3.1.3-8]
			return &refusedConnect{c.v5, codeBadClientID, "client-id", errProtocol}
		}
		pk.Connect.ClientIdentifier = "auto-" + rand.Text()
		pk.Properties.AssignedClientID = pk.Connect.ClientIdentifier
	}
	c.id = devices.ID(pk.Connect.ClientIdentifier)
	return nil
}

// refuse ends a connection that never became one.
func (c *conn) refuse(err error) {
	var r *refusedConnect
	if !errors.As(err, &r) {
		cause, _ := causeOf(err)
		if cause == "keepalive" || errors.Is(err, io.ErrUnexpectedEOF) {
			cause = "connect-timeout"
		}
		c.kill(cause)
		return
	}
	c.b.stats.ConnectsRefused.Add(1)
	c.b.log.Info("connect refused", "remote", c.hello.RemoteAddr, "cause", r.why, "error", r.err)
	if r.v5 {
		c.send(typeConnack<<4, 3, 0, r.code, 0)
	} else {
		c.send(typeConnack<<4, 2, 0, v3Code(r.code))
	}
	c.closeAfterWrite("refused")
}

// connack builds the positive answer.
func (c *conn) connack(pk *packets.Packet, present bool, expiry time.Duration) []byte {
	flags := byte(0)
	if present {
		flags = 1
	}
	if !c.v5 {
		return []byte{typeConnack << 4, 2, flags, 0}
	}
	props := c.connackProperties(pk, expiry)
	b := appendVarint([]byte{typeConnack << 4}, 2+len(appendVarint(nil, len(props)))+len(props))
	b = append(b, flags, 0)
	b = appendVarint(b, len(props))
	return append(b, props...)
}

// connackProperties tells a version 5 client what it may do (3.2.2.3).
func (c *conn) connackProperties(pk *packets.Packet, expiry time.Duration) (p []byte) {
	put16 := func(id byte, v int) { p = append(p, id, byte(v>>8), byte(v)) }
	put32 := func(id byte, v int) { p = append(p, id, byte(v>>24), byte(v>>16), byte(v>>8), byte(v)) }
	if expiry != time.Duration(pk.Properties.SessionExpiryInterval)*time.Second {
		put32(0x11, int(expiry/time.Second))
	}
	put16(0x21, c.b.cfg.ReceiveMaximum)
	put32(0x27, c.b.cfg.MaxPacket)
	if id := pk.Properties.AssignedClientID; id != "" {
		put16(0x12, len(id))
		p = append(p, id...)
	}
	if c.keepalive != time.Duration(pk.Connect.Keepalive)*time.Second {
		put16(0x13, int(c.keepalive/time.Second))
	}
	if !c.anonymous {
		p = append(p, 0x2a, 0) // no shared subscriptions
	}
	return p
}
