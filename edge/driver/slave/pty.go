package slave

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// PTY is a pseudo-terminal: a serial port that exists only on this machine.
// The master's end is ours, the port is for whoever reads devices.
type PTY struct {
	Master *os.File
	port   *os.File // held open, so that the master survives our peer's Close
}

// OpenPTY opens a pair by hand: ptmx, unlock, number. The port is raw, as it is
// before anybody sets it up.
func OpenPTY() (*PTY, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	conn, err := master.SyscallConn() // Fd would make it blocking, and Close hang
	if err != nil {
		return nil, errors.Join(err, master.Close())
	}
	var number uint32
	var failed error
	err = conn.Control(func(fd uintptr) {
		if failed = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); failed == nil {
			number, failed = unix.IoctlGetUint32(int(fd), unix.TIOCGPTN)
		}
	})
	if err := errors.Join(err, failed); err != nil {
		return nil, errors.Join(fmt.Errorf("unlock: %w", err), master.Close())
	}
	port, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, errors.Join(err, master.Close())
	}
	return &PTY{master, port}, raw(port)
}

func raw(f *os.File) error {
	t, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		return err
	}
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
	return unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, t)
}

// Path is the port's device file.
func (p *PTY) Path() string { return p.port.Name() }

// Close takes the port away: who has it open meets errors.
func (p *PTY) Close() error { return errors.Join(p.port.Close(), p.Master.Close()) }

// ServePTY answers on p until ctx ends, and closes it.
func (s *Slaves) ServePTY(ctx context.Context, p *PTY) error {
	defer context.AfterFunc(ctx, func() { p.Close() })()
	err := s.Serve(ctx, p.Master)
	if ctx.Err() != nil {
		return nil
	}
	return err
}
