package sfu

import (
	"encoding/binary"
	"net"
	"syscall"
)

// udpSegment is UDP_SEGMENT of udp(7): the kernel, from 4.18 on, cuts what is
// sent into datagrams of this size.
const udpSegment = 103

// canSegment asks the kernel: an older one would send a train as one datagram.
func canSegment(conn *net.UDPConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	known := false
	err = raw.Control(func(fd uintptr) {
		known = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_UDP, udpSegment, 0) == nil
	})
	return err == nil && known
}

// segmentSize appends the control message that cuts what it comes with.
func segmentSize(b []byte, size int) []byte {
	space := syscall.CmsgSpace(2)
	b = append(b, make([]byte, space)...)
	h := b[len(b)-space:]
	length := uint64(syscall.CmsgLen(2))
	at := syscall.CmsgLen(0) - 8 // level and type follow a length of the machine's word size
	if at == 8 {
		binary.NativeEndian.PutUint64(h, length)
	} else {
		binary.NativeEndian.PutUint32(h, uint32(length))
	}
	binary.NativeEndian.PutUint32(h[at:], syscall.IPPROTO_UDP)
	binary.NativeEndian.PutUint32(h[at+4:], udpSegment)
	binary.NativeEndian.PutUint16(h[at+8:], uint16(size))
	return b
}
