package bus

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/tarm/serial"
	"golang.org/x/sys/unix"

	"gridhub/devices/profile"
)

// Errors of a port.
var (
	ErrUnplugged = errors.New("serial port is gone: unplugged, or its converter lost power")
	ErrInUse     = errors.New("another program has the serial port")
)

const (
	readTimeout = 100 * time.Millisecond // the finest that tarm/serial has; a Stream's tick
	early       = readTimeout / 2        // an "end of file" sooner than this is no timeout
	maxEarly    = 3                      // of these in a row, and the port is gone
)

// tty wraps tarm/serial, which reports a timeout and an unplugged adapter both
// as io.EOF, opens a port twice without complaint, and knows no RS-485.
type tty struct {
	path  string
	port  rawPort
	lock  *os.File
	early int
}

// rawPort is what of serial.Port is used.
type rawPort interface {
	io.ReadWriteCloser
	Flush() error
}

// OpenPort opens and locks the port that l describes.
func OpenPort(l profile.Line) (Stream, error) {
	lock, err := lockPort(l)
	if err != nil {
		return nil, err
	}
	parity := map[string]serial.Parity{"none": serial.ParityNone, "even": serial.ParityEven, "odd": serial.ParityOdd}[l.Parity]
	port, err := serial.OpenPort(&serial.Config{
		Name: l.Path, Baud: l.Baud, ReadTimeout: readTimeout, Parity: parity, StopBits: serial.StopBits(max(l.StopBits, 1)),
	})
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("open %s: %w", l.Path, err)
	}
	// Keeps out programs that know no flock, unless they are root's. It has to
	// come last: it would keep out tarm as well.
	_ = unix.IoctlSetInt(int(lock.Fd()), unix.TIOCEXCL, 0)
	return &tty{path: l.Path, port: port, lock: lock}, nil
}

// lockPort takes the port for this process, on a descriptor of its own, and
// switches the kernel's RS-485 mode on before the first byte is sent.
func lockPort(l profile.Line) (*os.File, error) {
	f, err := os.OpenFile(l.Path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.EBUSY) {
		return nil, fmt.Errorf("%s: %w", l.Path, ErrInUse)
	}
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", l.Path, ErrInUse)
	}
	if l.RS485 {
		if err := enableRS485(f); err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: rs485: the driver cannot turn the line round: %w", l.Path, err)
		}
	}
	return f, nil
}

func (t *tty) Read(p []byte) (int, error) {
	began := time.Now()
	n, err := t.port.Read(p)
	switch {
	case n > 0:
		t.early = 0
		return n, nil
	case err != nil && !errors.Is(err, io.EOF):
		return 0, fmt.Errorf("%w (%w)", ErrUnplugged, err)
	case time.Since(began) < early:
		if t.early++; t.early >= maxEarly {
			return 0, ErrUnplugged
		}
		return 0, nil
	}
	t.early = 0
	if _, err := os.Stat(t.path); err != nil {
		return 0, fmt.Errorf("%w (%w)", ErrUnplugged, err)
	}
	return 0, nil
}

func (t *tty) Write(p []byte) (int, error) {
	n, err := t.port.Write(p)
	if errors.Is(err, syscall.EIO) || errors.Is(err, syscall.ENXIO) || errors.Is(err, syscall.ENODEV) {
		err = fmt.Errorf("%w (%w)", ErrUnplugged, err)
	}
	return n, err
}

func (t *tty) Flush() error { return t.port.Flush() }

func (t *tty) Close() error {
	_ = unix.IoctlSetInt(int(t.lock.Fd()), unix.TIOCNXCL, 0)
	return errors.Join(t.port.Close(), t.lock.Close())
}
