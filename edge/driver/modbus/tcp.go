package modbus

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	codec "gridhub/devices/codec/modbus"
	"gridhub/edge/driver"
)

// tcp is a connection with the MBAP framing of Modbus TCP (Messaging on TCP/IP
// Implementation Guide V1.0b, 3.1.3).
type tcp struct {
	conn        net.Conn
	transaction uint16
}

const mbap = 7 // transaction, protocol, length, unit

func dialTCP(ctx context.Context, address string, timeout time.Duration) (transport, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &tcp{conn: conn}, nil
}

// overlapped is never: the transaction number tells answers apart.
func (t *tcp) overlapped() bool { return false }

func (t *tcp) Close() error { return t.conn.Close() }

func (t *tcp) exchange(ctx context.Context, unit byte, q question, timeout time.Duration) ([]byte, error) {
	stop := context.AfterFunc(ctx, func() { t.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := t.conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return nil, err
	}
	t.transaction++
	if _, err := t.conn.Write(t.frame(unit, q.Request())); err != nil {
		return nil, err
	}
	for {
		body, err := t.receive(unit)
		switch {
		case errors.Is(err, codec.ErrForeign): // late, or not for us
			continue
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, driver.Unanswered(driver.Silence, nil)
		case err != nil:
			return nil, err
		}
		return q.Answer(body)
	}
}

func (t *tcp) frame(unit byte, body []byte) []byte {
	f := make([]byte, mbap, mbap+len(body))
	binary.BigEndian.PutUint16(f, t.transaction)
	binary.BigEndian.PutUint16(f[4:], uint16(1+len(body)))
	f[6] = unit
	return append(f, body...)
}

// receive reads one frame. A header that makes no sense means that the stream
// has lost its step, and the connection with it. So does a deadline in the
// middle of a frame.
func (t *tcp) receive(unit byte) ([]byte, error) {
	var head [mbap]byte
	if n, err := io.ReadFull(t.conn, head[:]); err != nil {
		if n > 0 {
			return nil, fmt.Errorf("header cut after %d bytes", n)
		}
		return nil, err
	}
	length := int(binary.BigEndian.Uint16(head[4:]))
	if binary.BigEndian.Uint16(head[2:]) != 0 || length < 3 || length > 254 {
		return nil, fmt.Errorf("header % x is not Modbus TCP", head)
	}
	body := make([]byte, length-1)
	if n, err := io.ReadFull(t.conn, body); err != nil {
		return nil, fmt.Errorf("frame of %d bytes cut after %d", length-1, n)
	}
	if binary.BigEndian.Uint16(head[:]) != t.transaction || head[6] != unit {
		return nil, codec.ErrForeign
	}
	return body, nil
}
