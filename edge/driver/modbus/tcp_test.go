package modbus

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"gridhub/devices/profile"
	"gridhub/edge/driver"
)

// tcpSlave answers each request on a connection with the bytes that reply
// returns; nil hangs up.
func tcpSlave(t *testing.T, reply func(n int64, request []byte) []byte) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var count atomic.Int64
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				request := make([]byte, 12)
				for {
					if _, err := io.ReadFull(c, request); err != nil {
						return
					}
					answer := reply(count.Add(1)-1, slices.Clone(request))
					if answer == nil {
						return
					}
					if _, err := c.Write(answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

func tcpLine(address string) *Line {
	l := profile.Line{Name: "net", Kind: profile.TCP, Address: address}
	l.SetDefaults()
	l.Timeout = 150 * time.Millisecond
	return New(l, slog.New(slog.DiscardHandler))
}

// framed wraps a body in the header of the request it answers.
func framed(request []byte, body ...byte) []byte {
	f := append([]byte{request[0], request[1], 0, 0, 0, byte(1 + len(body)), request[6]}, body...)
	return f
}

func TestTCPAnswers(t *testing.T) {
	right := []byte{3, 4, 0, 1, 0x11, 0x70}
	tests := []struct {
		name  string
		reply func(request []byte) []byte
		cause string
	}{
		{"sound", func(r []byte) []byte { return framed(r, right...) }, ""},
		{"a late answer first", func(r []byte) []byte {
			late := framed(r, 3, 4, 9, 9, 9, 9)
			binary.BigEndian.PutUint16(late, binary.BigEndian.Uint16(r)-1)
			return append(late, framed(r, right...)...)
		}, ""},
		{"another unit's first", func(r []byte) []byte {
			other := framed(r, 3, 4, 9, 9, 9, 9)
			other[6]++
			return append(other, framed(r, right...)...)
		}, ""},
		{"exception 6", func(r []byte) []byte { return framed(r, 0x83, 6) }, "exception-6"},
		{"silence", func([]byte) []byte { return []byte{} }, driver.Timeout},
		{"another function", func(r []byte) []byte { return framed(r, 4, 4, 9, 9, 9, 9) }, driver.Damaged},
		{"too few bytes", func(r []byte) []byte { return framed(r, 3, 4, 9, 9) }, driver.Damaged},
		{"cut", func(r []byte) []byte { return framed(r, right...)[:9] }, driver.LineDown},
		{"no Modbus at all", func([]byte) []byte { return []byte("HTTP/1.1 400 Bad Request\r\n\r\n") }, driver.LineDown},
		{"hung up", func([]byte) []byte { return nil }, driver.LineDown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			line := tcpLine(tcpSlave(t, func(_ int64, r []byte) []byte { return tt.reply(r) }))
			defer line.Close()
			r, err := line.Read(t.Context(), station(t, 1))
			if tt.cause == "" && (err != nil || r.Values[0].Value != 70000) || tt.cause != "" && driver.Cause(err) != tt.cause {
				t.Errorf("got %+v, %v, want cause %q", r, err, tt.cause)
			}
		})
	}
}

// TestIdleConnection holds that a device which closes idle connections loses
// no reading.
func TestIdleConnection(t *testing.T) {
	address := tcpSlave(t, func(n int64, r []byte) []byte {
		if n == 1 { // the second request meets a closed connection
			return nil
		}
		return framed(r, 3, 4, 0, 1, 0x11, 0x70)
	})
	line := tcpLine(address)
	defer line.Close()
	for n := range 3 {
		if r, err := line.Read(t.Context(), station(t, 1)); err != nil || r.Values[0].Value != 70000 {
			t.Fatalf("reading %d: %+v, %v", n, r, err)
		}
	}
}

// TestPauseBeforeOpening holds that a line which cannot be opened is not tried
// with every reading.
func TestPauseBeforeOpening(t *testing.T) {
	tries := 0
	line := newLine(profile.Line{Name: "net", Timeout: time.Second}, slog.New(slog.DiscardHandler), func(context.Context) (transport, error) {
		tries++
		return nil, errors.New("nobody there")
	})
	for range 50 {
		if _, err := line.Read(t.Context(), station(t, 1)); driver.Cause(err) != driver.LineDown {
			t.Fatal(err)
		}
	}
	if tries != 1 {
		t.Errorf("%d attempts at once, want 1", tries)
	}
}
