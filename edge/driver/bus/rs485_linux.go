package bus

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rs485 is struct serial_rs485 of linux/serial.h.
type rs485 struct {
	flags      uint32
	beforeSend uint32 // milliseconds
	afterSend  uint32
	reserved   [5]uint32
}

const (
	tiocsrs485   = 0x542F
	rs485Enabled = 1 << 0
	rs485OnSend  = 1 << 1 // RTS is high while sending
)

// enableRS485 lets the kernel's driver switch the transceiver.
func enableRS485(f *os.File) error {
	mode := rs485{flags: rs485Enabled | rs485OnSend}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), tiocsrs485, uintptr(unsafe.Pointer(&mode)))
	if errno != 0 {
		return errno
	}
	return nil
}
