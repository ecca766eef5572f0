// Package bus holds the byte streams on which field devices speak: a serial
// port, or a TCP connection to a converter that has one. It promises that a
// port has one owner, that an unplugged adapter is told from silence, and that
// a lost way is opened again with growing pauses. What the bytes mean belongs
// to the drivers.
package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"gridhub/devices/profile"
)

// Stream is an open way for bytes, for one goroutine.
type Stream interface {
	// Read returns 0 and no error when nothing came for a tenth of a second.
	// Any error means that the stream is gone.
	Read(p []byte) (int, error)
	Write(p []byte) (int, error)
	// Flush discards what waits to be read.
	Flush() error
	Close() error
}

// Open opens the stream that l describes: its serial port, or a connection to
// its address.
func Open(ctx context.Context, l profile.Line) (Stream, error) {
	if l.Kind == profile.TCP {
		return Dial(ctx, l.Address, l.Timeout)
	}
	return OpenPort(l)
}

// PerByte is how long one byte takes on the line: start, eight bits, parity
// and stop. Behind a converter on the network it is that of 9600 baud.
func PerByte(l profile.Line) time.Duration {
	return 11 * time.Second / time.Duration(max(l.Baud, 300))
}

// socket is a TCP connection that reads in ticks, as a port does.
type socket struct{ net.Conn }

// Dial connects to a converter.
func Dial(ctx context.Context, address string, timeout time.Duration) (Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return socket{conn}, nil
}

func (s socket) Read(p []byte) (int, error) {
	if err := s.SetReadDeadline(time.Now().Add(readTimeout)); err != nil {
		return 0, err
	}
	n, err := s.Conn.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return n, nil
	}
	return n, err
}

func (s socket) Write(p []byte) (int, error) {
	if err := s.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return s.Conn.Write(p)
}

// writeTimeout is how long a converter may take to accept a request.
const writeTimeout = 5 * time.Second

// Flush reads away what has already come.
func (s socket) Flush() error {
	var bin [512]byte
	for {
		if err := s.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
			return err
		}
		n, err := s.Conn.Read(bin[:])
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err != nil:
			return err
		case n < len(bin):
			return nil
		}
	}
}

// Pauses before a lost way is opened again.
const (
	firstPause   = 500 * time.Millisecond
	longestPause = 30 * time.Second
)

// Lost means that the way itself is not there, whatever device was asked.
type Lost struct{ Err error }

func (e *Lost) Error() string { return e.Err.Error() }
func (e *Lost) Unwrap() error { return e.Err }

// Way keeps something open that may be lost: it is opened when it is first
// needed, and again, with growing pauses, after it was lost. It is for one
// goroutine.
type Way[T interface{ Close() error }] struct {
	open    func(context.Context) (T, error)
	log     *slog.Logger
	now     T
	isOpen  bool
	failed  error // why it could not be opened
	pause   time.Duration
	notTill time.Time // no new attempt to open before
}

// NewWay returns a way that open opens. log gets one line when it is lost and
// one when it is back.
func NewWay[T interface{ Close() error }](log *slog.Logger, open func(context.Context) (T, error)) *Way[T] {
	return &Way[T]{open: open, log: log}
}

// Do runs f on the open way. lost says of f's error whether it means that the
// way is gone; one that had been open before is then opened and tried once
// more at once, because many devices close idle connections. The error is a
// *Lost, f's, or ctx's.
func (w *Way[T]) Do(ctx context.Context, f func(T) error, lost func(error) bool) error {
	for used := w.isOpen; ; used = false {
		if err := w.ensure(ctx); err != nil {
			return err
		}
		err := f(w.now)
		if err == nil || !lost(err) || ctx.Err() != nil {
			return err
		}
		w.Close()
		if !used {
			w.postpone(err)
			return &Lost{err}
		}
	}
}

// ensure opens the way unless it is open or was tried in vain just now.
func (w *Way[T]) ensure(ctx context.Context) error {
	if w.isOpen {
		return nil
	}
	if time.Now().Before(w.notTill) {
		return &Lost{w.failed}
	}
	now, err := w.open(ctx)
	if err != nil {
		w.postpone(err)
		return &Lost{err}
	}
	if w.failed != nil {
		w.log.Info("line is back")
	}
	w.now, w.isOpen, w.failed, w.pause = now, true, nil, 0
	return nil
}

// postpone sets when the way may be opened again.
func (w *Way[T]) postpone(err error) {
	if w.failed == nil {
		w.log.Warn("line is down", "error", err)
	}
	w.failed = err
	w.pause = min(max(2*w.pause, firstPause), longestPause)
	w.notTill = time.Now().Add(w.pause)
}

// Impatient lets the next attempt to open happen at once.
func (w *Way[T]) Impatient() { w.notTill = time.Time{} }

// Pause is how long no new attempt to open will be made.
func (w *Way[T]) Pause() time.Duration { return max(0, time.Until(w.notTill)) }

// Close lets go of the way; the next Do opens it again. It is idempotent.
func (w *Way[T]) Close() error {
	if !w.isOpen {
		return nil
	}
	w.isOpen = false
	if err := w.now.Close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return nil
}
