// Package slave is the other end of a line: devices that answer as their
// profiles say, on a pseudo-terminal, a port or a connection. Installers train
// with it, drivers are tested against it.
//
// It speaks Modbus RTU, Modbus TCP and DL/T 645. Its values come from whoever
// makes it; nothing here pretends to be a measurement.
package slave

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"gridhub/devices/codec/dlt645"
	"gridhub/devices/codec/modbus"
	"gridhub/devices/profile"
)

// Device is one device at the end of a line.
type Device struct {
	Address string
	Layout  profile.Layout
	Values  func() map[string]float64 // asked for each answer; safe for concurrent use
	// Write sets what a master wrote, on Modbus; false: there is no such
	// register. nil refuses the function. Safe for concurrent use.
	Write func(w modbus.Write) bool
}

// Faults are what a bad line does. The zero value is a good line.
type Faults struct {
	DamageEvery int           // every so many answers one byte is wrong; 0 = never
	SilentEvery int           // every so many answers none comes; 0 = never
	Delay       time.Duration // before each answer
	Chunk       int           // meters: bytes of data in one frame, to make continuations; 0 = 200
}

// Slaves are the devices of one line. Serve may be called for several
// connections at a time.
type Slaves struct {
	devices []Device
	faults  Faults

	mu      sync.Mutex
	answers int
}

// New returns the devices of one line.
func New(devices []Device, f Faults) *Slaves { return &Slaves{devices: devices, faults: f} }

// maxBuffer bounds what waits for the rest of a request.
const maxBuffer = 4 << 10

// Serve answers requests on rw until it ends or ctx does; closing rw is the
// caller's. Requests of both kinds are told apart by their form.
func (s *Slaves) Serve(ctx context.Context, rw io.ReadWriter) error {
	var buf []byte
	chunk := make([]byte, 512)
	for {
		n, err := rw.Read(chunk)
		if ctx.Err() != nil || errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		buf = append(buf, chunk[:n]...)
		for {
			answer, rest, ok := s.next(buf)
			if !ok {
				break
			}
			buf = rest
			if err := s.send(ctx, rw, answer); err != nil {
				return err
			}
		}
		buf = buf[max(0, len(buf)-maxBuffer):]
	}
}

// next takes one request off buf.
func (s *Slaves) next(buf []byte) (answer, rest []byte, ok bool) {
	for i := range buf {
		head := buf[i:]
		if f, rest, ok := meterRequest(head); ok {
			return s.meter(f), rest, true
		}
		if size, ok := requestLength(head); ok && len(head) >= size {
			if body, err := modbus.OpenRTU(head[0], head[:size]); err == nil {
				if reply := s.modbus(head[0], body); reply != nil {
					answer = modbus.RTU(head[0], reply)
				}
				return answer, head[size:], true
			}
		}
	}
	return nil, buf, false
}

// requestLength is the length of the Modbus request that head begins.
func requestLength(head []byte) (size int, ok bool) {
	if len(head) >= 2 && head[1] >= 1 && head[1] <= 4 {
		return 8, true
	}
	return modbus.WriteLength(head)
}

// meterRequest reads a frame at the very front of b, behind waking bytes.
func meterRequest(b []byte) (f dlt645.Frame, rest []byte, ok bool) {
	b = bytes.TrimLeft(b, "\xFE")
	if len(b) == 0 || b[0] != 0x68 {
		return f, nil, false
	}
	f, rest, ok, _ = dlt645.Next(b)
	return f, rest, ok && f.Control&dlt645.FromMeter == 0
}

// modbus returns the body of a reply; nil is silence.
func (s *Slaves) modbus(unit byte, body []byte) []byte {
	for _, d := range s.devices {
		layout, ok := d.Layout.(modbus.Layout)
		if n, err := strconv.Atoi(d.Address); !ok || err != nil || n != int(unit) {
			continue
		}
		b, ok := modbus.Asked(body)
		if !ok {
			return d.written(body)
		}
		data, ok := layout.Encode(b, d.Values())
		if !ok {
			return []byte{body[0] | 0x80, 2}
		}
		return b.Answered(data)
	}
	return nil
}

// written returns the body of a reply to a request that is none to read.
func (d Device) written(body []byte) []byte {
	w, err := modbus.Written(body)
	var refusal modbus.Exception
	switch {
	case d.Write == nil:
		return modbus.Refuse(body, 1)
	case errors.As(err, &refusal):
		return modbus.Refuse(body, refusal)
	case !d.Write(w):
		return modbus.Refuse(body, 2)
	}
	return w.Done()
}

// meter returns the frame of a meter's answer; nil is silence.
func (s *Slaves) meter(ask dlt645.Frame) []byte {
	for _, d := range s.devices {
		layout, ok := d.Layout.(dlt645.Layout)
		own, err := dlt645.ParseAddress(d.Address)
		if !ok || err != nil || !ask.Address.Matches(own) {
			continue
		}
		if answer, ok := layout.Edition.Serve(own, ask, s.faults.Chunk, func(di dlt645.DI) []byte { return layout.Encode(di, d.Values()) }); ok {
			return answer.Bytes()
		}
	}
	return nil
}

// send writes an answer as well as the line's faults let it.
func (s *Slaves) send(ctx context.Context, w io.Writer, answer []byte) error {
	if answer == nil {
		return nil
	}
	s.mu.Lock()
	s.answers++
	n := s.answers
	s.mu.Unlock()
	if s.faults.Delay > 0 {
		select {
		case <-time.After(s.faults.Delay):
		case <-ctx.Done():
			return nil
		}
	}
	if every := s.faults.SilentEvery; every > 0 && n%every == 0 {
		return nil
	}
	if every := s.faults.DamageEvery; every > 0 && n%every == 0 {
		answer[len(answer)-3] ^= 0x20
	}
	_, err := w.Write(answer)
	return err
}

// mbap is the size of Modbus TCP's header.
const mbap = 7

// ServeTCP answers Modbus TCP on one connection until it ends.
func (s *Slaves) ServeTCP(ctx context.Context, c io.ReadWriter) error {
	var head [mbap]byte
	for {
		if _, err := io.ReadFull(c, head[:]); err != nil {
			return nil
		}
		size := int(binary.BigEndian.Uint16(head[4:]))
		if size < 2 || size > 254 {
			return errors.New("not Modbus TCP")
		}
		body := make([]byte, size-1)
		if _, err := io.ReadFull(c, body); err != nil {
			return nil
		}
		reply := s.modbus(head[6], body)
		if reply == nil {
			continue
		}
		binary.BigEndian.PutUint16(head[4:], uint16(1+len(reply)))
		if err := s.send(ctx, c, append(bytes.Clone(head[:]), reply...)); err != nil {
			return err
		}
	}
}

// Accept serves every connection to l until ctx ends; framed says that they
// speak Modbus TCP.
func (s *Slaves) Accept(ctx context.Context, l net.Listener, framed bool) error {
	defer context.AfterFunc(ctx, func() { l.Close() })()
	var open sync.WaitGroup
	defer open.Wait()
	for {
		c, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		open.Go(func() {
			defer c.Close()
			defer context.AfterFunc(ctx, func() { c.Close() })()
			if framed {
				_ = s.ServeTCP(ctx, c) // its end is the connection's
				return
			}
			_ = s.Serve(ctx, c)
		})
	}
}
