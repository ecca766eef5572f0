package modbus

import (
	"bytes"
	"context"
	"time"

	codec "gridhub/devices/codec/modbus"
	"gridhub/devices/profile"
	"gridhub/edge/driver"
	"gridhub/edge/driver/bus"
)

// rtu speaks Modbus RTU on a port. Frames are found by their expected length
// and CRC, not by silence: the kernel and USB adapters deliver bytes in lumps.
type rtu struct {
	port    bus.Stream
	perByte time.Duration // on the line: start, eight bits, parity, stop
	last    time.Time     // when the last byte was on the line, as far as we know
	suspect bool          // the last answer did not come: it may still be on its way
	overlap bool          // some answer came twice since this was last asked
}

func openRTU(ctx context.Context, l profile.Line) (transport, error) {
	p, err := bus.Open(ctx, l)
	if err != nil {
		return nil, err
	}
	return &rtu{port: p, perByte: bus.PerByte(l)}, nil
}

func (r *rtu) Close() error { return r.port.Close() }

// minSilence is the idle time that separates RTU frames: 3.5 characters, and a
// fixed 1.75 ms above 19200 baud (Modbus over Serial Line V1.02, 2.5.1.1).
func (r *rtu) minSilence() time.Duration {
	return max(3*r.perByte+r.perByte/2, 1750*time.Microsecond)
}

func (r *rtu) exchange(ctx context.Context, unit byte, b codec.Block, timeout time.Duration) ([]byte, error) {
	if err := r.settle(ctx, timeout); err != nil {
		return nil, err
	}
	request := codec.RTU(unit, b.Request())
	if _, err := r.port.Write(request); err != nil {
		return nil, err
	}
	most := len(request) + 5 + b.Size()
	deadline := time.Now().Add(timeout + time.Duration(most)*r.perByte)
	data, err := r.receive(ctx, unit, b, deadline)
	r.last = time.Now()
	r.suspect = err != nil && !refused(err)
	return data, err
}

// settle makes the line quiet: what is still in the buffers belongs to nobody,
// and after a missing answer it may yet come. An answer that is later than
// that, from the same unit, of the same function and length, cannot be told
// from the right one: RTU has no transaction number.
func (r *rtu) settle(ctx context.Context, timeout time.Duration) error {
	if err := r.port.Flush(); err != nil {
		return err
	}
	if !r.suspect {
		if rest := r.minSilence() - time.Since(r.last); rest > 0 {
			time.Sleep(rest)
		}
		return nil
	}
	var bin [codec.MaxFrame]byte
	for end := time.Now().Add(timeout); time.Now().Before(end) && ctx.Err() == nil; {
		n, err := r.port.Read(bin[:])
		if err != nil {
			return err
		}
		if n == 0 { // a whole read timeout of silence
			break
		}
	}
	return ctx.Err()
}

// receive collects bytes until they hold the answer. Bytes before it (noise,
// an adapter's echo of the request, another device's frame) are passed over.
func (r *rtu) receive(ctx context.Context, unit byte, b codec.Block, deadline time.Time) ([]byte, error) {
	var buf []byte
	var chunk [codec.MaxFrame]byte
	var fault error
	for time.Now().Before(deadline) {
		n, err := r.port.Read(chunk[:])
		if err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		buf = append(buf, chunk[:n]...)
		if over := len(buf) - 4*codec.MaxFrame; over > 0 {
			buf = buf[over:] // a bus that babbles must not fill the memory
		}
		data, end, err := find(buf, unit, b)
		if data != nil || refused(err) {
			again, _, bad := find(buf[end:], unit, b)
			r.overlap = r.overlap || again != nil || bad != nil
			return data, err
		}
		if err != nil {
			fault = err
		}
	}
	if fault == nil {
		fault = unanswered(buf, codec.RTU(unit, b.Request()))
	}
	return nil, fault
}

// unanswered says what came instead of an answer; an adapter's echo of the
// request is nothing.
func unanswered(heard, request []byte) error {
	heard = bytes.TrimPrefix(heard, request)
	for i := range heard {
		size, ok, err := codec.RTULength(heard[i:])
		if !ok || err != nil || len(heard) < i+size {
			continue
		}
		if _, err := codec.OpenRTU(heard[i], heard[i:i+size]); err == nil {
			return driver.Unanswered(driver.Stranger, heard[i:])
		}
	}
	return driver.Unanswered(driver.Garbage, heard)
}

// overlapped reports, once, whether a question had more than one answer.
func (r *rtu) overlapped() bool {
	was := r.overlap
	r.overlap = false
	return was
}

func refused(err error) bool {
	_, ok := err.(codec.Exception)
	return ok
}

// find looks for the answer to b from unit anywhere in buf. The error says
// what the bytes that looked like it were instead; nil data and nil error mean
// that nothing looked like it yet; end is behind what was found.
func find(buf []byte, unit byte, b codec.Block) (data []byte, end int, err error) {
	function := b.Request()[0]
	for i := range buf {
		head := buf[i:]
		if head[0] != unit || len(head) < 3 {
			continue
		}
		size := 5
		switch {
		case head[1] == function && int(head[2]) == b.Size():
			size = 5 + b.Size()
		case head[1] != function|0x80:
			continue
		}
		if len(head) < size {
			continue // its end may still come
		}
		body, bad := codec.OpenRTU(unit, head[:size])
		if bad == nil {
			data, err = b.Answer(body)
			return data, i + size, err
		}
		err = bad
	}
	return nil, 0, err
}
